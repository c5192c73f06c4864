"""The list of runs as a table: settings in which they differ, metrics, who asked, when, and how much it takes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from cache import Run
from cache.ownership import note, tags, title
from engine.metrics import LABELS
from engine.quantities import QUANTITIES
from pages.charts.words import percent
from pages.run.differing import Settings, differing, settings_of, value_in_words
from pages.shell import held
from pages.shell.link import RECORDING

WORDS = {
    "run": "run",
    "sweep": "map",
    "cell": "cell of a map",
    "perturbation": "expansion",
    "perturbation_study": "study",
    "rkhs": "comparison of spaces",
    "recording": "recording",
    "recording_spaces": "spaces of a recording",
    "recording_perturbation": "expansion of a recording",
}
"""What the kinds are called that people ask for; the others are called by their names."""
MANY = {
    "cell": "cells of maps", "perturbation_study": "studies", "rkhs": "comparisons of spaces",
    "recording_spaces": "spaces of recordings", "recording_perturbation": "expansions of recordings",
}  # fmt: skip
"""The plural, where it is not the word with an s."""
RECORDED = {"recording": "evolution", "recording_spaces": "norms", "recording_perturbation": "perturbation"}
"""The page that shows what is said of a recording."""
FEW = 10
"""So many rows stand without a bar to scroll them."""
MOST_SETTINGS = 30
"""Columns of settings."""


def kind_of(run: Run) -> str:
    return word(run.kind)


def word(kind: str) -> str:
    return WORDS.get(kind, kind.replace("_", " "))


def many(kind: str) -> str:
    """The plural."""
    return MANY.get(kind, f"{word(kind)}s" if kind in WORDS else word(kind))


def frame(listed: Sequence[Run], person: str) -> pd.DataFrame:
    """A row for each run, as the person sees it: what differs and what was measured between what is always there."""
    settings = [settings_of(run) for run in listed]
    own = differing(settings)[:MOST_SETTINGS]
    columns: dict[str, Any] = {
        "kept": [run.pinned for run in listed],
        "name": [title(run.claims, person) or recording_of(run) for run in listed],
        "kind": [kind_of(run) for run in listed],
        "state": [_state(run) for run in listed],
    }
    columns |= {name: _column(settings, name) for name in own}
    columns |= {LABELS[name].short: _numbers(listed, name) for name in measured(listed)}
    columns |= {
        "tags": [tags(run.claims) for run in listed],
        "note": [note(run.claims, person) for run in listed],
        "asked for by": [", ".join(claim.person for claim in run.claims if claim.person) for run in listed],
        "asked for": [datetime.fromtimestamp(run.created, UTC) for run in listed],
        "MB": [run.size / 1e6 for run in listed],
        "seconds": [run.seconds or None for run in listed],
        "settings": [run.label for run in listed],
        "open": [link_of(run) for run in listed],
    }
    return pd.DataFrame(columns)


def recording_of(run: Run) -> str:
    """What the loop called it; empty of anything else."""
    return str(run.values.get("recorded", run.values).get("recording", ""))


def measured(listed: Sequence[Run]) -> list[str]:
    """The metrics that any of the runs has."""
    known = {name for run in listed for name in run.metrics or ()}
    return [name for name in LABELS if name in known]


def columns(listed: Sequence[Run]) -> Mapping[str, Any]:
    """How the columns of `frame` are shown."""
    config: dict[str, Any] = {
        "kept": st.column_config.CheckboxColumn(help="stays, however full the cache is"),
        "name": st.column_config.TextColumn(help="what you call it, else what somebody else does who asked for it"),
        "tags": st.column_config.ListColumn(help="words that you or others gave it to find it by"),
        "open": st.column_config.LinkColumn(display_text="open"),
        "asked for": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm", timezone=st.context.timezone),
        "MB": st.column_config.NumberColumn("on disk", format="%.2f MB"),
        "seconds": st.column_config.NumberColumn("computed in", format="%.1f s"),
        "settings": st.column_config.TextColumn(width="medium", help="what differs from the defaults"),
    }
    for name in measured(listed):
        label, quantity = LABELS[name].label, QUANTITIES[LABELS[name].quantity]
        told = f"{label}: {quantity.symbol or quantity.label}; the median over seeds"
        config[LABELS[name].short] = st.column_config.NumberColumn(format="%.3g", help=told)
    return config


def _column(settings: Sequence[Settings], name: str) -> pd.Series:
    """Numbers as numbers, so that they sort as such; anything else in words."""
    values = [one.get(name) for one in settings]
    types = set(map(type, values)) - {type(None)}
    if types <= {int, float}:
        return pd.Series(pd.array(values, dtype="Float64" if float in types else "Int64"))
    return pd.Series(["" if name not in one else value_in_words(one[name]) for one in settings], dtype=object)


def _numbers(listed: Sequence[Run], name: str) -> list[float | None]:
    return [(run.metrics or {}).get(name) for run in listed]


def link_of(run: Run) -> str | None:
    """Of the page that shows it, a run or a recording over what is held."""
    if run.kind == "run":
        return f"/evolution?{urlencode({'run': run.key} | held.query())}"
    if run.kind in RECORDED:
        return f"/{RECORDED[run.kind]}?{urlencode({RECORDING: run.key} | held.query())}"
    return run.link or None


def _state(run: Run) -> str:
    if run.state in ("queued", "running"):
        far = percent(run.fraction) if run.state == "running" else ""
        return ", ".join(filter(None, [run.state, far, f"for {run.user}" if run.user else ""]))
    if run.parts and run.state == "unfinished":
        return f"{percent(run.fraction)} of its cells are there"
    if run.state != "finished":
        return run.state
    if not run.stored:
        return "no longer in the cache"
    return "done, by an older version" if run.old else "done"
