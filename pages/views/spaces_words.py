"""What the pages on function spaces say alike: facts, ratios, and why a number is not determined. No Streamlit here."""

from collections.abc import Callable, Iterable

import numpy as np

from engine.data import MEASURED, overview
from engine.losses import LOSSES
from engine.rkhs.gram import JITTER
from engine.rkhs.result import RkhsResult, SeedSpaces, SetName
from pages.charts.theme import power
from pages.charts.words import Headline, in_seeds, middle, number, of_seeds
from pages.views import kernel_words, network_words
from pages.views.evolution_words import STILL, of_network

SAME = 1.1
"""Ratios within this factor of 1 are not worth a word."""
OUTPUT = "output cut off at the margin"
ONE_SPACE = "This kernel does not move, so $H_T$ is $H_0$"
WHERE: dict[SetName, str] = {"held_out": "held-out points", "train": "training points"}


def facts(result: RkhsResult) -> str:
    """What was computed, and on what."""
    run = result.config.run
    held_out = result.seeds[0]["held_out/eigenvalues"].shape[1]
    missing = network_words.missing(run, limit="limit/train/eigenvalues" in result)
    return (
        f"{kernel_words.in_short(run)}{run.data.whence}; {run.data.size:,} training and {held_out:,} held-out points; "
        f"{network_words.short(run.network)}; {of_seeds(seed.facts['seed'] for seed in result.seeds)}; "
        f"computed on {result.meta['device']}{missing}"
    )


def still(result: RkhsResult) -> bool:
    """Whether all spaces are that of the start: of infinite width, or where nothing moved, as of a readout alone."""
    trained = all(len(seed["t"]) > 1 for seed in result.seeds)
    return trained and (not result.followed.kernel_moves or all(map(_stays, result.seeds)))


def _stays(seed: SeedSpaces) -> bool:
    names = [f"{where}/motion_drift" for where in WHERE]
    return all(name in seed and bool(np.nanmax(seed[name]) <= STILL) for name in names)


def of_loss(result: RkhsResult) -> list[str]:
    """What a loss that is not linear in f means here; nothing of a squared loss without weight decay."""
    training = result.config.run.training
    if training.is_linear:
        return []
    decayed = "a kernel held fixed is not followed, for weight decay moves $f$ beside it"
    if not LOSSES[training.loss].classes:
        return [f"The network trained with weight decay: {decayed}."]
    loss, guess = training.loss.replace("_", " "), "probability" if training.loss == "logistic" else OUTPUT
    said = (
        f"The network trained by {loss} loss{' and weight decay' if training.weight_decay else ''}, regression by "
        f"squares: the network is compared by its {guess}, in the units of the targets"
    )
    if training.weight_decay:
        return [f"{said}, and {decayed}."]
    if all("frozen_departure" in seed for seed in result.seeds):
        return [f"{said}. So is what a kernel held fixed makes of it, by {loss} loss too."]
    return [f"{said}."]


def of_a_table(result: RkhsResult) -> list[Headline]:
    """How well the network itself does on held-out rows; nothing of other data, or of a part of the rows."""
    if not hasattr(result.config, "run"):  # a recording
        return []
    data = result.config.run.data
    if data.name not in MEASURED or result.seeds[0]["held_out/eigenvalues"].shape[1] != len(data.dataset().y_test):
        return []
    errors = [float(seed["network_error"][-1]) for seed in result.seeds]
    return [of_network(errors, overview(data).r_squared(middle(determined_values(errors))))]


def determined_values(values: Iterable[float | None]) -> list[float]:
    """Those that are determined."""
    return [float(value) for value in values if value is not None and np.isfinite(value)]


def less_over_seeds(ratios: Iterable[float | None], to: str, same: str) -> str:
    """`less` of the median ratio, with the range: "4.2 times less than there (over seeds 3.9 to 4.5)", and in how many
    seeds it is determined where that is not all of them.

    Where seeds disagree which side costs less, that is said instead.

    Args:
        ratios: of all seeds; None or NaN where one is not determined.
    """
    every = [*ratios]
    found = determined_values(every)
    ratio = middle(found)
    if min(found) < 1 / SAME and max(found) > SAME:
        fewer = sum(one > 1 for one in found)
        others = "the others" if len(found) == len(every) else f"{len(found) - fewer}"
        return f"less {to} in {fewer} of {len(every)} seeds, more in {others}: **not told apart**"
    ends = over_seeds(found if ratio > 1 else [1 / one for one in found])
    return f"{less(ratio, to, same)}{in_seeds(len(found), len(every))}{ends}"


def less(ratio: float, to: str, same: str) -> str:
    """Of a cost or an error `ratio` times as large elsewhere: "4.2 times less than there", or "about as much as there".

    Args:
        to, same: how the comparison ends in either case ("than there", "as there").
    """
    if 1 / SAME < ratio < SAME:
        return f"about as much {same}"
    return f"{number(ratio, 2)} times less {to}" if ratio > 1 else f"{number(1 / ratio, 2)} times more {to}"


def over_seeds(values: Iterable[float | None], show: Callable[[float], str] = lambda one: number(one, 2)) -> str:
    """The range, where there is one: " (over seeds 3.9 to 4.5)"."""
    found = determined_values(values)
    if len(found) < 2:
        return ""
    low, high = show(min(found)), show(max(found))
    return "" if low == high else f" (over seeds {low} to {high})"


def conditioning(seed: SeedSpaces, where: SetName, position: int) -> str:
    """Why no number can be given: "condition number 3·10¹⁷, rank 394 of 512"."""
    size = seed[f"{where}/eigenvalues"].shape[1]
    rank = int(seed[f"{where}/rank"][position])
    condition = float(seed[f"{where}/condition"][position])
    said = f"condition number {number(condition)}" if np.isfinite(condition) else "infinite condition number"
    return f"{said}, rank {rank:,} of {size:,}"


def with_jitter(ridge: float) -> str:
    """How a norm was regularised; empty where it was not."""
    return f"with the jitter {power(JITTER)} tr K/p" if ridge > 0 else ""
