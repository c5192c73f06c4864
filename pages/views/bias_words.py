"""What the Inductive bias page says, in numbers and sentences computed from them. No Streamlit here."""

import numpy as np

from engine.rkhs.result import RkhsResult, SeedSpaces, SetName
from pages.charts.words import Headline, course, in_seeds, listing, middle, number, signed, spread
from pages.views.evolution_words import STEADY, of_the_first, went_wrong
from pages.views.kernel_words import which_kernel
from pages.views.spaces_words import WHERE, determined_values, over_seeds, still

MOST = 0.9
"""The share of the target whose modes are counted."""
ANSWERED: SetName = "held_out"
"""The points that the answer is of."""
RELATIVE = 0.01
"""A dimension that changed by a smaller share has stayed."""


def headlines(result: RkhsResult, where: SetName) -> list[Headline]:
    """Medians over seeds, at both ends."""
    modes = float(np.ceil(middle(_modes(result, where, 0)))), float(np.ceil(middle(_modes(result, where, -1))))
    return [
        Headline.at_both_ends("decay exponent", *_ends(result, f"{where}/decay_exponent"), "A dash: not a power law."),
        Headline.at_both_ends(
            f"modes for {MOST:.0%} of the target",
            *modes,
            f"Leading modes of $K_0$, then of $K_T$. Of $K_T$ over seeds: {spread(_modes(result, where, -1))}.",
        ),
        Headline.at_both_ends(
            "alignment", *_ends(result, f"{where}/alignment_centred"), "Centred, with the target on these points."
        ),
        Headline(
            "CKA with K_0",
            number(middle(determined_values(seed[f"{where}/cka"][-1] for seed in result.seeds))),
            "At the end.",
        ),
    ]


def answer(result: RkhsResult) -> str:
    """In how many leading modes the target lies, of K_0 and of K_T, or that they do not hold it."""
    return _of_one_kernel(result) or " ".join(_power(result, ANSWERED))


def sentences(result: RkhsResult, where: SetName) -> list[str]:
    """Markdown, one finding each, beside the answer, which is of held-out points."""
    power = [] if where == ANSWERED else _power(result, where)
    told = [*_decay(result, where), *power, *_alignment(result, where), *_turned(result, where)]
    return [
        *which_kernel(result.followed),
        *went_wrong(result.seeds),
        *told,
        *_size(result, where),
        *_baked(result, where),
    ]


def _baked(result: RkhsResult, where: SetName) -> list[str]:
    moved = result.followed.kernel_moves and any(len(seed["t"]) > 1 for seed in result.seeds)
    return ["The labels of these points are baked into $K_t$."] if where == "train" and moved else []


def _ends(result: RkhsResult, name: str) -> tuple[float, float]:
    start, end = (middle(determined_values(seed[name][at] for seed in result.seeds)) for at in (0, -1))
    return start, end


def _decay(result: RkhsResult, where: SetName) -> list[str]:
    """The exponent at both ends, or why there is none."""
    said = []
    for name, position in (("K_0", 0), ("K_T", -1)):
        found = [seed.decay(position, where) for seed in result.seeds]
        exponents = determined_values(value for value in found if not isinstance(value, str))
        reasons = [value for value in found if isinstance(value, str)]
        if exponents:
            out = in_seeds(len(exponents), len(found)) + over_seeds(exponents, signed)
            said.append(f"${name}$ as $i^{{-{middle(exponents):.2f}}}${out}")
        else:
            why = reasons[0].removeprefix("not a power law (").removesuffix(")").replace("R^2", "$R^2$")
            said.append(f"${name}$ by no power law ({why})")
    return [f"On {WHERE[where]} the spectrum decays under {listing(said)}."]


def _modes(result: RkhsResult, where: SetName, position: int) -> list[float]:
    return determined_values(modes_needed(seed, where, position) for seed in result.seeds)


def modes_needed(seed: SeedSpaces, where: SetName, position: int) -> float:
    """How many leading modes hold `MOST` of the target; NaN where those above the noise floor do not."""
    cumulative = np.cumsum(seed[f"{where}/target_power"][position])[: int(seed[f"{where}/rank"][position])]
    reached = np.flatnonzero(cumulative >= MOST)
    return float(reached[0] + 1) if len(reached) else float("nan")


def _power(result: RkhsResult, where: SetName) -> list[str]:
    held = [_modes(result, where, position) for position in (0, -1)]
    size, seeds = result.seeds[0][f"{where}/eigenvalues"].shape[1], len(result.seeds)
    if not all(held):
        names = ("$K_0$", "$K_T$")
        which = listing([name for name, found in zip(names, held, strict=True) if not found])
        return [f"The modes of {which} above the noise floor do not hold {MOST:.0%} of the target."]
    start, end = (np.ceil(middle(found)) for found in held)
    fewest = min(map(len, held))
    whose = "" if fewest == seeds else f" (in {fewest} of {seeds} seeds; in the others they hold less)"
    return [
        f"On {WHERE[where]} **{MOST:.0%} of the target lies in the leading {start:.0f}{over_seeds(held[0], _whole)} "
        f"modes of $K_0$ and in the leading {end:.0f}{over_seeds(held[1], _whole)} of $K_T$**, of {size:,}{whose}."
    ]


def _of_one_kernel(result: RkhsResult) -> str:
    """In how many leading modes the target lies, of a kernel that stays; empty where it moves, or not all seeds' modes
    hold it."""
    held, size = _modes(result, ANSWERED, 0), result.seeds[0][f"{ANSWERED}/eigenvalues"].shape[1]
    if len(held) < len(result.seeds) or not still(result):
        return ""
    leading = f"{np.ceil(middle(held)):.0f}{over_seeds(held, _whole)}"
    return (
        f"This kernel does not move: on {WHERE[ANSWERED]} **{MOST:.0%} of the target lies in its leading {leading} "
        f"mode{'' if leading == '1' else 's'}**, of {size:,}."
    )


def _whole(count: float) -> str:
    return f"{count:.0f}"


def _alignment(result: RkhsResult, where: SetName) -> list[str]:
    went = course([seed[f"{where}/alignment_centred"] for seed in result.seeds], STEADY)
    return [f"The kernel's alignment with the target {went}."] if went else []


def _turned(result: RkhsResult, where: SetName) -> list[str]:
    """The eigenspace at the largest gap of K_0's spectrum, of the first seed; chance has no small angle. Nothing of a
    kernel that does not move."""
    seed = result.seeds[0]
    k, size = int(seed.facts["gap"][where]), seed[f"{where}/eigenvalues"].shape[1]
    if seed[f"{where}/rank"][[0, -1]].min() < k:
        return []
    angles = np.degrees(seed[f"{where}/gap_angles"][-1])
    if still(result) or len(seed["t"]) < 2 or not np.all(np.isfinite(angles)):
        return []
    kept = float(np.mean(np.cos(np.radians(angles)) ** 2))
    turned = f"turned by up to {number(float(angles.max()), 2)}°{of_the_first(result.seeds)}"
    return [
        f"The leading {k}-dimensional eigenspace of $K_0$, at its largest gap, is by the stop {turned}: "
        f"{number(kept, 2)} of it is left in that of $K_T$, where chance would leave {number(k / size, 2)}."
    ]


def _size(result: RkhsResult, where: SetName) -> list[str]:
    said = []
    for label, paths in (
        (
            r"effective dimension at ridge $10^{-2}$",
            [seed[f"{where}/effective_dimension"][:, 0] for seed in result.seeds],
        ),
        ("stable rank", [seed[f"{where}/stable_rank"] for seed in result.seeds]),
    ):
        size = max(determined_values(path[0] for path in paths), default=0.0)
        if went := course(paths, RELATIVE * size, 3):
            said.append(f"the {label} {went}")
    return [f"{said[0][0].upper()}{'; '.join(said)[1:]}."] if said else []
