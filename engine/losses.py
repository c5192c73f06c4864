"""The losses: what each is, its derivative, and how steep it is at most. Imports no JAX.

Each is S = sum over points (and outputs) of l(f, y), times a factor that may divide by their number. Everything that
trains is written for S and the effective rate: descent moves f by -eta_eff K r with r = dl/df, whatever the loss, and
r = f - y for the squared ones. Written for NumPy and JAX alike: `xp` is `numpy` or `jax.numpy`.

Losses of classes take targets -1 and +1: one output for two classes, several (+1 for a point's own class) for more.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from engine.data.dataset import Dataset
from engine.schema import ConfigError, Problem

LossName = Literal["half_mean", "mean", "half_sum", "logistic", "squared_hinge", "hinge"]
Points = Any
"""Outputs or targets (points, k), or an array of that shape, of NumPy or JAX."""


def square(f: Points, y: Points, xp: Any) -> Points:
    """(f - y)^2/2 of each output."""
    return (f - y) ** 2 / 2


def distance(f: Points, y: Points, xp: Any) -> Points:
    """f - y."""
    return f - y


def logistic(f: Points, y: Points, xp: Any) -> Points:
    """log(1 + e^{-y f}) of one output; of several -log of the softmax at the own class."""
    if f.shape[1] == 1:
        return xp.logaddexp(0 * f, -y * f)
    return -xp.where(y > 0, _log_softmax(f, xp), 0.0)


def misjudged(f: Points, y: Points, xp: Any) -> Points:
    """Probability less 1 for the own class, the probability of every other: of one output -y (1 - p(y)).

    1 - p is summed from the other classes, so that it keeps its digits where p is close to 1.
    """
    if f.shape[1] == 1:
        return -y * xp.exp(-xp.logaddexp(0 * f, y * f))
    others = xp.where(y > 0, 0.0, xp.exp(_log_softmax(f, xp)))
    return xp.where(y > 0, -xp.sum(others, axis=1, keepdims=True), others)


def _log_softmax(f: Points, xp: Any) -> Points:
    f = f - xp.max(f, axis=1, keepdims=True)
    return f - xp.log(xp.sum(xp.exp(f), axis=1, keepdims=True))


def squared_hinge(f: Points, y: Points, xp: Any) -> Points:
    """max(0, 1 - y f)^2/2 of each output: one class against all others (Rifkin and Klautau 2004)."""
    return xp.maximum(1 - y * f, 0) ** 2 / 2


def shortfall(f: Points, y: Points, xp: Any) -> Points:
    """f - y where y f < 1, else 0."""
    return -y * xp.maximum(1 - y * f, 0)


def hinge(f: Points, y: Points, xp: Any) -> Points:
    """max(0, 1 - y f) of each output, as `squared_hinge`."""
    return xp.maximum(1 - y * f, 0)


def inside(f: Points, y: Points, xp: Any) -> Points:
    """-y where y f < 1, else 0: a subgradient of 0 at the margin itself."""
    return -y * (y * f < 1)


def probable(f: Float[np.ndarray, "p k"]) -> Float[np.ndarray, "p k"]:
    """2 p - 1, with the logistic probability p of +1."""
    return np.tanh(f / 2) if f.shape[1] == 1 else 2 * np.exp(_log_softmax(f, np)) - 1


@dataclass(frozen=True)
class Loss:
    """One loss.

    Attributes:
        value: what each output adds to l.
        slope: r = dl/df of each output.
        curvature: the largest d^2 l/df^2, of one output and (as the largest eigenvalue) of several.
        guess: what outputs say of the targets, in [-1, 1] of classes: 2 p - 1, or f cut off beyond the margin.
        share: M times what S is multiplied with; None for 1: the loss is S.
        classes: whether it is of classes.
    """

    value: Callable[[Points, Points, Any], Points]
    slope: Callable[[Points, Points, Any], Points]
    curvature: tuple[float, float] = (1.0, 1.0)
    guess: Callable[[Points], Points] = lambda f: np.clip(f, -1, 1)
    share: float | None = 1.0
    classes: bool = True

    def scale(self, size: int) -> float:
        """What S is multiplied with, of so many points."""
        return 1.0 if self.share is None else self.share / size


LOSSES: dict[str, Loss] = {
    "half_mean": Loss(square, distance, guess=lambda f: f, classes=False),
    "mean": Loss(square, distance, guess=lambda f: f, share=2.0, classes=False),
    "half_sum": Loss(square, distance, guess=lambda f: f, share=None, classes=False),
    # Of softmax: diag(p) - p p^T has no eigenvalue above 1/2 (Boehning 1992).
    "logistic": Loss(logistic, misjudged, curvature=(0.25, 0.5), guess=probable),
    "squared_hinge": Loss(squared_hinge, shortfall),
    "hinge": Loss(hinge, inside, curvature=(0.0, 0.0)),
}
"""Every loss by its name in a config."""

SQUARED = tuple(name for name, loss in LOSSES.items() if not loss.classes)
ONE_OF_SQUARED = f"{', '.join(SQUARED[:-1])} or {SQUARED[-1]}"


def learned(loss: str, data: Dataset) -> Dataset:
    """The data as a loss takes them: with targets -1 and +1 where it is one of classes.

    Raises:
        ConfigError: a loss of classes, but the targets are none.
    """
    if not LOSSES[loss].classes:
        return data
    parts = (data.y_train, data.labels_train), (data.y_test, data.labels_test)
    signs = [_signs(y, labels) for y, labels in parts]
    if any(found is None for found in signs):
        given = f"{loss} is a loss of classes, but the targets take more values than two"
        raise ConfigError([Problem("training.loss", f"{given}: choose {ONE_OF_SQUARED}, or data with classes")])
    return replace(data, y_train=signs[0], y_test=signs[1])


def _signs(y: Float[np.ndarray, "p k"], labels: np.ndarray | None) -> Float[np.ndarray, "p k"] | None:
    """Targets -1 and +1 of classes; None of other targets."""
    k = y.shape[1]
    if labels is not None:
        return 2.0 * labels[:, None] - 1 if k == 1 else 2 * np.eye(k)[labels] - 1
    size = np.abs(y).max(initial=0.0)
    return np.sign(y) if k == 1 and size > 0 and np.allclose(np.abs(y), size, rtol=1e-9) else None


def missed(loss: str, f: Float[np.ndarray, "p k"], y: Float[np.ndarray, "p k"]) -> float:
    """sum |g - y|^2 over that of f = 0, g = f for the squared losses and the guess of f for those of classes.

    For logistic that is the Brier score of the probabilities (Brier 1950) over that of even ones. NaN for y = 0.
    """
    guess = LOSSES[loss].guess
    start = np.sum((guess(0.0 * y) - y) ** 2)
    return float(np.sum((guess(f.astype(np.float64)) - y) ** 2) / start) if start > 0 else float("nan")


def in_units(loss: str, f: Float[np.ndarray, "p k"], y: Float[np.ndarray, "M k"]) -> Float[np.ndarray, "p k"]:
    """Outputs in the units of the targets y: f itself, or the guess of a loss of classes, moved to their two values."""
    if not LOSSES[loss].classes:
        return f
    low, high = y.min(axis=0), y.max(axis=0)
    return low + (high - low) * (LOSSES[loss].guess(f.astype(np.float64)) + 1) / 2


def margins(f: Float[np.ndarray, "p k"], y: Float[np.ndarray, "p k"]) -> Float[np.ndarray, " p"]:
    """y f of one output; of several the own output less the largest other. Positive where the class is right."""
    if f.shape[1] == 1:
        return (y * f)[:, 0]
    return np.max(f, axis=1, where=y > 0, initial=-np.inf) - np.max(f, axis=1, where=y < 0, initial=-np.inf)
