"""What charts say of themselves to those who do not see them."""

import pytest

from engine.data import generate
from pages.charts.evolution import CURVES, SPECTRUM, evolution_chart, evolution_tables
from pages.charts.panels import Panels, panels
from pages.charts.specification import Specification
from pages.charts.theme import ask


def parts(drawn: Panels | Specification) -> list[Specification]:
    return [drawn] if isinstance(drawn, Specification) else [one for part in drawn.parts for one in parts(part)]


def test_a_chart_says_its_question_its_axes_and_its_series(synthetic):
    row = CURVES["drift"]
    said = Specification.of(ask(row.question, row.chart(row.table(synthetic).frame))).said
    assert said == (
        "How far has the kernel moved from K_0? Median and range of 3 seeds, thin: each seed. Curves of distance from "
        "K_0, ‖K_t − K_0‖ / ‖K_0‖ against time, t = η_eff · step. Shown: drift and shape drift."
    )


@pytest.mark.parametrize("name", [name for name in CURVES if name != "accuracy"])
def test_every_curve_says_something_of_its_own(synthetic, name):
    row = CURVES[name]
    said = Specification.of(ask(row.question, row.chart(row.table(synthetic).frame))).said
    assert said.startswith(row.question)
    assert " against " in said
    assert "moves" not in said


def test_every_panel_says_its_own_and_that_it_moves(synthetic):
    drawn = panels(evolution_chart(evolution_tables(synthetic, generate(synthetic.config.data))))
    said = [part.said for part in parts(drawn)]
    assert len(said) == len(set(said)) == 5
    assert all("It moves with the checkpoints of training." in words for words in said)
    assert any(words.startswith(SPECTRUM) and "Shown: K_t, K_0 and infinite width." in words for words in said)
    assert isinstance(drawn, Panels)
    assert [part.direction for part in drawn.parts if isinstance(part, Panels)] == ["across"]
