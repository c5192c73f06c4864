"""A result that a link names by the beginning of its key, `?run=1234abcd5678`: its settings, or why there are none.

The page that a short link opens shows this result or none: never another one under its address.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

import streamlit as st

import cache
from cache.run_folders import Record
from engine.config import RunConfig
from engine.jobs import parse
from engine.perturbation.config import Options, PerturbationConfig, StudyConfig
from engine.rkhs.config import RkhsConfig
from engine.schema import Config, ConfigError
from pages.charts.words import plain
from pages.shell.answer import DIGITS
from pages.shell.form import NAMED
from pages.shell.held import BEGINNING, WHOLE
from pages.shell.texts import text_of
from pages.shell.view import EMPTY

PATHS: Mapping[Literal["hermite", "linear"], str] = {"hermite": "cubic", "linear": "linear"}
"""How the kernel goes from checkpoint to checkpoint, as pages and links call it."""
LISTS = ("widths", "depths", "alphas")


class Absent(str):
    """Why a link opens nothing: what it names is not here."""


class Elsewhere(str):
    """That another page shows what a link names: its file, what it is called, and the parameters of its URL."""

    page: str
    called: str
    query: Mapping[str, str]

    @classmethod
    def of(cls, record: Record, what: str) -> str:
        """Of a result that is not `what` the page shows."""
        said = f"`{record.key[:DIGITS]}` is {what}"
        page, called = SHOWN_ON.get(record.kind, ("", ""))
        if not page:
            return f"{said}: open it from the page Runs."
        found = cls(f"{said}: the page {called} shows it.")
        found.page, found.called = page, called
        found.query = {} if record.kind == "calibration" else {NAMED: record.key[:DIGITS]}
        return found


SHOWN_ON: Mapping[str, tuple[str, str]] = {
    "run": ("evolution.py", "Evolution"),
    "cell": ("evolution.py", "Evolution"),
    "perturbation": ("perturbation.py", "Perturbation"),
    "perturbation_study": ("perturbation.py", "Perturbation"),
    "rkhs": ("norms.py", "Norms"),
    "sweep": ("regimes.py", "Regime map"),
    "initial_sample": ("distribution.py", "Distribution"),
    "brute_force": ("distribution.py", "Distribution"),
    "gram_spectrum": ("initial_kernel.py", "Whole kernel"),
    "calibration": ("server.py", "Server"),
}
"""By kind of result, the page that a short link opens it on."""


@dataclass(frozen=True)
class Named:
    """What a link names.

    Attributes:
        values: of the config of its run; empty where it is not here, or is no run.
        view: what it says besides of how it is looked at, by name in `pages.shell.view`.
        why: it cannot be opened, as Markdown.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    view: Mapping[str, str] = field(default_factory=dict)
    why: str = ""


def path_of(called: str) -> Literal["hermite", "linear"]:
    """The name in a config of one of `PATHS`."""
    return next(name for name, text in PATHS.items() if text == called)


def find(text: str) -> Record | str:
    """The record that a link names, or why there is none, as Markdown."""
    if not BEGINNING.fullmatch(text):
        return Absent(
            f"{plain(repr(text[:40]))} names no run: that takes 6 to 64 of the digits 0-9 and a-f of its key."
        )
    index = cache.current().store.index
    keys = [text] if len(text) == WHOLE else index.find(text, 2)
    if len(keys) > 1:
        return f"More than one result here begins with `{text}`: give more of its digits."
    return (index.get(keys[0]) if keys else None) or Absent(f"No run `{text[:DIGITS]}` here.")


def named(text: str) -> Named:
    """The run of what a link names."""
    record = find(text)
    if isinstance(record, str):
        return Named(why=record)
    if record.kind not in ("run", "cell", "perturbation", "perturbation_study", "rkhs"):
        return Named(why=Elsewhere.of(record, "no run"))
    values, view = record.values.get("run", record.values), _view(record)
    if record.kind not in ("run", "cell") and not _same(record, values, view):
        return Named(
            why=f"`{text[:DIGITS]}` was computed with options that no page has: only the command line shows it."
        )
    return Named(values, {name: text for name, text in view.items() if text != DEFAULTS.get(name)})


def map_texts(text: str) -> dict[str, str] | str:
    """The parameters of the page of the map that a link names, or why there are none, as Markdown."""
    record = find(text)
    if isinstance(record, str):
        return record
    if record.kind != "sweep":
        return Elsewhere.of(record, "no map")
    if not record.link:
        return f"`{text[:DIGITS]}` was not asked for on this page, which then knows no controls for it."
    return dict(parse_qsl(record.link.partition("?")[2], keep_blank_values=True))


def refuse(why: str, default: str) -> None:
    """Says in the page that a link opens nothing here, and what can be done.

    Args:
        default: what the button beneath opens, as a noun.
    """
    st.warning(f"**{why}** Nothing is shown under this link.", icon=":material/link_off:")
    if isinstance(why, Absent):
        st.markdown(
            "- The link may be cut short; what it names may lie in the cache of another machine, or have made room "
            "here for newer results.\n"
            "- Ask who sent the link for the long one, which stands under **Link** on their page: it has every "
            f"setting, and computes the {default} here.\n"
            "- Or for its settings as YAML, which **Config as YAML** takes on the pages of a run."
        )
    if isinstance(why, Elsewhere):
        st.page_link(
            why.page, label=f"Open it: {why.called}", icon=":material/open_in_new:", query_params=dict(why.query)
        )
    st.page_link("all_runs.py", label="What is here: all runs", icon=":material/list:")


DEFAULTS = {"path": "cubic", "between": "0"}
"""What the page has without a word in the link."""


def _view(record: Record) -> dict[str, str]:
    values = record.values
    if record.kind == "perturbation_study":
        lists = {name: text_of(values.get(name) or ()) or EMPTY for name in LISTS}
        return {"tab": "study", **lists, "seeds": text_of(len(values["run"].get("seeds", ())))}
    if record.kind == "perturbation":
        options = values.get("options", {})
        path = PATHS.get(options.get("interpolation", "hermite"), "cubic")
        return {"path": path, "between": text_of(options.get("between", 0))}
    return {}


def _same(record: Record, values: Mapping[str, Any], view: Mapping[str, str]) -> bool:
    """Whether the page asks for the same by this run and this view. So it does of what no version reads any more: its
    settings are then blamed."""
    try:
        return parse(record.kind, dict(record.values)) == _asked(record, RunConfig.from_dict(dict(values)), view)
    except (ConfigError, KeyError):
        return True


def _asked(record: Record, run: RunConfig, view: Mapping[str, str]) -> Config:
    if record.kind == "rkhs":
        return RkhsConfig.from_dict({"run": run})
    if record.kind == "perturbation":
        options = Options(interpolation=path_of(view["path"]), between=int(view["between"]))
        return PerturbationConfig.of(run, options)
    lists = {name: record.values.get(name, ()) for name in LISTS}
    seeds = list(range(len(run.seeds)))
    return StudyConfig.from_dict({"run": {**run.to_dict(), "seeds": seeds}, **lists})
