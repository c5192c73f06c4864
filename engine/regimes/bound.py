"""P2 = int ||Delta K_s|| ||r_lazy(s)|| ds from a run that is looked at again and again until the sum is known.

||Delta K|| is linear between looks. A look in the middle of an interval says what that was worth there: where it
changes the sum by too much the interval is halved, until all the last looks together change it by at most
`TOLERANCE`. By how much they do is kept as the error. No JAX.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.training.frozen import frozen

TOLERANCE = 0.1
"""Of P2, by which the last looks may have changed it."""
ESTIMATE = 0.15
"""Where they changed it by more, and no more looks are allowed, P2 is an estimate and no bound."""

Triple = tuple[int, int, int]


def most_snapshots(rows: int) -> int:
    """How often a run may be looked at: each look takes the eigenvalues of a matrix of so many rows."""
    return int(np.clip(64 * 512 / rows, 48, 1024))


def middle(a: int, b: int) -> int:
    """A step between a and b that is odd between even ones and even between odd ones: at the edge of stability
    neighbouring steps differ."""
    m = (a + b) // 2
    return m + 1 if a % 2 == b % 2 == m % 2 and b - a > 2 else m


class Bound:
    """P2 of one run.

    Args:
        steps: grid of the integral, whole steps from the start to the stop.
        weight: at each of them, so that P2 = sum weight ||Delta K||: the measure times ||r_lazy||.
        looked: ||Delta K|| by step: at 0, the stop, and some between.
    """

    def __init__(self, steps: Int[np.ndarray, " s"], weight: Float[np.ndarray, " s"], looked: Mapping[int, float]):
        self.steps, self.weight, self.size = steps, weight, dict(looked)
        self.changes: dict[Triple, float] = {}
        """By an interval and the step within it that was looked at last: how much that changed P2."""
        self.open: dict[tuple[int, int], float] = {}
        """By an interval to look into: its part of the change that its own last look made."""
        places = sorted(looked)
        first = 1 - len(places) % 2  # an odd number of intervals leaves one of them untested
        if first and len(places) > 1:
            self.open[places[0], places[1]] = 0.0
        self._test([(places[i], places[i + 1], places[i + 2]) for i in range(first, len(places) - 2, 2)])

    @property
    def value(self) -> float:
        """P2 as far as it is known."""
        places = sorted(self.size)
        sizes = np.interp(self.steps, places, [self.size[step] for step in places])
        return float(self.weight @ sizes)

    @property
    def error(self) -> float:
        """By which share of itself the last looks changed P2; NaN where it is not finite."""
        value = self.value
        if not np.isfinite(value):
            return float("nan")
        return (sum(self.changes.values()) + sum(self.open.values())) / value if value > 0 else 0.0

    def next_steps(self) -> list[int]:
        """Steps to look at next, in order; none when P2 is known, or nothing is left between looks."""
        return sorted(middle(a, b) for a, b in self.open if b - a > 1) if np.isfinite(self.value) else []

    def add(self, looked: Mapping[int, float]) -> None:
        """||Delta K|| at some of the steps of `next_steps`; the others stay open, and other steps are passed over."""
        found = [(a, m, b) for a, b in self.open if b - a > 1 and (m := middle(a, b)) in looked]
        self.size |= {m: looked[m] for _, m, _ in found}
        self.open = {(a, b): part for (a, b), part in self.open.items() if b - a > 1 and middle(a, b) not in looked}
        self._test(found)

    def _test(self, triples: Sequence[Triple]) -> None:
        """Notes what each middle changes, and halves the intervals in which it is too much."""
        self.changes |= {triple: self._change(*triple) for triple in triples}
        if not self.error > TOLERANCE:
            return
        share = TOLERANCE * self.value / (2 * len(self.changes))
        for (a, m, b), change in [row for row in self.changes.items() if row[1] > share]:
            del self.changes[a, m, b]
            halves = [(start, end) for start, end in ((a, m), (m, b)) if end - start > 1]  # a step is exact
            self.open |= {half: change / len(halves) for half in halves}

    def _change(self, a: int, m: int, b: int) -> float:
        chord = self.size[a] + (self.size[b] - self.size[a]) * (m - a) / (b - a)
        hat = np.interp(self.steps, (a, m, b), (0.0, 1.0, 0.0))
        return float(abs((self.size[m] - chord) * (self.weight @ hat)))


def first_marks(last: int) -> list[int]:
    """1, 2, 3, 4, 7, 8, 13, 16, 25, ... and the last step: intervals between powers of two with an odd middle."""
    doubled = [2**k for k in range(last.bit_length())]
    return sorted(
        {step for step in (*doubled, *(middle(step, 2 * step) for step in doubled[1:]), last) if step <= last}
    )


# The network of the frozen kernel along a run: its outputs at the stop, and the weights of P2.

MOST_TIMES = 2049
"""Times at which the lazy network is followed; a run of fewer steps has it at each."""


@dataclass(frozen=True, eq=False)
class Lazy:
    """For as many steps as the run took.

    Attributes:
        vectors, modes: eigenvectors of K_0, and of r(0) along them.
        steps: from the start to the stop, `MOST_TIMES` at most.
        rate: of a step.
        descent: or the flow.
        decay, gathered: what is left of each mode at each step, and its time integral.
    """

    vectors: Float[np.ndarray, "n n"]
    modes: Float[np.ndarray, " n"]
    steps: Int[np.ndarray, " s"]
    rate: float
    descent: bool
    decay: Float[np.ndarray, "s n"]
    gathered: Float[np.ndarray, "s n"]

    @classmethod
    def of(
        cls,
        values: Float[np.ndarray, " n"],
        vectors: Float[np.ndarray, "n n"],
        r_0: Float[np.ndarray, " n"],
        rate: float,
        steps: int,
        descent: bool,
    ) -> "Lazy":
        """From the spectrum of K_0."""
        at = np.unique(np.linspace(0, steps, min(steps + 1, MOST_TIMES)).round().astype(np.int64))
        found = frozen(np.maximum(values, 0), rate * at, rate if descent else None)
        return cls(vectors, vectors.T @ r_0, at, rate, descent, *found)

    def change(self, K_0: Float[np.ndarray, "p p"]) -> Float[np.ndarray, " m"]:
        """Of the outputs up to the stop, on held-out points: those of K_0 that come after the training points."""
        n = len(self.modes)
        return -K_0[n:, :n] @ (self.vectors @ (self.gathered[-1] * self.modes))

    def weight(self) -> Float[np.ndarray, " s"]:
        """P2 = sum weight ||Delta K||: a step of descent counts at its start; the flow by the trapezoidal rule."""
        gaps = np.diff(self.steps)
        measure = np.zeros(len(self.steps))
        if self.descent and np.all(gaps == 1):
            measure[:-1] = 1
        else:
            measure[:-1] += gaps / 2
            measure[1:] += gaps / 2
        return self.rate * measure * np.linalg.norm(self.decay * self.modes, axis=1)
