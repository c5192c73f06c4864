"""A beta for networks that have none: that of the fully connected network whose kernel is as spread at initialisation.

CV^2 of K_0(x, x) over initialisations is measured, and the width sought at which the critical ReLU MLP of the same
depth, with the same biases and |x|^2, has that CV^2 exactly (`engine.initialisation.spread`). Its beta = L/n is the
measured beta. K(x, x) is taken at the training point whose |x|^2 is nearest their mean. No JAX.
"""

import numpy as np

from engine.initialisation.law import reasons_without_law
from engine.initialisation.spread import MEASURED_BETA, initial_network, spread_curve
from engine.networks.layered import LayeredConfig
from engine.networks.mlp_config import MLPConfig
from engine.networks.module.config import ModuleConfig


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
