"""What people do on the pages, one after the other, and what they must see: shared by every benchmark of many users."""

import random
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

import pyarrow as pa

from benchmarks.visitor import Visitor, Wrong, names, tables

FINISH = 300.0
"""Seconds that a person waits for a run."""
RUN = {
    "size": "12", "test_size": "16", "frequencies": "1, 2", "amplitudes": "", "depth": "1", "width": "16",
    "max_steps": "40", "checkpoints": "6", "output_bias": "true", "centred": "false",
}  # fmt: skip
"""A run of a second, as the URL says it; its seed makes it new."""


@dataclass(frozen=True)
class Page:
    """A page that shows a result.

    Attributes:
        name: in the URL.
        title: its heading.
        charts: how many it shows.
        button: computes the result; no longer there when it is known.
        query: what it is asked for.
    """

    name: str
    title: str
    charts: int
    button: str = ""
    query: Mapping[str, str] = field(default_factory=dict)


CACHED = (
    Page("evolution", "Evolution", 9, "run", {"preset": "default"}),
    Page("perturbation", "Perturbation", 14, "ask expansion", {"preset": "default"}),
    Page("norms", "Norms", 4, "ask spaces", {"preset": "default"}),
    Page("regimes", "Regime map", 3, "run_sweep", {"map_depths": "1, 2", "map_widths": "16, 64"}),
)
CURVES = Page("second_moment", "Second moment", 4)
PLAIN = "", "all_runs"
"""Pages with little to draw: Home, and the list of runs."""


@dataclass
class Book:
    """What was measured and what went wrong, over all people.

    Attributes:
        seconds: by kind, from the question to the whole answer.
        wrong: by kind, what was not as it should be.
        runs: how runs ended: "finished", "left" by somebody without patience, or "refused" and why.
        reference: what each cached page showed to the first visitor: its tables, which their names tell apart.
        links: the parameters in the URL of each cached page, without which it would show what was looked at before.
    """

    seconds: dict[str, list[float]] = field(default_factory=dict)
    wrong: dict[str, list[str]] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    reference: dict[str, list[set[str]]] = field(default_factory=dict)
    links: dict[str, dict[str, str]] = field(default_factory=dict)

    def note(self, kind: str, seconds: float) -> None:
        self.seconds.setdefault(kind, []).append(seconds)

    def blame(self, kind: str, what: str) -> None:
        self.wrong.setdefault(kind, []).append(what)

    def ended(self, how: str) -> None:
        self.runs[how] = self.runs.get(how, 0) + 1

    def rows(self) -> list[tuple[str, int, float, float, float]]:
        """Kind, how many, and the median, 95th percentile and maximum of the seconds; cached pages also together."""
        cached = [one for kind, seconds in self.seconds.items() if kind.startswith("cached") for one in seconds]
        found = []
        for kind, seconds in sorted({**self.seconds, **({"cached: all": cached} if cached else {})}.items()):
            cuts = quantiles(seconds, n=20, method="inclusive") if len(seconds) > 1 else seconds * 19
            found.append((kind, len(seconds), cuts[9], cuts[18], max(seconds)))
        return found


def check(visitor: Visitor, page: Page) -> None:
    """Raises `Wrong` unless the page shows what it is to show, and nothing red."""
    if errors := visitor.errors():
        raise Wrong(f"{page.name} says {errors[0][:200]!r}")
    heading = next((heading.body for heading in visitor.of_kind("heading")), "")
    if heading.strip("# ") != page.title:
        raise Wrong(f"{page.name} has the heading {heading!r}")
    charts = visitor.charts()
    if len(charts) != page.charts:
        raise Wrong(f"{page.name} has {len(charts)} charts of {page.charts}; it says {visitor.said()[-200:]!r}")
    for chart in charts:
        given = {dataset.name for dataset in chart.datasets}
        if missing := names(chart.spec) - given:
            raise Wrong(f"a chart of {page.name} has no table {missing}")


def drawn(visitor: Visitor) -> list[set[str]]:
    """What the charts of the page show, by names that the contents of their tables give."""
    return [{dataset.name for dataset in chart.datasets} for chart in visitor.charts()]


def largest(chart: Any, column: str) -> float:
    """The largest number of a column in any table of a chart."""
    found = []
    for stream in tables(chart):
        table = pa.ipc.open_stream(stream).read_all()
        if column in table.column_names:
            found += [value for value in table[column].to_pylist() if value is not None]
    return max(found, default=float("nan"))


async def prepare(visitor: Visitor, page: Page, book: Book) -> None:
    """Has the result of a page computed where it is not known, and notes what the page then shows."""
    await visitor.open(page.name, **page.query)
    if page.button and visitor.has(page.button):
        await visitor.click(page.button)
        end = time.monotonic() + 2 * FINISH
        while len(visitor.charts()) < page.charts or visitor.has(page.button.replace("ask", "cancel")):
            if time.monotonic() > end or visitor.errors():
                raise Wrong(f"{page.name} was not computed: {visitor.errors() or visitor.said()[-200:]}")
            await visitor.stay(1)
        await visitor.open(page.name, **(visitor.query or page.query))
    check(visitor, page)
    book.reference[page.name], book.links[page.name] = drawn(visitor), visitor.query or dict(page.query)


# What a person does next. Each asks, notes how long the answers took, and checks them.

Act = Callable[[Visitor, Book, random.Random], Awaitable[None]]


async def look_at_a_result(visitor: Visitor, book: Book, rng: random.Random) -> None:
    """A page whose result is cached: it must show what the first visitor saw."""
    page = rng.choice(CACHED)
    book.note(f"cached: {page.name}", await visitor.open(page.name, **book.links[page.name]))
    check(visitor, page)
    if drawn(visitor) != book.reference[page.name]:
        raise Wrong(f"{page.name} shows other numbers than to the first visitor")


async def look_around(visitor: Visitor, book: Book, rng: random.Random) -> None:
    """A page with little to draw."""
    page = rng.choice(PLAIN)
    book.note(f"page: {page or 'home'}", await visitor.open(page))
    if errors := visitor.errors():
        raise Wrong(f"{page or 'home'} says {errors[0][:200]!r}")


async def play_with_curves(visitor: Visitor, book: Book, rng: random.Random) -> None:
    """Second moment, and some of its controls: the curves must end where they were asked to."""
    book.note("page: second_moment", await visitor.open("second_moment", seed=str(rng.randrange(1000))))
    check(visitor, CURVES)
    for _ in range(rng.randint(2, 5)):
        await visitor.stay(rng.uniform(1, 4))
        if rng.random() < 0.7:
            end = round(rng.uniform(0.3, 3), 2)
            took = await visitor.put("beta_max", f"{end:g}")
            reached = largest(visitor.charts()[0], "beta")
            if not 0.9 * end <= reached <= 1.05 * end:
                raise Wrong(f"curves up to beta {end} were asked for; they end at {reached}")
        elif rng.random() < 0.5:
            took = await visitor.put("readout", rng.choice(("linear", "relu")))
        else:
            took = await visitor.put("budget", f"{10 ** rng.uniform(2, 9):.3g}")
        book.note("control: second_moment", took)
        check(visitor, CURVES)


async def run_something(visitor: Visitor, book: Book, rng: random.Random) -> None:
    """A small run of one's own, looked at until it is drawn; now and then somebody loses patience."""
    took = await visitor.open("evolution", **RUN, seeds=str(secrets.randbelow(2**31)))
    book.note("page: evolution, not computed", took)
    if not visitor.has("run"):
        raise Wrong(f"there is no button for a run: {visitor.said()[-200:]!r} {visitor.errors()}")
    began, patience = time.monotonic(), 3.0 if rng.random() < 0.1 else FINISH
    book.note("run: the click", await visitor.click("run"))
    while not visitor.charts() or visitor.has("cancel"):
        if errors := visitor.errors():
            book.ended(f"refused ({errors[0][:200]})")
            return
        if time.monotonic() - began > patience:
            if patience == FINISH:
                raise Wrong(f"a run did not end in {FINISH:g} s: {visitor.said()[-200:]!r}")
            book.ended("left")
            return
        for seconds in await visitor.stay(0.6):
            book.note("run: a look", seconds)
    book.note("run: until it is drawn", time.monotonic() - began)
    book.ended("finished")
    check(visitor, CACHED[0])


ACTS: dict[Act, int] = {look_at_a_result: 10, play_with_curves: 4, look_around: 3, run_something: 2}
"""What people do, and how often."""
