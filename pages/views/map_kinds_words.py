"""What the maps of several kinds of network say beside each other, in sentences computed from their cells. No Streamlit
here."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from engine.initialisation.spread import MEASURED_BETA
from engine.problems import several
from engine.regimes.boundaries import Boundary
from engine.regimes.kinds import Growth, KindRatio
from engine.regimes.result import Thresholds
from pages.charts.map_names import BETA, KIND_NAMES, METRICS, RATIO, Order
from pages.charts.words import listing, number
from pages.views import map_words

PLAIN = "mlp"
BRANCHES = {"1/sqrt(L)": r"$1/\sqrt{L}$", "1": "1"}
"""Branch scales of residual networks, in words."""


def order_of(kind: str) -> Order:
    """What orders cells of this kind: beta where it is defined."""
    return BETA if kind == PLAIN else RATIO


def at_equal_shape(found: Mapping[str, KindRatio | None], first: str, metric: str) -> str:
    """A metric of each other kind over that of the first, at equal depth and width; empty without an interval."""
    parts = [
        f"{_times(apart)} in {KIND_NAMES[kind]} ones ({_doubt(apart)})"
        for kind, apart in found.items()
        if apart is not None and np.isfinite(apart.low)
    ]
    if not parts:
        return ""
    start = f"Beside {KIND_NAMES[first]} networks of equal depth and width the {METRICS[metric].label} is"
    return f"{start} {listing(parts)}."


def _times(found: KindRatio) -> str:
    times = f"{number(found.ratio)} times as large"
    return f"not told apart, {times}," if found.low <= 1 <= found.high else times


def _doubt(found: KindRatio) -> str:
    said = f"95%: {number(found.low)} to {number(found.high)}; {several(found.shapes, 'shape')}"
    said += f", {number(found.least)} to {number(found.most)} among them" if found.shapes > 1 else ""
    return f"{said}; {found.left_out} left out, where not all networks train" if found.left_out else said


def growth(found: Mapping[str, Growth], law: Growth | None, branch: str) -> str:
    """By what factor n CV^2 of the kernel at initialisation grows with depth, and whether residual branches flatten
    what the exact law of fully connected networks says; empty where nothing is determined.

    Args:
        found: by kind, all at the same shapes.
        law: that of fully connected networks there, where no map is of them.
        branch: the branch scale of the residual networks.
    """
    all_kinds = {**({PLAIN: law} if law else {}), **found}
    if set(all_kinds) <= {PLAIN}:
        return ""
    at = next(iter(all_kinds.values()))
    parts = [f"{number(one.factor)} in {KIND_NAMES[kind]} networks ({_known(one)})" for kind, one in all_kinds.items()]
    said = (
        rf"From $L$ = {number(at.shallow)} to {number(at.deep)} at $n$ = {number(at.width)}, $n\,\mathrm{{CV}}^2$ of "
        f"the kernel at initialisation grows by a factor {listing(parts)}"
    )
    exact = all_kinds.get(PLAIN)
    if "resnet" in found and exact is not None and exact.exact:
        said += _flattened(found["resnet"], exact, branch)
    return f"{said}."


def _known(found: Growth) -> str:
    """How it is known: only of fully connected networks there is a law."""
    if found.exact:
        return r"exactly, by the law that goes as $\exp(5\beta)$"
    return f"95%: {number(found.low)} to {number(found.high)}"


def _flattened(residual: Growth, law: Growth, branch: str) -> str:
    """What branches of this scale do to it."""
    branches = f"branches of {BRANCHES[branch]}"
    if residual.high <= 1 < law.low:
        return f": {branches} flatten it"
    if residual.high < law.low:
        return f": {branches} damp it, and {'some growth is left' if residual.low > 1 else 'no growth is told'}"
    return f": {branches} do not damp it" if residual.low > law.high else f"; whether {branches} damp it is not told"


def edges(found: Mapping[str, Mapping[str, Boundary]], bounds: Thresholds) -> list[str]:
    """Each boundary of every kind that has it, with its band; nothing of the others."""
    said = []
    for name, what in map_words.passed(bounds).items():
        parts = [
            f"{map_words.edge_of(own[name], order_of(kind))} in {KIND_NAMES[kind]} networks"
            for kind, own in found.items()
            if name in own and own[name].beta is not None
        ]
        if parts:
            said.append(f"{what}: {listing(parts)}.")
    return said


def counts(cells: Mapping[str, pd.DataFrame]) -> list[str]:
    """How many cells of each kind have which label, and which kinds have none that is known."""
    return [
        under(kind, map_words.counts(own) if len(own) else "No cell is known, so nothing is said of it.")
        for kind, own in cells.items()
    ]


def measured(cells: pd.DataFrame, kind: str) -> str:
    """The measured beta over the cells of a kind that has none; empty where it is determined in none.

    Args:
        cells: with `MEASURED_BETA` where the kind has no beta.
    """
    at, low, high = MEASURED_BETA
    if at not in cells:
        return ""
    known = cells[np.isfinite(cells[at].to_numpy(float))]
    if known.empty:
        return ""
    ends = [known.loc[known[at].idxmin()], known.loc[known[at].idxmax()]]
    reach = [f"{number(one[at])} (95%: {number(one[low])} to {number(one[high])})" for one in ends]
    share = known[at] / known["beta"]
    between = " to ".join(dict.fromkeys(map(number, (share.min(), share.max()))))
    return (
        f"The measured β of {KIND_NAMES[kind]} networks is {' to '.join(dict.fromkeys(reach))}: {between} times their "
        f"$L/n$; it is determined in {len(known)} of {several(len(cells), 'cell')}."
    )


def each(said: Mapping[str, str]) -> list[str]:
    """A sentence on each kind, under its name; nothing of those of which there is none."""
    return [under(kind, one) for kind, one in said.items() if one]


def under(kind: str, sentence: str) -> str:
    """A sentence after the name of a kind of network and a colon; its first word small unless it is a symbol."""
    first, blank, rest = sentence.partition(" ")
    small = first.lower() if first[1:].islower() else first
    return f"{KIND_NAMES[kind].capitalize()}: {small}{blank}{rest}"
