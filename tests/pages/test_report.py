"""A report: what is chosen is in it, once and whole; what people write is text in it; it is bounded."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import altair as alt
import pandas as pd
import pytest
from rkhs_runs import config as spaces_of
from streamlit.testing.v1 import AppTest

from cache.maps import Whole
from engine.config import RunConfig
from engine.quantities import QUANTITIES
from engine.regimes.config import DEFAULT_MAP
from pages.charts.markup import html, mathml, of_latex
from pages.shell import report as reports
from pages.shell.figure import Figure
from pages.shell.recipe import Recipe, of_map
from pages.shell.report import Report, document
from pages.shell.report_dialog import REPORT
from pages.shell.shown import Shown
from pages.shell.viewers import name_given

HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">\'"&'


class Tags(HTMLParser):
    """Elements of a document, attributes that run something, and its text."""

    def __init__(self, document: bytes):
        super().__init__()
        self.tags: list[str] = []
        self.running: list[str] = []
        self.text: list[str] = []
        self.feed(document.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.running += [name for name, _ in attrs if name.startswith("on") or name in ("src", "srcdoc", "style")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def figure(name: str = "drift", column: str = "drift", rows: int = 3) -> Figure:
    frame = pd.DataFrame({"t": [float(at) for at in range(rows)], column: 0.5})
    chart = lambda: alt.Chart(frame).mark_line().encode(x="t:Q", y=alt.Y(f"{column}:Q"))  # noqa: E731
    return Figure(name, f"How far does {name} go?", ("drift", "t"), chart, frame, (f"note of {name}",))


def recipe(**data: object) -> Recipe:
    config = RunConfig.from_dict({"data": {"name": "circle", "size": 8, **data}})
    return Recipe(config.hash, config, "", {}, [], [], {})


def page(title: str = "Evolution") -> Shown:
    return Shown(
        title, "How far, $K_t$?", "**Far**: $\\beta$ = 3.", lambda: "Conventions: $\\beta$.", "", ("It *moves*.",)
    )


def charts(made: bytes) -> list[dict]:
    found = re.findall(r'<script type="application/json" data-chart="[\w-]+">(.*?)</script>', made.decode(), re.S)
    return [json.loads(text) for text in found]


def test_what_is_chosen_is_in_it_across_pages_and_runs() -> None:
    report = Report("A title")
    assert not report.add(page(), recipe(), figure(), "")
    assert not report.add(page(), recipe(), figure("loss"), "")
    assert not report.add(page("Norms"), recipe(), figure(), "")
    assert not report.add(page(), recipe(size=9), figure(), "a name")
    assert not report.add(page(), recipe(), figure(), "")  # it is there
    assert report.count == 4
    made = document(report)
    assert len(charts(made)) == 4
    text = made.decode()
    assert [text.count(f"<h2>{name}</h2>") for name in ("Evolution", "Norms", "a name")] == [1, 1, 1]
    assert text.count("note of drift") == 3
    assert text.count("<th>data.size</th><td>9</td>") == 1
    assert text.count("How far does drift go?</h3>") == 3
    for name in ("drift", "t"):
        assert QUANTITIES[name].label in text
    assert 'href="https://arxiv.org/abs/1806.07572"' in text
    assert "Conventions: <math" in text
    assert recipe().identity[:16] in text


def test_what_is_taken_out_is_gone_and_its_section_with_the_last() -> None:
    report = Report()
    report.add(page(), recipe(), figure(), "")
    report.add(page(), recipe(), figure("loss"), "")
    place = reports.place_of(page(), recipe())
    report.take_out(place, "drift")
    assert [chart["datasets"] and 1 for chart in charts(document(report))] == [1]
    report.take_out(place, "loss")
    assert not report.sections
    report.take_out(place, "loss")


def test_the_libraries_are_there_once_and_no_address_is_asked() -> None:
    report = Report()
    for name in "abc":
        report.add(page(), recipe(), figure(name), "")
    made = document(report).decode()
    assert made.count("Content-Security-Policy") == 1
    assert "default-src 'none'" in made
    assert len(made) < 1_500_000
    tags = Tags(document(report))
    assert not tags.running
    assert not {"link", "img", "iframe", "object", "embed", "base", "form"} & set(tags.tags)


@pytest.mark.parametrize("where", ["title", "note", "name", "column", "question", "answer", "setting", "figure"])
def test_what_people_write_is_text(where: str) -> None:
    report, shown, asked, drawn = Report(), page(), recipe(), figure()
    if where in ("title", "note"):
        setattr(report, where, HOSTILE)
    if where == "column":
        drawn = figure(column=f"drift{HOSTILE}".replace('"', "").replace("'", ""))
    if where in ("question", "answer"):
        setattr(shown, where, HOSTILE)
    if where == "setting":
        table = 'a,"b' + HOSTILE.replace('"', "") + '",c\n' + "\n".join(f"{i},{i % 3},{i}" for i in range(12))
        asked = recipe(name="csv", content=table, size=6, test_size=4, target=["c"])
    if where == "figure":
        drawn = figure(HOSTILE)
    assert not report.add(shown, asked, drawn, HOSTILE if where == "name" else "")
    made = document(report)
    tags, plain = Tags(made), Tags(document(_same(Report(), shown, asked, where)))
    assert sorted(tags.tags) == sorted(plain.tags)
    assert tags.running == plain.running == []
    assert len(charts(made)) == 1


def _same(report: Report, shown: Shown, asked: Recipe, where: str) -> Report:
    """The same report with nothing hostile in it."""
    if where == "note":
        report.note = "note"
    clean = Shown(shown.title, "q" if where == "question" else shown.question, shown.answer, shown.conventions)
    clean.findings = shown.findings
    if where == "answer":
        clean.answer = "a"
    report.add(clean, asked, figure(), "name" if where == "name" else "")
    return report


def test_a_name_of_a_column_comes_out_as_it_was_typed() -> None:
    report = Report()
    report.add(page(), recipe(), figure(column="a<b&c"), "")
    (chart,) = charts(document(report))
    assert [*next(iter(chart["datasets"].values()))[0]] == ["t", "a<b&c"]


def test_it_is_bounded_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    report = Report()
    monkeypatch.setattr(reports, "MOST_CHARTS", 2)
    assert [report.add(page(), recipe(), figure(name), "") for name in "ab"] == ["", ""]
    assert "at most 2 charts" in report.add(page(), recipe(), figure("c"), "")
    monkeypatch.setattr(reports, "MOST_CHARTS", 40)
    monkeypatch.setattr(reports, "MOST_BYTES", 2_000_000)
    assert "at most 2 MB" in report.add(page(), recipe(), figure("c", rows=200_000), "")
    assert report.count == 2


def test_tables_that_layers_share_are_in_it_once() -> None:
    frame = pd.DataFrame({"x": [1.0, float("nan")], "y": [2.0, 3.0]})
    lines = alt.Chart(frame).mark_line().encode(x="x:Q", y="y:Q")
    whole = Figure("two", "Two?", ("drift",), lambda: alt.layer(lines, lines.mark_point()))
    report = Report()
    report.add(page(), recipe(), whole, "")
    (chart,) = charts(document(report))
    (rows,) = chart["datasets"].values()
    assert rows == [{"x": 1.0, "y": 2.0}, {"x": None, "y": 3.0}]


def test_every_formula_of_the_glossary_is_drawn() -> None:
    for one in QUANTITIES.values():
        assert "<code>" not in html(one.definition), one
        assert "$" not in html(one.definition), one


@pytest.mark.parametrize(
    ("markdown", "made"),
    [
        ("a **b** c", "a <strong>b</strong> c"),
        (r"1 \* 2 \< 3", "1 * 2 &lt; 3"),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("[x](https://a.org)", '<a href="https://a.org" rel="noreferrer">x</a>'),
        ("`<b>`", "<code>&lt;b&gt;</code>"),
        ("**<b>**", "<strong>&lt;b&gt;</strong>"),
    ],
)
def test_markdown(markdown: str, made: str) -> None:
    assert html(markdown) == made


def test_latex_of_conventions() -> None:
    assert of_latex(r"Runge--Kutta, 5\%, \texttt{a}") == "Runge–Kutta, 5%, <code>a</code>"


@pytest.mark.parametrize(
    "formula", [r"\text{<img src=x onerror=alert(1)>}", r"\href{javascript:alert(1)}{x}", r"\color{<b>}{x}", "<b>", "{"]
)
def test_no_formula_brings_markup_of_its_own(formula: str) -> None:
    tags = Tags(mathml(formula).encode())
    assert not {"img", "b", "a", "script"} & set(tags.tags)
    assert not tags.running
    assert "javascript" not in mathml(formula) or mathml(formula).startswith("<code>")


def dialog() -> None:
    """The dialog of a page with two figures, open from the start."""
    from test_report import figure, page, recipe

    from pages.shell.report_dialog import choose
    from pages.shell.shown import Shown

    class Page(Shown):
        @property
        def figures(self) -> list:
            return [figure(), figure("loss")]

    choose(Page(page().title, page().question), recipe())


def test_charts_are_chosen_in_the_dialog(finished) -> None:
    app = AppTest.from_function(dialog, default_timeout=30).run()
    assert not app.exception
    assert [box.label for box in app.checkbox] == ["How far does drift go?", "How far does loss go?"]
    assert app.get("download_button")[0].proto.disabled
    app.checkbox[1].check().run()
    app.text_input(key="report title").set_value("Tuesday <b>").run()
    assert app.session_state[REPORT].count == 1
    assert app.get("download_button")[0].proto.label == "Download 1 chart (HTML)"
    assert b"<h1>Tuesday &lt;b&gt;</h1>" in document(app.session_state[REPORT])
    app.checkbox[1].uncheck().run()
    assert app.session_state[REPORT].count == 0
    # One that this page does not show is named with its page, and can be taken out.
    assert not app.session_state[REPORT].add(page("Norms"), recipe(), figure(), "mine")
    app.run()
    assert app.checkbox[2].label.replace("\\", "") == "mine: How far does drift go?"
    app.checkbox[2].uncheck().run()
    assert app.session_state[REPORT].count == 0


def test_a_chart_for_which_there_is_no_room_is_not_ticked(finished, monkeypatch) -> None:
    app = AppTest.from_function(dialog, default_timeout=30).run()
    monkeypatch.setattr("pages.shell.report.MOST_CHARTS", 1)
    app.checkbox[0].check().run()
    app.checkbox[1].check().run()
    assert [box.value for box in app.checkbox] == [True, False]
    assert ["at most 1 chart" in error.value for error in app.error] == [True]
    app.checkbox[0].uncheck().run()
    app.checkbox[1].check().run()
    assert [box.value for box in app.checkbox] == [False, True]
    assert not app.error
    assert app.session_state[REPORT].count == 1


def test_a_result_goes_by_the_name_that_a_person_gave_it(finished) -> None:
    """A run, and a map, which is listed as a whole."""
    run, sweep = recipe(size=11), of_map(DEFAULT_MAP, pd.DataFrame())
    whole = Whole("sweep", DEFAULT_MAP, DEFAULT_MAP.groups)
    finished.note(whole, "somebody", "/regimes")
    finished.ownership.rename(whole.key, "somebody", "the <b>map</b>")
    assert name_given(sweep.key) == "the <b>map</b>"
    assert not name_given(replace(run, key="0" * 64).key)
    assert not name_given(run.key)


def test_the_settings_of_a_comparison_are_listed() -> None:
    asked = spaces_of("circle")
    report = Report()
    report.add(page("Norms"), Recipe(asked.hash, asked, "", {}, [], [], {}), figure(), "")
    assert "<th>run.network.alpha</th><td>0.3</td>" in document(report).decode()
