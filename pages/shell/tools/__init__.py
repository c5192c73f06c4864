"""The row of tools over a figure: one component, so that six tools cost a page no more than one.

What the reader asks for comes with the frame that the figure's player shows; a file goes back to the component, which
saves it in the browser. No file is made before it is asked for.
"""

import io
import logging
import time
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from secrets import token_hex
from typing import Any, Literal, get_args

import pyarrow as pa
import streamlit as st
from pyarrow import csv
from streamlit.components.v2 import component

Tool = Literal["data", "svg", "pdf", "png", "paper", "enlarge", "about"]
TOOLS: tuple[Tool, ...] = get_args(Tool)

UNDRAWN = "This figure could not be drawn as a file. Its data can be saved, and what it shows stands on the page."
ASKED, ANSWER = "asked of a figure", "answer of a figure"
"""In the session: the last click on a tool, until its figure is drawn; the file that it gave."""
AGAIN = 10.0
"""Seconds for which a file is sent with every redraw: where one follows at once, the browser may draw that alone."""


@dataclass(frozen=True)
class Click:
    """A click on a tool.

    Attributes:
        frame: that the figure's player showed; None of a figure that stands still.
    """

    figure: str
    tool: Tool
    frame: int | None = None


@dataclass(frozen=True)
class File:
    """What is saved."""

    name: str
    mime: str
    content: bytes

    def sent(self) -> dict[str, str]:
        """For the component; the id tells two files of one name apart."""
        return {
            "id": token_hex(8),
            "name": self.name,
            "mime": self.mime,
            "base64": b64encode(self.content).decode(),
        }


def row(figure: str, said: str, container: str, make: Callable[[Click], File | None]) -> Click | None:
    """The tools; what was asked for since the figure was drawn last.

    Args:
        figure: its name, unique on the page.
        said: what the row is called for screen readers.
        container: key of the container in which its charts are.
        make: the file that is asked for; None where a tool makes none.
    """
    asked = _asked(figure)
    if asked:
        st.session_state.pop(ANSWER, None)
        with undrawn():
            if file := make(asked):
                st.session_state[ANSWER] = figure, time.monotonic(), file.sent()
    data: dict[str, Any] = {"name": said, "container": container} | _answer(figure)
    if asked and "file" not in data:
        data["answered"] = token_hex(8)  # what is new reaches the component, which then no longer waits
    key = f"tools of {figure}"
    _component()(data=data, key=key, on_asked_change=partial(_note, figure, key), height="content")
    return asked


@contextmanager
def undrawn() -> Iterator[None]:
    """Says it where a chart cannot be drawn as a file, and goes on."""
    try:
        yield
    except (RuntimeError, ValueError):  # all that vl-convert raises
        logging.getLogger(__name__).exception("a figure was not drawn")
        st.error(UNDRAWN, icon=":material/error:")


def zipped(name: str, tables: Mapping[str, pa.Table]) -> bytes:
    """Each as CSV, in a folder of this name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for part, table in tables.items():
            sink = io.BytesIO()
            csv.write_csv(table, sink)
            file.writestr(f"{name}/{part}.csv", sink.getvalue())
    return buffer.getvalue()


def _asked(figure: str) -> Click | None:
    asked = st.session_state.get(ASKED)
    if asked is None or asked.figure != figure:
        return None
    return st.session_state.pop(ASKED)


def _answer(figure: str) -> dict[str, Any]:
    """The file that was asked for of this figure a moment ago. The component saves it once."""
    answered, made, file = st.session_state.get(ANSWER, ("", 0.0, {}))
    return {"file": file} if answered == figure and time.monotonic() - made < AGAIN else {}


def _note(figure: str, key: str) -> None:
    """Keeps a click; a browser may send anything."""
    asked = st.session_state[key].get("asked")
    tool, frame = (asked.get("tool"), asked.get("frame")) if isinstance(asked, dict) else ("", None)
    if isinstance(tool, str) and tool in TOOLS:
        st.session_state[ASKED] = Click(figure, tool, frame if isinstance(frame, int) and frame >= 0 else None)


@cache
def _component() -> Callable[..., object]:
    html, css, js = (Path(__file__).with_name(f"tools.{kind}").read_text() for kind in ("html", "css", "js"))
    return component("kernel_drift_tools", html=html, css=css, js=js)
