"""Animated charts of several results at one t: what each held result shows at its checkpoint nearest to it."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TypeVar

import numpy as np
import pandas as pd

from pages.charts.animated import Moving
from pages.charts.words import number

AnyTables = TypeVar("AnyTables", bound=Moving)


def nearest(t: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Positions in `t`, ascending, of what is nearest to each wanted; of two as near the earlier."""
    return np.abs(t[None, :] - wanted[:, None]).argmin(axis=1)


def at_times(tables: AnyTables, wanted: np.ndarray) -> AnyTables:
    """Tables whose frames are those of the checkpoints nearest to these times. The time line stays whole."""
    places = nearest(times(tables), wanted)
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


def told(tables: AnyTables, held: Sequence[tuple[str, np.ndarray]]) -> AnyTables:
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
