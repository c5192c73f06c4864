"""The same map of several kinds of network: its cells, its summary, and what branches of 1/sqrt(L) do to the kernel."""

import numpy as np
import pytest

from engine.config import RunConfig
from engine.initialisation.brute_force import kernel_draws
from engine.initialisation.sampled_spread import interval
from engine.initialisation.spread import MEASURED_BETA, exact_spread, has_measured_beta, initial_network
from engine.networks.base import NetworkConfig
from engine.networks.mlp_config import MLPConfig
from engine.regimes.config import SweepConfig
from engine.regimes.job import cell
from engine.regimes.result import METRICS, SPREAD, as_defined, cells_frame, runs_frame
from engine.regimes.summary import summary
from engine.schema import ConfigError

BIASES = {"sigma_w_readout": 1.0, "train_bias": False, "output_bias": False}
KINDS = ["mlp", "resnet", "conv"]


def sweep_of(**grid: list) -> SweepConfig:
    base = {
        "data": {"name": "digits", "size": 4, "test_size": 8},
        "network": BIASES,
        "training": {"loss": "half_sum", "max_steps": 40, "stop_residual": 0.7},
    }
    return SweepConfig.from_dict({"base": base, "grid": grid, "seeds": [0]})


def test_the_maps_of_its_kinds_ask_for_the_cells_of_the_whole() -> None:
    whole = sweep_of(**{"network.kind": KINDS, "network.depth": [1, 2], "network.width": [4, 8]})
    parts = {part.hash for one in whole.architectures.values() for cell in one.cells for part in cell.parts}
    assert parts == {part.hash for cell in whole.cells for part in cell.parts}
    assert list(whole.architectures) == KINDS
    assert {cell.run.network.kind for cell in whole.architectures["conv"].cells} == {"conv"}
    assert sweep_of(**{"network.depth": [1, 2]}).architectures == {}
    plain = sweep_of(**{"network.depth": [1, 2]})
    assert {cell.run for cell in plain.cells} == {
        cell.run for cell in sweep_of(**{"network.kind": ["mlp"], "network.depth": [1, 2]}).cells
    }


def test_beta_is_no_axis_where_it_is_not_defined() -> None:
    with pytest.raises(ConfigError, match=r"grid\.beta: is not defined for a network of kind resnet"):
        sweep_of(**{"network.kind": ["mlp", "resnet"], "network.depth": [2], "beta": [0.1, 0.2]})


@pytest.mark.parametrize(("train", "there"), [("all", True), ("readout", False), ("hidden", False)])
def test_cells_have_a_measured_beta_where_runs_have_one(train: str, there: bool) -> None:
    """The kernel of some layers alone is not spread as that of all layers of the fully connected network."""
    sweep = sweep_of(**{"network.kind": ["resnet"], "network.train": [train]})
    row = {"seed": np.array([0]), "end": np.array(["residual"]), **{name: np.ones(1) for name in METRICS}}
    spread = {name: np.array(cv2) for name, cv2 in zip(SPREAD, (0.3, 0.25, 0.35), strict=True)}
    (run,) = (cell.parts[0] for cell in sweep.cells)
    runs = runs_frame(sweep, {run.hash: row | spread})
    assert (MEASURED_BETA[0] in runs) is has_measured_beta(run) is there
    if there:
        assert np.isfinite(runs[list(MEASURED_BETA)].to_numpy()).all()


@pytest.mark.long
def test_a_small_map_of_three_architectures() -> None:
    whole = sweep_of(**{"network.kind": KINDS, "network.depth": [2], "network.width": [4, 16]})
    results = {part.hash: cell(part)["result"] for one in whole.cells for part in one.parts}
    found = summary(whole, runs_frame(whole, results), {}, 1.0)
    assert found["runs"] == 6
    assert found["boundaries"]["lazy_weak"]["beta"] is None
    assert "network.kind varies too" in found["boundaries"]["lazy_weak"]["reason"]
    for kind in KINDS:
        own = found["architectures"][kind]
        assert sum(own["labels"].values()) == 2
        assert [row["width"] for row in own["spread"]] == [4.0, 16.0]
    exact = [row["cv2"] for row in found["architectures"]["mlp"]["spread"]]
    network = whole.architectures["mlp"].cells[0].run.network
    assert isinstance(network, MLPConfig)
    assert exact[0] > exact[1] > 0
    assert [own["along"] for own in found["architectures"].values()] == ["beta", "depth/width", "depth/width"]
    assert found["growth"] == {}  # one depth
    assert set(found["ratios"]) == {"resnet", "conv"}
    assert 0 < found["ratios"]["resnet"]["drift"]["ratio"] < 2
    table = as_defined(cells_frame(runs_frame(whole, results))).set_index(["kind", "width"]).sort_index()
    assert table.loc["mlp", "beta"].tolist() == [0.5, 0.125]
    assert table.loc[["resnet", "conv"], "beta"].isna().all()
    assert table.loc["resnet", "depth_per_width"].tolist() == [0.5, 0.125]
    wide = table.loc["resnet", 16]
    assert 0 < wide["measured_beta_low"] < wide["measured_beta"] < wide["measured_beta_high"] < 0.125
    assert np.isnan(table.loc["resnet", 4]["measured_beta"])  # var ln K is 1: millions of draws would be needed
    narrowest, widest = found["architectures"]["resnet"]["spread"]
    assert narrowest["cv2_low"] > widest["cv2_high"]
    assert table.loc["mlp", "measured_beta"].isna().all()
    assert found["architectures"]["mlp"]["stochastic_kernel"]
    assert found["architectures"]["resnet"]["stochastic_kernel"] is None


def test_branches_of_an_inverse_root_of_depth_have_no_exponential_of_beta() -> None:
    """At fixed L/n CV^2 of K_0(x, x) of a fully connected network tends to e^{5 L/n} - 1 (Hanin and Nica); with
    branches of 1/sqrt(L) it is O(1/n): n CV^2 stays, within the 95% intervals of 2,000 draws and their bias."""
    x, scaled, fully = np.ones(8), [], []
    for depth, width in ((4, 16), (8, 32)):
        network = NetworkConfig.from_dict({"kind": "resnet", "depth": depth, "width": width, **BIASES})
        found = interval(kernel_draws(network, x, 2000, 0))
        scaled.append(width * np.array([found["cv2_low"], found["cv2"], min(found["cv2_high"], 9.0)]))
        fully.append(exact_spread(initial_network(MLPConfig.from_dict(
            {"depth": depth, "width": width, **BIASES}), 8, 8.0)))  # fmt: skip
    low, at, _ = np.array(scaled).T
    assert at.max() < 1.3 * at.min()
    assert low.min() > 3
    assert fully[0] < fully[1] < np.expm1(5 / 4)
    assert at[-1] / 32 < 0.15 * fully[-1]


def test_cells_of_other_kinds_are_trained_beside_their_lazy_networks() -> None:
    """Near the limit of a large output scale the network is that of its frozen kernel."""
    network = {
        "kind": "resnet",
        "depth": 1,
        "width": 16,
        "activation": "tanh",
        "alpha": 30.0,
        "centred": True,
        **BIASES,
    }
    config = RunConfig.from_dict(
        {
            "data": {"name": "sphere", "dim": 4, "size": 4, "test_size": 8},
            "network": network,
            "training": {"max_steps": 2000, "checkpoints": 2, "stop_residual": 0.3},
            "store_parameters": False,
        }
    )
    found = cell(config)["result"]
    assert found["end"][0] == "residual"
    assert found["elt"][0] < 0.02
    assert 0 < found["cv2_low"] < found["cv2"]
