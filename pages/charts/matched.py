"""Several results at one t: how the times of two meet, and what a held one shows at its checkpoint nearest to a t."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from engine.recording.config import RecordedPerturbationConfig, RecordingConfig
from engine.training.result import SeedResult
from pages.charts.animated import Moving
from pages.charts.words import number

AnyTables = TypeVar("AnyTables", bound=Moving)
SAME_RATE = 1e-6
"""Within which share of each other two numbers of t in a step are one."""


# The t of a run is eta_eff times its steps; that of a recording is what its loop gave, or the number of the step.


def recorded_in(result: Any) -> RecordingConfig | None:
    """The recording that a result is of; None where it is of a run."""
    found = getattr(result.config, "recorded", result.config)
    return found if isinstance(found, RecordingConfig) else None


def counts_steps(result: Any) -> bool:
    """Whether its t is the number of the step, for its loop gave none. That of an expansion is eta_eff times steps."""
    if recorded_in(result) is None or isinstance(result.config, RecordedPerturbationConfig):
        return False
    return all(np.array_equal(seed["t"], seed["step"]) for seed in result.seeds)


def descends(result: Any) -> bool:
    """Whether its steps are those of descent, as a loop's are taken to be."""
    config = getattr(result.config, "run", recorded_in(result) or result.config)
    return config.training.integrator == "gd"


def per_step(own: Any, other: Any) -> float | None:
    """How much t of a result a step of another one is; 0 where both have a t, or both count steps, and None where one
    counts steps that the other one does not take, or that are not so much t in every seed."""
    if counts_steps(own) == counts_steps(other):
        return 0.0
    if not (descends(own) and descends(other)):
        return None
    return 1.0 if counts_steps(own) else _rate(own)


def _rate(result: Any) -> float | None:
    """t of a step, where it is the same throughout."""
    t, step = (np.concatenate([np.asarray(seed[name], float) for seed in result.seeds]) for name in ("t", "step"))
    moved = step > 0
    if not moved.any() or t[~moved].any():
        return None
    rates = t[moved] / step[moved]
    return float(rates[0]) if rates[0] > 0 and np.ptp(rates) <= SAME_RATE * rates[0] else None


def at_steps(result: Any, rate: float) -> Any:
    """The result at so much t for each of its steps."""
    return replace(result, seeds=tuple(_at_steps(seed, rate) for seed in result.seeds))


def _at_steps(seed: Any, rate: float) -> Any:
    t = rate * np.asarray(seed["step"], float)
    found = replace(seed, arrays={**seed.arrays, "t": t})
    return replace(found, t_stop=float(t[-1])) if isinstance(seed, SeedResult) else found


# Animated charts.


def nearest(t: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Positions in `t`, ascending, of what is nearest to each wanted; of two as near the earlier."""
    return np.abs(t[None, :] - targets[:, None]).argmin(axis=1)


def at_times(tables: AnyTables, targets: np.ndarray) -> AnyTables:
    """Tables whose frames are those of the checkpoints nearest to these times. The time line stays whole."""
    places = nearest(times(tables), targets)
    changed = {
        field.name: _reordered(frame, places)
        for field in fields(tables)
        if field.name != "timeline" and isinstance(frame := getattr(tables, field.name), pd.DataFrame)
    }
    return replace(tables, **changed)


def times(tables: Moving) -> np.ndarray:
    """Of the checkpoints."""
    return tables.timeline["t"].to_numpy(float)


def _reordered(frame: pd.DataFrame, places: np.ndarray) -> pd.DataFrame:
    """A wide frame whose columns f0, f1, .. (and g0, g1, ..) are those at the places."""
    letters = dict.fromkeys(str(name)[0] for name in frame.columns if str(name)[1:] == "0")
    if not letters:
        return frame
    wide = [f"{letter}{place}" for letter in letters for place in range(len(frame.columns))]
    kept = frame[[name for name in frame.columns if name not in wide]]
    parts = [
        pd.DataFrame({f"{letter}{at}": frame[f"{letter}{place}"] for at, place in enumerate(places)})
        for letter in letters
    ]
    return pd.concat([*parts, kept], axis=1)


def with_held_times(tables: AnyTables, held: Sequence[tuple[str, np.ndarray]]) -> AnyTables:
    """The tables whose line in words says at which t a held result is shown where that is another.

    Args:
        held: name and times of the checkpoints of each.
    """
    own, said = times(tables), tables.timeline["said"].tolist()
    for name, t in held:
        shown = t[nearest(t, own)]
        apart = [
            f" · {name}: t = {number(there)}" if number(there) != number(here) else ""
            for there, here in zip(shown, own, strict=True)
        ]
        said = [line + more for line, more in zip(said, apart, strict=True)]
    return replace(tables, timeline=tables.timeline.assign(said=said))
