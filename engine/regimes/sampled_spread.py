"""CV^2 of the kernel at initialisation: exact, or sampled where there is no exact law."""

import numpy as np

from engine.config import RunConfig
from engine.initialisation.brute_force import brute_force
from engine.initialisation.estimates import POWERS, Tally, columns, estimates
from engine.regimes.spread import exact_spread, mean_norm_squared, setting_of

SPREAD_PARAMETERS, SPREAD_DRAWS = 10**8, (64, 512)
"""Parameters drawn in all, and fewest and most networks, where the spread at initialisation has to be sampled."""


def spread_at_initialisation(config: RunConfig) -> dict[str, float]:
    """CV^2 at initialisation: exact, or sampled with a 95% interval where there is no exact law."""
    setting = setting_of(config.network, config.data.input_dim, mean_norm_squared(config.data))
    exact = exact_spread(setting)
    if exact is not None:
        return {"cv2": exact, "cv2_low": exact, "cv2_high": exact}
    draws = int(np.clip(SPREAD_PARAMETERS // config.network.parameter_count(config.data.input_dim, 1), *SPREAD_DRAWS))
    tally = Tally(POWERS)
    for some in brute_force(setting, draws, seed=0, first_step=False):
        tally.add({name: values for name, values in columns(some, 0.0).items() if name in POWERS})
    ratio = estimates(tally, None).get("ratio")
    if ratio is None:
        return dict.fromkeys(("cv2", "cv2_low", "cv2_high"), float("nan"))
    halved = 0.5 if setting.readout == "relu" else 1.0
    low, high = ratio.interval
    return {"cv2": halved * ratio.mean - 1, "cv2_low": halved * low - 1, "cv2_high": halved * high - 1}
