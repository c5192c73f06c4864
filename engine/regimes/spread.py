"""The spread of the kernel at initialisation, CV^2 = E[K^2]/E[K]^2 - 1 of K(x, x), exactly, anywhere on the plane.

K(x, x) depends on x by |x|^2 alone; a run is given the mean |x|^2 of its training points. A ReLU on the output doubles
the ratio for a trivial reason, so it is halved first. Source: theory.md 3 and 6, arXiv 1909.05989. No JAX.
"""

import numpy as np
from jaxtyping import Float

from engine.config import MAX_WIDTH, NetworkConfig, RunConfig
from engine.data import DatasetConfig, generate
from engine.initialisation.brute_force import brute_force
from engine.initialisation.estimates import COCHRAN, NORMAL_95
from engine.initialisation.law import Setting, exact_law, reasons_without_law
from engine.initialisation.layer_sums import Shapes
from engine.initialisation.moments import moments, moments_of_shapes

STOCHASTIC = 1.0
"""CV^2 from which the kernel at initialisation counts as stochastic."""

WIDTHS = np.unique(np.geomspace(1, MAX_WIDTH, 200).round().astype(np.int64))
"""Widths between which a curve is interpolated."""


def mean_norm_squared(data: DatasetConfig) -> float:
    """Mean |x|^2 of the training points."""
    return float(np.mean(np.sum(generate(data).x_train ** 2, axis=1)))


def setting_of(network: NetworkConfig, input_dim: int, norm_x_squared: float) -> Setting:
    """One output of the network on an input of this norm, as the exact laws take it."""
    shared = ("readout", "sigma_w", "sigma_w_readout", "sigma_b", "bias_init", "train_bias", "output_bias", "alpha")
    return Setting.from_dict(
        {
            "widths": (input_dim, *network.widths, 1),
            "norm_x_squared": norm_x_squared,
            "activation": network.activation,
            "parameterization": network.parameterization,
            **{name: getattr(network, name) for name in shared},
        }
    )


def exact_spread(setting: Setting) -> float | None:
    """CV^2; None for a setting without an exact law (`engine.initialisation.law.reasons_without_law`)."""
    if reasons_without_law(setting):
        return None
    return float(from_log_ratio(moments(exact_law(setting)).log_ratio, setting.readout)[0])


def from_log_ratio(log_ratio: Float[np.ndarray, " n"], readout: str) -> Float[np.ndarray, " n"]:
    """CV^2 from log E[K^2]/E[K]^2; inf beyond what a float holds."""
    with np.errstate(over="ignore"):
        return np.expm1(log_ratio - (np.log(2) if readout == "relu" else 0.0))


def spread_curve(
    network: NetworkConfig,
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
    law = exact_law(setting_of(network.model_copy(update={"width": 8}), input_dim, norm_x_squared))
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


# CV^2 of the kernel at initialisation: exact, or sampled where there is no exact law.
#
# K(x, x) is near log-normal, and the tail that carries E[K^2] is missing from small samples: whether a sample is enough
# cannot be asked of its own skewness, which is small just where the tail is missing (intervals that pass that test
# cover .48 at 512 draws, beta = .25). It is asked of the variance v of ln K, which a few hundred draws tell: K^2 of a
# log-normal K has skewness g = (e^{4v} + 2) sqrt(e^{4v} - 1), and a normal 95% interval needs 25 g^2 draws (Cochran).
# With fewer there is a lower end, which a missing tail only makes safer, and no upper one: CV^2 is not determined.

PARAMETERS = 10**8
"""Drawn in all for one cell, at most."""
PILOT, MOST_DRAWS = 512, 1 << 15
RATIO = 3.0
"""Times Cochran's draws of K^2: one draw moves a ratio more unevenly than its numerator (.92 covered without)."""
MARGIN = 1.3
"""Of the draws that the pilot asks for: the whole sample may ask for some more."""
FEWEST_DRAWS = 64
"""Of networks so large that the parameters allow no more: they are near their limit, unless very deep."""


def spread_at_initialisation(config: RunConfig) -> dict[str, float]:
    """`cv2`, `cv2_low`, `cv2_high`: exact, or sampled with a 95% interval; its upper end is infinite where the draws
    that were allowed do not determine it."""
    setting = setting_of(config.network, config.data.input_dim, mean_norm_squared(config.data))
    exact = exact_spread(setting)
    if exact is not None:
        return {"cv2": exact, "cv2_low": exact, "cv2_high": exact}
    allowed = PARAMETERS // config.network.parameter_count(config.data.input_dim, 1)
    most = int(np.clip(allowed, FEWEST_DRAWS, MOST_DRAWS))
    K = _drawn(setting, min(PILOT, most), seed=0)
    more = int(min(MARGIN * needed(K), most)) - len(K)
    if more > 0:
        K = np.concatenate([K, _drawn(setting, more, seed=1)])
    return interval(K, halved=setting.readout == "relu")


def _drawn(setting: Setting, draws: int, seed: int) -> Float[np.ndarray, " draws"]:
    return np.concatenate([some.K for some in brute_force(setting, draws, seed, first_step=False)])


def needed(K: Float[np.ndarray, " draws"]) -> float:
    """Draws of K from which a normal interval for E[K^2]/E[K]^2 can be believed; inf of what is not positive."""
    living = K[K > 0]
    if len(living) < 2 or not np.all(np.isfinite(K)):
        return float("inf")
    grown = np.exp(min(4 * np.var(np.log(living), ddof=1), 300.0))
    return float(RATIO * COCHRAN * (grown + 2) ** 2 * (grown - 1))


def interval(K: Float[np.ndarray, " draws"], halved: bool = False) -> dict[str, float]:
    """CV^2 of draws of K: `cv2` with `cv2_low` and `cv2_high`, by the delta method on the log of the ratio.

    Args:
        halved: the ratio is that of a ReLU readout, twice the linear one for a trivial reason.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        first, second = K.mean(), (K**2).mean()
        ratio = second / first**2
        influence = (K**2 - second) / second - 2 * (K - first) / first
        reach = NORMAL_95 * influence.std(ddof=1) / np.sqrt(len(K))
    if not np.isfinite(ratio + reach):
        return dict.fromkeys(("cv2", "cv2_low", "cv2_high"), float("nan"))
    scale = 0.5 if halved else 1.0
    high = scale * ratio * np.exp(reach) - 1 if len(K) >= needed(K) else float("inf")
    return {"cv2": scale * ratio - 1, "cv2_low": scale * ratio * np.exp(-reach) - 1, "cv2_high": float(high)}
