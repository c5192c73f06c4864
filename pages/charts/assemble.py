"""Layers and grids of charts, put together without the copies that Altair's own constructors make.

Every `alt.layer`, `alt.vconcat` and `add_params` copies the whole below it; for a page of five panels these copies
took a second. Here the parts are set on an empty chart instead. Parts must carry no parameters of their own.
"""

from collections.abc import Sequence
from typing import Any

import altair as alt

_OWN_SCALES = alt.Resolve(
    scale=alt.ScaleResolveMap(color="independent", opacity="independent", strokeDash="independent")
)

Panel = alt.Chart | alt.LayerChart | alt.VConcatChart | alt.HConcatChart


def layered(*layers: alt.Chart, **properties: Any) -> alt.LayerChart:
    """Charts on top of each other."""
    chart = alt.LayerChart(**properties)
    chart.layer = list(layers)
    return chart


def stacked(charts: Sequence[Panel], spacing: int) -> alt.VConcatChart:
    """Charts one under another."""
    chart = alt.VConcatChart(spacing=spacing, resolve=_OWN_SCALES)
    chart.vconcat = list(charts)
    return chart


def beside(charts: Sequence[Panel], spacing: int) -> alt.HConcatChart:
    """Charts from left to right."""
    chart = alt.HConcatChart(spacing=spacing, resolve=_OWN_SCALES)
    chart.hconcat = list(charts)
    return chart
