"""The draft of this session, and its way into the URL and back."""

import time
from collections.abc import Mapping
from typing import Any

import streamlit as st

import cache
from engine.problems import shown
from engine.schema import Problem, did_you_mean
from pages.run import tables
from pages.run.draft import draft_of
from pages.run.presets import DEFAULT, DEFAULT_DRAFT, PRESETS, base_draft, shortest
from pages.run.settings import BY_NAME, NOT_IN_URL, Draft, Setting, applicable
from pages.shell.texts import left_out

# Drafts in the URL: what differs from the default preset, as `?width=512&alpha=0.1`.
#
# `?preset=NAME` starts from that preset instead, `?run=KEY` names a stored run whose config is too long for a URL, and
# `?table=HASH` a table that came in lately (`pages.run.files`).
# Values are texts like those of the widgets, judged by the same config: a URL can ask for nothing that a widget cannot.

RESERVED = ("preset", "run", "table")
LONGEST = 2000
"""Characters of one value. Longer ones are no settings of ours, and browsers cut long URLs."""


def to_query(draft: Draft) -> dict[str, str]:
    """The parameters of a URL that gives this draft back (without `NOT_IN_URL`)."""
    dataset = draft.get("data", "")
    base = base_draft(dataset)
    names = [setting.name for setting in applicable(dataset) if setting.name not in NOT_IN_URL]
    query = {"data": dataset} if dataset != DEFAULT_DRAFT["data"] else {}
    texts = {name: draft.get(name, "") for name in names}
    return query | {name: text for name, text in texts.items() if text != base.get(name, "") and len(text) <= LONGEST}


def from_query(query: Mapping[str, str]) -> tuple[dict[str, str], list[Problem]]:
    """The draft that a URL describes, and what in it means nothing. Takes any text whatever."""
    remarks = []
    preset = query.get("preset", DEFAULT)
    if preset not in PRESETS:
        hint = did_you_mean(preset, list(PRESETS))
        remarks.append(Problem("preset", f"{shown(preset)} is unknown.{hint} Allowed: {', '.join(PRESETS)}"))
        preset = DEFAULT
    start = PRESETS[preset].draft
    dataset = query.get("data", start["data"])
    if len(dataset) > LONGEST:  # told below
        dataset = start["data"]
    draft = start if dataset == start["data"] else base_draft(dataset)
    known = {setting.name for setting in applicable(dataset)} - set(NOT_IN_URL)
    strange = [name for name in query if name not in known and name not in RESERVED]
    remarks += left_out(
        strange, known, {name: f" It does not exist on the dataset {shown(dataset)}." for name in BY_NAME}
    )
    for name, text in query.items():
        if name not in known:
            continue
        if len(text) > LONGEST:
            remarks.append(Problem(name, f"{len(text):,} characters given, at most {LONGEST:,} allowed: left out"))
        else:
            draft[name] = text
    return {name: text for name, text in draft.items() if text}, remarks


# The draft of this session, and its way into the URL and back.
#
# The draft lives in the session, apart from the widgets: those of another page or data set lose their state. The URL
# is written after every run of a page and read on arrival. `bind="query-params"` is not used: it drops a bad value
# without a word, where we show it with the config's message.

IN_FLIGHT = 2.0
"""Seconds in which a browser may still send the URL that stood before we wrote the new one."""


def current() -> dict[str, str]:
    """The draft. Call `arrive` first."""
    return st.session_state["draft"]


def remarks() -> list[Problem]:
    """What was wrong with the last URL, file or run taken up, beyond the settings themselves."""
    return st.session_state.get("remarks", [])


def arrive() -> None:
    """Takes the URL up when the page has just been opened, or when the browser went back to another URL."""
    state, query = st.session_state, st.query_params.to_dict()
    edited = state.pop("edited", False)
    if "draft" in state:
        if state.pop("arrived", False):
            if not query:
                return
        elif edited or query == state.get("written") or time.monotonic() - state.get("written_at", 0.0) < IN_FLIGHT:
            return
    _replace(*_read(query))
    state.pop("arrived", None)


def write_url(run_key: str = "") -> None:
    """Puts the draft into the URL; `run_key` names the run where it is stored and the draft does not fit into one."""
    state = st.session_state
    stored = run_key and current().get("content") and cache.current().store.index.get(run_key)
    query = {"run": run_key} if stored else carried()
    if query != st.query_params.to_dict():
        st.query_params.from_dict(query)
        state["written_at"] = time.monotonic()
    state["written"] = query


def carried() -> dict[str, str]:
    """The parameters of a URL that brings the draft to another page, or back after a reload."""
    content = current().get("content", "")
    return to_query(current()) | ({"table": tables.address(tables.known(content).text)} if content else {})


def edit(name: str, text: str) -> None:
    """One setting, from its widget. Another dataset brings its own settings, as they stood when last left."""
    state, draft = st.session_state, current()
    state["edited"] = True
    if name == "data":
        _change_dataset(text)
    else:
        draft[name] = text


def load_preset(name: str) -> None:
    _replace(PRESETS[name].draft, [])
    st.session_state["edited"] = True


def load_values(values: Mapping[str, Any]) -> None:
    """A config written by somebody: a file, or a run of the index."""
    draft, problems = draft_of(dict(values))
    _replace(_tidied(draft), problems)
    st.session_state["edited"] = True


def _read(query: Mapping[str, str]) -> tuple[dict[str, str], list[Problem]]:
    key = query.get("run", "")
    if not key:
        return _with_table(*from_query(query), query.get("table", ""))
    record = cache.current().store.index.get(key)
    if record is None:
        draft, found = from_query({name: text for name, text in query.items() if name != "run"})
        return draft, [
            Problem("run", "this link names a run that is not in the cache here: give its settings (or table) again"),
            *found,
        ]
    draft, problems = draft_of(dict(record.values))
    return _tidied(draft), problems


def _with_table(draft: dict[str, str], problems: list[Problem], address: str) -> tuple[dict[str, str], list[Problem]]:
    """The draft with the table that its address names."""
    if not address:
        return draft, problems
    found = tables.tables().find(address)
    if found is None:
        gone = "this link names a table that the server does not hold (any more): give it again"
        return draft, [Problem("table", gone), *problems]
    return draft | {"content": found.text}, problems


def _tidied(draft: Draft) -> dict[str, str]:
    try:
        return shortest(draft)
    except ValueError:
        return dict(draft)


def _replace(draft: Draft, problems: list[Problem]) -> None:
    st.session_state["draft"] = dict(draft)
    st.session_state["remarks"] = problems


def _change_dataset(name: str) -> None:
    state, draft = st.session_state, current()
    kept = state.setdefault("left datasets", {})
    kept[draft.get("data", "")] = {s.name: draft[s.name] for s in _own(draft.get("data", "")) if s.name in draft}
    others = {text: value for text, value in draft.items() if text not in kept[draft.get("data", "")]}
    own = kept.get(name) or {s.name: text for s in _own(name) if (text := base_draft(name).get(s.name))}
    state["draft"] = {**others, **own, "data": name}


def _own(dataset: str) -> list[Setting]:
    """The settings of a dataset itself."""
    return [setting for setting in applicable(dataset) if setting.section == "data" and setting.name != "data"]
