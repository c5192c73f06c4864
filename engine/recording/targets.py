"""What somebody asks `kd.watch` for, checked before the first step: targets, steps, the kernel between outputs."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from engine.arguments import examples_of
from engine.cost import MOST_ROWS
from engine.losses import ONE_OF_SQUARED, SQUARED
from engine.problems import ConfigError, Problem, short_repr
from engine.recording.config import MOST_CHECKPOINTS
from engine.recording.file import About
from engine.recording.probes import Probes

FEWEST = 8
"""Checkpoints that there is room for."""
MOST_VALUES = 16_000_000
"""Of all kernels that are held, and in the file: 128 MB."""


@dataclass(frozen=True, eq=False)
class Targets:
    """What the loop learns: values (p, k), or classes (p,)."""

    values: np.ndarray | None
    labels: np.ndarray | None

    @property
    def count(self) -> int:
        """p."""
        return len(self.values) if self.values is not None else len(self.labels if self.labels is not None else ())

    @classmethod
    def of(cls, y: Any, count: int) -> Self:
        """Raises `ConfigError`."""
        found = examples_of("y_probe", y)
        if len(found) != count or found.ndim > 2:
            raise ConfigError([Problem("y_probe", f"of shape {found.shape}; ({count},) or ({count}, k) is needed")])
        if found.ndim == 2 or found.dtype.kind == "f":
            return cls(found.reshape(count, -1).astype(np.float64), None)
        return cls(None, found.astype(np.int64))

    def probes(self, k: int, about: About) -> Probes:
        """For a network of k outputs: of classes one-hot, of two for one output -1 and 1. Raises `ConfigError`."""
        values: Any = self.values
        if self.labels is not None:
            count = max(k, 2)
            if self.labels.min() < 0 or self.labels.max() >= count:
                given = f"classes from {self.labels.min()} to {self.labels.max()} given"
                raise ConfigError([Problem("y_probe", f"{given}; 0 to {count - 1} are needed for {k} outputs")])
            values = np.eye(k)[self.labels] if k > 1 else 2.0 * self.labels[:, None] - 1
        if values.shape[1] != k:
            given = f"of shape {values.shape}, but the network gives {k} outputs"
            raise ConfigError([Problem("y_probe", f"{given}: a target for each, or a class number, is needed")])
        found = Probes(values, self.labels, about.held_out, about.loss)
        try:
            found.learned()
        except ConfigError:
            given = f"values given, but {about.loss} is a loss of classes"
            raise ConfigError([Problem("y_probe", f"{given}: give class numbers 0, 1, ... of each point")]) from None
        return found


def check_full(about: About) -> None:
    """Raises `ConfigError` where the kernel between outputs would serve nothing."""
    why = "full_kernel is for Perturbation, which is of plain gradient descent on a squared loss"
    problems = [Problem("learning_rate", f"is missing: {why}")] if about.learning_rate is None else []
    if about.loss not in SQUARED:
        problems.append(Problem("loss", f"{short_repr(about.loss)} given: {why}; {ONE_OF_SQUARED} is needed"))
    if problems:
        raise ConfigError(problems)


def check_size(p: int, k: int, held_out: int) -> None:
    """Raises `ConfigError` where the kernel between outputs takes more memory than is kept, or more rows than are
    expanded."""
    n, values = (p - held_out) * k, numbers(p, k, held_out, True)
    if n > MOST_ROWS or FEWEST * values > MOST_VALUES:
        given = f"full_kernel of {p - held_out} + {held_out} points and {k} outputs has {values:,} numbers a checkpoint"
        most = f"at most {MOST_VALUES // FEWEST:,}, and {MOST_ROWS:,} points trained on times outputs"
        raise ConfigError([Problem("x_probe", f"{given}, {n:,} rows; {most}, are kept: give fewer points")])


def numbers(p: int, k: int, held_out: int, full: bool) -> int:
    """Of the kernels of a checkpoint; of one output the one between outputs is none beside the other."""
    return p**2 + (p * k * (p - held_out) * k if full and k > 1 else 0)


def checked_steps(steps: Any) -> list[int]:
    """To record at, ascending. Raises `ConfigError`."""
    try:
        found = sorted({int(step) for step in steps})
    except (TypeError, ValueError):
        found = []
    if not found or found[0] < 0 or len(found) > MOST_CHECKPOINTS:
        raise ConfigError(
            [Problem("steps", f"{short_repr(steps)} given; 1 to {MOST_CHECKPOINTS} steps from 0 on are needed")]
        )
    return found
