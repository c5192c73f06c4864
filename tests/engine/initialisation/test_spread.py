import numpy as np
import pytest

from engine.data import CircleConfig
from engine.data.sphere import SphereConfig
from engine.initialisation.brute_force import brute_force
from engine.initialisation.spread import exact_spread, initial_network, mean_norm_squared, spread_curve
from engine.networks.mlp_config import MLPConfig
from engine.schema import ConfigError


def network(**settings: object) -> MLPConfig:
    return MLPConfig.from_dict(settings)


def test_the_edge_by_depth() -> None:
    """docs/figures.md: CV^2 = 1 at these beta without biases; at .27 on the unit circle with trained ones."""
    depths = np.array([2, 4, 8, 16, 32, 64])
    bare = network(train_bias=False, output_bias=False)
    expected = [0.25, 0.21, 0.20, 0.19, 0.18, 0.18]
    np.testing.assert_allclose(depths / spread_curve(bare, 8, 8.0, depths), expected, atol=0.0055)
    deep = depths[3:]
    np.testing.assert_allclose(deep / spread_curve(network(), 2, 1.0, deep), 0.27, atol=0.012)


def test_the_curve_passes_where_the_exact_law_does() -> None:
    config = network(train_bias=False, output_bias=False)
    for depth, width in zip((2, 8, 32), spread_curve(config, 8, 8.0, np.array([2, 8, 32])), strict=True):
        ends = [
            exact_spread(initial_network(config.model_copy(update={"depth": depth, "width": int(n)}), 8, 8.0))
            for n in (np.floor(width), np.ceil(width))
        ]
        assert ends[0] * 1.02 >= 1 >= ends[1] * 0.98  # type: ignore[operator]


def test_no_edge_is_nan_and_no_law_is_said() -> None:
    assert np.isnan(spread_curve(network(), 8, 8.0, np.array([2]), threshold=1e9))[0]
    with pytest.raises(ConfigError, match="no exact law for erf"):
        spread_curve(network(activation="erf"), 8, 8.0, np.array([2]))
    assert exact_spread(initial_network(network(activation="erf", depth=1, width=4), 2, 1.0)) is None


@pytest.mark.parametrize(
    "settings", [{}, {"train_bias": False}, {"readout": "relu"}, {"sigma_w_readout": 1.0}], ids=str
)
def test_exact_spread_against_drawn_networks(settings: dict) -> None:
    setting = initial_network(network(depth=2, width=32, **settings), 4, 4.0)
    K = np.concatenate([draws.K for draws in brute_force(setting, 4000, 0, first_step=False)])
    boot = np.random.default_rng(0).integers(len(K), size=(400, len(K)))
    ratio = (K**2).mean() / K.mean() ** 2
    error = ((K[boot] ** 2).mean(axis=1) / K[boot].mean(axis=1) ** 2).std()
    halved = 0.5 if setting.readout == "relu" else 1.0
    assert exact_spread(setting) == pytest.approx(halved * ratio - 1, abs=3.5 * halved * error)


def test_mean_norms() -> None:
    assert mean_norm_squared(SphereConfig(dim=8, size=16)) == pytest.approx(8)
    assert mean_norm_squared(CircleConfig(size=16)) == pytest.approx(1)
