"""Networks of which the readout alone, or the hidden layers alone, train."""

import numpy as np
import pytest
import scipy.special

import engine as kd
from engine.config import RunConfig
from engine.data import generate
from engine.initialisation.brute_force import brute_force
from engine.initialisation.gram import gram_chunks
from engine.initialisation.law import InitialNetwork, exact_law
from engine.initialisation.sampled_spread import spread_at_initialisation
from engine.initialisation.spread import exact_spread
from engine.networks import model
from engine.networks.base import NetworkConfig
from engine.networks.infinite import nngp, ntk
from engine.networks.mlp_config import MLPConfig
from engine.networks.model import init, trained
from engine.networks.parameters import ParameterPath
from engine.schema import ConfigError
from engine.training.job import run
from engine.training.result import RunResult

DATA = {"name": "circle", "size": 8, "test_size": 8, "frequencies": [1, 2]}
TRAINING = {"max_steps": 60, "stop_residual": None, "checkpoints": 5}
X = np.array([[1.2, -0.3, 0.4], [0.5, 0.9, -0.2], [-0.4, 0.3, 0.9]])


def config_of(train: str, **network: object) -> RunConfig:
    network = {"depth": 2, "width": 12, "activation": "erf", "train": train, **network}
    return RunConfig.from_dict({"data": DATA, "network": network, "training": TRAINING})


def ends(config: RunConfig) -> tuple[RunResult, dict, dict]:
    """The result, and the parameters at the start and at the stop."""
    entries = run(config)
    path = ParameterPath.from_arrays(entries["parameters"], 0)
    return RunResult.from_arrays(entries["result"]), path.at(0), path.at(len(path.steps) - 1)


def test_all_is_what_it_was() -> None:
    assert config_of("all").hash == RunConfig.from_dict({**config_of("all").to_dict()}).hash
    assert "train" not in config_of("all").to_dict()["network"]


@pytest.mark.parametrize("train", ["all", "readout", "hidden"])
@pytest.mark.parametrize("train_bias", [True, False])
def test_only_what_trains_moves_and_is_counted(train: str, train_bias: bool) -> None:
    config = config_of(train, train_bias=train_bias, bias_init="normal")
    _, first, last = ends(config)
    moved = 0
    for block, leaves in first.items():
        for leaf, array in leaves.items():
            trains = (leaf == "w" or train_bias) and train in ("all", "readout" if block == "readout" else "hidden")
            assert np.any(last[block][leaf] != array) == trains, (block, leaf)
            moved += array.size if trains else 0
    assert config.parameter_count == moved
    assert config.stored_count == sum(array.size for leaves in first.values() for array in leaves.values())


def test_the_readout_alone_leaves_the_kernel_and_follows_its_closed_form() -> None:
    """Bit by bit the same kernel; and f = y + (I - eta_eff K)^k (f_0 - y), with K of the readout's features."""
    config = config_of("readout")
    found, first, _ = ends(config)
    seed, data = found.seeds[0], generate(config.data)
    assert np.all(seed["eigenvalues"] == seed["eigenvalues"][0])
    assert np.all(seed["drift"] == 0)
    a = np.asarray(data.x_train, np.float64)
    for layer in range(2):
        block = first["hidden_0"] if layer == 0 else first["hidden_1"]
        z = config.network.sigma_w / np.sqrt(a.shape[1]) * a @ np.asarray(block["w"][0], np.float64)
        a = scipy.special.erf(z)
    K = config.network.sigma_w_readout**2 / 12 * a @ a.T + 1
    np.testing.assert_allclose(seed["eigenvalues"][0], np.linalg.eigvalsh(K)[::-1], rtol=1e-6, atol=1e-9)
    values, vectors = np.linalg.eigh(K)
    f_0 = seed["f_train"][0][:, 0]
    left = (1 - seed.effective_rate * values) ** seed["step"][-1] * (vectors.T @ (f_0 - data.y_train[:, 0]))
    np.testing.assert_allclose(seed["f_train"][-1][:, 0], data.y_train[:, 0] + vectors @ left, atol=2e-5)


def test_weight_decay_is_of_what_trains_alone() -> None:
    values = config_of("readout").to_dict()
    config = RunConfig.from_dict(values | {"training": TRAINING | {"weight_decay": 0.1}})
    _, first, last = ends(config)
    assert not np.any(first["hidden_0"]["w"] != last["hidden_0"]["w"])
    assert np.linalg.norm(last["readout"]["w"]) < np.linalg.norm(ends(config_of("readout"))[2]["readout"]["w"])
    residual = NetworkConfig.from_dict({"kind": "resnet", "train_bias": False, "bias_init": "normal"})
    assert all(set(leaves) == {"w"} for leaves in trained(residual, model.init(residual, 0, 3)).values())


def test_infinite_kernels_add_up() -> None:
    """Theta of all is that of the readout and of the hidden layers; of the readout, without biases, the NNGP kernel."""
    for shared in ({"train_bias": True}, {"train_bias": False}, {"parameterization": "standard"}):
        parts = [ntk(MLPConfig.from_dict({**shared, "train": one}), X) for one in ("readout", "hidden", "all")]
        np.testing.assert_allclose(parts[0] + parts[1], parts[2], rtol=1e-12)
    network = MLPConfig.from_dict({"train": "readout", "train_bias": False, "activation": "erf", "alpha": 2.0})
    np.testing.assert_allclose(ntk(network, X), nngp(network, X), rtol=1e-12)


def test_spread_of_the_readout_s_kernel_in_closed_form() -> None:
    """One hidden ReLU layer without biases: K = (2/n) sum relu(z_i)^2, whose CV^2 is (3/2 - 1/4)/(1/4)/n = 5/n."""
    values = {"depth": 1, "width": 40, "train": "readout", "train_bias": False}
    config = RunConfig.from_dict({"data": DATA, "network": values})
    found = spread_at_initialisation(config)
    assert found["cv2_low"] < 5 / 40 < found["cv2_high"]
    assert found["cv2_high"] - found["cv2_low"] < 0.05
    setting = InitialNetwork.from_dict({"widths": [2, 40, 1], "train": "readout", "train_bias": False})
    assert exact_spread(setting) is None
    with pytest.raises(ConfigError, match="exact law is that of all layers, not of readout alone"):
        exact_law(setting)


@pytest.mark.parametrize("train", ["readout", pytest.param("hidden", marks=pytest.mark.long)])
def test_sampled_gram_matrices_and_brute_force_agree(train: str) -> None:
    """Means over draws of K(x, x), from the two programs, in standard errors; and the infinite width's."""
    setting = InitialNetwork.from_dict({"widths": [3, 200, 200, 1], "train": train, "activation": "erf"})
    x = np.full((1, 3), np.sqrt(1 / 3))
    K = np.concatenate(list(gram_chunks(setting, x, 1500, np.random.default_rng(0))))[:, 0, 0]
    other = np.concatenate([some.K for some in brute_force(setting, 300, 1, first_step=False)])
    error = np.hypot(K.std() / np.sqrt(len(K)), other.std() / np.sqrt(len(other)))
    assert abs(K.mean() - other.mean()) < 4 * error
    limit = ntk(MLPConfig.from_dict({"depth": 2, "train": train, "activation": "erf"}), x)[0, 0]
    assert K.mean() == pytest.approx(limit, rel=0.03)


@pytest.mark.parametrize("train", ["readout", "hidden"])
def test_the_conjugate_kernel_is_that_of_the_readout_whatever_trains(train: str) -> None:
    network = MLPConfig.from_dict({"depth": 2, "width": 6, "train": train, "train_bias": False})
    readout = MLPConfig.from_dict({**network.to_dict(), "train": "readout"})
    params = init(network, 0, 3)
    expected = kd.ntk(readout, params, X)
    np.testing.assert_allclose(kd.ntk(network, params, X, kernel="conjugate"), expected, rtol=1e-12)


def test_where_the_start_lies() -> None:
    """f_0 = sum v df/dv lies in H_0 where the readout v trains, and need not where it stays."""
    assert MLPConfig.from_dict({"train": "readout"}).spans_start
    assert not MLPConfig.from_dict({"train": "hidden"}).spans_start
    assert MLPConfig.from_dict({"train": "hidden", "centred": True}).spans_start
