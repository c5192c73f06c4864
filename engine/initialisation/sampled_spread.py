"""CV^2 of the kernel at initialisation: exact, or sampled where there is no exact law.

K(x, x) is near log-normal, and the tail that carries E[K^2] is missing from small samples: whether a sample is enough
cannot be asked of its own skewness, which is small just where the tail is missing (intervals that pass that test
cover .48 at 512 draws, beta = .25). It is asked of the variance v of ln K, which a few hundred draws tell: K^2 of a
log-normal K has skewness g = (e^{4v} + 2) sqrt(e^{4v} - 1), and a normal 95% interval needs 25 g^2 draws (Cochran).
With fewer there is a lower end, which a missing tail only makes safer, and no upper one: CV^2 is not determined.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float

from engine.config import RunConfig
from engine.initialisation.brute_force import brute_force, kernel_draws, operations
from engine.initialisation.estimates import COCHRAN, NORMAL_95
from engine.initialisation.law import InitialNetwork
from engine.initialisation.spread import (
    MEASURED_BETA,
    betas,
    equivalent,
    exact_spread,
    has_measured_beta,
    initial_network,
    mean_norm_squared,
    most_draws,
    typical_point,
)
from engine.networks.base import NetworkConfig
from engine.networks.mlp_config import MLPConfig

PILOT = 512
RATIO = 3.0
"""Times Cochran's draws of K^2: one draw moves a ratio more unevenly than its numerator (.92 covered without)."""
MARGIN = 1.3
"""Of the draws that the pilot asks for: the whole sample may ask for some more."""


def spread_at_initialisation(config: RunConfig) -> dict[str, float]:
    """`cv2`, `cv2_low`, `cv2_high`: exact, or sampled with a 95% interval; its upper end is infinite where the draws
    that were allowed do not determine it. Of a network that is not fully connected K(x, x) is taken at the training
    point whose |x|^2 is nearest their mean."""
    network = config.network
    parameters = network.stored_count(config.data.input_dim, 1) or 1
    if not isinstance(network, MLPConfig):
        return _sampled(network, typical_point(config.data), parameters)
    setting = initial_network(network, config.data.input_dim, mean_norm_squared(config.data))
    exact = exact_spread(setting)
    if exact is not None:
        return {"cv2": exact, "cv2_low": exact, "cv2_high": exact}
    return sampled(partial(_drawn, setting), most_draws(parameters), setting.readout == "relu")


def measured_beta(config: RunConfig, parameters: int | None = None) -> dict[str, np.ndarray]:
    """`MEASURED_BETA` of a run that has them (`has_measured_beta`), and its "initial_cv2".

    Args:
        parameters: of the network, where only running it tells.
    """
    if not has_measured_beta(config):
        return {}
    network, x = config.network, typical_point(config.data)
    spread = _sampled(network, x, network.stored_count(len(x), 1) or parameters or 1)
    found = betas(spread, equivalent(network), len(x), float(x @ x))
    return {"initial_cv2": np.array(spread["cv2"]), **{name: np.array(found[name]) for name in MEASURED_BETA}}


def _sampled(network: NetworkConfig, x: Float[np.ndarray, " n_0"], parameters: int) -> dict[str, float]:
    return sampled(partial(kernel_draws, network, x), most_draws(parameters, operations(network, x)))


def sampled(
    draw: Callable[[int, int], Float[np.ndarray, " draws"]], most: int, halved: bool = False
) -> dict[str, float]:
    """`interval` of as many draws as it needs, at most so many.

    Args:
        draw: K of so many networks, from a seed.
        halved: as for `interval`.
    """
    K = draw(min(PILOT, most), 0)
    more = int(min(MARGIN * needed(K), most)) - len(K)
    if more > 0:
        K = np.concatenate([K, draw(more, 1)])
    return interval(K, halved)


def _drawn(setting: InitialNetwork, draws: int, seed: int) -> Float[np.ndarray, " draws"]:
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
