import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import vl_convert
from drawing import figure

from benchmarks.animation import synthetic_result
from engine.config import RunConfig
from engine.data import generate
from engine.training.result import RunResult
from pages.charts.animated import animated, frames_of, positive, significant, wide
from pages.charts.evolution import evolution_chart, evolution_tables, timeline_table
from pages.charts.function import TRAIN, function_panel, function_table
from pages.charts.kernel import kernel_panel, kernel_table, modes_table, spectrum_panel, spectrum_table


def _with(result: RunResult, **arrays: np.ndarray) -> RunResult:
    """The result with these arrays in place of its first seed's."""
    seed = dataclasses.replace(result.seeds[0], arrays={**result.seeds[0].arrays, **arrays})
    return dataclasses.replace(result, seeds=(seed, *result.seeds[1:]))


def _on(result: RunResult, data: dict) -> RunResult:
    """The result with another dataset's config."""
    return dataclasses.replace(result, config=RunConfig.from_dict({"data": data, "seeds": [0, 1, 2]}))


def test_a_wide_table_has_a_row_per_item_and_a_column_per_frame():
    table = wide(np.array([[1.0, 2.0, np.nan], [4.0, 5.0, np.inf]]))
    assert table.columns.tolist() == ["f0", "f1"]
    assert table["f1"].tolist()[:2] == [4, 5]
    assert table.loc[2].isna().all()
    assert set(table.dtypes) == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("value", "expected"),
    [(123456.0, 123500.0), (-0.00123449, -0.001234), (0.0, 0.0), (1e-300, 1e-300), (9.9999e300, 1e301)],
)
def test_numbers_are_rounded_to_significant_digits(value, expected):
    assert significant(np.array([value]))[0] == pytest.approx(expected, rel=1e-12)


def test_positive_masks_and_counts_what_a_log_axis_cannot_hold():
    shown, masked = positive(np.array([1.0, 0.0, -1.0, np.nan, np.inf, 1e-40, 1e39]))
    assert masked == 6
    assert shown[0] == 1
    assert np.isnan(shown[1:]).all()


def test_spectrum_table_holds_the_eigenvalues(synthetic):
    table = spectrum_table(synthetic, 1)
    values = synthetic.seeds[1]["eigenvalues"]
    np.testing.assert_allclose(frames_of(table.frame), values, rtol=1e-3)
    np.testing.assert_allclose(table.frame["start"], values[0], rtol=1e-3)
    np.testing.assert_allclose(table.frame["limit"], 16 / np.arange(1, 17) ** 2.0, rtol=1e-3)
    assert table.frame["i"].tolist() == list(range(1, 17))
    # M u of float64, as in engine.quantities.
    np.testing.assert_allclose(table.frame["floor"], 16 * 1.1e-16)
    assert table.notes == ()


def test_spectrum_says_what_it_masks(synthetic):
    values = synthetic.seeds[0]["eigenvalues"].copy()
    values[:, -2:] = -1e-18
    notes = spectrum_table(_with(synthetic, eigenvalues=values)).notes
    assert notes == ("Spectrum: 40 of 320 eigenvalues are not positive, which is rounding, and are not drawn.",)
    values[3] = np.nan
    notes = spectrum_table(_with(synthetic, eigenvalues=values)).notes
    assert notes == ("Spectrum: 54 of 320 eigenvalues are not positive or not finite and are not drawn.",)


def test_the_noise_floor_is_drawn_only_where_eigenvalues_reach_it(synthetic):
    def legend(result):
        return spectrum_panel(spectrum_table(result).frame).layer[0].data["series"].tolist()

    assert "noise floor" not in legend(synthetic)
    values = synthetic.seeds[0]["eigenvalues"].copy()
    values[:, -1] = 1e-16
    assert "noise floor" in legend(_with(synthetic, eigenvalues=values))


def test_function_on_the_circle_runs_from_minus_pi_to_pi(synthetic):
    data = generate(synthetic.config.data)
    frame = function_table(synthetic, data).frame
    held_out = frame[frame["set"] == "held-out points"]
    assert held_out["angle"].is_monotonic_increasing
    assert held_out["angle"].between(-np.pi, np.pi).all()
    angle = held_out["angle"].to_numpy()
    # The synthetic network is (1 - e^-5t) cos 2 theta; test angles are turned by a fraction of a step.
    turned = np.cos(2 * (angle - data.angle_test[0])) * (1 - np.exp(-5))
    np.testing.assert_allclose(held_out["f19"], turned, atol=2e-3)
    target = sum(np.cos(k * angle) for k in (2, 4, 7))
    assert np.corrcoef(target, held_out["target"])[0, 1] == pytest.approx(1)


def test_predictions_of_classes_are_spread_sideways_but_keep_their_target(synthetic):
    data = generate(_on(synthetic, {"name": "parity", "size": 16, "test_size": 32, "dim": 8}).config.data)
    seed = synthetic.seeds[0]
    result = _with(synthetic, f_train=seed["f_train"][:, :16], f_test=seed["f_test"][:, :32])
    frame = function_table(result, data).frame
    assert set(np.round(frame["target"], 6)) == {-1, 1}
    assert (np.abs(frame["place"] - frame["target"]) <= 2 / 6 + 1e-9).all()
    assert frame["place"].nunique() > 30
    side = np.where(frame["set"] == TRAIN, -1, 1)
    assert (side * (frame["place"] - frame["target"]) > 0).all(), "at t = 0 all outputs are equal: none hides another"
    assert len(frame) == 16 + 32


def test_kernel_profile_starts_at_k_0_and_knows_the_limit(synthetic):
    data = generate(synthetic.config.data)
    frame = kernel_table(synthetic, data).frame
    order = np.argsort(frame["angle"].to_numpy() % (2 * np.pi))
    np.testing.assert_allclose(frame["start"].to_numpy()[order], synthetic.seeds[0]["profile"][0], rtol=1e-3)
    np.testing.assert_allclose(frame["limit"].to_numpy()[order], synthetic.limit_profile, rtol=1e-3)


def test_heatmap_holds_each_pair_once(synthetic):
    seed = dataclasses.replace(
        synthetic.seeds[0], arrays={name: a for name, a in synthetic.seeds[0].arrays.items() if name != "profile"}
    )
    kernel = np.arange(16.0).reshape(1, 4, 4) + np.arange(16.0).reshape(1, 4, 4).transpose(0, 2, 1)
    seed = dataclasses.replace(seed, arrays={**seed.arrays, "kernel_shown": kernel})
    result = dataclasses.replace(synthetic, seeds=(seed,))
    frame = kernel_table(result, generate(synthetic.config.data)).frame
    assert len(frame) == 10
    assert frame.loc[(frame["i"] == 2) & (frame["j"] == 4), "f0"].item() == kernel[0, 1, 3]
    figure(animated(kernel_panel(frame), 1), "svg")


def test_labels_say_time_step_and_loss(by_hand):
    result = by_hand({"t": [0, 0.5], "step": [0, 1200], "loss": [0.5, 0.0123], "residual": [1, 0.2]})
    said = timeline_table(result).frame["said"]
    assert said.tolist() == ["t = 0 · step 0 · loss 0.5", "t = 0.5 · step 1,200 · loss 0.0123"]


def test_modes_start_where_they_were_measured(synthetic):
    frame = modes_table(synthetic).frame
    np.testing.assert_allclose(frame["start"], 0.25)
    np.testing.assert_allclose(frame["f19"], np.maximum(np.exp(-16 / np.arange(1, 17) ** 2) / 4, 0), rtol=1e-3)


def test_one_frame_parameter_moves_every_panel(synthetic):
    chart = evolution_chart(evolution_tables(synthetic, generate(synthetic.config.data)), start=5)
    spec = chart.to_dict()
    assert [param["name"] for param in spec["params"]] == ["frame"]
    assert spec["params"][0]["bind"] == {"input": "range", "min": 0, "max": 19, "step": 1, "name": "checkpoint "}
    assert spec["params"][0]["value"] == 5
    assert spec["usermeta"] == {"embedOptions": {"renderer": "canvas"}}
    left, right = spec["vconcat"][1]["hconcat"]
    for panel in (*left["vconcat"], *right["vconcat"]):
        assert "datum['f' + frame]" in json.dumps(panel)
    vl_convert.vegalite_to_vega(spec)


def test_the_payload_is_four_bytes_a_number():
    import pyarrow as pa

    result = synthetic_result(200, 512)
    frame = spectrum_table(result).frame
    assert pa.Table.from_pandas(frame, preserve_index=False).nbytes < 4 * 512 * 200 * 1.05


DIVERGED = {
    "eigenvalues": np.nan,
    "mode_residual": np.inf,
    "f_test": np.nan,
    "f_train": 1e38,
    "profile": np.nan,
    "residual": np.nan,
}


@pytest.mark.parametrize(
    ("case", "frames"),
    [
        ("sound", 1),
        ("sound", 20),
        ("diverged at the end", 2),
        ("never finite", 1),
        ("dead", 2),
        ("all noise", 2),
    ],
)
def test_degenerate_runs_still_give_a_picture(case, frames):
    result = synthetic_result(frames, 16)
    arrays = {name: array.copy() for name, array in result.seeds[0].arrays.items()}
    if case == "diverged at the end":
        for name, value in DIVERGED.items():
            arrays[name][-1] = value
    if case == "never finite":
        for name, value in DIVERGED.items():
            arrays[name][:] = value
    if case == "dead":
        for name in ("eigenvalues", "profile", "f_test", "f_train", "t", "mode_residual"):
            arrays[name][:] = 0
    if case == "all noise":
        arrays["eigenvalues"] = np.sign(np.cos(np.arange(16)))[None] * np.full((frames, 16), 1e-20)
    result = _with(result, **arrays)
    tables = evolution_tables(result, generate(result.config.data))
    assert bool(tables.notes) == (case != "sound")
    figure(evolution_chart(tables, start=frames - 1), "svg")


def test_outputs_beyond_the_axis_are_counted(synthetic):
    f_test = synthetic.seeds[0]["f_test"].copy()
    f_test[-1] = 1e6
    result = _with(synthetic, f_test=f_test)
    table = function_table(result, generate(result.config.data))
    assert table.notes == (f"Function: 256 of {20 * 272:,} outputs lie beyond the axis.",)
    domain = function_panel(table.frame).to_dict()["layer"][1]["encoding"]["y"]["scale"]["domain"]
    assert max(domain) < 10


def test_a_kernel_with_negative_values_is_drawn_around_zero():
    frame = pd.DataFrame({"f0": [1.0, -0.5, 1.0], "i": [1, 1, 2], "j": [1, 2, 2]})
    scale = kernel_panel(frame).to_dict()["encoding"]["color"]["scale"]
    assert scale["domain"][0] == -scale["domain"][1]


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_figures_are_files(synthetic, kind):
    found = figure(animated(spectrum_panel(spectrum_table(synthetic).frame), 20, start=19), kind)
    assert found.startswith(b"<svg" if kind == "svg" else b"\x89PNG")
