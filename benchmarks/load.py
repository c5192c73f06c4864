"""A lab at work: people who open pages, move controls, start runs, wait and leave; how long their answers take.

Run with `python -m benchmarks.load --sessions 30 --minutes 10`. `--servers 3` puts as many server processes on one
cache and one scheduler behind a proxy (Caddy, with sticky sessions). `--cache FOLDER` takes results that are there.
Each person is a websocket of Streamlit's own protocol with a browser's cookies; nothing is drawn. Every answer is
checked. Each names an address of their own (`X-Forwarded-For`), as a proxy would: the limit on pages from one address,
64, is not what is measured. The limit on all pages of a server, 128, stands.
Ends with 1 where an answer was wrong.
"""

import argparse
import asyncio
import base64
import json
import os
import random
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from websockets.exceptions import WebSocketException

from benchmarks.people import ACTS, CACHED, CURVES, Book, Page, prepare
from benchmarks.serving import Fleet, fleet, started
from benchmarks.visitor import Visitor, Wrong

PAUSE = 2.0, 8.0
"""Seconds that a person looks at a page before the next act: evenly distributed between these."""
VISIT = 4, 12
"""Acts from the opening of a browser to its end."""
SAMPLE = 5.0
"""Seconds between two looks at the memory of the servers."""


async def person(number: int, address: str, book: Book, end: float) -> None:
    """One person, who comes and goes until the end."""
    rng = random.Random(number)
    origin = f"10.1.{number // 250}.{number % 250 + 1}"
    await asyncio.sleep(rng.uniform(0, PAUSE[1]))
    while time.monotonic() < end:
        try:
            async with Visitor(address, origin) as visitor:
                for _ in range(rng.randint(*VISIT)):
                    if time.monotonic() >= end:
                        return
                    await act(visitor, book, rng)
                    await visitor.stay(min(rng.uniform(*PAUSE), max(0.0, end - time.monotonic())))
        except (OSError, WebSocketException, TimeoutError) as error:
            book.blame("connection", f"{type(error).__name__}: {error}")
            await asyncio.sleep(1)


async def act(visitor: Visitor, book: Book, rng: random.Random) -> None:
    (does,) = rng.choices([*ACTS], [*ACTS.values()])
    try:
        await does(visitor, book, rng)
    except Wrong as wrong:
        book.blame(does.__name__, str(wrong))


async def watch(lab: Fleet, end: float) -> list[tuple[float, int]]:
    """Megabytes and descriptors of the servers, every few seconds."""
    seen = []
    while time.monotonic() < end:
        seen.append((lab.memory(), lab.descriptors()))
        await asyncio.sleep(SAMPLE)
    return seen


async def crowd(lab: Fleet, sessions: int, seconds: float, book: Book) -> list[tuple[float, int]]:
    """Everybody, until the end; returns what the servers held meanwhile."""
    end = time.monotonic() + seconds
    watching = asyncio.create_task(watch(lab, end))
    await asyncio.gather(*(person(number, lab.address, book, end) for number in range(sessions)))
    return await watching


async def prepared(lab: Fleet) -> Book:
    """A book with what every page shows to its first visitor, whose results are computed where they are not known."""
    book = Book()
    for page in (*CACHED, CURVES):
        async with Visitor(lab.address) as visitor:
            began = time.monotonic()
            await prepare(visitor, page, book)
            print(f"{page.name} is ready after {time.monotonic() - began:.0f} s", flush=True)
    return book


def report(book: Book, held: Sequence[tuple[float, int]], busy: float, own: float) -> None:
    """The table; `busy` and `own` are the shares of a processor that the servers, and the people, took."""
    print(f"\n| kind | answers | median, s | 95%, s | longest, s |\n|{'---|' * 5}")
    for kind, count, *seconds in book.rows():
        print(f"| {kind} | {count} |" + "".join(f" {value:.2f} |" for value in seconds))
    minute = max(1, int(60 / SAMPLE))
    for name, place, unit in (("memory", 0, " MB"), ("descriptors", 1, "")):
        means = [mean([row[place] for row in held[at : at + minute]]) for at in range(0, len(held), minute)]
        print(f"{name} of the servers, mean of each minute: {', '.join(f'{value:.0f}' for value in means)}{unit}")
    print(f"servers took {busy:.0%} of one processor, people {own:.0%}; load of the machine {os.getloadavg()[0]:.1f}")
    print("runs: " + (", ".join(f"{count} {how}" for how, count in sorted(book.runs.items())) or "none"))
    for kind, said in book.wrong.items():
        print(f"WRONG, {kind}, {len(said)} times: {said[0]}")


def mean(values: Sequence[float]) -> float:
    return sum(values) / max(1, len(values))


# What a cached page costs one person on a quiet server, beside Streamlit's own least: a page with one small chart.

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
        (Specification(text, {{k: base64.b64decode(v) for k, v in tables.items()}}, ""), modes)
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
        draw_known(f"{{name}} {{number}}", lambda: chart)
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sessions", type=int, default=30, help="people at once")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--servers", type=int, default=1, help="server processes; more than one stand behind a proxy")
    parser.add_argument("--cache", type=Path, help="folder to work in; a new one is removed at the end")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = given.cache or Path(stack.enter_context(TemporaryDirectory()))
        lab = stack.enter_context(fleet(folder, given.servers))
        print(
            f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {given.servers} server(s), {given.sessions} people"
        )
        book = asyncio.run(prepared(lab))
        asyncio.run(alone(lab, book))
        before, own, began = lab.processor(), time.process_time(), time.monotonic()
        held = asyncio.run(crowd(lab, given.sessions, 60 * given.minutes, book))
        took = time.monotonic() - began
        report(book, held, (lab.processor() - before) / took, (time.process_time() - own) / took)
    sys.exit(1 if book.wrong else 0)


if __name__ == "__main__":
    main()
