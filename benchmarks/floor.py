"""What a cached page costs one person on a quiet server, beside Streamlit's own least: a page with one small chart."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.fleet import Fleet
from benchmarks.people import CACHED, CURVES, Book, Page
from benchmarks.serving import started
from benchmarks.visitor import Visitor

TIMES = 20
"""Redraws of each page: processor time is counted in hundredths of a second."""

SCRIPT = """
import base64, gc, json
import streamlit as st
from pages.charts.specification import Specification
from pages.shell.figure import draw_known

@st.cache_resource
def kept(name):
    gc.collect()
    gc.freeze()  # as our server does
    charts = json.loads(open({file!r}).read())[name]
    return [
        (Specification(text, {{k: base64.b64decode(v) for k, v in tables.items()}}), modes)
        for text, tables, modes in charts
    ]

st.title("floor")
name = st.query_params.get("charts", "one")
for number, (chart, modes) in enumerate(kept(name)):
    if name == "one":
        st.vega_lite_chart(spec=chart())
    elif modes:
        key = f"{{name}} {{number}}"
        st.vega_lite_chart(spec=chart(), width="stretch", key=key, on_select="rerun", selection_mode=modes)
    else:
        draw_known(f"{{name}} {{number}}", "stretch", "", lambda: chart)
"""

LINE = {"mark": "line", "encoding": {"x": {"field": "x"}, "y": {"field": "y"}}, "data": {"values": []}}


async def alone(lab: Fleet, book: Book) -> None:
    """Prints what a redraw of each cached page takes: seconds, how often the seconds of a Streamlit page with one
    chart that is, processor time, and what of that its charts take, by a page that shows nothing else."""
    charts: dict[str, Any] = {"none": [], "one": [(json.dumps(LINE), {}, [])]}
    found: dict[str, tuple[float, float]] = {}
    for page in (*CACHED, CURVES):
        async with Visitor(lab.address) as visitor:
            found[page.name] = await redrawn(visitor, lab, page, book.links[page.name])
            charts[page.name] = [as_text(chart) for chart in visitor.charts()]
    with TemporaryDirectory() as folder:
        file, script = Path(folder) / "charts.json", Path(folder) / "floor.py"
        file.write_text(json.dumps(charts))
        script.write_text(SCRIPT.format(file=str(file)))
        with started(script, Path(folder)) as server:
            bare = Fleet(server.address, [server])
            async with Visitor(server.address) as visitor:
                shown = {name: await redrawn(visitor, bare, Page("", "floor", 0), {"charts": name}) for name in charts}
    _, nothing = shown["none"]
    seconds, milliseconds = shown["one"]
    print(f"\nAlone; Streamlit's page with one chart: {seconds:.3f} s, {milliseconds:.0f} ms of processor time")
    print(f"| page | redraw, s | times that page | processor, ms | of it charts, ms |\n|{'---|' * 5}")
    for name, (took, cost) in found.items():
        drawing = shown[name][1] - nothing
        print(f"| {name} | {took:.3f} | {took / seconds:.1f} | {cost:.0f} | {drawing:.1f} |", flush=True)


async def redrawn(visitor: Visitor, lab: Fleet, page: Page, query: Any) -> tuple[float, float]:
    """Median of the seconds of a redraw, and its processor time in milliseconds."""
    await visitor.open(page.name, **query)
    await visitor.open(page.name, **query)
    before = lab.processor()
    took = [await visitor.open(page.name, **query) for _ in range(TIMES)]
    return median(took), 1000 * (lab.processor() - before) / TIMES


def as_text(chart: Any) -> tuple[str, dict[str, str], list[str]]:
    """Specification and tables of a chart as it was sent, and which selections on it are asked for."""
    given: Sequence[Any] = chart.datasets
    tables = {dataset.name: base64.b64encode(dataset.data.data).decode() for dataset in given}
    return chart.spec, tables, [*chart.selection_mode]
