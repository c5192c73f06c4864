"""The row of tools over each chart, without a browser: what a click gives."""

import io
import zipfile

import pandas as pd
import pytest
import streamlit as st
from pretend_engine import SMALL, SMALL_QUERY, texts
from pypdf import PdfReader
from tooling import click, rows, saved

from engine.config import RunConfig
from engine.training.result import RunResult
from pages.shell import figure, tools
from pages.shell.tools import ASKED, TOOLS, UNDRAWN, _note, dialogs


def test_every_chart_has_one_row_which_costs_one_element(finished, opened):
    app = opened("evolution", **SMALL_QUERY)
    assert set(rows(app)) == {"evolution_0", "error", "drift", "alignment", "lambda_max"}
    assert not any("file" in row for row in rows(app).values()), "made without being asked for"
    assert not app.get("popover") or all("answer" in one.proto.id for one in app.get("popover"))


def test_a_figure_is_saved_as_pdf_and_says_whose_it_is(finished, opened, monkeypatch):
    app = opened("evolution", **SMALL_QUERY)
    name, content = saved(app, "drift", "pdf")
    assert name == "drift.pdf"
    told = PdfReader(io.BytesIO(content))
    assert float(told.pages[0].mediabox.width) == 3.25 * 72
    assert (told.metadata or {})["/Config"] == RunConfig.from_dict(SMALL).hash
    assert (told.metadata or {})["/Link"].startswith("/evolution?")
    sent = rows(app)["drift"]["file"]["id"]
    assert rows(app.run())["drift"]["file"]["id"] == sent, "a browser may draw the second of two runs alone"
    monkeypatch.setattr(tools, "AGAIN", 0.0)
    assert "file" not in rows(app.run())["drift"]


def test_an_animated_figure_is_saved_at_the_frame_of_its_player(finished, opened, small_arrays):
    app = opened("evolution", **SMALL_QUERY)
    t = RunResult.from_arrays(dict(small_arrays)).seeds[0]["t"]
    for frame in (1, 3):
        _, content = saved(app, "evolution_0", "svg", frame)
        assert f"t = {t[frame]:.3g}".rstrip("0") in content.decode()


def test_numbers_are_saved(finished, opened, small_arrays):
    app = opened("evolution", **SMALL_QUERY)
    name, content = saved(app, "drift", "data")
    frame = pd.read_csv(io.BytesIO(content))
    seed = RunResult.from_arrays(dict(small_arrays)).seeds[1]
    own = frame[(frame["seed"] == 1) & (frame["series"] == "drift")]
    assert name == "drift.csv"
    assert own["value"].to_numpy() == pytest.approx(seed["drift"])
    name, content = saved(app, "evolution_0", "data")
    assert name == "evolution-seed0.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        tables = [pd.read_csv(file.open(one)) for one in file.namelist()]
    assert any({"f0", "f6", "start"} <= set(table.columns) for table in tables), "every frame"


def test_about_tells_definitions_and_sources(finished, opened):
    app = opened("evolution", **SMALL_QUERY)
    assert "Source: " not in texts(app)
    assert texts(click(app, "drift", "about")).count("Source: ") == 2
    assert "Source: " not in texts(app.run())


def test_what_is_chosen_for_a_paper_holds_for_the_next_figure(finished, opened):
    app = click(opened("evolution", **SMALL_QUERY), "drift", "paper")
    app.session_state["width drift"], app.session_state["titles drift"] = "page", False
    app = click(app, "drift", "paper")
    assert not app.exception
    _, content = saved(app, "error", "svg")
    assert f'width="{6.75 * 72:g}pt"' in content.decode()
    assert ">Does it generalise, or only fit?</text>" not in content.decode()


def test_one_panel_of_a_compound(finished, opened):
    app = click(opened("evolution", **SMALL_QUERY), "evolution_0", "paper", 2)
    app.session_state["panel evolution_0"] = 1
    app = click(app, "evolution_0", "paper", 2)
    _, content = saved(app, "evolution_0", "svg", 2)
    said = content.decode()
    assert "How does the spectrum of the kernel move?" in said
    assert "Which modes are learned?" not in said


def test_enlarged_charts_are_drawn_again(finished, opened):
    app = opened("evolution", **SMALL_QUERY)
    count = len(app.get("vega_lite_chart"))
    assert len(click(app, "evolution_0", "enlarge", 1).get("vega_lite_chart")) == count + 5
    assert len(click(app, "drift", "enlarge").get("vega_lite_chart")) == count + 1


@pytest.mark.parametrize(("module", "tool"), [(figure, "pdf"), (dialogs, "paper")])
def test_a_figure_that_cannot_be_drawn_is_told_in_words(finished, opened, monkeypatch, module, tool):
    def fails(*_: object, **__: object) -> bytes:
        raise RuntimeError("SVG has an invalid size\n\nStack backtrace")

    app = opened("evolution", **SMALL_QUERY)
    monkeypatch.setattr(module, "printed", fails)
    app = click(app, "drift", tool)
    assert not app.exception
    assert [error.value for error in app.error] == [UNDRAWN]
    assert not click(app, "drift", "data").error


@pytest.mark.parametrize("sent", [None, {}, {"tool": "rm"}, {"tool": ["pdf"]}, "pdf", {"tool": "pdf", "frame": "x"}])
def test_whatever_a_browser_sends_does_no_harm(monkeypatch, sent):
    state = {"row": {"asked": sent}}
    monkeypatch.setattr(st, "session_state", state)
    _note("drift", "row")
    if ASKED in state:
        assert state[ASKED].tool in TOOLS
        assert state[ASKED].frame is None
