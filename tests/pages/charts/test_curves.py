import altair as alt
import numpy as np
import pandas as pd
import pytest

from engine.config import RunConfig
from engine.quantities import QUANTITIES
from engine.training.result import RunResult
from pages.charts import theme
from pages.charts.encodings import GAP, placed
from pages.charts.evolution import CURVES, STABILITY, available, live_curve
from pages.charts.words import in_one


@pytest.mark.parametrize("name", [name for name in CURVES if name != "accuracy"])
@pytest.mark.parametrize("log_time", [True, False])
def test_every_curve_is_a_valid_chart(synthetic, name, log_time):
    chart = CURVES[name].chart(CURVES[name].table(synthetic).frame, log_time=log_time)
    spec = chart.to_dict()
    assert CURVES[name].question.endswith("?")
    assert "width" not in spec


def test_accuracy_is_offered_only_where_it_was_measured(synthetic):
    assert "accuracy" not in available(synthetic)
    assert next(iter(available(synthetic))) == "loss"


def test_stability_line_is_the_limit_over_the_rate(by_hand):
    seeds = [{"t": [0, 1], "lambda_max": [3, 4], "rate": rate} for rate in (0.1, 0.25)]
    frame = CURVES["lambda_max"].table(by_hand(*seeds, momentum=0.5)).frame
    line = frame[(frame["series"] == STABILITY) & (frame["part"] == "seed")]
    assert sorted(set(line["value"])) == pytest.approx([3 / 0.25, 3 / 0.1])


def test_a_dead_run_has_no_stability_line_but_a_chart(by_hand):
    result = by_hand({"t": [0], "lambda_max": [0], "rate": 0.0, "stop_reason": "dead"})
    table = CURVES["lambda_max"].table(result)
    assert len(table.frame) == 0
    assert "2 of 2" in table.notes[0]
    CURVES["lambda_max"].chart(table.frame).to_dict()


@pytest.mark.parametrize("name", ["loss", "drift", "error", "cka"])
@pytest.mark.parametrize("values", [[0.5], [np.nan], [0.5, np.nan, np.inf], [0.0, 0.0, 0.0], [1.0, 1e-300, 1e300]])
def test_degenerate_runs_are_valid_charts(by_hand, name, values):
    arrays = dict.fromkeys(("loss", "drift", "shape_drift", "train_error", "test_error", "cka"), values)
    t = np.arange(len(values)) if values[0] != 0 else np.zeros(len(values))
    result = by_hand({"t": t, **arrays})
    CURVES[name].chart(CURVES[name].table(result).frame).to_dict()


def test_zero_stands_before_the_first_positive_time():
    assert placed(np.array([0, 0.3, 3.0]), True).tolist() == pytest.approx([0.3 / GAP, 0.3, 3.0])
    assert placed(np.array([0, 0.3, 3.0]), False).tolist() == [0, 0.3, 3.0]


def test_no_line_leads_to_zero_on_a_log_axis(synthetic):
    with alt.data_transformers.enable("default", consolidate_datasets=False):
        spec = CURVES["drift"].chart(CURVES["drift"].table(synthetic).frame).to_dict()
    lines = [layer for layer in spec["layer"] if layer["mark"]["type"] in ("line", "area")]
    assert len(lines) == 3
    assert all(row["t"] > 0 for layer in lines for row in layer["data"]["values"])
    points = [
        layer for layer in spec["layer"] if layer["mark"]["type"] == "point" and layer["mark"].get("opacity") == 1
    ]
    assert {row["t"] for row in points[0]["data"]["values"]} == {0}


def test_drift_turns_logarithmic_when_it_blows_up(by_hand):
    result = by_hand({"t": [0, 1, 2], "drift": [0, 1, 1e5], "shape_drift": [0, 0.5, 1]})
    spec = CURVES["drift"].chart(CURVES["drift"].table(result).frame).to_dict()
    assert spec["layer"][0]["encoding"]["y"]["scale"]["type"] == "log"
    assert "zeros are not drawn" in in_one(spec["title"]["subtitle"])


@pytest.mark.parametrize("name", ["loss", "residual", "drift", "alignment_test"])
@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_live_curves_at_any_length(name, count):
    rows = pd.DataFrame([{"seed": i % 2, "t": 0.1 * (i // 2), name: 1 / (1 + i)} for i in range(count)])
    chart = live_curve(rows, name)
    spec = chart.to_dict()
    assert QUANTITIES[name].symbol in str(spec["layer"][-1]["encoding"]["y"]["axis"]["title"])
    points = [layer for layer in chart.layer if isinstance(layer.data, pd.DataFrame) and layer.mark["opacity"] == 1]
    assert max((len(layer.data) for layer in points), default=0) == count


def test_a_seed_has_one_colour_in_every_live_chart_and_as_others_begin():
    rows = pd.DataFrame({"seed": [7, 7, 3, 3], "t": [0.1, 0.2] * 2, "loss": 1.0, "drift": 0.5})

    def colours(rows: pd.DataFrame, name: str) -> dict[str, str]:
        scale = live_curve(rows, name).to_dict()["layer"][-1]["encoding"]["color"]["scale"]
        return dict(zip(scale["domain"], scale["range"], strict=True))

    assert colours(rows, "loss") == colours(rows, "drift")
    assert colours(rows[:2], "loss")["seed 7"] == colours(rows, "loss")["seed 7"] != colours(rows, "loss")["seed 3"]


def test_live_rows_in_any_order_are_drawn_by_time():
    rows = pd.DataFrame({"seed": 0, "t": [0.4, 0.1, 0.2], "loss": [1.0, 4.0, 2.0]})
    chart = live_curve(rows, "loss")
    line = next(layer.data for layer in chart.layer if layer.mark["type"] == "line")
    assert line["t"].tolist() == [0.1, 0.2, 0.4]
    assert line["value"].tolist() == [4, 2, 1]


def test_axis_titles_come_from_the_quantities():
    assert theme.axis_title("drift") == f"{QUANTITIES['drift'].label}, {QUANTITIES['drift'].symbol}"


def test_layers_are_named_and_at_most_seven_are_drawn(by_hand):
    """Of nine the first, the readout and five between, all in colours of their own; and the chart says so."""
    values = np.arange(18.0).reshape(2, 9) / 17
    table = CURVES["layer_share"].table(by_hand({"t": [0, 1], "layer_share": values}))
    assert list(dict.fromkeys(table.frame["series"])) == [
        "layer 1", "layer 2", "layer 4", "layer 5", "layer 6", "layer 8", "readout",
    ]  # fmt: skip
    assert table.notes[0] == "7 of 9 layers are drawn, evenly spread."
    last = table.frame[(table.frame["part"] == "all") & (table.frame["t"] == 1)].set_index("series")["value"]
    assert (last["layer 4"], last["readout"]) == (12 / 17, 1.0)
    colour = CURVES["layer_share"].chart(table.frame).to_dict()["layer"][0]["encoding"]["color"]["scale"]["range"]
    assert len(set(colour)) == 7


@pytest.mark.parametrize("values", [[[np.nan, np.nan]], [[0.0, 0.0], [0.5, 1e5]], [[0.3, 0.7]]])
def test_layers_of_degenerate_runs_are_valid_charts(by_hand, values):
    for name in ("layer_share", "layer_drift"):
        result = by_hand({"t": np.arange(len(values)), name: values})
        table = CURVES[name].table(result)
        assert set(table.frame["series"]) <= {"layer 1", "readout"}
        assert not any("layers are drawn" in note for note in table.notes)
        CURVES[name].chart(table.frame).to_dict()


def test_results_without_layers_have_no_chart_of_them(by_hand):
    assert not {"layer_share", "layer_drift"} & set(
        available(by_hand({"t": [0, 1], "drift": [0, 1], "eigenvalues": [[2, 1]] * 2}))
    )


def test_a_run_on_one_point_has_no_charts_without_a_number(by_hand):
    paths = {"t": [0, 1], "drift": [0, 0.1], "shape_drift": [0, 0], "train_error": [np.nan] * 2}
    paths |= {"test_error": [np.nan] * 2, "alignment_train": [np.nan] * 2, "alignment_test": [np.nan] * 2}
    found = by_hand(paths | {"eigenvalues": [[2, 1]] * 2})
    assert {"drift", "error", "alignment"} <= set(available(found))
    data = {"name": "point", "value": 0.0}
    values = found.config.to_dict() | {"data": data, "network": {"centred": False}, "probes": None}
    alone = by_hand(paths | {"eigenvalues": [[2]] * 2})
    one = RunResult(alone.arrays, RunConfig.from_dict(values), alone.meta, alone.seeds)
    assert {"drift"} == set(available(one)) & {"drift", "error", "alignment", "cka"}
