"""Charts of a path of spaces that is known in closed form: l_i(t) = i^-(1 + t) in a fixed eigenbasis.

The target is the eigenvector u_m, so that S = mean(l)/l_m, its power is one step at m, and the ball of radius R leaves
(1 - R sqrt(l_m/mean l))^2.
"""

import json
from dataclasses import replace

import altair as alt
import numpy as np
import pandas as pd
import pytest
from drawing import figure

from engine.rkhs.comparison import Space, compared, described, enlargement, interpolant_norms
from engine.rkhs.config import Options, RkhsConfig
from engine.rkhs.motion import between
from engine.rkhs.points import Nested
from engine.rkhs.regression import learning_curves
from engine.rkhs.result import SETS, RkhsResult
from pages.charts import bias, growth, space, space_curves
from pages.charts.animated import frames_of
from pages.charts.over_time import Curve
from pages.charts.space_curves import (
    CURVES,
    FUNCTION_AT_START,
    INWARD,
    KERNEL,
    KERNEL_0,
    LIMIT,
    NETWORK,
    OUTWARD,
    SPACE,
    START,
)

P, T, M, Q = 32, np.array([0.0, 0.5, 1.0]), 3, 8
INDEX = np.arange(1, P + 1)
U = np.linalg.qr(np.random.default_rng(0).standard_normal((P, P)))[0]
SCALARS = ("error", "loo", "ridge", "flag")
REGRESSIONS = ("K_t", "K_t_tuned")


def kernel(t: float) -> np.ndarray:
    return (U * INDEX ** -(1 + t)) @ U.T


def cost(t: float) -> float:
    """S of the target."""
    return float(np.mean(INDEX ** -(1 + t)) * M ** (1 + t))


def seed_arrays(times: np.ndarray = T, curve: bool = True) -> tuple[dict[str, np.ndarray], dict]:
    """What one seed holds, and its reasons by set."""
    y, spaces = U[:, [M - 1]], [Space.of(kernel(t), "float64") for t in times]
    rows, reasons = [], []
    for t, one in zip(times, spaces, strict=True):
        values, reason = described(one, y)
        values |= compared(one, spaces[0], t * y, 2)
        reasons.append(reason)
        row = {f"{where}/{name}": value for where in SETS for name, value in values.items()}
        row |= interpolant_norms(one, spaces[0], y, y)
        row |= {f"{name}_{scalar}": 0.1 * (1 + t) for name in REGRESSIONS for scalar in SCALARS[:3]}
        row |= {f"{name}_flag": 0 for name in REGRESSIONS} | {"network_error": np.exp(-t)}
        angles = 2 * np.pi * np.arange(Q if curve else 0) / Q
        row |= {"curve_network": t * np.cos(angles), "curve_K_t": (1 + t) * np.cos(angles)}
        row |= {"mode_position": np.arange(8), "mode_overlap": np.full(8, 1 - t / 2)}
        row |= {"curve_modes": np.outer(np.ones(8), (1 + t) * np.sin(angles))}
        rows.append(row)
    arrays = {name: np.stack([np.asarray(row[name]) for row in rows]) for name in rows[0]}
    arrays |= {"t": times, "step": np.arange(len(times)), "followed": np.arange(len(times))}
    pairs = between(np.stack([kernel(t) for t in times]), 2)
    arrays |= {f"{where}/{name}": values for where in SETS for name, values in pairs.items()}
    arrays |= {f"{name}_{scalar}": np.array(0.3) for name in ("K_inf", "K_inf_tuned") for scalar in SCALARS[:3]}
    arrays |= {"K_inf_flag": np.array(0), "K_inf_tuned_flag": np.array(0), "curve_K_inf": np.cos(angles)}
    ends = kernel(float(times[0])), kernel(float(times[-1]))
    members = tuple(np.arange(size) for size in (8, 16, 32))
    arrays |= enlargement(Nested(np.zeros((P, 1)), y, members), ends, y, "float64")
    arrays |= learning_curves(ends, y, Options(sizes=(4, 8), draws=4), 0.0, "float64")
    return arrays, dict.fromkeys(SETS, reasons)


def by_hand(count: int = 1, times: np.ndarray = T, curve: bool = True, stop_reason: str = "residual") -> RkhsResult:
    data = {"name": "circle", "size": 16, "test_size": 32, "frequencies": [1]}
    config = RkhsConfig.from_dict({"run": {"data": data, "seeds": list(range(count))}})
    arrays, reasons = seed_arrays(times, curve)
    gap = dict.fromkeys(SETS, 2)
    facts = [{"seed": i, "stop_reason": stop_reason, "gap": gap, "no_decay": reasons} for i in range(count)]
    meta = {"config": config.to_dict(), "config_hash": config.hash, "seeds": facts, "versions": {}, "device": "none"}
    angles = 2 * np.pi * np.arange(Q if curve else 0) / Q
    found = {f"seed{i}/{name}": array.copy() for i in range(count) for name, array in arrays.items()}
    limit, _ = described(Space.of(kernel(0.0), "float64"), U[:, [M - 1]])
    found |= {f"limit/{where}/{name}": np.asarray(value) for where in SETS for name, value in limit.items()}
    found |= {"curve_angle": angles, "curve_target": np.cos(angles), "meta": np.array(json.dumps(meta))}
    return RkhsResult.from_arrays(found)


def with_arrays(result: RkhsResult, **arrays: np.ndarray) -> RkhsResult:
    """The result of one seed with other arrays."""
    return replace(result, seeds=(replace(result.seeds[0], arrays={**result.seeds[0].arrays, **arrays}),))


@pytest.fixture
def two() -> RkhsResult:
    return by_hand(2)


CHOSEN = dict.fromkeys(("norm_target", "norm_function", "dimension", "mode_counts", "space_overlap"), ("held_out",))
CHOSEN |= {"inclusion": ("held_out", 1e-4), "norm_across": (1e-2,), "kernel_error": (True,), "leave_one_out": (False,)}
"""What a reader chooses for a chart."""


def drawn_over(curve: Curve, result: RkhsResult, *chosen: object, log_time: bool = True) -> alt.LayerChart:
    return curve.chart(curve.table(result, *chosen).frame, log_time=log_time)


def drawn(frame: pd.DataFrame, label: str) -> pd.DataFrame:
    return frame[(frame["series"] == label) & (frame["part"] == "all")]


def test_norms_are_those_of_the_closed_form(two):
    frame = space_curves.target_table(two, "held_out").frame
    np.testing.assert_allclose(drawn(frame, SPACE)["value"], [cost(t) for t in T], rtol=1e-9)
    for level in (START, LIMIT):
        np.testing.assert_allclose(drawn(frame, level)["value"], cost(0.0), rtol=1e-9)
    frame = space_curves.function_table(two, "train").frame
    # f = t y costs what y does; at t = 0 there is none.
    np.testing.assert_allclose(drawn(frame, FUNCTION_AT_START)["value"], cost(0.0), rtol=1e-9)
    assert drawn(frame, FUNCTION_AT_START)["t"].min() > 0


def test_inclusion_is_that_of_the_closed_form(two):
    """C^2 = max of the ratio of normed eigenvalues, at one end of the spectrum or the other."""
    frame = space_curves.inclusion_table(two, "held_out", 0.0).frame
    normed = [INDEX ** -(1 + t) / np.mean(INDEX ** -(1 + t)) for t in T]
    outward = [np.sqrt(np.max(now / normed[0])) for now in normed]
    inward = [np.sqrt(np.max(normed[0] / now)) for now in normed]
    np.testing.assert_allclose(drawn(frame, OUTWARD)["value"], outward, rtol=1e-6)
    np.testing.assert_allclose(drawn(frame, INWARD)["value"], inward, rtol=1e-6)


def test_what_is_not_determined_is_counted_and_not_drawn():
    one = with_arrays(by_hand(), **{"held_out/target_S": np.array([0.5, np.nan, np.nan])})
    table = space_curves.target_table(one, "held_out")
    assert len(drawn(table.frame, SPACE)) == 1
    assert "2 values are not determined" in " ".join(table.notes)
    CURVES["norm_target"].chart(table.frame).to_dict()


def test_modes_under_the_noise_floor_are_not_drawn():
    one = with_arrays(by_hand(), **{"held_out/rank": np.array([20, 10, 3])})
    tables = bias.bias_tables(one, 0, "held_out")
    assert len(tables.strength) == 20
    assert np.isnan(frames_of(tables.power)[1][10:]).all()
    assert np.isfinite(frames_of(tables.power)[1][:10]).all()
    assert np.isnan(frames_of(tables.angles)[2]).all()
    frame = space_curves.overlap_table(one, "held_out").frame
    assert len(drawn(frame, "k = 2")) == 3
    assert len(drawn(frame, "k = 8")) == 2
    assert drawn(frame, "k = 32").empty
    bias.bias_chart(tables).to_dict()


def test_errors_that_the_jitter_decides_are_not_drawn():
    one = with_arrays(by_hand(), K_t_flag=np.array([0, 1, 2]), K_t_error=np.array([0.1, np.nan, 1e-12]))
    table = space_curves.error_table(one, tuned=False)
    np.testing.assert_allclose(drawn(table.frame, KERNEL)["value"], [0.1, 1e-9])
    assert "1 value is not determined" in " ".join(table.notes)
    assert "2 kernels cannot be inverted" in " ".join(table.notes)


def test_sizes_at_which_the_jitter_decides_are_not_drawn():
    measured = by_hand().seeds[0]["learning_measured"].copy()
    measured[1, 0, 0] = np.nan
    table = growth.learning_table(with_arrays(by_hand(), learning_measured=measured).seeds[0], with_ridge=False)
    sizes = {name: group["n"].tolist() for name, group in table.frame.groupby("series")}
    assert sizes == {KERNEL_0: [4, 8], growth.KERNEL_T: [8]}
    assert "1 of 4 errors are not determined" in " ".join(table.notes)


def test_errors_and_references(two):
    frame = space_curves.error_table(two, tuned=False).frame
    np.testing.assert_allclose(drawn(frame, NETWORK)["value"], np.exp(-T))
    np.testing.assert_allclose(drawn(frame, KERNEL_0)["value"], 0.1)


@pytest.mark.parametrize(("count", "log_time"), [(1, True), (2, False)])
def test_every_chart_over_time_is_valid_and_asks_one_question(count, log_time):
    result = by_hand(count)
    for name, curve in CURVES.items():
        drawn_over(curve, result, *CHOSEN.get(name, ()), log_time=log_time).to_dict()
    questions = [curve.question for curve in CURVES.values()]
    assert all(question.endswith("?") for question in questions)
    assert len(set(questions)) == len(questions)


def test_learning_curves_hold_prediction_and_interval(two):
    seed = two.seeds[0]
    frame = growth.learning_table(seed, with_ridge=True).frame
    own = frame[frame["series"] == growth.KERNEL_T]
    np.testing.assert_allclose(own["predicted"], seed["learning_predicted"][1, 1])
    np.testing.assert_allclose(own["high"] - own["measured"], 2 * seed["learning_error"][1, 1])
    assert "approximate" in growth.learning_table(seed, with_ridge=False).notes[0]
    assert growth.learning_chart(frame, "with ridge").to_dict()["title"]["subtitle"].startswith("with ridge")


def test_growth_has_a_line_per_space_and_leaves_out_what_is_not_determined(two):
    seed = two.seeds[0]
    table = growth.growth_table(seed)
    rows = table.frame[(table.frame["series"] == "H_T") & (table.frame["function"] == "target")]
    np.testing.assert_allclose(rows["value"], seed["grid_norm"][1, 0])
    # On all points the target is an eigenvector: y^T K^-1 y = 1/l_m.
    assert rows["value"].iloc[-1] == pytest.approx(float(M) ** 2, rel=1e-6)
    undetermined = with_arrays(by_hand(), grid_norm=np.full_like(seed["grid_norm"], np.nan))
    empty = growth.growth_table(undetermined.seeds[0])
    assert empty.frame["value"].isna().all()
    assert "18 of 18 norms are not determined" in empty.notes[0]
    for frame in (table.frame, empty.frame):
        growth.growth_chart(frame).to_dict()


def test_the_fit_is_drawn_on_the_power_law(two):
    tables = bias.bias_tables(two, 0, "held_out")
    for row, t in enumerate(T):
        expected = tables.fit["i"].to_numpy() ** -(1 + t)
        np.testing.assert_allclose(frames_of(tables.fit)[row], expected, rtol=0.02)
    steps = frames_of(tables.power)
    np.testing.assert_allclose(steps[0], (INDEX >= M).astype(float), atol=1e-6)
    assert len(tables.labels) == len(T)
    assert b"<svg" in figure(bias.bias_chart(tables, start=2), "svg")


def test_the_frontier_is_that_of_the_closed_form(two):
    tables = space.space_tables(two, 0)
    for row, t in enumerate(T):
        radius = tables.frontier[f"g{row}"].to_numpy(float)
        expected = (1 - radius / np.sqrt(cost(t))) ** 2
        known = np.isfinite(radius) & (expected > 1e-2)
        assert known.sum() > 10
        np.testing.assert_allclose(tables.frontier[f"f{row}"].to_numpy(float)[known], expected[known], rtol=2e-2)
    assert b"<svg" in figure(space.space_chart(tables, start=1), "svg")


def test_functions_are_drawn_at_their_own_time(two):
    tables = space.space_tables(two, 0)
    assert tables.functions is not None
    assert tables.modes is not None
    network = tables.functions[tables.functions["series"] == NETWORK]
    np.testing.assert_allclose(frames_of(network)[2], np.cos(network["angle"]), atol=1e-3)
    still = tables.functions[tables.functions["series"] == KERNEL_0]
    np.testing.assert_allclose(still["f0"], np.cos(still["angle"]), atol=1e-3)
    mode = tables.modes[tables.modes["mode"] == 1]
    np.testing.assert_allclose(frames_of(mode)[2], 2 * mode["start"], atol=1e-3)


def test_a_domain_without_a_curve_says_so():
    tables = space.space_tables(by_hand(curve=False), 0)
    assert tables.functions is None
    assert "not drawn" in tables.notes[0]
    space.space_chart(tables).to_dict()


def test_one_checkpoint_is_still_a_page():
    """A run that diverged at once, or never trained."""
    result = by_hand(times=np.zeros(1), stop_reason="dead")
    for name in ("norm_target", "norm_function"):
        drawn_over(CURVES[name], result, "held_out").to_dict()
    bias.bias_chart(bias.bias_tables(result, 0, "train")).to_dict()
    space.space_chart(space.space_tables(result, 0)).to_dict()
