"""Chosen charts as one interactive HTML file that asks nothing of any host: sentences, settings, conventions, sources.

No Streamlit here. What people write (names, notes, columns of their tables) is text in it, never markup.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import vl_convert

from cache.listing import settings
from engine.quantities import QUANTITIES
from pages.charts.markup import html, of_latex
from pages.charts.panels import Panels
from pages.charts.printing import taken_apart
from pages.charts.printing.paper import for_paper
from pages.charts.specification import Specification, in_lines
from pages.charts.words import cut, in_one
from pages.shell.recipe import Recipe
from pages.shell.shown import HASH, Drawn, Shown

MOST_CHARTS, MOST_BYTES = 40, 60_000_000
"""Of one report."""
LONGEST_TITLE, LONGEST_NOTE, LONGEST_VALUE = 120, 4_000, 200
POLICY = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:"
"""What the file may do when it is opened: Vega compiles its expressions; nothing is fetched."""


Place = tuple[str, str]
"""Where a chart comes from: title of the page, hash of the config."""


@dataclass(frozen=True)
class Part:
    """A chart that stands by itself, or one panel of several.

    Attributes:
        heading, under: its title and subtitle, which the chart itself is without; empty where its title moves.
        spec: Vega-Lite as JSON, its tables in it.
        said: what it shows, for screen readers.
    """

    heading: str
    under: str
    spec: str
    said: str

    @classmethod
    def of(cls, drawn: Specification) -> "Part":
        spec = drawn.alone()
        heading, under = _title_of(spec)
        return cls(heading, under, json.dumps(in_lines(spec)), drawn.said)


@dataclass(frozen=True)
class Chart:
    """A figure, as it stood on its page.

    Attributes:
        label: by which a person knows it.
        heading, under: title and subtitle of several panels.
        rows: its panels, those of a row side by side where there is room.
    """

    label: str
    heading: str
    under: str
    rows: tuple[tuple[Part, ...], ...]
    notes: tuple[str, ...]
    quantities: tuple[str, ...]

    @classmethod
    def of(cls, figure: Drawn) -> "Chart":
        drawn = taken_apart(figure.draw)
        title = (drawn.title, for_paper(drawn.subtitle)) if isinstance(drawn, Panels) else ("", "")
        return cls(figure.label, *title, _rows(drawn), tuple(figure.notes), tuple(figure.quantities))

    @property
    def size(self) -> int:
        """Bytes of it."""
        return sum(len(part.spec) for row in self.rows for part in row)


def _rows(drawn: Panels | Specification) -> tuple[tuple[Part, ...], ...]:
    if isinstance(drawn, Specification):
        return ((Part.of(drawn),),)
    rows = [_rows(part) for part in drawn.parts]
    if drawn.direction == "across" and all(len(row) == 1 for row in rows):
        return (tuple(part for ((*parts,),) in rows for part in parts),)
    return tuple(row for some in rows for row in some)


@dataclass
class Section:
    """What a page says of one result, and the charts chosen from it.

    Attributes:
        name: of the result, where a person gave it one.
        asked: settings by name, as text.
    """

    title: str
    question: str
    name: str
    answer: str
    findings: tuple[str, ...]
    conventions: str
    identity: str
    asked: Mapping[str, str]
    charts: dict[str, Chart] = field(default_factory=dict)

    @classmethod
    def of(cls, page: Shown, recipe: Recipe, name: str) -> "Section":
        asked = _asked([dict(settings(config.to_dict())) for config in (recipe.config, *recipe.also)])
        findings = tuple(line for line in page.findings if line)
        said = page.title, page.question, name, page.answer, findings, page.conventions()
        return cls(*said, recipe.identity, asked)


@dataclass
class Report:
    """What a person chose in this session, from any page, by page and config."""

    title: str = "Kernel Drift"
    note: str = ""
    sections: dict[Place, Section] = field(default_factory=dict)

    def add(self, page: Shown, recipe: Recipe, figure: Drawn, name: str) -> str:
        """Takes a chart of the page in, whose result a person may have called `name`; returns why not, where there is
        no room."""
        chart = Chart.of(figure)
        if self.count >= MOST_CHARTS:
            return f"A report holds at most {MOST_CHARTS} charts: take one out first."
        if self.size + chart.size > MOST_BYTES:
            return f"A report holds at most {MOST_BYTES // 10**6} MB of data: take a large chart out first."
        section, place = Section.of(page, recipe, name), place_of(page, recipe)
        section.charts = {**self.charts(place), figure.name: chart}
        self.sections[place] = section
        return ""

    def charts(self, place: Place) -> dict[str, Chart]:
        """Those chosen from there, by name."""
        section = self.sections.get(place)
        return {} if section is None else section.charts

    def take_out(self, place: Place, name: str) -> None:
        """Leaves a chart out, and its section with the last."""
        section = self.sections.get(place)
        if section is not None:
            section.charts = {other: chart for other, chart in section.charts.items() if other != name}
            if not section.charts:
                del self.sections[place]

    @property
    def count(self) -> int:
        """Charts in it."""
        return sum(len(section.charts) for section in self.sections.values())

    @property
    def size(self) -> int:
        """Bytes of its charts."""
        return sum(chart.size for section in self.sections.values() for chart in section.charts.values())


def _title_of(spec: dict[str, Any]) -> tuple[str, str]:
    """Title and subtitle, taken out of the chart: text of the document breaks its lines. One that moves stays there."""
    title = spec.get("title", {})
    if not isinstance(title, dict) or not isinstance(title.get("text"), str):
        return "", ""
    del spec["title"]
    return title["text"], for_paper(in_one(title.get("subtitle", "")))


def place_of(page: Shown, recipe: Recipe) -> Place:
    """Where a chart comes from."""
    return page.title, recipe.identity


def _asked(configs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Settings as text, with a value for each config where they differ."""
    found = {}
    for path in dict.fromkeys(path for one in configs for path in one):
        values = [_short(one[path]) if path in one else "—" for one in configs]
        found[path] = values[0] if len({*values}) == 1 else " / ".join(values)
    return found


def _short(value: Any) -> str:
    return cut(value if isinstance(value, str) else json.dumps(value), LONGEST_VALUE)


def document(report: Report) -> bytes:
    """The file; charts may be chosen meanwhile."""
    sections = "".join(_section(place, section) for place, section in enumerate([*report.sections.values()]))
    note = f'<p class="note">{escape(report.note[:LONGEST_NOTE])}</p>' if report.note else ""
    title = escape(report.title[:LONGEST_TITLE])
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
        f'content="light dark"><title>{title}</title><style>{_part("css")}</style></head><body><main>'
        f"<h1>{title}</h1>{note}{sections}</main><script>{_libraries()}</script><script>{_part('js')}</script>"
        "</body></html>\n"
    ).encode()


def _section(place: int, section: Section) -> str:
    heading = escape(section.name) if section.name else escape(section.title)
    under = f'<p class="page">{escape(section.title)}</p>' if section.name else ""
    answer = f'<p class="answer">{html(section.answer.replace("**", ""))}</p>' if section.answer else ""
    findings = "".join(f"<li>{html(line)}</li>" for line in section.findings)
    charts = "".join(_chart(f"chart-{place}-{at}", chart) for at, chart in enumerate(section.charts.values()))
    return (
        f'<section><h2>{heading}</h2>{under}<p class="question">{html(section.question)}</p>{answer}'
        f"{f'<ul>{findings}</ul>' if findings else ''}{charts}{_settings(section)}"
        f'<p class="conventions">{of_latex(section.conventions)}</p>{_defined(section)}'
        f'<p class="page">Config <code>{escape(section.identity[:HASH])}</code></p></section>'
    )


def _chart(name: str, chart: Chart) -> str:
    notes = "".join(f"<p>{html(note)}</p>" for note in chart.notes if note)
    rows = "".join(
        f'<div class="row">{"".join(_part_of(f"{name}-{at}-{place}", part) for place, part in enumerate(row))}</div>'
        for at, row in enumerate(chart.rows)
    )
    return f"<figure>{_headed(chart)}{rows}<figcaption>{notes}</figcaption></figure>"


def _part_of(name: str, part: Part) -> str:
    # Within a script nothing but its end is markup.
    spec = part.spec.replace("<", "\\u003c")
    return (
        f'<div class="part">{_headed(part)}'
        f'<div class="chart" id="{name}" role="group" aria-label="{escape(part.said)}"></div>'
        f'<script type="application/json" data-chart="{name}">{spec}</script></div>'
    )


def _headed(one: Chart | Part) -> str:
    """Title and subtitle, where there are any."""
    heading = f"<h3>{escape(one.heading)}</h3>" if one.heading else ""
    return heading + (f'<p class="under">{escape(one.under)}</p>' if one.under else "")


def _settings(section: Section) -> str:
    if not section.asked:
        return ""
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in section.asked.items())
    return f"<details><summary>Settings</summary><table>{rows}</table></details>"


def _defined(section: Section) -> str:
    """Definition and source of each quantity, once."""
    names = dict.fromkeys(name for chart in section.charts.values() for name in chart.quantities)
    rows = "".join(_definition(name) for name in names)
    return f"<details><summary>Definitions and sources</summary><dl>{rows}</dl></details>" if rows else ""


def _definition(name: str) -> str:
    one = QUANTITIES[name]
    return f"<dt>{escape(one.label)}</dt><dd>{html(one.definition)}<br><small>Source: {html(one.source)}</small></dd>"


@cache
def _libraries() -> str:
    """Vega, Vega-Lite and vega-embed, of which `vegaEmbed` is global."""
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script")


@cache
def _part(kind: str) -> str:
    return Path(__file__).with_name(f"report.{kind}").read_text("utf-8")
