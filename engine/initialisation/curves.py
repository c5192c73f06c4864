"""Exact moments along curves: networks of equal hidden widths, by width and depth. Imports no JAX."""

from typing import Annotated, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from engine.initialisation.config import Target
from engine.initialisation.law import MAX_DEPTH, MAX_WIDTH, InitialNetwork, exact_law
from engine.initialisation.layer_sums import Shapes
from engine.initialisation.moments import moments_of_shapes
from engine.schema import Config, ConfigError, Problem

MOST_LAYERS = 10_000_000
"""Networks times hidden layers of the deepest."""

Depths = Annotated[tuple[Annotated[int, Field(ge=1, le=MAX_DEPTH)], ...], Field(min_length=1, max_length=1024)]


class CurvesConfig(Config):
    """Curves over depth.

    Attributes:
        setting: of every network but for its hidden widths, which are not used.
        widths: of the hidden layers, one curve each.
        depths: hidden layers along each curve, in the order of `widths`.
        target: y of the loss (f - y)^2/2.
    """

    setting: InitialNetwork
    widths: Annotated[tuple[Annotated[int, Field(ge=1, le=MAX_WIDTH)], ...], Field(min_length=1, max_length=16)]
    depths: tuple[Depths, ...]
    target: Target = 0.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.depths) != len(self.widths):
            given = f"{len(self.depths)} lists for {len(self.widths)} widths: give one for each"
            raise ConfigError([Problem("depths", given)])
        if sum(map(len, self.depths)) * max(map(max, self.depths)) > MOST_LAYERS:
            raise ConfigError([Problem("depths", f"over {MOST_LAYERS:,} networks times layers: leave some out")])
        if isinstance(self.setting.sigma_w, tuple):
            raise ConfigError([Problem("setting.sigma_w", "is a list, which cannot follow depths: give one number")])
        exact_law(self.setting)
        return self


def curves(config: CurvesConfig) -> pd.DataFrame:
    """A row per width and depth: `beta`, `ratio` E[K^2]/E[K]^2, `size` |E[dK/dt]|/E[K] at the target, and its `sign`.

    Infinite beyond what a float holds.
    """
    law = exact_law(config.setting)
    depth = np.concatenate([np.array(own) for own in config.depths])
    width = np.repeat(config.widths, [len(own) for own in config.depths])
    exact = moments_of_shapes(law, Shapes.equal(depth, width, law.n_0))
    sign, log_drift = exact.log_abs_E_dK(config.target)
    with np.errstate(over="ignore"):
        ratio, size = np.exp(exact.log_ratio), np.exp(log_drift - exact.log_E_K)
    columns = {"width": width, "depth": depth, "beta": depth / width, "ratio": ratio, "size": size}
    return pd.DataFrame({**columns, "sign": sign.astype(int)})
