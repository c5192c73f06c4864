"""A config written in YAML, pasted or uploaded."""

import streamlit as st

from engine.config import RunConfig
from engine.data.csv_records import decode
from engine.schema import ConfigError, Problem
from engine.texts import MOST_CHARACTERS, read
from pages.charts.words import sentence
from pages.run import draft_state
from pages.shell.form import unfolded
from pages.shell.uploads import megabytes, too_large


def show() -> None:
    """Paste or upload of a config in YAML."""
    problems = st.session_state.get("yaml problems", [])
    part = unfolded("Config as YAML", bool(problems))
    if part is None:
        return
    with part:
        st.text_area(
            "paste a config",
            key="yaml text",
            height=120,
            placeholder="data: {name: circle, size: 64}",
            persist_state="session",
        )
        st.button("Use this config", width="stretch", on_click=_yaml_pasted)
        st.file_uploader(
            "or upload one",
            type=["yaml", "yml", "json"],
            key="yaml file",
            on_change=_yaml_came,
            max_upload_size=megabytes(MOST_CHARACTERS),
        )
        for problem in problems:
            st.error(sentence(problem))


def _yaml_pasted() -> None:
    _take_yaml(st.session_state["yaml text"])


def _yaml_came() -> None:
    if file := st.session_state["yaml file"]:
        text, problems = "", too_large(file.name, file.size, MOST_CHARACTERS)
        try:
            text = text if problems else decode(file.getvalue())[0]
        except ValueError as error:
            problems = [Problem("file", f"{file.name} {error}")]
        st.session_state["yaml problems"] = problems
        if not problems:
            _take_yaml(text)


def _take_yaml(text: str) -> None:
    """A mapping goes into the widgets, right or wrong; anything else is refused here."""
    try:
        values = read_yaml(text)
    except ConfigError as error:
        st.session_state["yaml problems"] = list(error.problems)
        return
    st.session_state["yaml problems"] = []
    draft_state.load_values(values)


def read_yaml(text: str) -> dict:
    """The mapping that a YAML text holds. Raises `ConfigError`."""
    values = read(text)
    if not isinstance(values, dict):
        RunConfig.from_dict(values)  # raises with the engine's words
    return values
