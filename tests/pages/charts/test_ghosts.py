"""Held results beneath a chart: their own numbers, on axes around everything, told apart and named."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import pytest

from pages.charts import theme
from pages.charts.animated import Moving, animated, current, legend_layer, line, points, timeline_frame, wide
from pages.charts.encodings import GAP, by_series, index_x, layered, linear_x, linear_y, listed_x, log_y, side_by_side
from pages.charts.ghosts import DASHES, SHAPES, Ghost, over
from pages.charts.matched import at_times, nearest, with_held_times
from pages.charts.over_time import Sampled, Style, bands, medians, sampled_table
from pages.charts.panels import fits_beneath
from pages.charts.specification import alternative, data_as
from pages.charts.theme import Table

STYLE = Style("drift", {"drift": "#008000", "shape": "#0000ff"}, include=(0.0,))
LOG = replace(STYLE, log_value=True, include=())


@pytest.fixture(autouse=True)
def _rows_of_a_file() -> Iterator[None]:
    with data_as(alt.to_values):
        yield


def curve(t: list[float], **values: list[float]) -> Table:
    """Of one seed."""
    return sampled_table({name: [Sampled(0, "", t[-1], np.array(t), np.array(v))] for name, v in values.items()})


def held(*tables: Table, style: Style = STYLE) -> list[Ghost]:
    return [Ghost(f"width {place}", place, bands(medians(own).frame, style)) for place, own in enumerate(tables)]


def spec(chart: Any) -> dict[str, Any]:
    """With the rows in their places."""
    whole = chart.to_dict()
    tables = whole.get("datasets", {})

    def filled(part: dict[str, Any]) -> dict[str, Any]:
        own = {"data": {"values": tables[part["data"]["name"]]}} if "name" in part.get("data", {}) else {}
        inner = {name: [*map(filled, part[name])] for name in ("layer", "vconcat", "hconcat") if name in part}
        return part | own | inner

    return filled(whole)


def layers(chart: Any) -> list[dict[str, Any]]:
    return spec(chart)["layer"]


def rows(layer: dict[str, Any], *names: str) -> list[tuple]:
    return [tuple(row[name] for name in names) for row in layer["data"]["values"]]


def dashed(chart: Any, place: int = 0) -> list[dict[str, Any]]:
    return [layer for layer in layers(chart) if layer["mark"].get("strokeDash") == DASHES[place]]


def domain(chart: Any, name: str) -> tuple[float, float]:
    """Of an axis, the same in every layer that has it."""
    encodings = [layer["encoding"] for layer in layers(chart)]
    (found,) = {tuple(own[name]["scale"]["domain"]) for own in encodings if "scale" in own.get(name, {})}
    return found


def test_the_values_drawn_beneath_are_those_of_the_held_result():
    own, other = curve([1.0, 2.0, 3.0], drift=[0.5, 1, 2]), curve([1.0, 4.0, 16.0], drift=[0.25, 3.0, 7.0])
    chart = over(bands(own.frame, STYLE), held(other))
    (ghost,) = dashed(chart)
    assert rows(ghost, "t", "value", "series") == [(1, 0.25, "drift"), (4, 3, "drift"), (16, 7, "drift")]
    (plain,) = [layer for layer in layers(chart) if layer["mark"].get("strokeDash") == [1, 0]]
    assert rows(plain, "t", "value") == [(1, 0.5), (2, 1), (3, 2)]
    places = [layers(chart).index(layer) for layer in (ghost, plain)]
    assert places[0] < places[1]


def test_of_several_seeds_only_the_median_is_a_ghost():
    seeds = [
        Sampled(s, "", 4.0, np.array([1.0, 2.0, 4.0]), np.array(v, float))
        for s, v in enumerate(([1, 5, 2], [3, 6, 9], [2, 7, 4]))
    ]
    other = sampled_table({"drift": seeds})
    chart = over(bands(curve([1.0, 2.0, 4.0], drift=[1, 1, 1]).frame, STYLE), held(other))
    assert [rows(ghost, "t", "value") for ghost in dashed(chart)] == [[(1, 2), (2, 6), (4, 4)]]
    assert not [layer for layer in layers(chart) if layer["mark"]["type"] == "area"]


def test_axes_stand_around_everything_and_are_the_same_in_every_layer():
    own, other = curve([1.0, 2.0, 3.0], drift=[0.5, 1, 1]), curve([0.1, 4.0, 16.0], drift=[-0.25, 3.0, 7.0])
    chart = over(bands(own.frame, STYLE), held(other))
    assert domain(chart, "x")[0] <= 0.1 < 16 <= domain(chart, "x")[1]
    assert domain(chart, "y")[0] <= -0.25 < 7 <= domain(chart, "y")[1]


def test_a_log_axis_has_the_decades_of_both():
    own, other = curve([1.0, 2.0, 3.0], drift=[1, 2, 3]), curve([1.0, 2.0, 3.0], drift=[1e-4, 1e-5, 1e-6])
    y = layers(over(bands(own.frame, LOG), held(other, style=LOG)))[0]["encoding"]["y"]
    assert {1e-6, 1e-4, 1e-2, 1.0} & set(y["axis"]["values"]) >= {1e-6, 1.0}
    assert all(f"'{theme.power(value)}'" in y["axis"]["labelExpr"] for value in y["axis"]["values"])


@pytest.mark.parametrize(("style", "others"), [(STYLE, LOG), (LOG, STYLE)])
def test_the_kind_of_axis_is_that_of_the_present_result(style: Style, others: Style):
    """A linear one shows 0, which a log one must not."""
    own, other = curve([1.0, 2.0, 3.0], drift=[1, 2, 3]), curve([1.0, 2.0, 3.0], drift=[0, 50, 90])
    chart = over(bands(own.frame, style), held(other, style=others))
    scales = {layer["encoding"]["y"]["scale"].get("type") for layer in layers(chart) if "y" in layer["encoding"]}
    assert scales == {"log" if style is LOG else None}
    assert domain(chart, "y")[1] >= 90
    assert (domain(chart, "y")[0] > 0) == (style is LOG)
    assert [value for ghost in dashed(chart) for (value,) in rows(ghost, "value")][-2:] == [50, 90]
    assert all(value > 0 or style is STYLE for ghost in dashed(chart) for (value,) in rows(ghost, "value"))


def test_t_equal_0_is_one_place_for_all():
    """On a log axis a factor before the first positive t of any: here of the held run."""
    own, other = curve([0.0, 1.0, 2.0, 4.0], drift=[0, 1, 2, 3]), curve([0.0, 0.1, 1.0, 2.0], drift=[0, 5, 6, 7])
    chart = over(bands(own.frame, STYLE), held(other))
    starts = [row["x"] for layer in layers(chart) for row in layer["data"]["values"] if row.get("t") == 0]
    assert len(starts) >= 2
    assert starts == pytest.approx([0.1 / GAP] * len(starts))
    axis = layers(chart)[0]["encoding"]["x"]["axis"]
    assert axis["values"][0] == pytest.approx(0.1 / GAP)
    assert axis["labelExpr"].count("'0'") == 1


def test_each_held_result_has_dashes_of_its_own_and_a_name_in_the_legend():
    tables = [curve([1.0, 2.0, 3.0], drift=[k, k, k]) for k in range(1, 6)]
    chart = over(bands(curve([1.0, 2.0, 3.0], drift=[9, 9, 9]).frame, STYLE), held(*tables))
    for place, k in enumerate(range(1, 6)):
        assert [rows(ghost, "value") for ghost in dashed(chart, place)] == [[(k,)] * 3]
    (scale,) = [
        layer["encoding"]["strokeDash"]["scale"] for layer in layers(chart) if "strokeDash" in layer["encoding"]
    ]
    assert scale == {"domain": [f"held: width {place}" for place in range(5)], "range": [list(own) for own in DASHES]}
    assert len({tuple(own) for own in DASHES}) == len({*SHAPES}) == 5


def test_the_pointer_finds_the_name():
    own, other = curve([1.0, 2.0, 3.0], drift=[1, 2, 3]), curve([1.0, 2.0, 3.0], drift=[3, 2, 1])
    chart = over(bands(own.frame, STYLE), held(other))
    pointed = [layer for layer in layers(chart) if layer["encoding"].get("tooltip")]
    names = [[row["field"] for row in layer["encoding"]["tooltip"]] for layer in pointed]
    assert names[0][0] == "held"
    assert "held" not in names[1]
    assert pointed[0]["transform"] == [{"calculate": '"width 0"', "as": "held"}]
    assert rows(pointed[0], "value") == [(3,), (2,), (1,)]


def test_a_series_has_the_colour_that_it_has_above_and_one_that_is_not_there_is_grey():
    own = curve([1.0, 2.0, 3.0], drift=[1, 2, 3])
    other = curve([1.0, 2.0, 3.0], drift=[3, 2, 1], shape=[7, 7, 7])
    same, unknown = dashed(over(bands(own.frame, STYLE), held(other)))
    assert same["encoding"]["color"]["scale"] == {"domain": ["drift"], "range": ["#008000"]}
    assert {series for (series,) in rows(same, "series")} == {"drift"}
    assert "color" not in unknown["encoding"]
    assert unknown["mark"]["color"] == theme.GREY
    assert rows(unknown, "value", "series") == [(7, "shape")] * 3


def test_dashes_that_the_chart_has_a_meaning_for_keep_it():
    def chart() -> alt.LayerChart:
        rows = alt.Chart(pd.DataFrame({"x": [0.0, 1.0], "y": [0.0, 1.0], "way": "grows"})).mark_line()
        dash = alt.StrokeDash("way:N", scale=alt.Scale(domain=["grows"], range=[[3, 3]]))
        return layered(rows.encode(x=linear_x("x", (0, 1), "x"), y=linear_y("y", (0, 1), "y"), strokeDash=dash))

    assert spec(over(chart(), [Ghost("a", 0, chart())]))["resolve"]["scale"]["strokeDash"] == "independent"
    assert "resolve" not in spec(chart())
    plain = over(bands(curve([1.0, 2.0, 3.0], drift=[1, 2, 3]).frame, STYLE), held(curve([1.0, 2.0], drift=[3, 2])))
    assert "resolve" not in spec(plain)


# Points, bars and lists of what there is.


def spectrum(values: list[float], index: list[int] | None = None) -> alt.LayerChart:
    frame = wide(np.array([values, values])).assign(i=index or range(1, len(values) + 1))
    now = points(current(frame), "kernel", len(frame), 20).encode(x=index_x(len(frame), "i"), y=_value(values))
    return layered(legend_layer({"K_t": "kernel"}), now)


def _value(values: list[float]) -> alt.Y:
    return log_y("value", theme.log_domain(np.array(values)), "eigenvalue")


def test_a_spectrum_is_a_dashed_curve_and_what_is_none_stays_points():
    falling = over(spectrum([8.0, 4.0, 2.0]), [Ghost("a", 1, spectrum([9.0, 3.0, 1.0]))])
    (ghost,) = dashed(falling, 1)
    assert ghost["mark"]["type"] == "line"
    assert rows(ghost, "i", "f0") == [(1, 9), (2, 3), (3, 1)]
    scattered = over(spectrum([8.0, 4.0, 2.0]), [Ghost("a", 1, spectrum([3.0, 9.0, 1.0]))])
    assert not dashed(scattered, 1)
    (ghost,) = [layer for layer in layers(scattered) if layer["mark"].get("shape") == SHAPES[1]]
    assert rows(ghost, "i", "f0") == [(1, 3), (2, 9), (3, 1)]
    (legend,) = [layer["encoding"]["shape"] for layer in layers(scattered) if "shape" in layer["encoding"]]
    assert legend["scale"] == {"domain": ["held: a"], "range": [SHAPES[1]]}


def sizes(values: dict[float, float]) -> alt.LayerChart:
    frame = pd.DataFrame({"p": [*values], "value": [*values.values()], "series": "H_0"})
    x = listed_x("p", theme.log_domain(frame["p"].to_numpy(float)), "points", [*values])
    encoded = {"x": x, "y": _value([*values.values()]), "color": by_series({"H_0": "#123456"})}
    both = alt.Chart(frame).mark_line(), alt.Chart(frame).mark_point()
    return layered(both[0].encode(**encoded), both[1].encode(**encoded, tooltip=["value:Q"]))


def test_points_on_a_line_are_not_drawn_again_and_lists_of_sizes_are_joined():
    chart = over(sizes({16.0: 1.0, 64.0: 2.0}), [Ghost("a", 0, sizes({32.0: 3.0, 64.0: 5.0}))])
    assert len(dashed(chart)) == 1
    assert not [layer for layer in layers(chart) if layer["mark"].get("shape")]
    axis = layers(chart)[0]["encoding"]["x"]["axis"]
    assert axis["values"] == [16.0, 32.0, 64.0]
    assert all(f"'{value}'" in axis["labelExpr"] for value in (16, 32, 64))


def test_what_marks_the_present_frame_is_no_ghost():
    rule = alt.Chart(pd.DataFrame({"x": [1.0]})).mark_rule().encode(x=linear_x("x", (0.0, 1.0), "x"))
    dot = alt.Chart(pd.DataFrame({"x": [1.0], "y": [1.0]})).mark_point(color=theme.COLOURS["now"])
    dot = dot.encode(x=linear_x("x", (0.0, 1.0), "x"), y=linear_y("y", (0.0, 1.0), "y"))
    ghost = Ghost("a", 0, layered(rule, dot))
    assert len(layers(over(layered(rule.copy(), dot.copy()), [ghost]))) == 2


# Maps.


def heat(values: list[float], low: float, **more: Any) -> alt.Chart:
    frame = pd.DataFrame({"i": [1, 2], "j": [1, 2], "value": values})
    scale = alt.Scale(domain=[low, max(values)], scheme="viridis" if low >= 0 else "purpleorange")
    encoded = {"x": alt.X("j:O"), "y": alt.Y("i:O"), "color": alt.Color("value:Q", scale=scale)}
    return alt.Chart(frame, height=200, **more).mark_rect().encode(**encoded)


def test_maps_stand_under_one_another_in_the_same_colours():
    chart = spec(over(heat([0.0, 2.0], 0.0, title=theme.title("What?")), [Ghost("a", 0, heat([1.0, 5.0], 1.0))]))
    assert chart["title"]["text"] == "What?"
    assert [part["title"]["text"] for part in chart["vconcat"]] == ["this run", "a"]
    assert [part["encoding"]["color"]["scale"]["domain"] for part in chart["vconcat"]] == [[0.0, 5.0]] * 2
    assert [rows(part, "value") for part in chart["vconcat"]] == [[(0,), (2,)], [(1,), (5,)]]


def test_where_any_map_has_both_signs_all_have_the_two_colours_of_signs():
    chart = over(heat([0.0, 2.0], 0.0), [Ghost("a", 0, heat([-3.0, 1.0], -3.0))]).to_dict()
    for part in chart["vconcat"]:
        assert part["encoding"]["color"]["scale"] == {"domain": [-3.0, 3.0], "scheme": "purpleorange"}


# Panels, and frames at matched t.


def test_panels_are_paired_by_place_and_a_chart_of_other_panels_is_not_drawn():
    def panels(count: int, first: float) -> alt.HConcatChart:
        return side_by_side([spectrum([first + 2 * k, 4.0 + 2 * k, 3.0 + 2 * k]) for k in range(count)], 0)

    assert fits_beneath(panels(2, 8.0), panels(2, 5.0))
    chart = over(panels(2, 8.0), [Ghost("a", 0, panels(2, 5.0))])
    found = [[rows(ghost, "f0") for ghost in dashed(part)] for part in chart.hconcat]
    assert found == [[[(5,), (4,), (3,)]], [[(7,), (6,), (5,)]]]
    assert not fits_beneath(panels(3, 8.0), panels(2, 5.0))
    assert not dashed(over(panels(1, 8.0), [Ghost("a", 0, panels(2, 5.0))]).hconcat[0])


def test_of_other_panels_those_of_the_same_question_are_paired():
    def panels(*asked: str) -> alt.HConcatChart:
        return side_by_side([theme.ask(question, spectrum([8.0 + len(question), 4.0, 3.0])) for question in asked], 0)

    assert fits_beneath(panels("A?", "Long?"), panels("Long?"))
    chart = over(panels("A?", "Long?"), [Ghost("a", 0, panels("Long?"))])
    assert not dashed(chart.hconcat[0])
    assert len(dashed(chart.hconcat[1])) == 1
    assert not fits_beneath(panels("A?", "Long?"), panels("B?"))


def test_what_has_something_else_along_x_stands_beneath_by_itself():
    def function(axis: str) -> alt.LayerChart:
        rows = alt.Chart(pd.DataFrame({axis: [0.0, 1.0], "y": [0.0, 1.0]}))
        drawn = line(rows, "kernel").encode(x=linear_x(axis, (0.0, 1.0), axis), y=linear_y("y", (0.0, 1.0), "y"))
        return layered(drawn, height=200)

    chart = spec(over(function("angle"), [Ghost("a", 0, function("place"))]))
    assert [part["layer"][0]["encoding"]["x"]["field"] for part in chart["vconcat"]] == ["angle", "place"]


@dataclass(frozen=True)
class Tables(Moving):
    values: pd.DataFrame


def moving(t: list[float], values: list[float]) -> Tables:
    said = timeline_frame(np.array(t), np.arange(len(t)), "loss", np.ones(len(t)), {"loss": np.ones(len(t))})
    own = wide(np.array(values)[:, None])
    return Tables(said, (), own.join(own.rename(columns=lambda name: f"g{name[1:]}") * 10).assign(i=1))


def test_each_frame_has_the_held_result_at_its_nearest_t():
    assert nearest(np.array([0.0, 1.0, 10.0]), np.array([0.0, 0.4, 0.6, 5.4, 5.6, 99.0])).tolist() == [0, 0, 1, 1, 2, 2]
    matched = at_times(moving([0.0, 1.0, 10.0], [5.0, 6.0, 7.0]), np.array([0.0, 0.9, 3.0, 30.0]))
    assert matched.values[["f0", "f1", "f2", "f3"]].to_numpy().tolist() == [[5, 6, 6, 7]]
    assert matched.values[["g0", "g1", "g2", "g3"]].to_numpy().tolist() == [[50, 60, 60, 70]]
    assert matched.values["i"].tolist() == [1]
    assert matched.timeline["t"].tolist() == [0, 1, 10]


def test_the_line_in_words_says_the_held_t_where_it_is_another():
    words = with_held_times(
        moving([0.0, 1.0, 30.0], [1.0, 1.0, 1.0]), [("width 64", np.array([0.0, 1.2, 10.0]))]
    ).labels
    assert words[0].endswith("loss 1")
    assert words[1].endswith(" · width 64: t = 1.2")
    assert words[2].endswith(" · width 64: t = 10")


def test_a_chart_in_motion_keeps_its_one_parameter():
    chart = over(animated(spectrum([4.0, 2.0, 1.0]), 2), [Ghost("a", 0, animated(spectrum([5.0, 3.0, 2.0]), 2))])
    assert [param["name"] for param in chart.to_dict()["params"]] == ["frame"]
    assert len(dashed(chart)) == 1


def test_who_does_not_see_the_chart_hears_what_is_held():
    chart = over(spectrum([4.0, 2.0, 1.0]), [Ghost("width 64", 0, spectrum([5.0, 3.0, 2.0]))])
    assert "Beneath it, held: width 64." in alternative(chart.to_dict())
    assert "held" not in alternative(spectrum([4.0, 2.0, 1.0]).to_dict())
