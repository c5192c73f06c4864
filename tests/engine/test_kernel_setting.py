"""`kernel` as a setting of a run: keys, what each is, what stays the neural tangent kernel's, what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.config import RunConfig
from engine.data import generate
from engine.jobs import parse
from engine.networks.base import NetworkConfig
from engine.networks.followed import followed, limit, readout
from engine.networks.model import apply, init
from engine.networks.parameters import ParameterPath
from engine.perturbation.config import PerturbationConfig, StudyConfig
from engine.regimes.config import SweepConfig
from engine.rkhs.config import RkhsConfig
from engine.rkhs.job import compare
from engine.rkhs.result import FROZEN, RkhsResult
from engine.rkhs.stored import top_spectrum
from engine.schema import ConfigError
from engine.training.job import run
from engine.training.result import RunResult

CIRCLE = {"name": "circle"}
KEYS = (
    ("run", {"data": CIRCLE}, "f14f66e385639acb"),
    ("run", {"data": CIRCLE, "seeds": [0, 1, 2], "network": {"depth": 2, "width": 64, "activation": "tanh"}},
        "65bbdb46b1372463"),
    ("run", {"data": CIRCLE, "network": {"parameterization": "standard", "sigma_b": 0.5},
        "training": {"integrator": "rk4"}}, "8223ff242be6c0ec"),
    ("run", {"data": {"name": "sphere", "dim": 5, "size": 40},
        "network": {"width": [32, 16, 8], "centred": True, "alpha": 3.0}}, "7359e327ab43dfb1"),
    ("run", {"data": CIRCLE, "training": {"learning_rate": 0.1, "momentum": 0.9, "batch_size": 16}},
        "bc0a1daf35d7f479"),
    ("run", {"data": CIRCLE, "kernel_precision": "mixed", "store_parameters": False}, "c0e139f4f8dbdc1d"),
    ("run", {"data": CIRCLE, "probes": {"name": "circle", "size": 8}}, "276316938300c3a5"),
    ("run", {"data": {"name": "digits", "size": 64}, "network": {"readout": "relu"}}, "05207164af3b9906"),
    ("cell", {"data": CIRCLE, "training": {"checkpoints": 2}, "seeds": [0, 1, 2, 3]}, "24d361da950f0fd1"),
    ("perturbation", {"run": {"data": CIRCLE, "network": {"activation": "erf"}}}, "7ae53e3ad140e27b"),
    ("perturbation_study", {"run": {"data": CIRCLE}, "widths": [16, 32]}, "fc1b43d01dae4a20"),
    ("rkhs", {"run": {"data": CIRCLE}}, "89183effad71f554"),
    ("rkhs", {"run": {"data": CIRCLE}, "options": {"held_out": 64, "times": 8}}, "c660964251dd9b97"),
)  # fmt: skip
"""Kind, config, and the first 16 digits of its hash, as the commit before the setting gave it."""

SMALL = {
    "data": {"name": "sphere", "dim": 3, "size": 10, "test_size": 12, "target": "x0+x1x2"},
    "network": {"depth": 2, "width": 9, "activation": "tanh", "alpha": 0.7},
    "training": {"max_steps": 30, "stop_residual": None, "checkpoints": 4, "precision": "float64"},
    "probes": {"name": "sphere", "dim": 3, "size": 4, "test_size": 2, "seed": 5},
}


def config_of(**changes: object) -> RunConfig:
    values = {name: {**SMALL[name], **changes.pop(name, {})} for name in SMALL}  # type: ignore[dict-item]
    return RunConfig.from_dict({**values, **changes})


def computed(config: RunConfig) -> tuple[RunResult, ParameterPath]:
    entries = run(config)
    return RunResult.from_arrays(entries["result"]), ParameterPath.from_arrays(entries["parameters"], 0)


@pytest.mark.parametrize(("kind", "values", "digits"), KEYS)
def test_keys_from_before_the_setting_stay(kind: str, values: dict, digits: str) -> None:
    config = parse(kind, values)
    assert config.hash.startswith(digits)
    own = config.to_dict().get("run", config.to_dict())
    said = {**values, "run": {**values["run"], "kernel": "ntk"}} if "run" in values else {**values, "kernel": "ntk"}
    assert "kernel" not in own
    assert parse(kind, said).hash == config.hash


def test_every_other_kernel_is_another_result() -> None:
    kernels = ("ntk", "conjugate", "infinite_ntk", "infinite_nngp")
    assert len({config_of(kernel=name).hash for name in kernels}) == 4


def jacobian(config: RunConfig, params: dict, x: np.ndarray) -> dict[str, np.ndarray]:
    """d f/d leaf at x, (p, k, ...) by its path, by reverse differentiation in float64."""
    theta = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), params)
    J = jax.jacrev(lambda theta: config.network.alpha * apply(config.network, theta, jnp.asarray(x)))(theta)
    return {f"{path[0].key}/{path[1].key}": np.asarray(leaf) for path, leaf in jax.tree.leaves_with_path(J)}


def mean_over_outputs(J: np.ndarray) -> np.ndarray:
    flat = J.reshape(*J.shape[:2], -1)
    return np.einsum("ihp,jhp->ij", flat, flat) / J.shape[1]


@pytest.mark.parametrize("precision", ["float64", "mixed", "float32"])
@pytest.mark.parametrize("network", [{}, {"parameterization": "standard"}, {"readout": "relu", "bias_init": "normal"}])
def test_the_conjugate_kernel_is_that_of_the_readouts_weights_alone(network: dict, precision: str) -> None:
    config = config_of(network=network)
    params, x = init(config.network, 3, 3, 2), generate(config.data).x_train
    found = followed("conjugate", config.network, params, jnp.asarray(x), precision=precision)
    expected = mean_over_outputs(jacobian(config, params, x)["readout/w"])
    error = np.abs(np.asarray(found) - expected).max() / np.abs(expected).max()
    assert error < {"float64": 1e-14, "mixed": 1e-6, "float32": 1e-6}[precision]
    rows = followed("conjugate", config.network, params, jnp.asarray(x), precision=precision, rows=4)
    np.testing.assert_allclose(rows, found, rtol=1e-5 if precision == "float32" else 1e-12, atol=1e-7)


@pytest.mark.parametrize(
    "network",
    [
        {"kind": "resnet", "depth": 3, "width": 7, "activation": "tanh", "bias_init": "normal", "alpha": 1.3},
        {"kind": "conv", "depth": 2, "width": 3, "norm": "layer", "shape": [4, 4, 1], "activation": "erf"},
        {"kind": "mlp", "depth": 2, "width": 7, "train": "hidden", "alpha_exponent": 0.5},
    ],
    ids=lambda network: network["kind"],
)
def test_of_every_kind_of_network_also_where_the_readout_does_not_train(network: dict) -> None:
    """h = v.a + b: of features a it is what h takes on for unit v, its bias at zero, with what multiplies f."""
    config = NetworkConfig.from_dict(network)
    x = np.random.default_rng(4).normal(size=(5, 16))
    params = jax.tree.map(np.asarray, init(config, 5, 16, 1))
    units = np.eye(len(params["readout"]["w"]))
    bias = np.zeros_like(params["readout"]["b"])
    theta = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)
    of = [{**theta, "readout": {"w": unit[:, None], "b": 0.0 * bias.astype(float)}} for unit in units]
    a = config.output_scale * np.concatenate([np.asarray(apply(config, one, jnp.asarray(x))) for one in of], axis=1)
    found = followed("conjugate", config, params, jnp.asarray(x))
    np.testing.assert_allclose(found, a @ a.T, rtol=1e-12, atol=1e-13)


WINE = {"name": "wine", "size": 12, "test_size": 8}


@pytest.mark.parametrize("points_of", [{}, {"data": WINE, "probes": {**WINE, "size": 4}}], ids=["one output", "three"])
def test_what_a_run_measures_is_of_the_kernel_that_it_follows(points_of: dict) -> None:
    """Spectrum, drift, probes and stability at the stop, all from Jacobians; the network trains as it always does."""
    config = RunConfig.from_dict({**SMALL, **points_of, "kernel": "conjugate"})
    points, probes = generate(config.data), generate(config.probes)
    (result, path), plain = computed(config), computed(config.model_copy(update={"kernel": "ntk"}))[0]
    seed, other = result.seeds[0], plain.seeds[0]
    kernels = [mean_over_outputs(jacobian(config, path.at(at), points.x_train)["readout/w"]) for at in (0, -1)]
    np.testing.assert_allclose(seed["eigenvalues"][-1], np.linalg.eigvalsh(kernels[1])[::-1], rtol=1e-7, atol=1e-9)
    moved = np.linalg.norm(kernels[1] - kernels[0]) / np.linalg.norm(kernels[0])
    assert seed["drift"][-1] == pytest.approx(moved, rel=1e-7)
    on_probes = mean_over_outputs(jacobian(config, path.at(-1), probes.x_train)["readout/w"])
    np.testing.assert_allclose(seed["probe_kernel"][-1], on_probes, rtol=1e-7)
    leaves = jacobian(config, path.at(-1), points.x_train).values()
    J = np.concatenate([leaf.reshape(points.y_train.size, -1) for leaf in leaves], axis=1)
    assert seed["lambda_max"][-1] == pytest.approx(np.linalg.eigvalsh(J @ J.T)[-1], rel=1e-5)
    assert seed.effective_rate == pytest.approx(other.effective_rate, rel=1e-12)
    assert (seed.steps, seed.stop_reason) == (other.steps, other.stop_reason)
    np.testing.assert_allclose(seed["f_train"][-1], other["f_train"][-1], rtol=1e-9, atol=1e-12)
    assert "layer_share" not in seed
    assert "layer_share" in other


@pytest.mark.parametrize("name", ["conjugate", "infinite_nngp"])
def test_float64_is_chosen_by_the_kernel_that_f_moves_by(name: str) -> None:
    """At this output scale float32's updates are lost, which only a forecast by the neural tangent kernel tells."""
    config = config_of(network={"alpha": 3e4, "centred": True}, training={"precision": "auto"})
    plain, other = (computed(config.model_copy(update={"kernel": one}))[0].seeds[0] for one in ("ntk", name))
    assert plain.precision_reason
    assert (other.precision, other.precision_reason) == (plain.precision, plain.precision_reason)


@pytest.mark.parametrize("name", ["infinite_ntk", "infinite_nngp"])
def test_a_kernel_of_infinite_width_stays(name: str) -> None:
    """Its trace by Gauss-Hermite quadrature written out below; nothing moves over the run."""
    config = config_of(kernel=name)
    result, _ = computed(config)
    seed, points = result.seeds[0], generate(config.data)
    assert np.all(seed["drift"] == 0)
    assert np.all(seed["eigenvalues"] == seed["eigenvalues"][0])
    assert not np.any(seed["probe_drift"])
    assert result.limit_eigenvalues is None
    trace = diagonals(points.x_train)[name].sum()
    assert seed["eigenvalues"][-1].sum() == pytest.approx(trace, rel=1e-9)


def diagonals(x: np.ndarray) -> dict[str, np.ndarray]:
    """Of `SMALL`'s network at infinite width, K(x, x): E[tanh^2] and E[tanh'^2] over one normal variable a layer."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(160)
    weights = weights / weights.sum()
    sigma = np.sum(x**2, axis=1) / x.shape[1]
    theta = sigma + 1  # the first layer's weights and bias
    for _ in range(2):
        z = np.sqrt(sigma)[:, None] * nodes
        sigma, slope = np.tanh(z) ** 2 @ weights, (1 - np.tanh(z) ** 2) ** 2 @ weights
        theta = sigma + 1 + theta * slope
    return {"infinite_ntk": 0.49 * theta, "infinite_nngp": 0.49 * sigma}


@pytest.mark.parametrize(
    "network",
    [
        {"bias_init": "normal", "sigma_b": 0.6},
        {"parameterization": "standard", "activation": "relu", "sigma_w": 1.2, "sigma_w_readout": 0.8},
        {"readout": "relu", "activation": "erf"},
        pytest.param(
            {"kind": "resnet", "depth": 2, "activation": "relu", "sigma_w_readout": 0.7, "bias_init": "normal"},
            marks=pytest.mark.long,
        ),
    ],
)
def test_a_wide_networks_conjugate_kernel_tends_to_its_limit(network: dict) -> None:
    """At width 2,048, the mean over draws is within five standard errors of it, and of the order 1/width."""
    settings = {} if network.get("kind") else SMALL["network"]
    wide = NetworkConfig.from_dict({**settings, "width": 2048, "depth": 1, **network})
    x = np.random.default_rng(0).normal(size=(3, 4))
    seeds = range(400 if "readout" in network else 24)  # with a ReLU readout it stays random
    params = (init(wide, seed, 4, 1) for seed in seeds)
    draws = np.array([followed("conjugate", wide, one, jnp.asarray(x)) for one in params])
    expected = limit("conjugate", wide, x)
    assert expected is not None
    error = draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
    assert np.all(np.abs(draws.mean(axis=0) - expected) < 5 * error + 2 / 2048 * np.abs(expected))
    cross = limit("conjugate", wide, x[:1], x[1:])
    np.testing.assert_allclose(cross, expected[:1, 1:], rtol=1e-13)


def test_what_the_kernels_tend_to() -> None:
    x = np.random.default_rng(1).normal(size=(4, 3))
    biased = config_of(network={"bias_init": "normal", "sigma_b": 0.6}).network
    nngp = followed("infinite_nngp", biased, None, x)
    np.testing.assert_allclose(nngp - 0.49 * 0.36, limit("conjugate", biased, x), rtol=1e-12)
    assert limit("infinite_ntk", biased, x) is None
    np.testing.assert_array_equal(limit("ntk", biased, x), followed("infinite_ntk", biased, None, x))


RUN = {"data": CIRCLE, "kernel": "conjugate"}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: PerturbationConfig.from_dict({"run": RUN}), "run.kernel: the expansion is of f' = -K r"),
        (lambda: StudyConfig.from_dict({"run": RUN, "widths": [8, 16]}), "run.kernel: the expansion is of f' = -K r"),
        (lambda: SweepConfig.from_dict({"base": RUN, "grid": {"network.depth": [1, 2]}}),
            "base.kernel: the lazy prediction is of f' = -K r"),
        (lambda: SweepConfig.from_dict({"base": {"data": CIRCLE}, "grid": {"kernel": ["conjugate", "ntk"]}}),
            "base.kernel: the lazy prediction is of f' = -K r"),
        (lambda: RunConfig.from_dict({"data": CIRCLE, "kernel": "nngp"}), "kernel: 'nngp' is unknown"),
        (lambda: RunConfig.from_dict({"data": CIRCLE, "kernel": "infinite_ntk", "kernel_precision": "mixed"}),
            "kernel_precision: mixed is for kernels of the network"),
        (lambda: RkhsConfig.from_dict({"run": {**RUN, "kernel": "infinite_ntk"}, "options": {"large": 3000}}),
            "options.large: is for kernels of the network"),
    ],
)  # fmt: skip
def test_what_the_others_cannot_say_is_refused_at_the_setting(make, words: str) -> None:
    with pytest.raises(ConfigError, match=f"^{words}"):
        make()


# The spaces of a kernel, from Jacobians of the readout's weights.

SPACES = {"options": {"grid": 64, "sample": 64, "sizes": [8, 16], "draws": 4, "held_out": 16, "times": 4}}
ON_CIRCLE = {"data": {**CIRCLE, "size": 12, "test_size": 32}, "training": {**SMALL["training"], "max_steps": 10}}


def spaces(run: dict) -> RkhsResult:
    return RkhsResult.from_arrays(dict(compare(RkhsConfig.from_dict({"run": run, **SPACES}))["result"]))


def test_the_spaces_are_those_of_the_kernel_that_is_followed() -> None:
    values = {**SMALL, **ON_CIRCLE, "probes": None, "kernel": "conjugate"}
    config, result = RunConfig.from_dict(values), spaces(values)
    seed, path, points = result.seeds[0], computed(config)[1], generate(config.data)
    K = mean_over_outputs(jacobian(config, path.at(-1), points.x_train)["readout/w"])
    values, floor = np.linalg.eigvalsh(K)[::-1], float(seed["train/floor"][-1])
    above = np.where(values > floor, values, 0)
    np.testing.assert_allclose(seed["train/eigenvalues"][-1], above, rtol=1e-6, atol=floor)
    limits = limit("conjugate", config.network, points.x_train)
    assert result["limit/train/trace_mean"] == pytest.approx(np.trace(limits) / 12, rel=1e-12)
    assert result["frequency_operator"][1] == pytest.approx(np.linalg.eigvalsh(limits).max(), rel=1e-3)


@pytest.mark.parametrize("name", ["conjugate", "infinite_nngp"])
def test_what_needs_the_kernel_that_f_moves_by_is_left_out(name: str) -> None:
    result = spaces({**SMALL, **ON_CIRCLE, "probes": None, "kernel": name})
    seed = result.seeds[0]
    for absent in (*FROZEN, "frequency_power", "frequency_foretold"):
        assert absent not in seed
    assert seed["frequency_strength"].shape[0] == len(seed["followed"])
    if name == "infinite_nngp":
        assert not np.any(seed["held_out/motion_drift"])
        assert "K_inf_error" not in seed
        assert "limit/train/eigenvalues" not in result
        np.testing.assert_allclose(seed["frequency_strength"][0], result["frequency_operator"], rtol=0.1, atol=1e-14)


def test_the_top_of_a_large_conjugate_spectrum() -> None:
    config, x = config_of(), np.random.default_rng(3).normal(size=(30, 3))
    params = init(config.network, 1, 3, 2)
    K = mean_over_outputs(jacobian(config, params, x)["readout/w"])
    np.testing.assert_allclose(
        top_spectrum(config.network, params, x, 5, trained=readout(config.network)),
        np.linalg.eigvalsh(K)[::-1][:5],
        rtol=1e-9,
    )
