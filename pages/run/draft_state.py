"""The draft of this session, and its way into the URL and back."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import streamlit as st

import cache
from engine.data import contents
from engine.problems import short_repr
from engine.schema import Problem, did_you_mean
from pages.run import named_run
from pages.run.presets import DEFAULT, DEFAULT_DRAFT, PRESETS, base_draft, shortest
from pages.run.settings import (
    BY_NAME,
    MLP,
    NOT_IN_URL,
    TELLING,
    Draft,
    Setting,
    applicable,
    applicable_to,
    draft_of,
)
from pages.shell import held, view
from pages.shell.gathering import START
from pages.shell.link import PAGE, Link, Texts
from pages.shell.texts import left_out
from pages.shell.uploads import keep, too_large

# Drafts in the URL: what differs from the default preset, as `?width=512&alpha=0.1`.
#
# `?start=yes` computes what is cheap, and leaves the URL at once. `?held=KEYS` are of what stays beneath the charts
# (`pages.shell.held`). `?preset=NAME` starts from that preset instead,
# `?run=KEY` names a stored result by the first digits of its key (`pages.run.named_run`): the short link, and the only
# one of a config that is too long for a URL. Where it is not here, the draft holds nothing but this name.
# `?table=DIGEST` names a table that an older config holds itself (`_with_table`).
# Values are texts like those of the widgets, judged by the same config: a URL can ask for nothing that a widget cannot.

RESERVED = ("preset", "run", "table", held.NAME, *START)
LONGEST = 2000
"""Characters of one value. Longer ones are no settings of ours, and browsers cut long URLs."""


def to_query(draft: Draft) -> dict[str, str]:
    """The parameters of a URL that gives this draft back (without `NOT_IN_URL`)."""
    dataset, network = draft.get("data", ""), draft.get("network") or MLP
    base = base_draft(dataset, network)
    names = [setting.name for setting in applicable(dataset, network) if setting.name not in NOT_IN_URL]
    query = {"data": dataset} if dataset != DEFAULT_DRAFT["data"] else {}
    query |= {"network": network} if network != MLP else {}
    texts = {name: draft.get(name, "") for name in names}
    return query | {name: text for name, text in texts.items() if text != base.get(name, "") and len(text) <= LONGEST}


def from_query(query: Texts) -> tuple[dict[str, str], list[Problem]]:
    """The draft that a URL describes, and what in it means nothing. Takes any text whatever."""
    remarks = []
    preset = query.get("preset", DEFAULT)
    if preset not in PRESETS:
        hint = did_you_mean(preset, list(PRESETS))
        remarks.append(Problem("preset", f"{short_repr(preset)} is unknown.{hint} Allowed: {', '.join(PRESETS)}"))
        preset = DEFAULT
    start = PRESETS[preset].draft
    dataset = query.get("data", start["data"])
    if len(dataset) > LONGEST:  # told below
        dataset = start["data"]
    network = query.get("network") or start.get("network") or MLP
    network = network if len(network) <= LONGEST else MLP
    same = dataset == start["data"] and network == (start.get("network") or MLP)
    draft = dict(start) if same else base_draft(dataset, network)
    known = {setting.name for setting in applicable(dataset, network)} - set(NOT_IN_URL)
    strange = [name for name in query if name not in known and name not in RESERVED]
    remarks += left_out(
        strange,
        known,
        {name: f" It does not exist {_where(setting, dataset, network)}." for name, setting in BY_NAME.items()},
    )
    for name, text in query.items():
        if name not in known:
            continue
        if len(text) > LONGEST:
            remarks.append(Problem(name, f"{len(text):,} characters given, at most {LONGEST:,} allowed: left out"))
        else:
            draft[name] = text
    return {name: text for name, text in draft.items() if text}, remarks


def _where(setting: Setting, dataset: str, network: str) -> str:
    """A dataset or a kind of network that does not have a setting, in words."""
    return (
        f"on the dataset {short_repr(dataset)}"
        if setting.section == "data"
        else f"in the network {short_repr(network)}"
    )


# The draft of this session: one for all pages of a run.

LINK, MISSING = "draft", "missing run"
BARE = ("evolution", "")
"""Pages that open with the default preset: their address says nothing of it."""


def current() -> Draft:
    """The draft. Call `arrive` first."""
    return Link.of(LINK).texts


def remarks() -> list[Problem]:
    """What was wrong with the last URL, file or run taken up, beyond the settings themselves."""
    return Link.of(LINK).remarks


def arrive(start: Draft | None = None) -> None:
    """Takes the URL up when the page has just been opened, or when the browser went back to another URL.

    Args:
        start: what a visitor without a run begins with; the default preset where the page has none of its own.
    """
    Link.of(LINK).arrive(lambda query: _read(query) if query or start is None else (_tidied(start), []))


def missing() -> str:
    """Why the draft is none, as Markdown: the link names a run that cannot be opened. Empty where it is one."""
    return st.session_state.get(MISSING, "") if "run" in current() else ""


def write_url(run_key: str = "") -> None:
    """Puts the draft into the URL; `run_key` names the run where it is stored and the draft does not fit into one."""
    long = current().get("content") or any(len(text) > LONGEST for text in current().values())
    stored = run_key and long and cache.current().store.index.get(run_key)
    bare = st.session_state.get(PAGE) in BARE and not to_query(current()) and not missing()
    own = {"run": run_key} if stored else {} if bare else _carried()
    Link.of(LINK).write(own | held.query())


def carried() -> dict[str, str]:
    """The parameters of a URL that brings the draft to another page, or back after a reload."""
    return _carried() | held.query()


def _carried() -> dict[str, str]:
    """Without what is held."""
    if "run" in current():
        return {"run": current()["run"]}
    table = {"table": _kept(content)} if (content := current().get("content", "")) else {}
    return to_query(current()) | table or {"preset": DEFAULT}


def _kept(content: str) -> str:
    """The digest of a table that the draft itself holds, which the cache now has as a file, if there is room for it and
    this person may bring it: else the address leads to no table, and says so."""
    text = content.encode("utf-8", "surrogatepass")
    if not too_large("", len(text), len(text)):
        with suppress(cache.CacheFault):
            keep(text, "table.csv")
    return contents.digest_of(text)


def edit(name: str, text: str) -> None:
    """One setting, from its widget. Another dataset, and another kind of network, bring their own settings, as they
    stood when last left."""
    link = Link.of(LINK)
    if name == "module":  # what another was made of is not what this one is
        for of_it in ("sources", "versions"):
            link.edit(of_it, "")
    if name == "target" and "classes" in link.texts:  # the classes of one column are not those of another
        link.edit("classes", "")
    if name in ("data", "network"):
        link.replace(_of(name, text), link.remarks)
    else:
        link.edit(name, text)


def load_preset(name: str) -> None:
    Link.of(LINK).replace(PRESETS[name].draft)


def load_values(values: Mapping[str, Any]) -> None:
    """A config written by somebody: a file, or a run of the index."""
    draft, problems = draft_of(dict(values))
    Link.of(LINK).replace(_tidied(draft), problems)


def _read(query: Texts) -> tuple[Draft, list[Problem]]:
    wrong = held.take(query.get(held.NAME, "")) if query or not Link.of(LINK).new else []
    key = query.get("run", "")
    if not key:
        draft, problems = _with_table(*from_query(query), query.get("table", ""))
        return draft, [*problems, *wrong]
    found = named_run.named(key)
    st.session_state[MISSING] = found.why
    if found.why:
        return {"run": key}, []
    view.give(found.view)
    draft, problems = draft_of(dict(found.values))
    beside = [name for name in query if name not in ("run", held.NAME, *START)]
    problems += [
        Problem(short_repr(name), "left out: the link names a run, with settings of its own") for name in beside
    ]
    return _tidied(draft), [*problems, *wrong]


def _with_table(draft: dict[str, str], problems: list[Problem], address: str) -> tuple[dict[str, str], list[Problem]]:
    """The draft with the table that an address names by its digest: of an older config, which holds its own."""
    if not address:
        return draft, problems
    found = contents.find(address) if contents.is_digest(address) else None
    with suppress(UnicodeDecodeError):
        if found is not None:
            return draft | {"content": found.decode("utf-8", "surrogatepass")}, problems
    gone = "this link names a table that the server does not hold (any more): give it again"
    return draft, [Problem("table", gone), *problems]


def _tidied(draft: Draft) -> dict[str, str]:
    try:
        return shortest(draft)
    except ValueError:
        return dict(draft)


def _of(section: str, name: str) -> Draft:
    """The draft with another dataset, or another kind of network, of this name."""
    draft = current()
    kept = st.session_state.setdefault("left", {})
    left = {s.name: draft[s.name] for s in _own(section, draft) if s.name in draft}
    kept[section, draft.get(section, "")] = left
    new = {text: value for text, value in draft.items() if text not in left} | {section: name}
    base = base_draft(new.get("data", ""), new.get("network") or MLP)
    own = kept.get((section, name)) or {s.name: text for s in _own(section, new) if (text := base.get(s.name))}
    return new | own


def _own(section: str, draft: Draft) -> list[Setting]:
    """The settings of the draft's dataset, or kind of network, itself."""
    return [s for s in applicable_to(draft) if s.section == section and s.path not in TELLING]
