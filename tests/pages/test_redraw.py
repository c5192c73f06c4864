"""What a page shows again is prepared once: a second visit builds no chart, and writes no table for the browser."""

from collections import Counter

import pytest
from pretend_engine import SMALL_QUERY
from streamlit import config, dataframe_util

from pages.charts.specification import Specification
from pages.views import initial_curves


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the dear things were done."""
    done: Counter[str] = Counter()

    def counted(owner: object, name: str, what: str) -> None:
        old = getattr(owner, name)

        def new(*args: object, **more: object) -> object:
            done[what] += 1
            return old(*args, **more)

        monkeypatch.setattr(owner, name, new)

    counted(Specification, "of", "charts")
    counted(dataframe_util, "convert_anything_to_arrow_bytes", "tables")
    counted(initial_curves, "grid", "curves")
    return done


def test_a_second_visit_of_a_result_prepares_nothing(finished, opened, work):
    first = opened("evolution", **SMALL_QUERY)
    assert len(first.get("vega_lite_chart")) == work["charts"] == 9, "five panels that move, four curves"
    prepared = Counter(work)
    second = opened("evolution", **SMALL_QUERY)
    assert [chart.proto for chart in second.get("vega_lite_chart")]
    assert work == prepared
    assert not work["tables"]


@pytest.mark.parametrize("page", ["second_moment", "first_step"])
def test_neither_does_one_of_the_exact_curves(pretend, opened, work, page):
    first = opened(page)
    prepared = Counter(work)
    assert work["charts"] == len(first.get("vega_lite_chart")) > 2
    assert work["curves"]
    second = opened(page)
    assert len(second.get("vega_lite_chart")) == work["charts"]
    assert work == prepared


def test_what_does_not_move_the_curves_leaves_their_charts(pretend, opened, work):
    app = opened("second_moment")
    app.text_input(key="seed").set_value("3").run()
    prepared = Counter(work)
    app.text_input(key="budget").set_value("1e5").run()
    assert work["charts"] == prepared["charts"] + 1, "the chart that says where this many draws fail"
    assert work["curves"] == prepared["curves"]
    app.text_input(key="beta_max").set_value("1").run()
    assert work["curves"] > prepared["curves"]


def test_no_redraw_looks_through_all_that_lives():
    assert not config.get_option("runner.postScriptGC")
