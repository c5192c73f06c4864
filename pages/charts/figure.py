"""A chart as a file, for a paper: white ground, no browser."""

from typing import Literal

import altair as alt
import vl_convert

FONT = "Source Sans Pro, Helvetica, Arial, DejaVu Sans, sans-serif"
WIDTH = 640
"""Of a chart that has no width of its own, in pixels."""

CONFIG = {
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


def figure(chart: alt.TopLevelMixin, kind: Literal["svg", "png"], width: int = WIDTH) -> bytes:
    """The chart as it stands: an animated one at its start frame. PNG at 200 dots per inch, twice the size.

    Args:
        width: of a chart that stretches; others keep their own.
    """
    with alt.data_transformers.enable("default", max_rows=None):
        spec = chart.to_dict()
    for part in ("usermeta", "config"):
        spec.pop(part, None)
    if not any(key in spec for key in ("width", "hconcat", "vconcat")):
        spec["width"] = width
    for param in spec.get("params", []):
        param.pop("bind", None)
    if kind == "svg":
        return vl_convert.vegalite_to_svg(spec, config=CONFIG).encode()
    return vl_convert.vegalite_to_png(spec, config=CONFIG, scale=2, ppi=100)
