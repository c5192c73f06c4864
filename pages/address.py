"""Drafts in the URL: what differs from the default preset, as `?width=512&alpha=0.1`. No Streamlit here.

`?preset=NAME` starts from that preset instead, `?run=KEY` names a stored run whose config is too long for a URL, and
`?table=HASH` a table that came in lately (`pages.tables`).
Values are texts like those of the widgets, judged by the same config: a URL can ask for nothing that a widget cannot.
"""

from collections.abc import Mapping

from engine.schema import Problem, did_you_mean
from pages.presets import DEFAULT, DEFAULT_DRAFT, PRESETS, base_draft
from pages.settings import BY_NAME, NOT_IN_URL, Draft, applicable

RESERVED = ("preset", "run", "table")
LONGEST = 2000
"""Characters of one value. Longer ones are no settings of ours, and browsers cut long URLs."""


def to_query(draft: Draft) -> dict[str, str]:
    """The parameters of a URL that gives this draft back (without `NOT_IN_URL`)."""
    dataset = draft.get("data", "")
    base = base_draft(dataset)
    names = [setting.name for setting in applicable(dataset) if setting.name not in NOT_IN_URL]
    query = {"data": dataset} if dataset != DEFAULT_DRAFT["data"] else {}
    return query | {name: draft.get(name, "") for name in names if draft.get(name, "") != base.get(name, "")}


def from_query(query: Mapping[str, str]) -> tuple[dict[str, str], list[Problem]]:
    """The draft that a URL describes, and what in it means nothing. Takes any text whatever."""
    remarks = []
    preset = query.get("preset", DEFAULT)
    if preset not in PRESETS:
        hint = did_you_mean(preset, list(PRESETS))
        remarks.append(Problem("preset", f"{_shown(preset)} is unknown.{hint} Allowed: {', '.join(PRESETS)}"))
        preset = DEFAULT
    start = PRESETS[preset].draft
    dataset = query.get("data", start["data"])
    draft = start if dataset == start["data"] else base_draft(dataset)
    known = {setting.name for setting in applicable(dataset)} - set(NOT_IN_URL)
    for name, text in query.items():
        if name in RESERVED:
            continue
        if name not in known:
            elsewhere = f" It does not exist on the dataset {_shown(dataset)}." if name in BY_NAME else ""
            hint = elsewhere or did_you_mean(name, [*known])
            remarks.append(Problem(_shown(name), f"no such setting, left out.{hint}"))
        elif len(text) > LONGEST:
            remarks.append(Problem(name, f"{len(text):,} characters given, at most {LONGEST:,} allowed: left out"))
        else:
            draft[name] = text
    return {name: text for name, text in draft.items() if text}, remarks


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
