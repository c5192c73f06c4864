"""Charts of the perturbation of a kernel that commutes with its change: every order is known in closed form.

K_t = K_0 + t D with both diagonal: r_m = (-D t^2/2)^m/m! r0, and the network is r0 exp(-D t^2/2).
"""

import json
from math import factorial

import altair as alt
import numpy as np
import pandas as pd
import pytest
from drawing import figure

from engine.data import generate
from engine.perturbation.config import PerturbationConfig, StudyConfig
from engine.perturbation.law import Crossing
from engine.perturbation.result import APPROXIMATIONS, PerturbationResult, StudyResult
from pages.charts import expansion, kernel_change, study
from pages.charts.animated import frames_of
from pages.charts.expansion import BOUNDS, CURVES, FORETOLD, MEASURED
from pages.charts.theme import Table

N, HELD_OUT = 4, 5
CIRCLE = {"name": "circle", "size": N, "test_size": HELD_OUT, "frequencies": [1]}
RATES, CHANGE, START = np.array([4.0, 2.0, 1.0, 0.5]), np.array([0.4, -0.2, 0.1, 0.0]), np.array([1.0, -1.0, 0.5, 0.2])
T = np.linspace(0, 1.5, 7)


def seed_arrays(t: np.ndarray = T) -> dict[str, np.ndarray]:
    lazy = np.exp(-np.outer(t, RATES)) * START
    E = np.outer(t**2 / 2, CHANGE)
    terms = np.stack([(-E) ** m / factorial(m) * lazy for m in range(3)])
    network = lazy * np.exp(-E)
    # The whole is off by 1e-6 in one mode, so that there is a floor.
    whole = network + 1e-6 * (t[:, None] > 0) * np.eye(N)[0]
    residuals = np.concatenate([network[None], np.cumsum(terms, axis=0), whole[None]])
    change = t[:, None, None] * np.diag(CHANGE)
    outputs = np.repeat(residuals[:, :, :1], HELD_OUT, axis=2)
    size = np.linalg.norm(RATES)
    drift = np.linalg.norm(change, axis=(1, 2)) / size
    return {
        "t": t,
        "step": np.arange(len(t)),
        "at_checkpoint": np.ones(len(t), bool),
        "residuals": residuals,
        "outputs_held_out": outputs,
        "modes": terms,
        "eigenvalues": RATES,
        "eigenvectors": np.eye(N),
        "floor": np.zeros(len(t)),
        "floor_held_out": np.zeros(len(t)),
        "drift": drift,
        "change_norm": t * 0.4,
        "change_eigenvalues": np.sort(np.outer(t, CHANGE), axis=1)[:, ::-1],
        "change_block": change,
        "coupling": -E[:, :, None] * np.eye(N) * START,
        **{f"bound_{name}": t * scale for name, scale in zip(BOUNDS, range(1, 8), strict=True)},
        "quadrature_error": np.full(4, 1e-5),
        "predicted_t": t[1:],
        "measured_drift": drift[1:],
        **{f"predicted_{name}": 1.1 * drift[1:] for name in ("leading", "taylor_1", "taylor_2")},
        **{f"predicted_{name}_error": np.full(len(t) - 1, 0.1) for name in ("leading", "taylor_1", "taylor_2")},
        "taylor_range": np.array(0.25),
        "held_out": np.arange(HELD_OUT),
        "y": np.zeros(N),
        "y_held_out": np.zeros(HELD_OUT),
    }


def by_hand(*seeds: dict[str, np.ndarray], data: dict = CIRCLE, stop_reason: str = "residual") -> PerturbationResult:
    config = PerturbationConfig.from_dict({"run": {"data": data, "seeds": list(range(len(seeds)))}})
    facts = [{"seed": index, "stop_reason": stop_reason} for index in range(len(seeds))]
    meta = {"config": config.to_dict(), "config_hash": config.hash, "seeds": facts, "versions": {}, "device": "none"}
    arrays = {f"seed{index}/{name}": array for index, own in enumerate(seeds) for name, array in own.items()}
    return PerturbationResult.from_arrays({**arrays, "meta": np.array(json.dumps(meta))})


@pytest.fixture
def two() -> PerturbationResult:
    return by_hand(seed_arrays(), seed_arrays())


def drawn(frame: pd.DataFrame, label: str) -> pd.DataFrame:
    return frame[(frame["series"] == label) & (frame["part"] == "all")]


def test_errors_are_those_of_the_closed_form(two):
    frame = expansion.error_table(two, ("P2", "groenwall")).frame
    lazy, E = np.exp(-np.outer(T, RATES)) * START, np.outer(T**2 / 2, CHANGE)
    expected = np.linalg.norm(lazy * (1 - np.exp(-E)), axis=1) / np.linalg.norm(START)
    order_0 = drawn(frame, CURVES["order_0"])
    np.testing.assert_allclose(order_0["value"], expected[1:], rtol=1e-9)
    np.testing.assert_allclose(order_0["t"], T[1:])
    expected = np.linalg.norm(lazy * (1 - E - np.exp(-E)), axis=1) / np.linalg.norm(START)
    np.testing.assert_allclose(drawn(frame, CURVES["order_1"])["value"], expected[1:], rtol=1e-9)
    np.testing.assert_allclose(drawn(frame, BOUNDS["P2"])["value"], T[1:] / np.linalg.norm(START))
    assert BOUNDS["P3"] not in set(frame["series"])


def test_orders_under_the_floor_are_hidden_and_counted():
    arrays = seed_arrays()
    arrays["residuals"][4] = arrays["residuals"][0] + 1e-3 * (T[:, None] > 0)
    table = expansion.error_table(by_hand(arrays))
    whole = drawn(table.frame, CURVES["full"])["value"].min()
    orders = table.frame[table.frame["series"].isin([CURVES["order_1"], CURVES["order_2"]])]
    assert (orders["value"] >= whole).all()
    hidden = 3 * (len(T) - 1) - len(table.frame[table.frame["series"].str.startswith("order")])
    assert hidden > 0
    assert f"{hidden} points of orders" in table.notes[0]


def test_one_hidden_point_is_one() -> None:
    errors = {CURVES[name]: np.array([1.0, np.nan if name == "order_1" else 1.0]) for name in APPROXIMATIONS}
    (note,) = expansion._with_hidden(Table(pd.DataFrame()), [errors]).notes
    assert note == "1 point of orders, closer to the network than the whole propagator, is not drawn."


@pytest.mark.parametrize("log_time", [True, False])
def test_every_chart_over_time_is_valid_and_asks_one_question(two, log_time):
    for name, curve in expansion.OVER_TIME.items():
        chosen = (tuple(BOUNDS),) if name == "order_error" else ()
        reach = {"ranges": (0.25, 0.25)} if name.startswith("drift") else {}
        curve.chart(curve.table(two, *chosen).frame, log_time=log_time, **reach).to_dict()
    questions = [curve.question for curve in expansion.OVER_TIME.values()]
    assert all(question.endswith("?") for question in questions)
    assert len(set(questions)) == len(questions)


def test_drift_measured_and_foretold(two):
    frame = expansion.drift_table(two).frame
    ratio = drawn(frame, FORETOLD)["value"].to_numpy() / drawn(frame, MEASURED)["value"].to_numpy()
    np.testing.assert_allclose(ratio, 1.1)


def test_modes_are_signed_by_what_is_to_be_learned(two):
    """D > 0 hastens a mode and D < 0 slows it, whichever sign its start has."""
    frame = expansion.modes_table(two.seeds[0]).frame
    for name in expansion.PANELS[:2]:
        last = frame[frame["t"] == T[-1]].set_index("i")[name]
        assert last[1] < 0 < last[2]
        assert last[3] < 0
        assert last[4] == 0
    assert (frame["x"] < frame["x2"]).all()
    expansion.modes_chart(frame).to_dict()


def test_the_scrubbed_panels_hold_what_they_name(two):
    data = generate(two.config.run.data)
    tables = kernel_change.scrubbed_tables(two, data)
    assert len(tables.labels) == len(T)
    start = tables.spectrum[tables.spectrum["series"] == "positive"]
    np.testing.assert_allclose(frames_of(start)[-1], np.array([0.4, 0.1]) * 1.5 / 4, rtol=1e-3)
    block = tables.block.set_index(["i", "j"])
    assert block.loc[(2, 2), f"f{len(T) - 1}"] == pytest.approx(-0.2 * 1.5 / 4, rel=1e-2)
    assert block.loc[(1, 2), f"f{len(T) - 1}"] == 0
    function = tables.function[tables.function["series"] == CURVES["order_1"]]
    np.testing.assert_allclose(frames_of(function)[-1], two.seeds[0]["outputs_held_out"][2, -1], rtol=1e-3)
    assert function["angle"].is_monotonic_increasing
    assert b"<svg" in figure(kernel_change.scrubbed_chart(tables, start=3), "svg")


def test_off_the_line_the_function_is_its_distance_from_the_network():
    data = {"name": "sphere", "dim": 3, "size": N, "test_size": HELD_OUT}
    result = by_hand(seed_arrays(), data=data)
    tables = kernel_change.scrubbed_tables(result, generate(result.config.run.data))
    assert CURVES["network"] not in set(tables.function["series"])
    one = tables.function[tables.function["series"] == CURVES["order_0"]]
    outputs = result.seeds[0]["outputs_held_out"]
    np.testing.assert_allclose(frames_of(one)[-1], (outputs[1] - outputs[0])[-1], rtol=1e-3)
    kernel_change.scrubbed_chart(tables).to_dict()


def test_one_checkpoint_is_still_a_page():
    """A dead or diverged run."""
    arrays = {name: array for name, array in seed_arrays(np.zeros(1)).items() if not name.startswith("predicted")}
    result = by_hand(arrays, stop_reason="dead")
    for name in ("order_residual", "order_error"):
        curve = expansion.OVER_TIME[name]
        curve.chart(curve.table(result).frame).to_dict()
    expansion.drift_chart(expansion.drift_table(result).frame, ()).to_dict()
    expansion.modes_chart(expansion.modes_table(result.seeds[0]).frame).to_dict()
    kernel_change.scrubbed_chart(kernel_change.scrubbed_tables(result, generate(result.config.run.data))).to_dict()


ERRORS, CROSSING, DRIFT = (study.LAWS[f"study_{name}"].series for name in ("errors", "crossing", "drift"))


def law_chart(
    name: str, points: pd.DataFrame, lines: pd.DataFrame, axis: str, slopes: dict[str, str]
) -> alt.LayerChart:
    row = study.LAWS[name]
    return study.law_chart(row, points, lines, study.Axes.around(points, lines, axis, row.y_title), slopes)


def grid(depths: tuple[int, ...] = (2,)) -> StudyResult:
    """Errors c L n^-(m+1) of order m on widths 16 to 128, two seeds with a factor of 2 between them."""
    config = StudyConfig.from_dict(
        {"run": {"data": CIRCLE, "seeds": [0, 1]}, "widths": [16, 32, 64, 128], "depths": list(depths)}
    )
    cells = [(depth, width) for depth in depths for width in config.widths]
    rows = [(index, *cell, seed) for index, cell in enumerate(cells) for seed in (0, 1)]
    cell, depth, width, seed = np.array(rows, float).T
    noise = 2.0 ** (seed - 0.5)
    errors = {f"error_order_{m}": noise * depth * width ** -(m + 1.0) for m in range(3)}
    columns = {
        "cell": cell, "depth": depth, "width": width, "seed": seed, "alpha": np.ones_like(width),
        "beta": depth / width, **errors, "error_full": np.full_like(width, 1e-5),
        "bound_P2": 20 * noise * depth / width, "drift": noise * depth / width,
        "drift_predicted": np.full_like(width, np.nan),
    }  # fmt: skip
    return StudyResult(columns, config, {"config_hash": "", "versions": {}, "device": ""})


@pytest.mark.parametrize(("depths", "axis"), [((2,), "width"), ((2, 4), "width"), ((2, 4), "depth"), ((2, 4), "beta")])
def test_laws_pass_through_their_points(depths, axis):
    result = grid(depths)
    points = study.study_table(result, ERRORS, axis).frame
    lines = study.law_table(result, ERRORS, axis)
    chart = law_chart("study_errors", points, lines, axis, study.slope_labels(result, ERRORS, axis))
    assert len(chart.to_dict()["layer"]) > 1
    others = 1 if axis == "beta" else len(points[["width", "depth"]].drop_duplicates()) // points[axis].nunique()
    line = lines[lines["series"] == CURVES["order_0"]]
    assert line["line"].nunique() == others
    if axis != "beta":
        fixed = {"width": 16.0, "depth": 2.0}
        own = line[line["line"].str.contains("2.0|16.0", regex=True)] if others > 1 else line
        at = own.iloc[(own["x"] - fixed[axis]).abs().argsort()[:1]]
        assert at["value"].item() == pytest.approx(2 / 16, rel=1e-6)
        assert at["x"].item() == pytest.approx(fixed[axis])


def test_slopes_are_said_with_their_intervals():
    said = study.slope_labels(grid(), ERRORS, "width")
    assert said[CURVES["order_0"]].startswith(": n^−1.00 [−1.")
    assert said[CURVES["order_1"]].startswith(": n^−2.00 [−2.")
    assert CURVES["full"] not in said


def test_points_at_the_floor_are_hollow():
    points = study.study_table(grid(), ERRORS, "width").frame
    order_2 = points[points["series"] == CURVES["order_2"]]
    assert (order_2["fitted"] == (order_2["value"] > 2e-5)).all()
    assert 0 < order_2["fitted"].sum() < len(order_2)


def test_the_crossing_is_marked_where_it_lies():
    result = grid()
    crossings = result.crossings(0.05)
    assert crossings["error_order_0"] is not None
    assert crossings["error_order_0"].beta == pytest.approx(0.05, rel=1e-6)
    points = study.study_table(result, CROSSING, "beta").frame
    lines = study.law_table(result, CROSSING, "beta")
    chart = study.crossing_chart(points, lines, {}, 0.05, crossings)
    marks = [layer["mark"]["type"] for layer in chart.to_dict()["layer"]]
    assert marks.count("rule") == 2
    far = Crossing(1e9, (1e8, np.inf), True)
    chart = study.crossing_chart(points, lines, {}, 0.05, {"error_order_0": far, "bound_P2": None})
    assert "rule" not in [layer["mark"]["type"] for layer in chart.to_dict()["layer"]]


def test_a_study_without_prediction_draws_what_was_measured():
    table = study.study_table(grid(), DRIFT, "beta")
    assert set(table.frame["series"]) == {MEASURED}
    assert table.notes == ()
    law_chart("study_drift", table.frame, study.law_table(grid(), DRIFT, "beta"), "beta", {}).to_dict()
