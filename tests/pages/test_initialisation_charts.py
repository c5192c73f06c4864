"""What the charts at initialisation draw: exact numbers, limits, flags, masks."""

import json
from pathlib import Path

import altair as alt
import numpy as np
import pytest
from drawing import figure

from engine.initialisation.config import GramSpectrumConfig, SampleConfig
from engine.initialisation.job import gram_spectra, sample
from engine.initialisation.law import law_of
from engine.initialisation.moments import moments
from engine.initialisation.result import DriftResult, GramResult, SampleResult
from pages.charts import initial_drift, initial_law, initial_ratio
from pages.views import initial_curves, initial_points
from pages.views.initial_curves import Span
from pages.views.initial_network import Network

ROWS = json.loads((Path(__file__).parents[1] / "engine" / "initialisation" / "hanin_nica.json").read_text())["rows"]
EQUAL = [row for row in ROWS if len(set(row["widths"][1:-1])) == 1]
LINEAR = Network(10, (("readout", "linear"),))


def at(frame, row):
    depth = len(row["widths"]) - 2
    return frame[(frame["width"] == row["widths"][1]) & (frame["depth"] == depth)].iloc[0]


@pytest.mark.parametrize("row", EQUAL, ids=lambda row: f"{row['widths'][0]}-{len(row['widths'])}-{row['readout']}")
def test_curves_go_through_the_reference_numbers(row):
    widths, depth = row["widths"], len(row["widths"]) - 2
    law = law_of((widths[0], 1, 1), readout=row["readout"], norm_x_squared=row["norm_x_squared"])
    span = Span("depth", depth)
    found = at(initial_curves.second_moment_table(law, (widths[1],), span).frame, row)
    assert found["ratio"] == pytest.approx(row["ratio"], rel=1e-9)
    assert found["weights"] == pytest.approx(row["E_Kw2"] / row["E_Kw"] ** 2, rel=1e-9)
    assert found["bias"] == pytest.approx(row["E_Kb2"] / row["E_Kb"] ** 2, rel=1e-9)
    assert found["mixed"] == pytest.approx(row["E_KwKb"] / row["E_Kw"] / row["E_Kb"], rel=1e-9)
    for target in (0, 1):
        drift = row[f"E_dK_y{target}"]
        found = at(initial_curves.first_step_table(law, (widths[1],), span, target).frame, row)
        assert found["sign"] * found["size"] == pytest.approx(drift / row["E_K"], rel=1e-9)


def test_the_prefactor_is_that_of_the_theory_notes():
    frame = initial_curves.second_moment_table(LINEAR.law, (512,), Span("beta", 2)).frame
    for beta, prefactor in ((0.125, 0.68), (0.25, 0.47), (0.5, 0.25), (1, 0.10), (2, 0.037)):
        assert np.interp(beta, frame["beta"], frame["prefactor"]) == pytest.approx(prefactor, rel=0.03)


def test_the_local_slope_is_the_derivative_and_tends_to_five():
    frame = initial_curves.second_moment_table(LINEAR.law, (512,), Span("beta", 4)).frame
    middle = (frame["beta"].to_numpy()[1:] + frame["beta"].to_numpy()[:-1]) / 2
    slope = np.diff(np.log(frame["ratio"])) / np.diff(frame["beta"])
    assert np.interp(middle, frame["beta"], frame["slope"])[3:] == pytest.approx(slope[3:], rel=0.02)
    assert 4 < frame["slope"].iloc[-1] < 5
    limit = initial_curves.limit_table(LINEAR.s1, 4.0, 1.0)
    assert np.interp(1.0, limit["beta"], limit["slope"]) == pytest.approx(
        np.interp(1.0, frame["beta"], frame["slope"]), rel=0.03
    )


def test_wide_curves_approach_the_scaling_limit_which_a_relu_readout_doubles():
    for readout, factor in (("linear", 1.0), ("relu", 2.0)):
        network = Network(10, (("readout", readout),))
        frame = initial_curves.second_moment_table(network.law, (1024,), Span("beta", 1)).frame
        limit = initial_curves.limit_table(network.s1, 1.0, factor)
        assert np.interp(1.0, limit["beta"], limit["ratio"]) == pytest.approx(frame["ratio"].iloc[-1], rel=0.03)


def test_the_first_step_starts_at_eight_thirds():
    frame = initial_curves.first_step_table(LINEAR.law, (100_000,), Span("depth", 400), 0.0).frame
    assert frame["prefactor"].iloc[-1] == pytest.approx(8 / 3, rel=0.03)


def test_monte_carlo_breaks_down_where_the_theory_notes_say():
    # n = 128: 2e5 draws at beta .5, 2e9 at 1.
    assert initial_curves.breakdown(LINEAR.law, (128,), Span("beta", 2), 2e5)[128] == pytest.approx(0.5, abs=0.04)
    assert initial_curves.breakdown(LINEAR.law, (128,), Span("beta", 2), 2e9)[128] == pytest.approx(1.0, abs=0.06)
    assert initial_curves.breakdown(LINEAR.law, (128,), Span("beta", 0.25), 1e6) == {}


def test_the_trap_looks_like_one():
    law = Network(10, (("sigma_w", 1.0),)).law
    frame = initial_curves.second_moment_table(law, (256,), Span("beta", 2)).frame
    assert frame["ratio"].max() < 1.02


def test_what_a_log_axis_cannot_show_is_left_out_and_said():
    table = initial_curves.second_moment_table(LINEAR.law, (1,), Span("depth", 1000))
    assert table.frame["ratio"].isna().any()
    assert "not drawn" in table.notes[0]
    table = initial_curves.second_moment_table(LINEAR.law, (100_000,), Span("beta", 1))
    assert table.frame["depth"].max() == initial_curves.DEEPEST
    assert "end at 1,024" in table.notes[0]


def test_depths_end_where_the_range_ends():
    for width in (1, 7, 16, 100):
        assert all(depth / width <= 0.6 or depth == 1 for depth in Span("beta", 0.6).depths(width, 5))
    assert Span("depth", 9).depths(50, 3) == [3, 6, 9]


def _result(**values):
    config = SampleConfig.from_dict({"setting": {"widths": [10, 8, 8, 1]}, "draws": 4000, **values})
    return config, sample(config)["result"]


def test_sampler_points_agree_with_the_exact_curve():
    config, arrays = _result()
    wanted = initial_points.Point("initial_sample", config, 0.0, initial_points.SAMPLER, 8, 2)
    law = law_of((10, 8, 8, 1))
    exact = moments(law)
    (ratio,) = initial_points.ratio_points({wanted: arrays}).to_dict("records")
    assert ratio["low"] < np.exp(exact.log_ratio[0]) * 1.05
    assert ratio["high"] > np.exp(exact.log_ratio[0]) * 0.95
    (drift,) = initial_points.drift_points({wanted: arrays}, lambda wanted: law).to_dict("records")
    error = (drift["high"] - drift["value"]) / 1.96
    assert abs(drift["value"] + exact.E_dK()[0] / np.exp(exact.log_E_K[0])) < 4 * error
    assert drift["sign"] == -1


def test_a_finite_step_is_marked_where_the_rate_s_own_draws_do_not_suffice():
    config, _ = _result()
    arrays = {"sizes": [0.01], "change_mean": [-0.01], "change_error": [0.001], "K_mean": 2.0}
    shallow, deep = (
        initial_points.Point("first_step", config, 0.0, initial_points.STEP, 64, depth) for depth in (1, 64)
    )
    laws = {wanted: law_of((10, *(64,) * wanted.depth, 1)) for wanted in (shallow, deep)}
    frame = initial_points.drift_points(dict.fromkeys(laws, arrays), laws.get)
    assert frame["trusted"].tolist() == ["not known", "no"]
    assert initial_points.drift_points({deep: arrays}, lambda _: None)["trusted"].tolist() == ["not known"]


def test_histogram_and_log_normal_are_densities():
    _, arrays = _result(first_step=False)
    frame = initial_law.histogram_table(SampleResult(arrays))
    assert (frame["density"] * np.log10(frame["high"] / frame["low"])).sum() == pytest.approx(1)
    assert frame["count"].sum() == 4000
    assert frame["tail"].iloc[0] == 1
    assert np.all(np.diff(frame["tail"]) < 0)
    law = initial_law.lognormal_table(0.3, 0.5, 1e-6, 1e6)
    decades = np.log10(law["K"])
    assert np.trapezoid(law["density"], decades) == pytest.approx(1, rel=1e-4)
    assert np.trapezoid(law["density"] * law["K"], decades) == pytest.approx(np.exp(0.3), rel=1e-4)
    second = np.trapezoid(law["density"] * law["K"] ** 2, decades)
    assert second == pytest.approx(np.exp(0.5 + 0.6), rel=1e-3)
    assert np.interp(0.3 - 0.25, np.log(law["K"]), law["tail"]) == pytest.approx(0.5, abs=0.01)
    assert initial_law.lognormal_table(0.3, 0.0, 1, 2).empty


def test_spectra_mask_rounding():
    config = GramSpectrumConfig.from_dict(
        {"setting": {"widths": [2, 30, 1], "readout": "linear"}, "points": 6, "inputs": "circle", "draws": 4}
    )
    table = initial_law.spectrum_table(GramResult(gram_spectra(config)["result"]))
    assert len(table.frame) == 6
    flat = initial_law.spectrum_table(GramResult({"spectra": np.array([[1.0, 0.5, 1e-17], [1.2, 0.4, -1e-18]])}))
    assert flat.frame["mean"].isna().tolist() == [False, False, True]
    assert "rounding" in flat.notes[0]


def all_charts():
    widths, span = (8, 32), Span("beta", 0.5)
    config, arrays = _result()
    drawn = {initial_points.Point("initial_sample", config, 0.0, initial_points.SAMPLER, 8, 2): arrays}
    law = LINEAR.law
    assert law is not None
    second = initial_curves.second_moment_table(law, widths, span).frame
    drift = initial_curves.first_step_table(law, widths, span, 0.0).frame
    limit = initial_curves.limit_table(LINEAR.s1, 0.5, 1.0)
    histogram = initial_law.histogram_table(SampleResult(arrays))
    lognormal = initial_law.lognormal_table(1.0, 0.5, *initial_law.reach(histogram, 1.0))
    spectra = initial_law.spectrum_table(
        GramResult({"spectra": np.array([[3.0, 1.0], [2.0, 0.5]]), "infinite_width": np.array([2.5, 1])})
    )
    ratio = initial_points.ratio_points(drawn)
    size = initial_points.drift_points(drawn, lambda wanted: None)
    slopes = drift[["beta", "size"]]
    row = np.array([-0.1, -0.2])
    flow = {"times": np.array([0.1, 1.0]), "change_mean": row, "change_error": -row / 9, "extrapolation": row}
    flow |= {"change_quantiles": np.stack([2 * row, row, -row]), "residual_mean": -row, "K_mean": np.array(2.0)}
    return {
        "beyond": initial_drift.beyond_chart(initial_drift.beyond_table(DriftResult(flow))),
        "ratio": initial_ratio.ratio_chart(second, limit, ratio, widths, 0.5, 1.0, (0.3, "over|here")),
        "no law": initial_ratio.ratio_chart(None, None, ratio, widths, 0.5),
        "prefactor": initial_ratio.prefactor_chart(second, limit, widths, 0.5),
        "slope": initial_ratio.slope_chart(second, None, widths, 0.5),
        "parts": initial_ratio.parts_chart(initial_ratio.parts_table(second, 8), 0.5),
        "drift": initial_drift.drift_chart(drift, slopes, size, widths, 0.5),
        "drift without law": initial_drift.drift_chart(None, slopes, size, widths, 0.5),
        "drift prefactor": initial_drift.drift_prefactor_chart(drift, widths, 0.5),
        "sign": initial_drift.sign_chart(drift, widths, 0.5),
        "density": initial_law.density_chart(histogram, lognormal, 1.0),
        "tail": initial_law.tail_chart(histogram, lognormal, 1.0),
        "spectrum": initial_law.spectrum_chart(spectra.frame),
        "relative": initial_law.relative_chart(spectra.frame),
    }


def test_charts_are_valid_and_become_figures():
    for name, chart in all_charts().items():
        assert isinstance(chart, alt.LayerChart), name
        chart.to_dict()
    assert figure(all_charts()["ratio"], "svg").startswith(b"<svg")
    assert figure(all_charts()["sign"], "png").startswith(b"\x89PNG")
