"""The output scale alpha n^{-s/2}: what starts at which size, and what still moves at a large width."""

import jax
import numpy as np
import pytest

from engine.config import RunConfig
from engine.initialisation.spread import initial_network
from engine.networks.infinite import nngp
from engine.networks.mlp_config import MLPConfig
from engine.networks.model import apply, draw, init, ntk
from engine.regimes.config import SweepConfig
from engine.training.job import run
from engine.training.result import RunResult

X = np.array([[1.0, 0.5, -0.2], [0.3, -0.8, 1.1]])


def network_of(**values: object) -> MLPConfig:
    return MLPConfig.from_dict({"depth": 1, **values})


def test_unset_and_zero_are_one_config() -> None:
    assert network_of(alpha_exponent=0).hash == network_of().hash
    assert network_of(alpha_exponent=1).hash != network_of().hash
    assert network_of(alpha=3.0).output_scale == 3.0


def test_the_scale_is_that_of_the_last_hidden_width() -> None:
    network = network_of(depth=2, width=[64, 16], alpha=3.0, alpha_exponent=1.0)
    assert network.output_scale == pytest.approx(3 / 4)
    assert initial_network(network, 3, 1.0).alpha == pytest.approx(3 / 4)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_the_start_has_variance_n_to_the_minus_s(exponent: float) -> None:
    """One hidden ReLU layer without biases: E[h(x)^2] = 2 |x|^2/n_0 at any width, so E[f_0^2] = n^{-s} times that."""
    x, draws = X[:1], 4000
    expected = 2 * float((x**2).sum()) / 3
    for width in (4, 64):
        network = network_of(width=width, alpha_exponent=exponent, train_bias=False)
        keys = jax.random.split(jax.random.key(3), draws)
        heads = jax.vmap(lambda key, network=network: apply(network, draw(network, key, 3, 1), x)[0, 0])(keys)
        square = (network.output_scale * np.asarray(heads, np.float64)) ** 2
        error = square.std() / np.sqrt(draws)
        assert abs(square.mean() - width**-exponent * expected) < 4 * error
        assert nngp(network, x)[0, 0] == pytest.approx(width**-exponent * expected)


def test_every_program_has_the_scale_of_the_width() -> None:
    """s = 1 at width 16 is alpha/4, in the kernel and in training."""
    tied = {"width": 16, "activation": "erf", "alpha": 2.0, "alpha_exponent": 1.0, "centred": True, "depth": 2}
    plain = {**tied, "alpha": 0.5, "alpha_exponent": 0.0}
    kernels = [ntk(network_of(**one), init(network_of(**one), 1, 3), X) for one in (tied, plain)]
    np.testing.assert_allclose(*kernels, rtol=1e-12)
    values = {"data": {"name": "circle", "size": 8, "test_size": 8}, "training": {"max_steps": 20, "checkpoints": 4}}
    one, other = (
        RunResult.from_arrays(run(RunConfig.from_dict({**values, "network": network}))["result"]).seeds[0]
        for network in (tied, plain)
    )
    for name in ("drift", "residual", "eigenvalues", "f_test"):
        if name in one:
            np.testing.assert_allclose(one[name], other[name], rtol=1e-6, atol=1e-9)


SMALL = {
    "data": {"name": "circle", "size": 8, "test_size": 8, "frequencies": [1, 2]},
    "network": {"depth": 2, "activation": "erf", "centred": True},
    "training": {"checkpoints": 2, "max_steps": 2000},
}


def drifts(exponent: float, widths: tuple[int, ...]) -> np.ndarray:
    """Of each width, the median over seeds of the kernel's drift at the stop."""
    found = []
    for width in widths:
        network = {**SMALL["network"], "width": width, "alpha_exponent": exponent}
        config = RunConfig.from_dict({**SMALL, "network": network, "seeds": [0, 1, 2, 3]})
        seeds = RunResult.from_arrays(run(config)["result"]).seeds
        assert {seed.stop_reason for seed in seeds} == {"residual"}
        found.append(np.median([seed["drift"][-1] for seed in seeds]))
    return np.array(found)


def test_the_drift_falls_as_1_over_n_at_s_0_and_stays_at_s_1() -> None:
    """Exponents over a range of 16 in n: -1 and 0, each within .3, which the medians of four seeds resolve."""
    widths = (32, 512)
    exponents = {s: np.diff(np.log(drifts(s, widths)))[0] / np.log(16) for s in (0.0, 1.0)}
    assert exponents[0.0] == pytest.approx(-1, abs=0.3)
    assert exponents[1.0] == pytest.approx(0, abs=0.3)


def test_on_a_map_every_cell_has_the_scale_of_its_width() -> None:
    base = {"data": SMALL["data"], "network": {**SMALL["network"], "alpha_exponent": 1.0, "alpha": 2.0}}
    sweep = SweepConfig.from_dict({"base": base, "grid": {"network.width": [16, 64]}})
    scales = {one.run.network.widths[0]: one.run.network.output_scale for one in sweep.cells}
    assert scales == {16: pytest.approx(0.5), 64: pytest.approx(0.25)}
    exponents = SweepConfig.from_dict({"base": {"data": SMALL["data"]}, "grid": {"network.alpha_exponent": [0, 1]}})
    assert sorted(one.run.network.output_scale for one in exponents.cells) == [pytest.approx(1 / 16), 1.0]
