"""The unit circle with a Fourier mixture, a square wave or a kinked wave as target."""

from math import lcm
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import Float
from pydantic import Field, ValidationInfo, field_validator, model_validator

from engine.data.dataset import Dataset, DatasetConfig, Order, Stream, finished
from engine.data.targets import SIGNS, TARGETS

MAX_TERMS = 64

Frequency = Annotated[int, Field(ge=0, le=10_000)]
Amplitude = Annotated[float, Field(ge=-1e6, le=1e6)]
Phase = Annotated[float, Field(ge=-1e3, le=1e3)]


class CircleConfig(DatasetConfig):
    """Points x = (cos theta, sin theta), on grids or at random.

    On a grid training points are equally spaced, theta_i = 2 pi i/M. Test points are equally spaced too, their grid
    turned by pi/lcm(M, M_test): half a step of the coarsest grid that holds both, so that no test point is a training
    point. Random points are independent and uniform, training and test alike, in the order of their angles.

    A density a > 0 moves every point, training and test, to where the law (1 + a cos theta)/(2 pi) has as much before
    it as the uniform law had: a grid becomes its quantiles, random points independent draws from it.

    Attributes:
        points: "grid" or "random".
        density: a, in [0, .95]: 0 is uniform; else points crowd around theta = 0.
        target: "fourier", sum_i amplitude_i cos(frequency_i theta + phase_i), or the sign or absolute value of
            sin(order theta).
        order: frequency of "sign" and "abs_sin".
        amplitudes: one per frequency; all 1 when left out.
        phases: in radians, one per frequency; all 0 when left out.
    """

    name: Literal["circle"] = "circle"
    target: Literal["fourier", "sign", "abs_sin"] = "fourier"
    order: Order = 1
    frequencies: Annotated[tuple[Frequency, ...], Field(min_length=1, max_length=MAX_TERMS)] = (2, 4, 7)
    amplitudes: tuple[Amplitude, ...] = ()
    phases: tuple[Phase, ...] = ()
    points: Annotated[Literal["grid", "random"], Field(exclude_if=lambda points: points == "grid")] = "grid"
    density: Annotated[float, Field(ge=0, le=0.95, exclude_if=lambda density: density == 0)] = 0.0

    @model_validator(mode="before")
    @classmethod
    def _write_out(cls, values: Any) -> Any:
        """Writes amplitudes and phases that were left out, so that equal data are equal configs."""
        if not isinstance(values, dict):
            return values
        values = dict(values)
        frequencies = values.get("frequencies", cls.model_fields["frequencies"].default)
        if isinstance(frequencies, list | tuple):
            for name, fill in (("amplitudes", 1.0), ("phases", 0.0)):
                if values.get(name) is None:
                    values[name] = (fill,) * len(frequencies)
        return values

    @field_validator("frequencies")
    @classmethod
    def _each_once(cls, frequencies: tuple[int, ...]) -> tuple[int, ...]:
        twice = sorted({frequency for frequency in frequencies if frequencies.count(frequency) > 1})
        if twice:
            raise ValueError(f"{', '.join(map(str, twice))} listed more than once: list each frequency once")
        return frequencies

    @field_validator("amplitudes", "phases")
    @classmethod
    def _one_per_frequency(cls, terms: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        frequencies = info.data.get("frequencies")
        if frequencies is not None and len(terms) != len(frequencies):
            raise ValueError(
                f"{len(terms)} given for {len(frequencies)} frequencies: "
                f"give one per frequency, or leave {info.field_name} out"
            )
        return terms

    @field_validator("amplitudes")
    @classmethod
    def _not_all_zero(cls, amplitudes: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        if amplitudes and not any(amplitudes) and info.data.get("target") == "fourier":
            raise ValueError("all are 0, so the target is 0 everywhere: raise at least one")
        return amplitudes

    @property
    def input_dim(self) -> int:
        return 2

    @property
    def of_classes(self) -> bool:
        return self.target in SIGNS

    @property
    def domain(self) -> str:
        law = f"density (1 + {self.density:g} cos θ)/2π" if self.density else "uniform"
        return f"unit circle S¹, {law}"

    def dataset(self) -> Dataset:
        train, test = self._angles()
        return finished(
            self,
            (_points(train), _points(test)),
            (self._values(train), self._values(test)),
            notes=self._aliasing(),
            angle_train=train,
            angle_test=test,
        )

    def _angles(self) -> tuple[Float[np.ndarray, " M"], Float[np.ndarray, " M_test"]]:
        """Of the training and the test points, in [0, 2 pi)."""
        if self.points == "random":
            train, test = (
                2 * np.pi * np.sort(Stream(self.seed, purpose).uniform(size))
                for purpose, size in (("train angles", self.size), ("test angles", self.test_size))
            )
        else:
            train = 2 * np.pi * np.arange(self.size) / self.size
            test = 2 * np.pi * np.arange(self.test_size) / self.test_size + np.pi / lcm(self.size, self.test_size)
        return crowded(train, self.density), crowded(test, self.density)

    def _values(self, angle: Float[np.ndarray, " points"]) -> Float[np.ndarray, "points 1"]:
        return TARGETS[self.target].function(_points(angle), self)[:, None]

    def _aliasing(self) -> list[str]:
        """Frequencies that a grid cannot tell from lower ones, or of which it sees one phase only."""
        if self.points == "random" or self.density:
            return []
        return [
            said
            for frequency in self._frequencies
            for where, count, name in (("training", self.size, "size"), ("held-out", self.test_size, "test_size"))
            if (said := _alias(frequency, where, count, name))
        ]

    @property
    def _frequencies(self) -> tuple[int, ...]:
        """Of the mixture where they have an amplitude; the lowest of the square wave and of the kinked one."""
        if self.target == "fourier":
            return tuple(k for k, amplitude in zip(self.frequencies, self.amplitudes, strict=True) if amplitude)
        return (self.order if self.target == "sign" else 2 * self.order,)


def crowded(angle: Float[np.ndarray, " points"], density: float) -> Float[np.ndarray, " points"]:
    """The theta in [0, 2 pi) with theta + a sin theta = angle: its quantile under (1 + a cos theta)/(2 pi), a < 1.

    Kepler's equation, by bisection and a last step of Newton's.
    """
    if not density:
        return angle
    low, high = np.zeros_like(angle), np.full_like(angle, 2 * np.pi)
    for _ in range(52):
        middle = (low + high) / 2
        before = middle + density * np.sin(middle) < angle
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    theta = (low + high) / 2
    theta = theta - (theta + density * np.sin(theta) - angle) / (1 + density * np.cos(theta))
    return np.where(angle == 0, 0.0, theta)


def _alias(frequency: int, where: str, count: int, name: str) -> str:
    """What a grid of so many points does to a frequency; empty where it shows it as it is."""
    if 2 * frequency < count or frequency == 0:
        return ""
    lower = min(frequency % count, -frequency % count)
    above = f"frequency {frequency} is {'above' if 2 * frequency > count else 'equal to'} {name}/2 = {count / 2:g}"
    if 2 * frequency == count:
        return f"{above}: the {where} points see it at one phase only"
    return f"{above}: on the {where} points it is the same as frequency {lower}"


def _points(angle: Float[np.ndarray, " points"]) -> Float[np.ndarray, "points 2"]:
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)
