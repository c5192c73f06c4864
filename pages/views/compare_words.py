"""What a comparison of results says, in sentences. No Streamlit here."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from engine.problems import several
from engine.quantities import QUANTITIES
from engine.result import Result
from engine.training.result import SeedResult
from pages.charts.words import listing, number, plain
from pages.views import evolution_words, expansion_words, norm_words, study_words
from pages.views.hold_words import without

SAME = 0.1
"""Numbers of two maps within this share of each other are called the same."""


ANSWERS: dict[str, Callable[[Any], str]] = {
    "run": evolution_words.answer,
    "perturbation": expansion_words.answer,
    "perturbation_study": study_words.answer,
    "rkhs": norm_words.answer,
    "recording": evolution_words.answer,
    "recording_spaces": norm_words.answer,
    "recording_perturbation": expansion_words.answer,
}
"""What the page of each kind says first."""


def headline(kind: str, result: Result) -> str:
    """The answer that a result gives to the question of its page; "" where it gives none."""
    return ANSWERS[kind](result) if kind in ANSWERS else ""


def ends(results: Sequence[Result]) -> str:
    """That the results did not stop at one t, so that their last values are no like for like; "" where they did."""
    stops = [_stop(seed) for result in results for seed in result.seeds]
    if len(results) < 2 or not stops or not min(stops) > 0 or max(stops) <= (1 + SAME) * min(stops):
        return ""
    return (
        f"They stopped between t = {number(min(stops))} and {number(max(stops))}: compare the curves at equal t, "
        "not the numbers at the stop."
    )


def undrawn(having: Mapping[str, Collection[str]], known: Mapping[str, Collection[str]]) -> list[str]:
    """Of which results some curve is missing, or all; nothing of one whose curves are all drawn.

    Args:
        having: quantity -> the names of the results that have a curve of it.
        known: name of each result -> the quantities that its kind has curves of.
    """
    said = [f"**{plain(name)}** has no curve over t." for name, quantities in known.items() if not quantities]
    for name, quantities in known.items():
        missing = [one for one in quantities if having.get(one) and name not in having[one]]
        said.append(without(name, [QUANTITIES[one].label for one in missing]))
    if len(known) > 1 and all(len(names) < 2 for names in having.values()):
        said.append("No two of them have a curve of one quantity, so that none is drawn.")
    return [*filter(None, said)]


def _stop(seed: Any) -> float:
    return float(seed.t_stop if isinstance(seed, SeedResult) else seed["t"][-1])


def relabelled(one: pd.DataFrame, other: pd.DataFrame) -> str:
    """How many cells have another label on the second of two maps; "" where no cell has one on both.

    Args:
        one, other: cells with their place `x`, `y` and their `regime`.
    """
    both = one[["x", "y", "regime"]].merge(other[["x", "y", "regime"]], on=["x", "y"], suffixes=("", "_there")).dropna()
    if not len(both):
        return ""
    moved = both[both["regime"] != both["regime_there"]]
    whole = f"Of {several(len(both), 'cell')} on both maps"
    if not len(moved):
        return f"{whole} none has another label on the second."
    counts = Counter(zip(moved["regime"], moved["regime_there"], strict=True)).most_common()
    ways = [f"{before} to {after} in {count}" for (before, after), count in counts]
    return f"{whole}, {len(moved)} {'has' if len(moved) == 1 else 'have'} another label on the second: {listing(ways)}."


def apart(frame: pd.DataFrame, label: str) -> str:
    """How two maps differ in the cells that both have; "" where there is none.

    Args:
        frame: of `pages.charts.compare.difference_table`.
        label: of the metric.
    """
    ratio = frame["ratio"].to_numpy(float)
    if not len(ratio):
        return ""
    middle = float(np.exp(np.median(np.log(ratio))))
    above, below = int(np.sum(ratio > 1 + SAME)), int(np.sum(ratio < 1 / (1 + SAME)))
    return (
        f"Of {several(len(ratio), 'cell')} on both maps, the {label} is larger on the second in {above}, smaller in "
        f"{below}, and within 10% in {len(ratio) - above - below}; the median factor is {number(middle, 2)}, "
        f"between {number(ratio.min(), 2)} and {number(ratio.max(), 2)}."
    )
