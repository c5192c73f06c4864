"""A chart as a file."""

from typing import Any

from pages.charts.printing import Kind, printed


def figure(chart: Any, kind: Kind) -> bytes:
    """One that holds to Vega-Lite's schema, as the page prints it; it is used up."""
    chart.to_dict()
    return printed(lambda: chart, kind, stamp={})
