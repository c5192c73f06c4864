"""What the animated panels share.

Streamlit interprets Vega's expressions instead of compiling them, so each expression that runs per mark and frame
counts. Moving marks therefore carry a constant colour, no text for screen readers (the player has one) and, where
there are many, no tooltip; a layer of its own brings the legend.
"""

from typing import Any

import altair as alt
import pandas as pd

from pages import theme

FEW = 128
"""Moving points of which there are at most so many are large, and have a tooltip."""

QUIET: dict[str, Any] = {"aria": False, "tooltip": None, "clip": True}
"""For marks that move."""

LINE: dict[str, Any] = QUIET | {"strokeWidth": theme.LINE}


def dots(count: int, size: float) -> dict[str, Any]:
    """Filled points of this area; where there are many, squares of half the area, which a canvas fills much faster."""
    look = {"size": size, "shape": "circle"} if count <= FEW else {"size": size / 2, "shape": "square"}
    return QUIET | look | {"filled": True}


def legend_layer(names: dict[str, str], symbol: str = "stroke") -> alt.Chart:
    """Draws nothing but the legend: label -> name in `theme.COLOURS`."""
    scale = alt.Scale(domain=list(names), range=[theme.COLOURS[name] for name in names.values()])
    legend = theme.legend(symbolType=symbol, symbolStrokeWidth=3)
    mark = alt.Chart(pd.DataFrame({"series": list(names)})).mark_point(opacity=0, filled=symbol != "stroke", **QUIET)
    return mark.encode(color=alt.Color("series:N", scale=scale, legend=legend))


def index_x(count: int, title: str) -> alt.X:
    """The column `i` = 1 .. count on a log axis."""
    low, high = 0.9, max(count * 1.1, 2.0)
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    return alt.X("i:Q", scale=scale, axis=theme.log_axis(low, high, title))


def log_y(field: str, domain: tuple[float, float], title: str) -> alt.Y:
    """A column on a log axis with this domain."""
    scale = alt.Scale(type="log", domain=list(domain), nice=False)
    return alt.Y(f"{field}:Q", scale=scale, axis=theme.log_axis(*domain, title))


def linear_y(field: str, domain: tuple[float, float], title: str) -> alt.Y:
    """A column on a linear axis with this domain."""
    return alt.Y(f"{field}:Q", scale=alt.Scale(domain=list(domain), nice=False), axis=theme.linear_axis(title))


def tooltips(count: int, *fields: str) -> list[alt.Tooltip]:
    """For moving points: none where there are many."""
    return [alt.Tooltip(f"{field}:Q", format=".4~g") for field in fields] if count <= FEW else []
