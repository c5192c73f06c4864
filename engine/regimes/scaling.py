"""How a metric grows along beta: a power law through the cells of a map. Imports no JAX."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float

from engine.line import line
from engine.regimes.collapse import MOST_BETA

FEWEST_CELLS, FEWEST_BETAS = 6, 3
LEVEL = 0.95


@dataclass(frozen=True)
class Scaling:
    """metric = prefactor beta^exponent between the betas `low` and `high`.

    Attributes:
        error: half the 95% t interval of the exponent, from the scatter of cells: what depth adds at equal beta is in
            it.
        r_squared: in logarithms.
    """

    prefactor: float
    exponent: float
    error: float
    r_squared: float
    low: float
    high: float

    def at(self, beta: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """The metric by the law."""
        return self.prefactor * beta**self.exponent


def scaling(cells: pd.DataFrame, metric: str, most_beta: float = MOST_BETA) -> Scaling | None:
    """Least squares of ln median on ln beta over cells up to this beta; None for fewer than six at three betas.

    Args:
        cells: of `engine.regimes.labels.cells_frame`.
    """
    beta, value = cells["beta"].to_numpy(float), cells[metric].to_numpy(float)
    used = (beta <= most_beta * (1 + 1e-9)) & np.isfinite(value) & (value > 0)
    beta, value = beta[used], value[used]
    if len(beta) < FEWEST_CELLS or len(np.unique(beta.round(9))) < FEWEST_BETAS:
        return None
    fit = line(np.log(beta), np.log(value))
    error = fit.reach(LEVEL)
    return Scaling(float(np.exp(fit.intercept)), fit.slope, error, fit.r_squared, float(beta.min()), float(beta.max()))
