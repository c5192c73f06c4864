"""The spread of the kernel at initialisation, CV^2 = E[K^2]/E[K]^2 - 1 of K(x, x), exactly, anywhere on the plane.

K(x, x) depends on x by |x|^2 alone; a run is given the mean |x|^2 of its training points. A ReLU on the output doubles
the ratio for a trivial reason, so it is halved first. Source: theory.md 3 and 6, arXiv 1909.05989. No JAX.
"""

import numpy as np
from jaxtyping import Float

from engine.config import RunConfig
from engine.data import DatasetConfig, generate
from engine.initialisation.law import InitialNetwork, exact_law, reasons_without_law
from engine.initialisation.layer_sums import Shapes
from engine.initialisation.moments import moments, moments_of_shapes
from engine.networks.layered import MAX_WIDTH, LayeredConfig
from engine.networks.mlp_config import MLPConfig
from engine.networks.module.config import ModuleConfig

STOCHASTIC = 1.0
"""CV^2 from which the kernel at initialisation counts as stochastic."""

MEASURED_BETA = ("measured_beta", "measured_beta_low", "measured_beta_high")
"""Of a network that has no beta (`betas`), with the ends of a 95% interval; NaN, all of them, where not determined."""

MOST_PARAMETERS = 10**8
"""Drawn in all for a cell that has no exact law."""
MOST_OPERATIONS = 4e10
"""Of all its draws: a convolution uses a parameter at every position."""
MOST_DRAWS = 1 << 15
FEWEST_DRAWS = 64
"""Of networks so large that the parameters allow no more: they are near their limit, unless very deep."""

WIDTHS = np.unique(np.geomspace(1, MAX_WIDTH, 200).round().astype(np.int64))
"""Widths between which a curve is interpolated."""


def mean_norm_squared(data: DatasetConfig) -> float:
    """Mean |x|^2 of the training points."""
    return float(np.mean(np.sum(generate(data).x_train ** 2, axis=1)))


def typical_point(data: DatasetConfig) -> Float[np.ndarray, " n_0"]:
    """The training point whose |x|^2 is nearest their mean."""
    x = generate(data).x_train
    squares = np.sum(x**2, axis=1)
    return x[np.argmin(np.abs(squares - squares.mean()))]


def initial_network(network: MLPConfig, input_dim: int, norm_x_squared: float) -> InitialNetwork:
    """One output of the network on an input of this norm, as the exact laws take it."""
    shared = ("readout", "sigma_w", "sigma_w_readout", "sigma_b", "bias_init", "train_bias", "output_bias", "train")
    return InitialNetwork.from_dict(
        {
            "widths": (input_dim, *network.widths, 1),
            "norm_x_squared": norm_x_squared,
            "activation": network.activation,
            "parameterization": network.parameterization,
            "alpha": network.output_scale,
            **{name: getattr(network, name) for name in shared},
        }
    )


def exact_spread(setting: InitialNetwork) -> float | None:
    """CV^2; None for a setting without an exact law (`engine.initialisation.law.reasons_without_law`)."""
    if reasons_without_law(setting):
        return None
    return float(from_log_ratio(moments(exact_law(setting)).log_ratio, setting.readout)[0])


def from_log_ratio(log_ratio: Float[np.ndarray, " n"], readout: str) -> Float[np.ndarray, " n"]:
    """CV^2 from log E[K^2]/E[K]^2; inf beyond what a float holds."""
    with np.errstate(over="ignore"):
        return np.expm1(log_ratio - (np.log(2) if readout == "relu" else 0.0))


def spread_curve(
    network: MLPConfig,
    input_dim: int,
    norm_x_squared: float,
    depths: Float[np.ndarray, " n"],
    threshold: float = STOCHASTIC,
) -> Float[np.ndarray, " n"]:
    """The width at which CV^2 falls to `threshold`, for each depth: the edge of the stochastic kernel.

    Interpolated in log width and log CV^2. NaN where CV^2 is below (or above) it at every width up to 65,536.

    Raises:
        ConfigError: the network has no exact law, with the reasons.
    """
    law = exact_law(initial_network(network.model_copy(update={"width": 8}), input_dim, norm_x_squared))
    depth, width = (grid.ravel() for grid in np.meshgrid(np.asarray(depths, np.int64), WIDTHS, indexing="ij"))
    exact = moments_of_shapes(law, Shapes.equal(depth, width, input_dim))
    spread = from_log_ratio(exact.log_ratio, network.readout).reshape(len(depths), len(WIDTHS))
    return np.array([_crossing(np.log(WIDTHS), np.log(row), np.log(threshold)) for row in spread])


def _crossing(x: np.ndarray, y: np.ndarray, level: float) -> float:
    """exp of where y, falling with x, passes the level."""
    below = np.flatnonzero(y < level)
    if len(below) == 0 or below[0] == 0:
        return float("nan")
    i = below[0]
    share = (y[i - 1] - level) / (y[i - 1] - y[i]) if np.isfinite(y[i - 1]) else 1.0
    return float(np.exp(x[i - 1] + share * (x[i] - x[i - 1])))


# A beta for networks that have none: that of the fully connected network whose kernel is as spread at initialisation.
#
# CV^2 of K_0(x, x) over initialisations is measured, and the width sought at which the critical ReLU MLP of the same
# depth, with the same biases and |x|^2, has that CV^2 exactly. Its beta = L/n is the measured beta. K(x, x) is taken at
# the training point whose |x|^2 is nearest their mean.


def has_measured_beta(run: RunConfig) -> bool:
    """Whether a run has one: its network has no beta, but a depth that somebody knows; all layers train, and the kernel
    that is followed is its own."""
    network = run.network
    if isinstance(network, ModuleConfig) and network.counted_depth is None:
        return False
    return network.beta is None and run.kernel == "ntk" and network.trained_part == "all"


def equivalent(network: LayeredConfig | ModuleConfig) -> MLPConfig:
    """The critical ReLU MLP of the same depth and biases, of any width; without biases where nobody knows them."""
    if isinstance(network, ModuleConfig):
        return MLPConfig.from_dict({"depth": network.counted_depth, "train_bias": False, "output_bias": False})
    names = ("depth", "sigma_b", "bias_init", "train_bias", "output_bias")
    return MLPConfig.from_dict({name: getattr(network, name) for name in names})


def betas(spread: dict[str, float], network: MLPConfig, input_dim: int, norm_x_squared: float) -> dict[str, float]:
    """The betas of this network, its width aside, at a CV^2 and at the ends of its interval.

    Args:
        spread: `cv2`, `cv2_low`, `cv2_high`, as `engine.initialisation.sampled_spread.interval` gives them. Where the
            draws do not determine the upper end they determine no beta.
    """
    unknown: dict[str, float] = dict.fromkeys(MEASURED_BETA, float("nan"))
    if not np.isfinite(spread["cv2"] + spread["cv2_high"]) or spread["cv2"] <= 0:
        return unknown
    if reasons_without_law(initial_network(network, input_dim, norm_x_squared)):
        return unknown
    at, low, high = (_beta(spread[name], network, input_dim, norm_x_squared) for name in ("cv2", "cv2_low", "cv2_high"))
    if not np.isfinite(at + high):
        return unknown
    return dict(zip(MEASURED_BETA, (at, low if np.isfinite(low) else 0.0, high), strict=True))


def _beta(cv2: float, network: MLPConfig, input_dim: int, norm_x_squared: float) -> float:
    """NaN where no width from 1 to 65,536 has this CV^2."""
    if cv2 <= 0:
        return float("nan")
    return network.depth / float(spread_curve(network, input_dim, norm_x_squared, np.array([network.depth]), cv2)[0])


def most_draws(parameters: int, operations: float = 1.0) -> int:
    """How many networks of so many parameters are drawn where there is no exact law, and of so many operations where
    these are more than a few for each."""
    return int(np.clip(min(MOST_PARAMETERS // parameters, MOST_OPERATIONS / operations), FEWEST_DRAWS, MOST_DRAWS))
