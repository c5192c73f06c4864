"""What the charts of the regime map draw: where cells lie, exact edges, boundaries, what is left out."""

import sys
from functools import cache
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import pytest
from drawing import figure

sys.path.insert(0, str(Path(__file__).parents[1]))

from coloraide import Color
from regime_cells import results
from test_colours import texts

from engine.regimes.boundaries import Boundary
from engine.regimes.config import DEFAULT_MAP, SweepConfig
from engine.regimes.result import Thresholds, cells_frame, runs_frame
from engine.regimes.summary import stochastic_edge
from pages.charts import map_along, map_plane, theme
from pages.charts.map_names import CELL_STYLES, METRICS, REGIMES, regime
from pages.charts.words import in_one
from pages.shell.jobs import Standing
from pages.views import map_figures
from pages.views.map_controls import BY_RATE, MAPS
from pages.views.map_figures import Picture, View

PLAIN = MAPS["depth and width"]
BASE = {**DEFAULT_MAP.base, "network": {**DEFAULT_MAP.base["network"], "depth": 4}}
SWEEPS = {
    "depth and width": DEFAULT_MAP,
    "alpha and beta": SweepConfig.from_dict(
        {"base": BASE, "grid": {"network.alpha": (0.1, 1.0, 10.0), "beta": (0.05, 0.1, 0.2)}}
    ),
    "rate and width": SweepConfig.from_dict(
        {
            "base": {**BASE, "training": {"allow_unstable": True}},
            "grid": {BY_RATE.setting: (0.25, 0.95, 2.0), "network.width": (8, 64)},
        }
    ),
}


@cache
def standing(name: str, **law: float) -> Standing:
    return Standing(SWEEPS[name].groups, results(SWEEPS[name], **law))


def picture(name: str = "depth and width", metric: str = "elt", coloured: bool = False, **law: float) -> Picture:
    return Picture(MAPS[name], SWEEPS[name], standing(name, **law), View(metric, coloured, Thresholds()))


def layers(chart: alt.LayerChart, mark: str) -> list[dict]:
    """Layers of this mark, each with its rows."""
    with alt.data_transformers.enable("default"):
        specification = chart.to_dict()
    found = [layer for layer in specification["layer"] if layer["mark"]["type"] == mark]
    names = [layer.get("data", specification.get("data"))["name"] for layer in found]
    return [{**layer, "rows": specification["datasets"][name]} for layer, name in zip(found, names, strict=True)]


@pytest.mark.parametrize("name", MAPS)
def test_every_chart_is_valid_and_asks_a_question(name):
    for metric in METRICS if name == "depth and width" else ("elt",):
        seen = picture(name, metric, coloured=True)
        for row in (seen.plane(), seen.along()):
            assert row.question.endswith("?"), metric
            assert row.draw().to_dict()["title"]["text"] == row.question
    assert picture(name).plane().question == MAPS[name].question


def test_charts_become_figures():
    seen = picture(fails_from=0.5)
    assert figure(map_figures.plane_chart(seen), "svg").startswith(b"<svg")
    assert figure(map_figures.along_chart(seen, True), "svg").startswith(b"<svg")
    assert figure(map_figures.collapse_chart(seen, 0.3), "png").startswith(b"\x89PNG")


def test_text_of_a_map_is_read_on_both_grounds(ground):
    seen = picture(fails_from=0.5)
    in_cells = {
        part for look in CELL_STYLES.values() for part in (look.text, look.fill)
    }  # on their faces: test_colours
    for chart in (seen.plane().draw(), seen.along().draw(), map_figures.collapse_chart(seen, 0.0)):
        around = texts(chart, ground) - in_cells
        assert around
        assert all(Color(colour).contrast(ground) >= 4.5 for colour in around), around


def test_what_is_unstable_is_hatched_across_its_cells():
    seen = picture(fails_from=0.5)
    table, drawn = seen.table.set_index("cell"), layers(map_figures.plane_chart(seen), "line")
    stripes = pd.DataFrame([row for layer in drawn for row in layer["rows"] if "stripe" in row])
    cells = stripes["stripe"].str.split().str[0].astype(int)
    hatched = table[[CELL_STYLES[name].hatch != "none" for name in table["regime"]]]
    assert 0 < len(hatched) < len(table)
    assert set(cells) == set(hatched.index)
    for axis in "xy":
        low, high = (table.loc[cells, f"{axis}{end}"].to_numpy() for end in (0, 1))
        assert ((low <= stripes[axis] * (1 + 1e-9)) & (stripes[axis] <= high * (1 + 1e-9))).all()


def test_cells_cover_the_plane_without_overlap():
    table = map_plane.plane_table(PLAIN.places(DEFAULT_MAP), pd.DataFrame())
    assert len(table) == 30
    assert table["regime"].isna().all()
    assert ((table["x0"] < table["x"]) & (table["x"] < table["x1"])).all()
    assert ((table["y0"] < table["y"]) & (table["y"] < table["y1"])).all()
    ends = table.drop_duplicates("x").sort_values("x")
    assert (ends["x1"].to_numpy()[:-1] < ends["x0"].to_numpy()[1:]).all()
    assert ends["x0"].to_numpy()[1:] / ends["x1"].to_numpy()[:-1] == pytest.approx(2 ** (2 * map_plane.INSET))


def test_a_map_in_the_making_shows_what_is_known_and_what_is_not():
    whole = results(DEFAULT_MAP)
    some = {part.hash: whole[part.hash] for cell in DEFAULT_MAP.cells[:7] for part in cell.parts}
    seen = Picture(PLAIN, DEFAULT_MAP, Standing(DEFAULT_MAP.groups, some), View("elt", False, Thresholds()))
    assert "numbers: median lazy error; outlines: not computed" in str(map_figures.plane_chart(seen).to_dict())
    outlines, cells = layers(map_figures.plane_chart(seen), "rect")
    assert (len(outlines["rows"]), len(cells["rows"])) == (23, 7)
    assert len(map_figures.along_table(seen).frame) == 7


def test_the_edge_of_the_stochastic_kernel_is_the_exact_one_and_goes_beyond_the_cells():
    drawn = map_plane.Plane.around(picture().table, "n", "L")
    curve = map_figures.edge_curve(DEFAULT_MAP, PLAIN, drawn, 1.0)
    assert curve is not None
    exact = stochastic_edge(DEFAULT_MAP, Thresholds())
    assert exact
    for row in exact:
        assert np.interp(row["depth"], curve["y"], curve["x"]) == pytest.approx(row["width"], rel=0.02)
    assert curve["y"].max() > 32
    assert map_figures.edge_curve(DEFAULT_MAP, PLAIN, drawn, 1e200) is None
    wide = map_figures.edge_curve(DEFAULT_MAP, PLAIN, drawn, 0.1)
    assert wide is not None
    assert wide["x"].min() > curve["x"].min()


@pytest.mark.parametrize("name", ["alpha and beta", "rate and width"])
def test_at_one_depth_that_edge_is_a_straight_line(name):
    seen = picture(name)
    drawn = map_plane.Plane.around(seen.table, "x", "y")
    curve = map_figures.edge_curve(seen.sweep, seen.map, drawn, 1.0)
    assert curve is not None
    width = 18.74071544696059  # depth 4, as in the default map
    assert curve["x"].tolist() == pytest.approx([4 / width if name == "alpha and beta" else width] * 2, rel=1e-6)
    assert curve["narrow"].tolist() == [name == "rate and width"] * 2


def test_lines_of_constant_beta_are_where_they_should_be():
    for layer in layers(map_figures.plane_chart(picture()), "line"):
        for row in layer["rows"]:
            if "line" in row:
                assert row["y"] == pytest.approx(row["line"] * row["x"])


def test_only_the_map_of_step_sizes_has_an_edge_of_stability():
    for name in MAPS:
        chart = map_figures.plane_chart(picture(name))
        subtitle = in_one(chart.to_dict()["title"]["subtitle"])
        rules = layers(chart, "rule")
        assert [layer["rows"] for layer in rules] == ([[{"y": 2.0}]] if name == "rate and width" else [])
        assert ("edge of stability" in subtitle) == (name == "rate and width")


def test_boundaries_are_drawn_with_their_bands_where_there_are_any():
    frame = map_figures.along_table(picture()).frame
    found = {
        "lazy_weak": Boundary(0.0145, 0.0105, 0.0175),
        "weak_strong": Boundary(0.132, 0.107, None),
        "stable_unstable": Boundary(None, reason="not enough data"),
    }
    chart = map_along.along_chart(frame, METRICS["elt"], "", {"lazy: 0.1": 0.1}, found)
    lines = [
        layer["rows"][0] for layer in layers(chart, "rule") if "x" in layer["rows"][0] and "low" in layer["rows"][0]
    ]
    assert [row["x"] for row in lines] == [0.0145, 0.132]
    assert [row["low"] for row in lines] == [0.0105, 0.107]
    assert lines[1]["high"] > frame["x"].max()  # open: to the end of the axis


def test_what_no_axis_can_show_is_left_out_and_said():
    seen = picture()
    cells = seen.cells.assign(elt=[np.inf, 0.0, 50.0, *np.linspace(0.1, 0.9, 27)])
    table = map_along.along_table(cells, "elt", "depth", "L")
    assert len(table.frame) == 27
    assert table.notes == (
        "Not drawn: 2 cells, 0 or not finite.",
        "Not drawn: 1 cell, beyond the axis, above 10: their networks blew up.",
    )
    assert map_along.along_table(cells.assign(elt=0.1), "elt", "depth", "L").notes == ()


def test_the_right_q_puts_all_depths_on_one_curve():
    seen = picture(exponent=0.5, noise=0.0)

    def left(q: float) -> float:
        """What a straight line in the logarithms leaves."""
        chart = map_figures.collapse_chart(seen, q)
        rows = pd.DataFrame(layers(chart, "point")[0]["rows"])
        x, y = np.log(rows["x"]), np.log(rows["value"])
        return float(np.std(y - np.polynomial.Polynomial.fit(x, y, 1)(x)))

    assert left(0.5) < 1e-9
    assert left(0.0) > 0.1
    assert seen.collapse("elt").best_q == pytest.approx(0.5, abs=0.02)


def test_every_label_and_reason_has_a_name_of_its_own():
    table = cells_frame(runs_frame(DEFAULT_MAP, results(DEFAULT_MAP, fails_from=0.5)))
    found = {regime(*row) for row in zip(table["label"], table["reason"], strict=True)}
    assert found <= set(REGIMES.values())
    assert {"lazy", "weak feature learning", "unstable: stochastic kernel", "unstable: both"} <= found


def test_ordered_series_go_from_violet_to_amber():
    assert map_along.shades(7) == [colour.lower() for colour in theme.ORDERED]
    assert map_along.shades(2) == [theme.ORDERED[0], theme.ORDERED[-1]]
    assert len(set(map_along.shades(12))) == 12


def test_what_is_below_rounding_or_diverged_is_no_value():
    frame = runs_frame(DEFAULT_MAP, results(DEFAULT_MAP))
    first, second = frame["cell"] == 0, frame["cell"] == 1
    frame.loc[first, "rounding"] = frame.loc[first, "elt"]
    frame.loc[second, ["drift", "shape_drift"]] = np.nan
    table = map_plane.plane_table(PLAIN.places(DEFAULT_MAP), cells_frame(frame))
    assert table.loc[0, "text"] == "rounding"
    assert table.loc[0, "elt_said"].startswith("below rounding")
    assert table.loc[1, "drift_said"] == "not a number"
    drawn = map_along.along_table(table, "elt", "depth", "L")
    assert 0 not in set(drawn.frame["cell"])
    assert "Not drawn: 1 cell, below rounding." in drawn.notes


def test_a_cell_below_rounding_is_drawn_grey_not_left_out():
    """Seen in a browser: Vega leaves out marks whose colour is no number."""
    frame = runs_frame(DEFAULT_MAP, results(DEFAULT_MAP))
    frame.loc[frame["cell"] == 0, "rounding"] = frame.loc[frame["cell"] == 0, "elt"]
    table = map_plane.plane_table(PLAIN.places(DEFAULT_MAP), cells_frame(frame))
    around = map_plane.Plane.around(table, "n", "L")
    chart = map_plane.plane_chart(table, around, "", ("elt", METRICS["elt"]))
    cells = next(layer for layer in chart.layer if layer.name == map_plane.PICKED)
    assert cells.data.loc[cells.data["blank"], "cell"].tolist() == [0]
    assert np.all(np.isfinite(cells.data["shown"]))
    assert theme.GREY in str(cells.encoding.color.to_dict())
