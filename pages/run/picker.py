"""The run picker: runs that were asked for on this machine, and their way into a page."""

import json
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import streamlit as st

import cache
from cache import Run
from engine.schema import ConfigError
from pages.charts.words import duration, percent
from pages.run import draft_state
from pages.run.draft_state import LONGEST, to_query
from pages.run.presets import PRESETS, preset_of, shortest
from pages.run.settings import config_of, draft_of
from pages.shell import view

LISTED = 50


def picker() -> None:
    """A choice of recent runs; choosing one takes its config into the controls and the URL."""
    runs = {run.key: run for run in recent()}
    if not runs:
        return
    st.session_state["picked run"] = None
    st.selectbox(
        "recent runs",
        list(runs),
        index=None,
        key="picked run",
        placeholder=f"{len(runs)} on this machine",
        format_func=lambda key: summary(runs[key]) if key in runs else key,
        on_change=_picked,
        args=({key: run.values for key, run in runs.items()},),
    )


def _picked(values: Mapping[str, Mapping[str, Any]]) -> None:
    key = st.session_state["picked run"]
    if key in values:
        draft_state.load_values(values[key])


@st.cache_data(ttl=1.0, show_spinner=False, max_entries=1)
def recent() -> list[Run]:
    """The newest runs; asked of the cache at most once a second."""
    return cache.current().recent(LISTED, "run")


def summary(run: Run) -> str:
    """One run: what it is, how it stands, when it was asked for."""
    state = {
        "finished": "done" if run.stored else "result gone from the cache",
        "running": f"running, {percent(run.fraction)}",
    }
    ago = duration(max(0.0, time.time() - run.created))
    return f"{label(run)} · {state.get(run.state, run.state)} · {ago} ago"


def label(run: Run) -> str:
    """What tells a run from the default preset."""
    return _described(run)[0]


def query(run: Run) -> dict[str, str]:
    """The URL parameters that carry the run into a page."""
    return _described(run)[1]


def _described(run: Run) -> tuple[str, dict[str, str]]:
    return _describe(run.key, json.dumps(run.values)) or (run.label, {"run": run.key})


@lru_cache(maxsize=1000)
def _describe(key: str, values: str) -> tuple[str, dict[str, str]] | None:
    """Label and URL parameters; None for a config of another version, which the page will complain of."""
    draft, _ = draft_of(json.loads(values))
    try:
        draft = shortest(draft)
        name = preset_of(config_of(draft))
    except ConfigError:
        return None
    texts = to_query(draft)
    whole = "content" not in draft and all(len(text) <= LONGEST for text in draft.values())
    parameters = texts if whole else {"run": key}
    if name:
        return PRESETS[name].label, parameters or {"preset": name}
    if "source" in texts:
        texts["source"] = json.loads(draft["source"])["file"]
    return ", ".join(f"{setting} {text or 'left out'}" for setting, text in texts.items()), parameters


# The pages that show a run, and links that carry it from one to the other.

RUN_PAGES = {
    "evolution": ("Evolution", ":material/timeline:"),
    "perturbation": ("Perturbation", ":material/layers:"),
    "norms": ("Norms", ":material/straighten:"),
    "function_space": ("Function space", ":material/bubble_chart:"),
    "inductive_bias": ("Inductive bias", ":material/tune:"),
    "generalisation": ("Generalisation", ":material/school:"),
}
"""Title and icon by name."""


def links(name: str, labels: Mapping[str, str] = {}) -> None:
    """The same run on the other pages.

    Args:
        name: of this page.
        labels: by page, instead of its title; this page is among them.
    """
    links_to_pages("The same run:", name, draft_state.carried(), labels)


def links_to_pages(
    said: str, name: str, query: Mapping[str, str], labels: Mapping[str, str] = {}, more: Mapping[str, str] = {}
) -> None:
    """As `links`, after these words, of what the parameters of a URL are of; `more` of them come last."""
    with st.container(horizontal=True, gap="medium", key="siblings"):
        st.caption(said, width="content")
        for other, (title, icon) in RUN_PAGES.items():
            if other != name or other in labels:
                label = labels.get(other, title)
                whole = {**query, **view.carried(other), **more}
                st.page_link(f"{other}.py", label=label, icon=icon, query_params=whole, width="content")
