"""A chart as a Vega-Lite specification, with its data as Arrow tables for the browser."""

import hashlib
import json
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import isfinite
from typing import Any

import altair as alt
import pandas as pd
import pyarrow as pa

from pages.charts import theme
from pages.charts.theme import TITLE_SIZE
from pages.charts.words import in_one, listing

FONT = "Source Sans Pro, Helvetica, Arial, DejaVu Sans, sans-serif"
WIDTH = 640
"""Of a chart that has no width of its own, in pixels."""

CONFIG = {part: {name: colour.to_dict() for name, colour in colours.items()} for part, colours in theme.TEXT.items()}
"""What the browser is told of every chart."""

COMPOSED = {
    "layer": alt.LayerChart,
    "vconcat": alt.VConcatChart,
    "hconcat": alt.HConcatChart,
    "concat": alt.ConcatChart,
}
"""Charts made of others, by the name of these."""

PAPER = {
    "background": "white",
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "gridColor": "#e6e6ea",
        "domainColor": "#b0b0b8",
        "tickColor": "#b0b0b8",
        "titleFontWeight": "normal",
        "titlePadding": 8,
    },
    "title": {"anchor": "start", "fontWeight": 600},
    "legend": {"titleFontWeight": "normal"},
}


@dataclass(frozen=True, eq=False)
class Specification:
    """A chart made ready for the browser once, not at every redraw: Altair takes a tenth of a second for each.

    Attributes:
        text: as JSON, which names its tables.
        tables: Arrow streams by a name that their content gives. As bytes: Streamlit sends those as they are, where it
            would write a table to a stream at every redraw.
        said: what it shows, for screen readers.
    """

    text: str
    tables: dict[str, bytes]
    said: str

    @classmethod
    def of(cls, chart: alt.TopLevelMixin) -> "Specification":
        """Without Altair's check against its schema, half of the time: the tests of charts do check."""
        tables: dict[str, bytes] = {}
        known: dict[int, tuple[pd.DataFrame, dict[str, str]]] = {}

        def once(frame: pd.DataFrame) -> dict[str, str]:
            """Several layers have the same data. The frame is kept, else another could come to its address."""
            if id(frame) not in known:
                known[id(frame)] = frame, arrow(frame, tables)
            return dict(known[id(frame)][1])

        with data_as(once):
            spec = _converted(chart)
        return cls(json.dumps({"$schema": alt.SCHEMA_URL, "config": CONFIG, **spec}), tables, alternative(spec))

    def __call__(self) -> dict[str, Any]:
        """For `st.vega_lite_chart`, which edits what it is given: a new one each time."""
        return in_lines(json.loads(self.text)) | {"datasets": dict(self.tables)}

    def alone(self) -> dict[str, Any]:
        """With the rows of its tables, for a document that stands alone; what is not finite is missing."""
        rows = {name: pa.ipc.open_stream(stream).read_all().to_pylist() for name, stream in self.tables.items()}
        return json.loads(self.text) | {"datasets": {name: [*map(_finite, own)] for name, own in rows.items()}}


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(value, float) and not isfinite(value) else value for name, value in row.items()}


def _converted(chart: Any) -> dict[str, Any]:
    """As `chart.to_dict`, without a theme, which only the outermost chart gets.

    Part by part: of a chart made of others Altair first copies everything below, at every level, to move parameters and
    common data of the parts up. Ours have no parameters of their own, else Altair does it.
    """
    name, parts = parts_of(chart)
    if not parts or any(map(_has_parameters, parts)):
        return chart.to_dict(validate=False, context={"top_level": False})
    chart[name] = []
    try:
        return _converted(chart) | {name: [_converted(part) for part in parts]}
    finally:
        chart[name] = parts


def parts_of(chart: Any) -> tuple[str, list[Any]]:
    """Of a chart made of others, what they are called and themselves."""
    return next(((name, chart[name]) for name, kind in COMPOSED.items() if isinstance(chart, kind)), ("", []))


def _has_parameters(chart: Any) -> bool:
    return getattr(chart, "params", alt.Undefined) is not alt.Undefined or any(map(_has_parameters, parts_of(chart)[1]))


def arrow(data: pd.DataFrame, tables: dict[str, bytes]) -> dict[str, str]:
    """Altair's form of data: a name, under which the table is kept."""
    # Column by column: `Table.from_pandas` describes the frame besides, ten times the work for a small one.
    table = pa.table({str(name): pa.array(column, from_pandas=True) for name, column in data.items()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    written = sink.getvalue().to_pybytes()
    name = hashlib.md5(written, usedforsecurity=False).hexdigest()
    tables[name] = written
    return {"name": name}


# What becomes of a chart's data: in Altair a setting of the process, which would need a lock around every conversion,
# and everybody who waits for a chart would wait for all others. Here a setting of the thread.

_FORM: ContextVar[Callable[[pd.DataFrame], Any]] = ContextVar("form", default=alt.to_values)


@contextmanager
def data_as(form: Callable[[pd.DataFrame], Any]) -> Iterator[None]:
    """Charts that this thread converts meanwhile have their data in this form."""
    before = _FORM.set(form)
    try:
        yield
    finally:
        _FORM.reset(before)


def _in_form(data: pd.DataFrame) -> Any:
    return _FORM.get()(data)


alt.data_transformers.register("thread", _in_form)  # pyright: ignore[reportArgumentType]
alt.data_transformers.enable("thread")


# A title in several lines where its plot is too narrow for one, which Vega would cut.

LETTER = 0.48
"""Width of a letter beside its size."""
SUBTITLE_SIZE = 11
"""Of Vega, in pixels."""
TELEPHONE = 285
"""Pixels of a plot on a telephone, for which the lines are made."""


def in_lines(spec: dict[str, Any]) -> dict[str, Any]:
    """The specification; its title, where it is no expression of the frame, breaks where the plot is narrow, and its
    subtitle, which has lines, breaks there alone."""
    title = spec.get("title")
    if not isinstance(title, dict) or not title.get("text"):
        return spec
    found = {"text": _title(title["text"], title.get("fontSize", TITLE_SIZE) * LETTER)}
    if isinstance(lines := title.get("subtitle"), list):
        whole = in_one(lines)
        found["subtitle"] = _either(len(whole) * SUBTITLE_SIZE * LETTER, json.dumps(lines), json.dumps(whole))
    return {**spec, "title": {**title, **found}}


def _title(text: Any, letter: float) -> Any:
    """The title, whose letters are so wide."""
    if isinstance(text, dict):
        return text
    lines = textwrap.wrap(text, int(TELEPHONE / letter))
    return _either(len(text) * letter, json.dumps(lines), json.dumps(text)) if len(lines) > 1 else text


def _either(room: float, lines: str, whole: str) -> dict[str, str]:
    """The lines where the plot has less room, else the whole."""
    return {"expr": f"width < {round(room)} ? {lines} : {whole}"}


# What a chart shows, in words for those who do not see it: from its specification, so that no chart is without.

MOST = 12
"""Series that are named."""
MOVES = "It moves with the checkpoints of training."
KINDS = {"rect": "Map", "bar": "Bars", "line": "Curves", "area": "Curves", "point": "Points"}


def alternative(spec: dict[str, Any]) -> str:
    """The question, what is drawn against what, and the series, as far as the chart says them."""
    layers = list(_layers(spec))
    return " ".join(
        filter(None, (_question(spec), _drawn(layers), _series(layers), _held(layers), MOVES if _moves(spec) else ""))
    )


def _layers(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every layer with an encoding."""
    if "encoding" in spec:
        yield spec
    for part in spec.get("layer", ()):
        yield from _layers(part)


def _question(spec: dict[str, Any]) -> str:
    """The title, with its subtitle, where they are text and no expression of the frame."""
    title = spec.get("title", "")
    said = [title] if isinstance(title, str) else [title.get("text"), in_one(title.get("subtitle") or "")]
    lines = [line.strip() for line in said if isinstance(line, str) and line.strip()]
    return " ".join(f"{line[0].upper()}{line[1:]}{'' if line[-1] in '.?!' else '.'}" for line in lines)


def _drawn(layers: list[dict[str, Any]]) -> str:
    """What kind of marks, and the titles of the axes."""
    up, across = (_titles(layers, channel, "axis") for channel in ("y", "x"))
    colour = _titles(layers, "color", "legend")
    kinds = [KINDS[kind] for kind in KINDS if any(_kind(layer) == kind for layer in layers)]
    what = " and ".join(filter(None, (f"of {colour}" if colour else "", f"of {up}" if up and not colour else "")))
    plane = f"over {up} and {across}" if colour and up and across else f"against {across}" if across else ""
    return " ".join(filter(None, (kinds[0] if kinds else "Chart", what, plane))) + "."


def _kind(layer: dict[str, Any]) -> str:
    mark = layer.get("mark", "")
    return mark if isinstance(mark, str) else mark.get("type", "")


def _titles(layers: list[dict[str, Any]], channel: str, guide: str) -> str:
    """The first title of an axis or legend."""
    for layer in layers:
        title = ((layer["encoding"].get(channel) or {}).get(guide) or {}).get("title")
        if isinstance(title, str) and title:
            return title
    return ""


def _series(layers: list[dict[str, Any]]) -> str:
    """The names in the legend."""
    for channel in ("color", "fill"):
        for layer in layers:
            names = ((layer["encoding"].get(channel) or {}).get("scale") or {}).get("domain")
            if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
                more = len(names) - MOST
                return f"Shown: {listing([*names[:MOST], *([f'{more} more'] if more > 0 else [])])}."
    return ""


def _held(layers: list[dict[str, Any]]) -> str:
    """The names of held results beneath it."""
    for layer in layers:
        for channel in ("strokeDash", "shape"):
            given = layer["encoding"].get(channel) or {}
            if given.get("field") == "held":
                return f"Beneath it, {listing(given['scale']['domain'])}."
    return ""


def _moves(spec: dict[str, Any]) -> bool:
    return any(param.get("name") == "frame" for param in spec.get("params", ()))
