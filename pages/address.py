"""Drafts in the URL: what differs from the default preset, as `?width=512&alpha=0.1`. No Streamlit here.

`?preset=NAME` starts from that preset instead, `?run=KEY` names a stored run whose config is too long for a URL, and
`?table=HASH` a table that came in lately (`pages.tables`).
Values are texts like those of the widgets, judged by the same config: a URL can ask for nothing that a widget cannot.
"""

from collections.abc import Iterable, Mapping, Sequence

from engine.schema import Problem, did_you_mean, shown
from pages.presets import DEFAULT, DEFAULT_DRAFT, PRESETS, base_draft
from pages.settings import BY_NAME, NOT_IN_URL, Draft, applicable

RESERVED = ("preset", "run", "table")
LONGEST = 2000
"""Characters of one value. Longer ones are no settings of ours, and browsers cut long URLs."""
MOST_REMARKS = 10
"""On names that are no settings."""


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


def left_out(strange: Sequence[str], known: Iterable[str], hints: Mapping[str, str] | None = None) -> list[Problem]:
    """What to say of the names in a link that no setting has: of the first few each, of the rest how many.

    Args:
        hints: for names that are known elsewhere.
    """
    allowed, hints = list(known), hints or {}
    said = [
        Problem(shown(name), f"no such setting, left out.{hints.get(name) or did_you_mean(name, allowed)}")
        for name in strange[:MOST_REMARKS]
    ]
    more = len(strange) - MOST_REMARKS
    return [*said, Problem("", f"{more:,} more names in the link are no settings, left out")] if more > 0 else said
