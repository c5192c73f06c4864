"""A cell of a map on the page of its run: what the map knows of it, and the way back."""

from urllib.parse import parse_qsl

import numpy as np
import pytest
from pretend_engine import texts
from regime_cells import part

from engine import jobs
from engine.config import RunConfig
from engine.quantities import QUANTITIES
from engine.regimes.config import DEFAULT_MAP
from pages.run.draft_state import to_query
from pages.run.presets import shortest
from pages.run.settings import draft_of
from pages.views.map_cell import SHOWN

CELL = next(cell for cell in DEFAULT_MAP.cells if cell.run.network.depth == 4)
MAP = "map_depths=2%2C+4&map_widths=8%2C+16&map_lazy=0.2"


def query(run: RunConfig) -> dict[str, str]:
    return to_query(shortest(draft_of(run.to_dict())[0]))


@pytest.fixture
def known(pretend):
    """The cell is in the cache, its run is not."""
    for some in CELL.parts:
        pretend.results[jobs.key("cell", some)] = part(some, scale=0.15 / CELL.run.network.beta, noise=0.0)
    return pretend


def test_what_the_map_knows_stands_in_the_place_of_a_run_that_is_not_here(known, opened):
    app = opened("evolution", **query(CELL.run), v_map=MAP)
    assert not app.exception
    assert not app.warning
    said = texts(app)
    assert "have not been computed" not in said
    metrics = {metric.label: metric for metric in app.metric}
    assert set(metrics) == {QUANTITIES[f"map.{name}"].label for name in SHOWN}
    assert metrics["lazy error"].value == "0.15"
    assert QUANTITIES["map.elt"].definition in metrics["lazy error"].help
    (run,) = [button for button in app.button if button.key == "run"]
    assert run.label == "Compute the whole run"


@pytest.mark.parametrize(("lazy", "label"), [("0.2", "lazy"), ("0.1", "weak feature learning")])
def test_the_label_is_that_of_the_thresholds_of_the_map(lazy, label, known, opened):
    """Of a median lazy error of 0.15; a spread of the kernel beyond 1 would make it unstable."""
    for arrays in known.results.values():
        arrays |= {"cv2": np.array(0.5), "cv2_low": np.array(0.5), "cv2_high": np.array(0.5)}
    app = opened("evolution", **query(CELL.run), v_map=f"map_lazy={lazy}")
    count = len(CELL.run.seeds)
    assert f"On the map this cell is {label}**, by the median of {count} networks" in texts(app)


def test_the_way_back_is_to_the_map_as_it_was_looked_at(known, opened):
    app = opened("evolution", **query(CELL.run), v_map=MAP)
    (back,) = [link.proto for link in app.get("page_link") if link.proto.page == "regimes"]
    assert dict(parse_qsl(back.query_string)) == dict(parse_qsl(MAP))
    app = opened("perturbation", **query(CELL.run), v_map=MAP)
    assert [link for link in app.get("page_link") if link.proto.page == "regimes"]


def test_a_cell_that_no_map_has_says_so_and_keeps_the_way_back(pretend, opened):
    app = opened("evolution", **query(CELL.run), v_map=MAP)
    assert "have not been computed" in texts(app)
    assert [link for link in app.get("page_link") if link.proto.page == "regimes"]
    assert not app.metric


def test_without_a_click_on_a_map_there_is_no_way_back(known, opened):
    app = opened("evolution", **query(CELL.run))
    assert app.metric
    assert not [link for link in app.get("page_link") if link.proto.page == "regimes"]


def test_nonsense_in_the_place_of_a_map_harms_nothing(known, opened):
    app = opened("evolution", **query(CELL.run), v_map="map_lazy=abc&evil=1&%00")
    assert not app.exception
    assert app.metric
