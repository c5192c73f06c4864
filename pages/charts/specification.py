"""A chart as a Vega-Lite specification: with its data as Arrow tables for the browser, as SVG or PNG for a paper."""

import hashlib
import json
import threading
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import pandas as pd
import pyarrow as pa
import vl_convert

CONVERTING = threading.Lock()
"""Altair's theme and the form of its data belong to the process: one conversion at a time."""

FONT = "Source Sans Pro, Helvetica, Arial, DejaVu Sans, sans-serif"
WIDTH = 640
"""Of a chart that has no width of its own, in pixels."""

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
    """

    text: str
    tables: dict[str, bytes]

    @classmethod
    def of(cls, chart: alt.TopLevelMixin) -> "Specification":
        """Without Altair's check against its schema, half of the time: the tests of charts do check."""
        tables: dict[str, bytes] = {}
        with CONVERTING, alt.theme.enable("none"), alt.data_transformers.enable("arrow", tables=tables):
            return cls(json.dumps(chart.to_dict(validate=False)), tables)

    def __call__(self) -> dict[str, Any]:
        """For `st.vega_lite_chart`, which edits what it is given: a new one each time."""
        return {**json.loads(self.text), "datasets": dict(self.tables)}


def _arrow(data: pd.DataFrame, tables: dict[str, bytes]) -> dict[str, str]:
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


alt.data_transformers.register("arrow", _arrow)  # pyright: ignore[reportArgumentType]


def figure(chart: alt.TopLevelMixin, kind: Literal["svg", "png"], width: int = WIDTH) -> bytes:
    """The chart as it stands: an animated one at its start frame. PNG at 200 dots per inch, twice the size.

    Args:
        width: of a chart that stretches; others keep their own.
    """
    with CONVERTING, alt.data_transformers.enable("default", max_rows=None):
        spec = chart.to_dict()
    for part in ("usermeta", "config"):
        spec.pop(part, None)
    if not any(key in spec for key in ("width", "hconcat", "vconcat")):
        spec["width"] = width
    for param in spec.get("params", []):
        param.pop("bind", None)
    if kind == "svg":
        return vl_convert.vegalite_to_svg(spec, config=PAPER).encode()
    return vl_convert.vegalite_to_png(spec, config=PAPER, scale=2, ppi=100)
