"""Kinds of network beside each other: a metric at equal depth and width, and how the spread of the kernel grows with
depth. Imports no JAX.

Of the fully connected ReLU network E[K^2]/E[K]^2 of K_0(x, x) grows by 1 + 5/n with each layer, as exp(5 beta)
(theory.md 3): at one width n CV^2 grows with depth. With residual branches of 1/sqrt(L) it is expected to stay O(1).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np
import pandas as pd
import scipy.stats
from jaxtyping import Float

from engine.initialisation.spread import equivalent, exact_spread, has_measured_beta, initial_network, typical_point
from engine.regimes.config import SweepConfig
from engine.regimes.result import SPREAD, above_rounding

LEVEL = 0.95
Shape = tuple[float, float]
"""Depth and width."""


@dataclass(frozen=True)
class KindRatio:
    """The ratio of a metric of one kind of network to that of another, at equal depth and width.

    Attributes:
        ratio: geometric mean over the shapes, of geometric means over networks.
        low, high: its 95% interval over networks, at these shapes and points (Welch, by shape); NaN where a shape has
            one network.
        least, most: of the ratio over the shapes.
        shapes: that both kinds have, where every network trained and has a number.
        left_out: that both have, where some network did not, or has none.
    """

    ratio: float
    low: float
    high: float
    least: float
    most: float
    shapes: int
    left_out: int


def kind_ratio(first: pd.DataFrame, second: pd.DataFrame, metric: str) -> KindRatio | None:
    """The second over the first; None where no shape can be compared.

    Args:
        first, second: runs of a kind each, of `engine.regimes.result.runs_frame`.
    """
    one, other = (_logs(runs, metric) for runs in (first, second))
    both = sorted(one.keys() & other.keys())
    pairs = [(one[shape], other[shape]) for shape in both if np.all(np.isfinite([*one[shape], *other[shape]]))]
    if not pairs:
        return None
    ratios = np.array([b.mean() - a.mean() for a, b in pairs])
    ends = ratios.mean() + _reach(pairs) * np.array([-1, 1])
    found = np.exp([ratios.mean(), *ends, ratios.min(), ratios.max()])
    return KindRatio(*map(float, found), shapes=len(pairs), left_out=len(both) - len(pairs))


def _logs(runs: pd.DataFrame, metric: str) -> dict[Shape, Float[np.ndarray, " networks"]]:
    """ln metric by shape: NaN of a network that failed, has no positive number, or an elt that is only rounding."""
    value = runs[metric].to_numpy(float)
    known = (value > 0) & np.isfinite(value) & ~runs["failed"].to_numpy(bool) & above_rounding(runs, metric)
    logs = runs[["depth", "width"]].assign(log=np.log(np.where(known, value, 1.0)))
    logs.loc[~known, "log"] = np.nan
    places = logs.astype(float).groupby(["depth", "width"])["log"]
    return {shape: group.to_numpy() for shape, group in places}  # pyright: ignore[reportReturnType]


def _reach(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    """Half the interval of the mean difference, by Welch and Satterthwaite; NaN where a shape has one network."""
    samples = [sample for pair in pairs for sample in pair]
    if min(map(len, samples)) < 2:
        return float("nan")
    parts = np.array([sample.var(ddof=1) / len(sample) for sample in samples]) / len(pairs) ** 2
    total = float(parts.sum())
    if total == 0:
        return 0.0
    free = total**2 / np.sum(parts**2 / (np.array([len(sample) for sample in samples]) - 1))
    return float(scipy.stats.t.ppf((1 + LEVEL) / 2, free) * np.sqrt(total))


@dataclass(frozen=True)
class Growth:
    """By what factor CV^2 of K_0(x, x), and so n CV^2, grows from one depth to another at one width.

    Attributes:
        low, high: an interval of at least 95%: the ends of one depth against the opposite ends of the other. Both are
            the factor where the spread is exact.
    """

    width: float
    shallow: float
    deep: float
    factor: float
    low: float
    high: float

    @property
    def exact(self) -> bool:
        """Whether it follows from a law."""
        return self.low == self.high


def growths(cells: Mapping[str, pd.DataFrame]) -> dict[str, Growth]:
    """Of kinds between the same two depths at the same width: where most of them are determined, there the farthest
    apart, and of these the deepest over its width. Kinds that are not determined there are left out.

    Args:
        cells: by kind, with `depth`, `width` and `SPREAD`.
    """
    spreads = {kind: _spreads(table) for kind, table in cells.items()}
    known = Counter(place for own in spreads.values() for place in _places(own))
    if not known:
        return {}
    shallow, deep, width = max(known, key=lambda at: (known[at], at[1] / at[0], at[1] / at[2]))
    there = {kind: own for kind, own in spreads.items() if {(shallow, width), (deep, width)} <= own.keys()}
    return {kind: _growth(own, shallow, deep, width) for kind, own in there.items()}


def _places(shapes: Iterable[Shape]) -> Iterator[tuple[float, float, float]]:
    """Two depths, the lower first, and the width that they share."""
    for (shallow, width), (deep, other) in combinations(sorted(shapes), 2):
        if width == other:
            yield shallow, deep, width


def _spreads(cells: pd.DataFrame) -> dict[Shape, tuple[float, ...]]:
    """By shape, those whose interval has two ends above 0."""
    if not len(cells):
        return {}
    rows = cells[["depth", "width", *SPREAD]].itertuples(index=False, name=None)
    found = {(float(depth), float(width)): spread for depth, width, *spread in rows}
    return {shape: tuple(own) for shape, own in found.items() if np.all(np.isfinite(own)) and min(own) > 0}


def _growth(spreads: Mapping[Shape, tuple[float, ...]], shallow: float, deep: float, width: float) -> Growth:
    (at, low, high), (end, end_low, end_high) = spreads[shallow, width], spreads[deep, width]
    return Growth(width, shallow, deep, end / at, end_low / high, end_high / low)


def of_fully_connected(sweep: SweepConfig, growth: Growth) -> Growth | None:
    """That of the critical fully connected ReLU network with the same biases, by its exact law; None without one, and
    where some layers stay.

    Args:
        sweep: of a kind of network that has no beta.
        growth: of it.
    """
    run = sweep.cells[0].run
    if not has_measured_beta(run):
        return None
    point = typical_point(run.data)
    alike = equivalent(run.network)
    spreads = [
        exact_spread(initial_network(alike.model_copy(update=shape), len(point), float(point @ point)))
        for shape in ({"depth": int(depth), "width": int(growth.width)} for depth in (growth.shallow, growth.deep))
    ]
    if None in spreads:
        return None
    shallow, deep = map(float, spreads)  # type: ignore[arg-type]
    return replace(growth, factor=deep / shallow, low=deep / shallow, high=deep / shallow)


def with_first(kinds: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The first kind with each of the others."""
    return product(kinds[:1], kinds[1:])
