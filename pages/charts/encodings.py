"""The encodings that charts are made of: columns on log and linear axes, colour by series, rows of a tooltip."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import altair as alt

from pages.charts import theme
from pages.charts.words import number

Channel = TypeVar("Channel", alt.X, alt.Y)
Domain = tuple[float, float]


def log_x(field: str, domain: Domain, title: str | None, most: int = 7) -> alt.X:
    """A column on a log axis with this domain and at most so many ticks."""
    return _log(alt.X, field, domain, theme.log_axis(*domain, title, most))


def log_y(field: str, domain: Domain, title: str | None, most: int = 7) -> alt.Y:
    """As `log_x`, upwards."""
    return _log(alt.Y, field, domain, theme.log_axis(*domain, title, most))


def linear_x(field: str, domain: Domain, title: str | None, count: int = 5, **axis: Any) -> alt.X:
    """A column on a linear axis with this domain and about so many ticks."""
    scale = alt.Scale(domain=list(domain), nice=False)
    return alt.X(f"{field}:Q", scale=scale, axis=theme.linear_axis(title, count, **axis))


def linear_y(field: str, domain: Domain, title: str | None, count: int = 5, **axis: Any) -> alt.Y:
    """As `linear_x`, upwards."""
    scale = alt.Scale(domain=list(domain), nice=False)
    return alt.Y(f"{field}:Q", scale=scale, axis=theme.linear_axis(title, count, **axis))


def index_x(count: int, title: str) -> alt.X:
    """The column `i` = 1 .. count on a log axis."""
    return log_x("i", (0.9, max(count * 1.1, 2.0)), title)


def listed_x(field: str, domain: Domain, title: str, values: Sequence[float], **axis: Any) -> alt.X:
    """A column on a log axis whose ticks are the values that there are, written as plain numbers."""
    return _log(alt.X, field, domain, _listed(title, values, **axis))


def listed_y(field: str, domain: Domain, title: str, values: Sequence[float], **axis: Any) -> alt.Y:
    """As `listed_x`, upwards."""
    return _log(alt.Y, field, domain, _listed(title, values, **axis))


def _listed(title: str, values: Sequence[float], **axis: Any) -> alt.Axis:
    labels = theme.label_expression({value: number(value) for value in values})
    return alt.Axis(title=title, values=list(values), labelExpr=labels, **axis, **theme.AXIS)


def _log(channel: type[Channel], field: str, domain: Domain, axis: alt.Axis) -> Channel:
    return channel(f"{field}:Q", scale=alt.Scale(type="log", domain=list(domain), nice=False), axis=axis)


def by_series(colours: Mapping[str, str], columns: int = 4, symbol: str = "stroke", field: str = "series") -> alt.Color:
    """Colour by a column (label -> colour), with a legend in so many columns; none where they are 0."""
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    legend = theme.legend(columns, symbolType=symbol) if columns else None
    return alt.Color(f"{field}:N", scale=scale, legend=legend)


def tooltip(*rows: str | tuple[str, ...]) -> list[alt.Tooltip]:
    """Rows of a column, what it is called (as the column where that is empty) and the form of its number, as "value:Q",
    ("width:Q", "width n") or ("beta:Q", "β", ".3~g").
    """
    return [_row(row) if isinstance(row, str) else _row(*row) for row in rows]


def _row(field: str, title: str = "", form: str = "") -> alt.Tooltip:
    given: dict[str, Any] = {"title": title, "format": form}
    return alt.Tooltip(field, **{name: value for name, value in given.items() if value})
