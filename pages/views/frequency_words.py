"""The circle by frequency, in sentences computed from the numbers. No Streamlit here."""

import numpy as np

from engine.data.circle import CircleConfig
from engine.rkhs.result import RkhsResult
from pages.charts.frequencies import exchanged, leading
from pages.charts.words import course, listing, middle, number, percent
from pages.views.spaces_words import determined_values

CLOSE = 0.1
"""Frequencies whose strength is within this share of M lambda_k have the operator's."""
SHARE = 0.1
"""A frequency counts in the target from this share of ||r(0)|| on."""
STEADY = 0.01
"""Shares that changed by no more have stayed."""


def sentences(result: RkhsResult) -> list[str]:
    """Markdown, one finding each."""
    return [*_strength(result), *_leakage(result), *_decay(result), *_exchange(result)]


def _strength(result: RkhsResult) -> list[str]:
    """How the strengths at both ends compare with the closed form, on uniform points."""
    operator = result["frequency_operator"]
    sure = operator > 1e-9 * np.nanmax(operator, initial=0.0)
    if not np.any(sure):
        return []
    off = [[seed["frequency_strength"][at][sure] / operator[sure] - 1 for seed in result.seeds] for at in (0, -1)]
    if not np.all(np.isfinite(off)):
        return []
    k = result["frequencies"][sure]
    start, end = (np.median(np.array(at), axis=0) for at in off)
    close = [int(one) for one, apart in zip(k, np.abs(start), strict=True) if apart <= CLOSE]
    whose = "" if len(result.seeds) == 1 else " (medians over seeds)"
    held = f"within {percent(CLOSE)} of $M\\lambda_k$ for k = {listing([str(one) for one in close])}"
    worst = int(np.argmax(np.abs(start)))
    said = held if close else f"nowhere within {percent(CLOSE)} of $M\\lambda_k$"
    return [
        f"The strength of frequencies in $K_0$ is {said}, at most {percent(float(np.abs(start[worst])))} off at "
        f"k = {k[worst]}{whose}; in $K_T$ it is {number(float(1 + end.min()))} to {number(float(1 + end.max()))} times "
        "that."
    ]


def _target(result: RkhsResult) -> list[int]:
    """Positions of the frequencies that hold enough of r(0) in every seed."""
    return [
        position
        for position in leading(result)
        if all(seed["frequency_residual"][0, position] >= SHARE for seed in result.seeds)
    ]


def _leakage(result: RkhsResult) -> list[str]:
    """What leaks out of the frequencies of the residual, at both ends."""
    positions = _target(result)
    ends = [
        [
            middle(determined_values(seed["frequency_leakage"][at, position] for seed in result.seeds))
            for position in positions
        ]
        for at in (0, -1)
    ]
    if not positions or not np.all(np.isfinite(ends)):
        return []
    k = result["frequencies"]
    told = [
        f"{_small(start)} at k = {k[position]} ({_small(end)} in $K_T$)"
        for position, start, end in zip(positions, *ends, strict=True)
    ]
    none = ", where a grid of the uniform circle has none at infinite width" if _uniform(result) else ""
    return [f"Of what $K_0$ makes of the frequencies in $r(0)$, other frequencies get {listing(told)}{none}."]


def _uniform(result: RkhsResult) -> bool:
    data = result.config.run.data
    return isinstance(data, CircleConfig) and data.points == "grid" and data.density == 0


def _decay(result: RkhsResult) -> list[str]:
    """What is left of the residual's frequencies at the stop, and what infinite width foretells at the same t."""
    positions = _target(result)
    trained = [
        seed
        for seed in result.seeds
        if "frequency_foretold" in seed
        and len(seed["followed"]) > 1
        and seed.facts["stop_reason"] not in ("diverged", "dead")
    ]
    if not positions or len(trained) < len(result.seeds):
        return []
    k, told = result["frequencies"], []
    for position in positions:
        left, foretold = (
            middle([float(seed[name][-1, position] / seed["frequency_residual"][0, position]) for seed in trained])
            for name in ("frequency_residual", "frequency_foretold")
        )
        if not np.isfinite(left + foretold):
            return []
        told.append(f"{percent(left)} at k = {k[position]} (foretold {_small(foretold)})")
    return [f"**By the stop there is left of the residual {listing(told)}**, each of its own start."]


def _small(value: float) -> str:
    return percent(value) if value >= 1e-4 else "under 0.01%"


def _exchange(result: RkhsResult) -> list[str]:
    """How much of the decay is between different frequencies; nothing where weight decay takes part in it."""
    if result.config.run.training.weight_decay:
        return []
    went = course([exchanged(seed) for seed in result.seeds if "frequency_power" in seed], STEADY)
    if not went:
        return []
    return [
        f"The share of the decay $r^TK_tr$ that is between different frequencies {went}; negative, it slows the decay."
    ]
