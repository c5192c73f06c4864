"""What the Function space page says, in numbers and sentences computed from them. No Streamlit here."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from engine.rkhs.comparison import FUNCTIONS, SPACES, Growth
from engine.rkhs.result import RkhsResult, SeedSpaces
from pages.charts.words import Headline, in_seeds, listing, middle, number, percent, spread
from pages.views.evolution_words import of_the_first, went_wrong
from pages.views.kernel_words import which_kernel
from pages.views.spaces_words import ONE_SPACE, SAME, determined_values, of_a_table, over_seeds, still

BOUNDED = 0.1
"""Growth exponents below it are bounded as far as these grids tell."""
STEEPER = 0.2
"""One exponent beyond another by as much is worth a word."""
NEGLIGIBLE = 1e-3
"""Errors below it are told alike."""
GROWS = "has a squared norm that grows like"
UNDETERMINED = "has a norm that is **not determined** in {}, where fewer than three grids allow an inverse"
OUTSIDE = 1e-6
"""Parts of a function, in norm, below which they are rounding."""
REACHED = 0.1
"""The error at which balls are compared."""

Space = Literal["H_0", "H_T"]
Function = Literal["target", "function", "noise"]
NAMES: dict[Function, str] = {"function": "$f_T$", "target": "the target"}
PLAIN: dict[Function, str] = {"target": "y", "function": "f_T"}


def headlines(result: RkhsResult) -> list[Headline]:
    """Growth exponents over the nested grids, as medians over seeds."""
    found = [_headline(result, space, function, label) for function, label in PLAIN.items() for space in SPACES]
    return [*found, *of_a_table(result)]


def _headline(result: RkhsResult, space: Space, function: Function, label: str) -> Headline:
    exponents = _exponents(result, space, function)
    return Headline(
        f"growth of {label} in {space}",
        "outside" if len(_beyond(result, space, function)) == len(result.seeds) else number(middle(exponents), 2),
        rf"Exponent in $f^TK_p^{{-1}}f \sim p^a$ on the largest three grids; near 0: bounded so far. Over seeds: "
        f"{spread(exponents, lambda one: number(one, 2))}. A dash: not determined; outside: a part of "
        "it lies outside the span.",
    )


def answer(result: RkhsResult) -> str:
    """Whether the trained function is in the two spaces, as far as the grids tell."""
    sizes = result.seeds[0]["grid_sizes"]
    grids = f"nested grids of {int(sizes[0])} to" if len(sizes) > 1 else "one grid of"
    said = f"n {grids} {int(sizes[-1])} points {_growth(result, 'function')}."
    return f"{ONE_SPACE}: o{said}" if still(result) else f"O{said}"


def sentences(result: RkhsResult) -> list[str]:
    """Markdown, one finding each, beside the answer."""
    both = [] if still(result) else [*_balls(result), *_modes(result)]
    return [*which_kernel(result.followed), *went_wrong(result.seeds), *_others(result), *both]


def _exponents(result: RkhsResult, space: Space, function: Function) -> list[float]:
    return determined_values(one.exponent for one in _grown(result, space, function))


def _growth(result: RkhsResult, function: Function) -> str:
    """How the norm of a function grows in the two spaces, and what that says of membership; in one that stays."""
    if still(result):
        outside = _beyond(result, "H_0", function)
        found = _range(result, "H_0", function)
        decided = "" if outside or not np.all(np.isfinite(found)) else f": {verdict_of_one(found)}"
        return f"{NAMES[function]} {_phrase(result, 'H_0', function, outside)}{decided}"
    beyond = [_beyond(result, space, function) for space in SPACES]
    phrases = [_phrase(result, space, function, outside) for space, outside in zip(SPACES, beyond, strict=True)]
    if phrases == [UNDETERMINED.format(f"${space}$") for space in SPACES]:
        return f"{NAMES[function]} {UNDETERMINED.format('$H_0$ and in $H_T$')}"
    says = listing(phrases).replace(f"$ and {GROWS}", "$ and like").replace("inverse and", "inverse, and")
    return f"{NAMES[function]} {says}{_membership(result, function, beyond)}"


def _others(result: RkhsResult) -> list[str]:
    """The same of the target, and of white noise."""
    said = [_growth(result, "target")]
    noise = middle([*_exponents(result, "H_0", "noise"), *_exponents(result, "H_T", "noise")])
    if np.isfinite(noise):
        said.append(f"white noise, in no space, {GROWS} $p^{{{noise:.2f}}}$")
    grids = f"grid{'s' if len(result.seeds[0]['grid_sizes']) > 1 else ''}"
    return [f"On the same {grids} ({_ranks(result.seeds[0])}) {'; '.join(said)}."]


def _beyond(result: RkhsResult, space: Space, function: Function) -> list[float]:
    """The parts of a function that lie outside the span of a space on the largest grid, of the seeds in which that is
    more than rounding."""
    at = SPACES.index(space), FUNCTIONS.index(function), -1
    return [
        outside for outside in determined_values(seed["grid_outside"][at] for seed in result.seeds) if outside > OUTSIDE
    ]


def _phrase(result: RkhsResult, space: Space, function: Function, beyond: Sequence[float]) -> str:
    count = len(result.seeds)
    if beyond:
        return f"leaves the span of ${space}$ by {percent(middle(beyond))} of its norm{in_seeds(len(beyond), count)}"
    grown = [one for one in _grown(result, space, function) if np.isfinite(one.exponent)]
    if not grown:
        return UNDETERMINED.format(f"${space}$")
    largest = min(one.largest for one in grown)
    reach = "" if largest == result.seeds[0]["grid_sizes"][-1] else f", up to {largest} points,"
    exponent = middle([one.exponent for one in grown])
    return f"{GROWS} $p^{{{exponent:.2f}}}${reach} in ${space}${in_seeds(len(grown), count)}"


def _membership(result: RkhsResult, function: Function, beyond: Sequence[Sequence[float]]) -> str:
    """The verdict behind a colon; empty where there is none for all seeds."""
    start, end = (_range(result, space, function) for space in SPACES)
    if len(beyond[0]) == len(result.seeds) and not beyond[1] and end[1] < BOUNDED:
        return f": **{NAMES[function]} is outside $H_0$, and in $H_T$ so far**"
    if any(beyond) or not np.all(np.isfinite([start, end])):
        return ""
    return f": {verdict(start, end)}"


def _range(result: RkhsResult, space: Space, function: Function) -> tuple[float, float]:
    """Over all seeds, a standard error of its fit to either side of each exponent; NaN where one has none."""
    found = _grown(result, space, function)
    ends = [(one.exponent - one.error, one.exponent + one.error) for one in found]
    return float(np.min(ends)), float(np.max(ends))


def _grown(result: RkhsResult, space: Space, function: Function) -> list[Growth]:
    return [seed.growth(space, function) for seed in result.seeds]


def verdict(start: tuple[float, float], end: tuple[float, float]) -> str:
    """What the exponents in H_0 and H_T, each from least to largest, say of membership."""
    bounded = [high < BOUNDED for _, high in (start, end)]
    beyond = [low >= BOUNDED for low, _ in (start, end)]
    if all(bounded):
        return "bounded so far in both"
    if bounded[1] and beyond[0]:
        return "**bounded so far in $H_T$ only**"
    if bounded[0] and beyond[1]:
        return "bounded so far in $H_0$ only"
    if not all(beyond):
        undecided = listing([f"${space}$" for space, b, y in zip(SPACES, bounded, beyond, strict=True) if not (b or y)])
        return f"whether it is bounded in {undecided} is not decided (a standard error of the fits, over all seeds)"
    if start[0] - end[1] > STEEPER:
        return "**slower in $H_T$**, bounded in neither on these grids"
    if end[0] - start[1] > STEEPER:
        return "slower in $H_0$, bounded in neither on these grids"
    return "bounded in neither on these grids"


def verdict_of_one(found: tuple[float, float]) -> str:
    """What the exponents in one space, from least to largest, say of membership."""
    if found[1] < BOUNDED:
        return "bounded so far"
    if found[0] >= BOUNDED:
        return "not bounded on these grids"
    return "whether it is bounded is not decided (a standard error of the fits, over all seeds)"


def outside(result: RkhsResult) -> str:
    """Whether the trained function is outside H_0, in a word or two."""
    beyond = [_beyond(result, space, "function") for space in SPACES]
    start, end = (_range(result, space, "function") for space in SPACES)
    if beyond[0]:
        everywhere = len(beyond[0]) == len(result.seeds)
        return f"yes, {percent(middle(beyond[0]))} of it" if everywhere else "seeds disagree"
    if not np.all(np.isfinite([start, end])):
        return "not determined"
    if start[1] < BOUNDED:
        return "no, bounded so far"
    if start[0] < BOUNDED:
        return "not decided"
    return "yes so far" if end[1] < BOUNDED else "unbounded so far"


def _ranks(seed: SeedSpaces) -> str:
    start, end = (int(rank) for rank in seed["grid_rank"][:, -1])
    return f"ranks {start:,} and {end:,}{' on the largest' if len(seed['grid_sizes']) > 1 else ''}"


def _balls(result: RkhsResult) -> list[str]:
    """The error that H_0 leaves with the norm at which H_T reaches `REACHED`."""
    left = determined_values(error_at_budget(seed) for seed in result.seeds)
    if not left:
        if not np.all(np.isfinite([seed["held_out/frontier_error"][-1].min() for seed in result.seeds])):
            return []
        return [f"No ball of $H_T$ reaches a squared error of {REACHED:.0%} held out."]
    error = middle(left)
    whose = in_seeds(len(left), len(result.seeds))
    budget = (
        f"At the norm with which the best function of $H_T$ leaves a squared error of {REACHED:.0%} held out{whose}"
    )
    if all(1 / SAME < one / REACHED < SAME for one in left):
        return [f"{budget}, the best of $H_0$ leaves as much: no enlargement is seen."]
    return [f"{budget}, the best of $H_0$ leaves **{_share(error)}**{over_seeds(left, _share)}."]


def _share(error: float) -> str:
    return percent(error) if error > NEGLIGIBLE else f"under {percent(NEGLIGIBLE)}"


def error_at_budget(seed: SeedSpaces) -> float:
    """Of the ball of H_0 with the radius at which H_T's leaves `REACHED`, by interpolation; NaN if none does."""
    radius, error = (seed[f"held_out/frontier_{name}"] for name in ("radius_squared", "error"))
    if error[-1].min() > REACHED:
        return float("nan")
    # Along the multipliers radii ascend and errors descend.
    budget = np.interp(-REACHED, -error[-1], np.log(radius[-1]))
    return float(np.interp(budget, np.log(radius[0]), error[0]))


def _modes(result: RkhsResult) -> list[str]:
    """How much of the leading eigenfunctions of K_0 is found again, of the first seed."""
    seed = result.seeds[0]
    # Modes under the noise floor have no direction of their own.
    overlap = seed["mode_overlap"][-1][: int(seed["held_out/rank"][[0, -1]].min())]
    if not len(overlap):
        return []
    weakest = int(np.argmin(overlap))
    return [
        f"Of the leading {len(overlap)} eigenfunctions of $K_0$, matched one to one with those of $K_T$, the overlap "
        f"is {percent(float(np.median(overlap)))} in the median and {percent(float(overlap[weakest]))} for mode "
        f"{weakest + 1}{of_the_first(result.seeds)}."
    ]
