"""What the Norms page says, in numbers and sentences computed from them. No Streamlit here."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from engine.rkhs.gram import RIDGES
from engine.rkhs.result import RkhsResult, SeedSpaces
from pages.charts.words import Headline, change, in_seeds, middle, number, of_seeds, spread
from pages.views.evolution_words import went_wrong
from pages.views.kernel_words import which_kernel
from pages.views.spaces_words import (
    ONE_SPACE,
    WHERE,
    conditioning,
    determined_values,
    less_over_seeds,
    still,
    with_jitter,
)

RIDGE_SAID = RIDGES.index(1e-4)
"""The ridge at which inclusion is put into words."""
AGAINST_START = "in $H_T$ than in $H_0$", "in $H_T$ as in $H_0$"
ONE = 1.25
"""Spaces whose two inclusion constants lie below it are nearly one."""
FAR = 2.0
"""One inclusion constant beyond this multiple of the other is worth a word."""
NEARLY_ONE = "the two spaces are nearly one"
S_MEANS = "Scale-free squared norm in $H_0$ and in $H_T$, on held-out points. A dash: not determined."
GROWS = 3.0
"""So is one that grows by this factor as the ridge falls from 1e-2 to 1e-6."""


def headlines(result: RkhsResult) -> list[Headline]:
    """Medians over seeds, on held-out points; of a space that stays nothing that compares it with itself."""
    start, end = (_costs(result.seeds, position) for position in (0, -1))
    ratios = determined_values(seed.cheaper() for seed in result.seeds)
    outward, inward = (_constants(result, name) for name in ("H_t_in_H_0", "H_0_in_H_t"))
    condition = [float(seed["held_out/condition"][-1]) for seed in result.seeds]
    compared = [
        Headline(
            "cheaper in H_T",
            f"{number(middle(ratios))} ×" if ratios else "—",
            f"How many times less the target costs in $H_T$, at equal trace. Over seeds: {spread(ratios)}.",
        ),
        Headline(
            "unit balls",
            f"{number(middle(outward))} / {number(middle(inward))}",
            "Of $H_T$ in $H_0$, and of $H_0$ in $H_T$, at ridge $10^{-4}$. 1 and 1: equal spaces.",
        ),
    ]
    return [
        Headline.at_both_ends("S of the target", start, end, S_MEANS, digits=3),
        *([] if still(result) else compared),
        Headline(
            "condition number of K_T",
            number(middle(condition)) if np.isfinite(middle(condition)) else "∞",
            "On held-out points. Infinite: eigenvalues lie under the noise floor.",
        ),
    ]


def answer(result: RkhsResult) -> str:
    """What the target costs in H_T against H_0, held out, or why that is not determined."""
    return _of_one_space(result) or " ".join(_target(result)[:1])


def sentences(result: RkhsResult) -> list[str]:
    """Markdown, one finding each, beside the answer."""
    both = [] if still(result) else [*_baked(result), *_function(result)]
    told = [*_target(result)[1:], *both, *_limit(result), *([] if still(result) else _inclusion(result))]
    return [*which_kernel(result.followed), *went_wrong(result.seeds), *told]


def target_norms(result: RkhsResult) -> pd.DataFrame:
    """One row per seed and set: norms of the target at both ends, how they were found, and what K_T allows."""
    rows = []
    for seed in result.seeds:
        for where, label in WHERE.items():
            rows.append(
                {
                    "seed": str(seed.facts["seed"]),
                    "points": label,
                    "yᵀK₀⁻¹y": _value(seed[f"{where}/target_norm"][0]),
                    "yᵀK_T⁻¹y": _value(seed[f"{where}/target_norm"][-1]),
                    "S in H_0": _value(seed[f"{where}/target_S"][0]),
                    "S in H_T": _value(seed[f"{where}/target_S"][-1]),
                    "ridge": with_jitter(float(seed[f"{where}/target_ridge"][-1])) or "none",
                    "K_T": f"{seed.flag(f'{where}/target')}: {conditioning(seed, where, -1)}",
                }
            )
    return pd.DataFrame(rows)


def _value(value: float) -> str:
    return number(value) if np.isfinite(value) else "not determined"


def _costs(seeds: Sequence[SeedSpaces], position: int) -> float:
    """Median S of the target on held-out points."""
    return middle(determined_values(seed["held_out/target_S"][position] for seed in seeds))


def _constants(result: RkhsResult, name: str) -> list[float]:
    return determined_values(seed[f"held_out/{name}"][-1, RIDGE_SAID] for seed in result.seeds)


def _target(result: RkhsResult) -> list[str]:
    """What the target costs in H_T against H_0, held out, and for which seeds that is not determined."""
    priced = [seed for seed in result.seeds if np.isfinite(seed.cheaper())]
    ratios, said = [seed.cheaper() for seed in priced], []
    if priced:
        costs = change(_costs(priced, 0), _costs(priced, -1), " in $H_0$ and ", 3)
        said.append(
            f"On held-out points the target costs **{less_over_seeds(ratios, *AGAINST_START)}** at equal trace: "
            f"$S$ is {costs} in $H_T$."
        )
    return [*said, *_not_priced([seed for seed in result.seeds if seed not in priced], len(result.seeds))]


def _of_one_space(result: RkhsResult) -> str:
    """What the target costs in the space that stays; empty where it moves, or no seed's price is determined."""
    costs = determined_values(seed["held_out/target_S"][0] for seed in result.seeds)
    if not costs or not still(result):
        return ""
    return f"{ONE_SPACE}: on held-out points the target's $S$ there is **{spread(costs)}**."


def _baked(result: RkhsResult) -> list[str]:
    """What the target costs on the training points, in a space that has seen their labels."""
    baked = [seed.cheaper("train") for seed in result.seeds]
    if not determined_values(baked) or not result.followed.kernel_moves:
        return []
    ratio = less_over_seeds(baked, "than in $H_0$", "as in $H_0$")
    return [f"On training points, whose labels are baked into $K_T$, the target costs {ratio}."]


def _not_priced(out: Sequence[SeedSpaces], count: int) -> list[str]:
    """For which of `count` seeds conditioning forbids a price, with the reason of the first."""
    if not out:
        return []
    whose = f" for {of_seeds(seed.facts['seed'] for seed in out)}" if count > 1 else ""
    position = 0 if not np.isfinite(out[0]["held_out/target_S"][0]) else -1
    which = "$K_T$" if position else "$K_0$"
    return [
        f"What the target costs on held-out points is **not determined**{whose}: {which} has "
        f"{conditioning(out[0], 'held_out', position)}, and the jitter would decide the value."
    ]


def _function(result: RkhsResult) -> list[str]:
    """What the trained function costs in H_T against H_0."""
    costs = [(seed["held_out/function_in_H_0_S"][-1], seed["held_out/function_S"][-1]) for seed in result.seeds]
    ratios = [start / end if end > 0 else float("nan") for start, end in costs]
    if not determined_values(ratios):
        return []
    return [f"The trained function $f_T - f_0$ costs {less_over_seeds(ratios, *AGAINST_START)}."]


def _limit(result: RkhsResult) -> list[str]:
    S = determined_values([float(result.arrays.get("limit/held_out/target_S", np.nan))])
    return [f"At infinite width the target's $S$ is {number(S[0])}."] if S else []


def _inclusion(result: RkhsResult) -> list[str]:
    pairs = [(out, back) for out, back in zip(*_both_ways(result, RIDGE_SAID), strict=True) if np.isfinite(out + back)]
    if not pairs:
        return [
            r"Which unit ball lies in which is **not determined** at ridge $10^{-4}$: noise in $K$ decides it "
            f"({conditioning(result.seeds[0], 'held_out', -1)})."
        ]
    outward, inward = (spread(ways) for ways in zip(*pairs, strict=True))
    said = (
        rf"At ridge $10^{{-4}}$ the unit ball of $H_T$ lies in {outward} times that of $H_0$, that of $H_0$ "
        f"in {inward} times that of $H_T${in_seeds(len(pairs), len(result.seeds))}: "
    )
    found = {_of_balls(*pair) for pair in pairs}
    if found == {NEARLY_ONE}:
        return [f"{said}{NEARLY_ONE}."]
    return [f"{said}{found.pop() if len(found) == 1 else 'what that says of them **differs between seeds**'}.",
        *_growing(result)]  # fmt: skip


def _both_ways(result: RkhsResult, at: int) -> list[list[float]]:
    """Both constants at a ridge, by seed."""
    return [[float(seed[f"held_out/{name}"][-1, at]) for seed in result.seeds] for name in ("H_t_in_H_0", "H_0_in_H_t")]


def _of_balls(outward: float, inward: float) -> str:
    """What the two constants of one seed say."""
    if max(outward, inward) < ONE:
        return NEARLY_ONE
    if outward > FAR * inward:
        return "$H_T$ reaches further out of $H_0$ than $H_0$ out of $H_T$"
    if inward > FAR * outward:
        return "$H_0$ reaches further out of $H_T$ than $H_T$ out of $H_0$"
    return "each holds functions that the other prices higher. The space has **moved**; that it has grown is not shown"


def _growing(result: RkhsResult) -> list[str]:
    """Whether the constants keep growing as the ridge falls, and in how many seeds."""
    first, last = (np.array(_both_ways(result, at)) for at in (0, 2))
    growth = np.fmax.reduce(last / first)
    grown = growth[growth > GROWS]
    if not len(grown):
        return []
    return [
        rf"As the ridge falls from $10^{{-2}}$ to $10^{{-6}}$ they grow up to {number(float(grown.max()), 2)} times"
        f"{in_seeds(len(grown), len(growth))}: no bounded constant is in sight on these points."
    ]
