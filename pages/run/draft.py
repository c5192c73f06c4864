"""Settings as texts, and texts as a config. No Streamlit here.

A draft is what stands in the widgets and in the URL: name of a setting -> its text, valid or not. A setting that a
draft leaves out, or whose text is empty, takes the engine's default. The engine's config alone judges a draft.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.config import RunConfig
from engine.data import DATASETS
from engine.problems import clipped
from engine.schema import ConfigError, Problem
from pages.run.settings import BY_PATH, Draft, Setting, applicable, kind_of
from pages.shell.texts import draft_text, value_of


def nested(draft: Draft) -> dict[str, Any]:
    """The draft as plain values for `RunConfig.from_dict`."""
    dataset = draft.get("data", "")
    values: dict[str, Any] = {"data": {}}
    for setting in applicable(dataset):
        text = draft.get(setting.name, "")
        if not text.strip():
            continue
        within = values
        *parents, last = setting.path.split(".")
        for parent in parents:
            within = within.setdefault(parent, {})
        within[last] = value_of(text, kind_of(setting, dataset))
    return values


def config_of(draft: Draft) -> RunConfig:
    """The config that a draft describes. Raises `ConfigError`."""
    return RunConfig.from_dict(nested(draft))


def draft_of(values: object) -> tuple[dict[str, str], list[Problem]]:
    """A draft from plain values (a preset, a YAML file, an old run), and what in them is no setting at all."""
    if not isinstance(values, dict):
        return {}, [Problem("", "expected a mapping of settings")]
    draft, strange = {}, []
    data = values.get("data")
    dataset = str(data.get("name")) if isinstance(data, dict) else ""
    known = {setting.path: setting for setting in applicable(dataset)} if dataset in DATASETS else BY_PATH
    for path, value in _leaves(values):
        if path in known:
            draft[known[path].name] = draft_text(value, kind_of(known[path], dataset))
        else:
            strange.append(path)
    return draft, _unknown(values, strange)


def _unknown(values: dict, strange: list[str]) -> list[Problem]:
    """The engine's words for settings that no row of the table holds."""
    if not strange:
        return []
    try:
        RunConfig.from_dict(values)
    except ConfigError as error:
        if found := [
            problem for problem in error.problems if setting_at_fault(problem) is None or problem.field in strange
        ]:
            return found
    return list(ConfigError(Problem(clipped(path), "no such setting") for path in strange).problems)


def _leaves(values: Mapping[Any, Any], parent: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        path = f"{parent}{name}"
        if isinstance(value, dict) and not parent and path in ("data", "network", "training"):
            yield from _leaves(value, f"{path}.")
        else:
            yield path, value


def setting_at_fault(problem: Problem) -> Setting | None:
    """The setting that a problem of a run, or of what holds one, belongs to; None for one that belongs to none."""
    path = problem.field.removeprefix("run.")
    while path:
        if path in BY_PATH:
            return BY_PATH[path]
        path = path.rpartition(".")[0]
    return None
