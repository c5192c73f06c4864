"""Runs in a list with what differs between them, and two to six of them side by side."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import regime_cells
from pretend_engine import SMALL, texts
from small_runs import result, seed

from cache import Run, maps
from cache.claims import Claim
from cache.listing import RunFilter
from cache.maps import Whole
from cache.run_folders import Record
from engine import jobs
from engine.config import RunConfig
from engine.perturbation.config import PerturbationConfig
from engine.regimes.config import SweepConfig
from pages.charts import compare
from pages.charts.over_time import Sampled
from pages.run.differing import differing, in_one_line, labels, settings_of
from pages.views import run_list
from pages.views.compare_words import apart, ends

TABLE = "a,b\n1,2\n2,3\n3,5\n4,4\n"


def config_of(**network: object) -> RunConfig:
    return RunConfig.from_dict({**SMALL, "network": {**SMALL["network"], **network}})


def run_of(config: RunConfig, kind: str = "run", values: dict | None = None, **changes: object) -> Run:
    key = jobs.key(kind, config)
    made = Run(key, kind, values or config.to_dict(), "label", "finished", 0.0, 60.0, 1.0, "", True, False)
    return replace(made, **changes)


def sweep_of(**network: object) -> SweepConfig:
    base = {"data": {"name": "sphere", "dim": 4, "size": 8, "test_size": 8}, "network": network}
    return SweepConfig.from_dict({"base": base, "grid": {"network.depth": (1, 2, 4), "network.width": (8, 16)}})


def map_of(sweep: SweepConfig, **changes: object) -> Run:
    whole = Whole("sweep", sweep, sweep.groups)
    parts = tuple(jobs.key("cell", part) for group in sweep.groups for part in group)
    made = Run(whole.key, "sweep", sweep.to_dict(), "a map", "finished", 0.0, 0.0, 1.0, "", True, False)
    return replace(made, parts=parts, **changes)


# Settings.


def test_settings_are_called_as_links_call_them_whatever_holds_the_run():
    config = config_of(width=64, depth=2)
    plain, expanded = settings_of(run_of(config)), PerturbationConfig.of(config)
    inner = settings_of(run_of(config, values=expanded.to_dict()))
    assert plain.items() <= inner.items()
    assert set(inner) - set(plain) >= {"interpolation", "held_out"}
    assert plain["width"] == 64
    assert plain["beta"] == pytest.approx(2 / 64)
    assert settings_of(run_of(config_of(width=[8, 4], depth=2)))["beta"] == pytest.approx(1 / 8 + 1 / 4)


def test_a_table_is_no_setting_of_a_list():
    config = RunConfig.from_dict({"data": {"name": "csv", "content": TABLE, "target": "b"}, "network": {"width": 8}})
    assert "content" not in settings_of(run_of(config))


def test_only_what_differs_is_named_and_by_the_fewest_that_tell():
    runs = [settings_of(run_of(config_of(width=w, depth=d))) for w, d in ((8, 1), (16, 1), (32, 2))]
    assert differing(runs) == ["width", "depth", "beta"]
    assert in_one_line(runs) == "They differ in **width** (8 / 16 / 32) and **depth** (1 / 1 / 2)."
    assert labels(runs, ["", "the middle", ""], ["run"] * 3) == ["width 8", "the middle", "width 32"]
    assert labels([runs[0], runs[0]], ["", ""], ["run", "map"]) == ["run 1", "map 2"]
    assert labels([runs[0], runs[0]], ["same", "same"], ["run", "run"]) == ["same", "same (2)"]
    assert in_one_line([runs[0], runs[0]]) == "They have the same settings."


def test_several_settings_tell_where_one_does_not():
    runs = [settings_of(run_of(config_of(width=w, depth=d))) for w, d in ((8, 1), (8, 2), (16, 1))]
    assert labels(runs, [""] * 3, ["run"] * 3) == ["width 8, depth 1", "width 8, depth 2", "width 16, depth 1"]


def test_what_only_some_have_is_no_difference_but_is_said():
    circle, sphere = {"data": "circle", "frequencies": [1]}, {"data": "sphere", "dim": 3}
    assert in_one_line([circle, sphere]) == (
        "They differ in **data** (circle / sphere). Only some of them have frequencies and dim."
    )
    assert in_one_line([circle, {"data": "circle"}]) == "Only some of them have frequencies."


def test_a_map_has_the_defaults_of_its_cells_and_its_grid():
    one, other = (settings_of(map_of(sweep_of(**network))) for network in ({}, {"activation": "tanh"}))
    assert (one["activation"], other["activation"], one["centred"]) == ("relu", "tanh", True)
    assert one["grid width"] == [8, 16]
    assert not {"width", "depth", "beta"} & set(one)
    assert "activation" in differing([one, other])
    assert differing([one, one]) == []


# The list.


def test_columns_are_the_settings_that_differ_and_the_numbers_that_there_are():
    runs = [
        run_of(config_of(width=8), metrics={"drift": 0.25, "loss": 0.5}, size=2_500_000),
        run_of(config_of(width=32), metrics={"drift": 0.125}, claims=(Claim("a@b.c", 1.0, "", False, ("x",), "n"),)),
        run_of(config_of(width=16)),
    ]
    frame = run_list.frame(runs, "")
    assert list(frame["width"]) == [8, 32, 16]
    assert pd.api.types.is_integer_dtype(frame["width"])
    assert not {"depth", "activation", "seeds", "CKA with K_0"} & set(frame.columns)
    np.testing.assert_array_equal(frame["drift"], [0.25, 0.125, np.nan])
    np.testing.assert_array_equal(frame["training loss"], [0.5, np.nan, np.nan])
    assert list(frame["MB"]) == [2.5, 0.0, 0.0]
    assert list(frame["tags"]) == [[], ["x"], []]
    assert list(frame["note"]) == ["", "n", ""]
    assert set(run_list.columns(runs)) <= set(frame.columns)


def test_a_column_of_lists_and_numbers_is_in_words():
    frame = run_list.frame([run_of(config_of(width=8, depth=2)), run_of(config_of(width=[8, 4], depth=2))], "")
    assert list(frame["width"]) == ["8", "8, 4"]


def test_a_map_says_how_many_of_its_cells_are_there():
    states = [
        map_of(sweep_of(), state="unfinished", fraction=0.5),
        map_of(sweep_of()),
        map_of(sweep_of(), state="running", fraction=0.25),
    ]
    shown = list(run_list.frame(states, "")["state"])
    assert shown == ["50% of its cells are there", "done", "running, 25%"]


# Curves and numbers.


def curve(number: int, t: list[float], value: list[float], stop_reason: str = "residual") -> Sampled:
    return Sampled(number, stop_reason, t[-1], np.array(t), np.array(value))


def test_results_are_compared_at_the_last_t_that_all_have_reached():
    """t in the first, t^2 by both seeds of the second: at t = 4 one is read, the other halfway in log t from 2 to 8."""
    first = [curve(0, [0, 1, 4], [0, 1, 4])]
    second = [curve(0, [0, 2, 8], [0, 4, 64]), curve(1, [0, 4, 16], [0, 16, 256])]
    t, values = compare.matched({"a": first, "b": second})
    assert t == 4
    np.testing.assert_allclose(values, [4, (34 + 16) / 2])
    nothing, lost = compare.matched({"a": first, "b": [curve(0, [0, 1], [np.nan, np.nan])]})
    assert np.isnan(nothing)
    assert np.isnan(lost).all()


def test_each_result_keeps_its_seeds_and_what_it_leaves_out_to_itself():
    curves = {
        "a": [curve(0, [0, 1], [1, 2]), curve(1, [0, 1], [1, 4])],
        "b": [curve(0, [0, 3], [1, 8]), curve(1, [0, 1], [1, 1e9], "diverged")],
    }
    table = compare.curves_table(curves, False)
    ends = table.frame[table.frame["part"] == "all"].groupby("series")["value"].last()
    assert ends.to_dict() == {"a": 3.0, "b": 8.0}
    assert table.notes == ("b: Median and range leave out seed 1 (diverged at t = 1).",)
    chart = compare.curves_chart(table.frame, ["x", "a", "b"], "drift", False, True).to_dict()
    scale = chart["layer"][0]["encoding"]["color"]["scale"]
    assert scale == {"domain": ["a", "b"], "range": list(compare.RESULT_COLOURS[1:3])}, "by its place among all"


def test_a_value_axis_is_logarithmic_where_values_are_positive_and_far_apart():
    def wide(*values: float) -> bool:
        return compare.log_valued({"a": [curve(0, [0] * len(values), list(values))]})

    assert wide(1, 31)
    assert wide(1, 31, np.nan)
    assert not wide(1, 29)
    assert not wide(0, 100)


def axis(frame: pd.DataFrame, setting: str, channel: str = "x") -> dict:
    return compare.scatter_chart(frame, setting, "drift").to_dict()["layer"][0]["encoding"][channel]


def test_a_width_stands_on_a_log_axis_and_a_seed_does_not():
    frame = pd.DataFrame({"x": [8.0, 64.0], "y": [0.1, 0.2], "series": "run", "name": ["a", "b"]})
    assert axis(frame, "width")["scale"]["type"] == "log"
    assert "type" not in axis(frame, "checkpoints")["scale"]
    assert "type" not in axis(frame.assign(x=[8.0, 9.0]), "width")["scale"]
    assert axis(frame.assign(y=[0.001, 1.0]), "width", "y")["scale"]["type"] == "log"
    assert axis(frame.assign(x=["relu", "tanh"]), "activation")["type"] == "nominal"


def test_points_without_both_numbers_are_counted():
    table = compare.scatter_table(pd.DataFrame({"x": [1.0, None, 3.0], "y": [1.0, 2.0, None]}))
    assert len(table.frame) == 1
    assert table.notes == ("2 of 3 have no such number or no such setting, and are not drawn.",)


def test_two_maps_differ_by_a_factor_in_the_cells_that_both_have():
    one = pd.DataFrame({"x": [1.0, 2.0, 4.0, 8.0], "y": 1.0, "elt": [0.1, 0.2, np.nan, 0.5], "x0": 0.0})
    other = pd.DataFrame({"x": [1.0, 2.0, 4.0, 16.0], "y": 1.0, "elt": [0.4, 0.1, 0.3, 0.5]})
    table = compare.difference_table(one, other, "elt")
    np.testing.assert_allclose(table.frame["ratio"], [4, 0.5])
    np.testing.assert_allclose(table.frame["doublings"], [2, -1])
    assert table.notes == ("On one map only: 2 cells.", "Without a positive number on both: 1 cell.")
    assert apart(table.frame, "lazy error") == (
        "Of 2 cells on both maps, the lazy error is larger on the second in 1, smaller in 1, and within 10% in 0; the "
        "median factor is 1.4, between 0.5 and 4."
    )


def test_unequal_stops_are_said():
    runs = [result(replace(seed(), t_stop=t)) for t in (2.0, 3.0)]
    assert ends(runs) == (
        "They stopped between t = 2 and 3: compare the curves at equal t, not the numbers at the stop."
    )


# The page.


def choose(app, *rows: int):
    app.session_state[app.dataframe[0].key] = {"selection": {"rows": list(rows)}}
    app.run()
    assert not app.exception
    return app


def charts(app) -> list:
    return app.get("vega_lite_chart")


def test_runs_side_by_side_in_one_chart(finished, opened):
    app = opened("all_runs")
    listed = finished.listed(RunFilter(), 100)  # other files may have added some
    runs = [place for place, record in enumerate(listed) if record.kind == "run" and record.stored]
    assert len(runs) >= 7
    assert not app.exception
    assert "Side by side" not in texts(app)
    app = choose(app, *runs[:2])
    said = texts(app)
    assert "Side by side" in said
    assert "They differ in" in said
    assert len(charts(app)) >= 1
    assert "at t" in app.dataframe[1].value.columns
    app = choose(app, *range(7))
    assert "Choose 2 to 6 to see them side by side: 7 are chosen." in texts(app)
    app.toggle(key="all_runs_plot").set_value(True).run()
    assert not app.exception


def test_a_result_that_cannot_be_read_is_not_said_to_be_gone(pretend, opened):
    there, gone = (run_of(config_of(width=width)) for width in (8, 16))
    for run in (there, gone):
        pretend.runs.append(run)
        pretend.records[run.key] = Record(run.key, "run", run.values, run.label)
    told = {"config": there.values, "seeds": [dict(seed().facts)]}
    pretend.results[there.key] = {"meta": np.array(json.dumps(told))}
    said = texts(choose(opened("all_runs"), 0, 1)).replace("\\", "")
    assert said.count("Its result is not in the cache.") == 1
    assert "is missing: if the table is newer than the result" in said


def test_a_metric_is_plotted_against_a_setting(pretend, opened):
    numbers = {8: 0.5, 32: 0.25, 128: 0.125}
    pretend.runs += [run_of(config_of(width=width), metrics={"drift": drift}) for width, drift in numbers.items()]
    app = opened("all_runs")
    app.toggle(key="all_runs_plot").set_value(True).run()
    assert not app.exception
    assert "Of all 3 listed" in texts(app)
    assert app.selectbox(key="against_metric").options == ["drift, at the stop"]
    assert app.selectbox(key="against_setting").options == ["width", "beta"]
    assert len(charts(app)) == 1
    choose(app, 0, 2)
    assert "Of the 2 chosen" in texts(app)


def test_two_maps_and_their_difference(pretend, opened):
    for place, (network, scale) in enumerate((({}, 1.0), ({"activation": "tanh"}, 2.0))):
        sweep = sweep_of(**network)
        run = map_of(sweep, created=float(place))
        pretend.runs.append(run)
        pretend.records[run.key] = Record(run.key, "sweep", run.values, run.label, parts=run.parts)
        pretend.results.update(regime_cells.stored(sweep, noise=0.0, scale=scale))
    app = opened("all_runs")
    app = choose(app, 0, 1)
    said = texts(app)
    assert "activation" in said
    assert "Of 6 cells on both maps, the lazy error is larger on the second in 6" in said
    assert "the median factor is 2, between 2 and 2" in said
    assert len(charts(app)) == 3


def test_the_map_page_notes_its_map_once_it_was_asked_for(pretend, opened):
    app = opened("regimes", depths="1, 2", widths="8, 16")
    assert not pretend.maps
    next(button for button in app.button if button.key == "run_sweep").click().run()
    assert len(pretend.maps) == 1
    assert next(iter(pretend.maps.values())).startswith("/regimes?")


def test_tags_and_notes_are_given_on_the_page(pretend, opened):
    pretend.runs += [run_of(config_of(width=8), claims=(Claim("", 1.0, tags=("old",)),)), run_of(config_of(width=16))]
    app = choose(opened("all_runs"), 0, 1)
    next(one for one in app.text_input if one.label.startswith("add, separated")).set_value("paper, x").run()
    next(button for button in app.button if button.label == "Set tags").click().run()
    app = choose(app, 0)
    next(one for one in app.text_area if one.label == "note").set_value("drifts").run()
    next(button for button in app.button if button.label == "Keep this note").click().run()
    keys = [run.key for run in pretend.runs]
    assert pretend.acts == [
        ("tag", keys[0], ["paper", " x"], []),
        ("tag", keys[1], ["paper", " x"], []),
        ("note", keys[0], "drifts"),
    ]


def test_the_cells_of_a_map_are_listed_and_left(pretend, opened):
    run = map_of(sweep_of())
    pretend.runs.append(run)
    app = choose(opened("all_runs"), 0)
    next(button for button in app.button if button.label == "Its cells").click().run()
    assert "Back to all" in " ".join(button.label for button in app.button)
    assert app.query_params["v_cells"] in (run.key, [run.key])
    assert maps.version("sweep") == jobs.VERSIONS["cell"]
