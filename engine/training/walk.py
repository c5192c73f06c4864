"""Training under way: the size of its steps, chunks between which it reports and can be cancelled, and its stop."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.config import RunConfig, TrainingConfig
from engine.networks.model import dtype_of
from engine.schema import ConfigError, Problem
from engine.training.descent import DIVERGED, Objective, State, limits

CHUNK_SECONDS = 0.25
"""About how long a chunk takes."""


def effective_rates(config: RunConfig, lambda_max: Float[np.ndarray, "*g"], of: str = "") -> Float[np.ndarray, "*g"]:
    """eta_eff of networks, from the learning rate or from the stability fraction.

    Args:
        lambda_max: of K_0. Where it is not positive or not finite the rate is 0.
        of: said in the error, of which network.

    Raises:
        ConfigError: the learning rate is at or beyond the stability limit of K_0.
    """
    training, steepness = config.training, config.steepness(lambda_max)
    alive = np.isfinite(lambda_max) & (lambda_max > 0)
    if training.stability_fraction is not None:
        return np.where(alive, 2 * training.stability_fraction / np.where(alive, steepness, 1.0), 0.0)
    scale = training.effective_rate(config.data.size)
    rate = scale * (training.learning_rate or 0.0)
    highest = np.max(steepness, where=alive, initial=0.0)
    if rate * highest >= training.stability_limit and not training.allow_unstable:
        largest = training.stability_limit / (scale * highest)
        what = "lambda_max(K_0)" if training.is_linear else "steepest curvature of the loss"
        message = (
            f"{training.learning_rate:g} is at or beyond the stability limit {training.stability_limit:.3g}/(eta scale "
            f"x {what}) = {largest:.3g}{of}: lower it, or set allow_unstable true"
        )
        raise ConfigError([Problem("training.learning_rate", message)])
    return np.where(alive, rate, 0.0)


class Walk:
    """The training of one network, or of several with a leading axis in common, in chunks.

    Args:
        advance: `engine.training.descent.advance` of a network by a method.
        residual: ||r|| at the start; 0 for a network that is to stay where it is.
        beside: as `advance` takes it.
    """

    def __init__(
        self,
        advance: Callable[..., tuple[State, Any]],
        training: TrainingConfig,
        objective: Objective,
        state: State,
        residual: Float[np.ndarray, "*g"] | float,
        beside: Any,
    ) -> None:
        self.advance, self.objective, self.state, self.beside = advance, objective, state, beside
        self.most, self.real, self.chunk = training.max_steps, dtype_of(state.params).type, 1
        # Rounded as the program compares them: a residual between the two would neither go on nor be at its stop.
        self.below = self.real((training.stop_residual or 0.0) * residual)
        self.above = self.real(DIVERGED * residual)

    @property
    def step(self) -> int:
        """That of the network which has come furthest."""
        return int(np.asarray(self.state.step).max())

    @property
    def stop_reason(self) -> str:
        """Of one network: "diverged", "residual" or "max_steps"; empty while it goes on."""
        residual = float(self.state.residual)
        if not residual < self.above:
            return "diverged"
        if residual <= self.below:
            return "residual"
        return "max_steps" if self.step >= self.most else ""

    def on(self, until: int, below: float = 0.0) -> bool:
        """A chunk, to step `until` at most, or to a residual of `below` where that is above the stop's.

        Returns:
            whether a network can go on.
        """
        step, began = self.step, time.monotonic()
        target = min(until, step + self.chunk)
        bounds = limits(self.state, target, np.maximum(self.below, below), self.above)
        self.state, self.beside = self.advance(self.objective, self.state, *bounds, self.beside)
        if self.step > step:
            pace = (self.step - step) / max(time.monotonic() - began, 1e-6)
            self.chunk = int(np.clip(CHUNK_SECONDS * pace, 1, 2 * self.chunk + 8))
        return self.step == target
