"""When the kernel has stopped, and the circle by frequency: sentences and charts of numbers that are known."""

import re

import altair as alt
import followed_spaces as followed
import numpy as np
import pandas as pd
import pytest
from drawing import figure
from followed_spaces import F, S, T, ends, result, seed

from engine.cost import estimate
from engine.rkhs.config import frozen_flops
from engine.rkhs.result import RkhsResult
from pages.charts import frequencies, stopped
from pages.charts.animated import frames_of
from pages.views import frequency_words, stopped_words


def said(found: RkhsResult, tolerance: float = 0.1) -> str:
    return " ".join(stopped_words.sentences(found, "held_out", tolerance))


def test_from_when_on_the_kernel_could_have_been_held_fixed() -> None:
    text = said(result(seed()))
    assert "**From t = 2 on the kernel could have been held fixed**" in text
    assert "within 10% of $\\|f_T - f_0\\|$ of the network, held out" in text
    assert "50% of the steps come after it" in text
    assert "Its held-out error at the stop would have been 0.4; going on gave 0.2." in text
    assert "moves by another 20% of its norm on held-out points: 16% in its eigenvalues and 12% by rotation" in text
    assert "CKA is 0.8." in text


def test_what_it_saves_is_counted_in_operations_and_can_be_nothing() -> None:
    """Half of 40 steps of this network cost less than one kernel on 20 points."""
    found = result(seed())
    steps = 40 * estimate(found.config.run).step_flops
    expected = 0.5 - frozen_flops(found.config) / steps
    np.testing.assert_allclose(found.operations_left(found.seeds[0])[2], expected)
    costs = "but one kernel with its eigenvectors costs more operations than they do" in said(found)
    assert costs == (expected <= 0)
    long = result(seed(step=np.array([0, 10**6, 2 * 10**6, 4 * 10**6])))
    assert "one kernel with its eigenvectors taken off, 50% of the operations" in said(long)
    both = result(seed(), seed(1, step=np.array([0, 10**6, 2 * 10**6, 4 * 10**6])))
    assert ("in some seeds" in said(both)) == (expected <= 0)


@pytest.mark.parametrize(("integrator", "stages"), [("gd", 1), ("rk4", 4)])
def test_steps_of_a_kernel_held_fixed_by_a_loss_of_classes_are_counted(integrator: str, stages: int) -> None:
    """2 n^2 k operations each, and no eigenvectors."""
    learned = {"target": "sign"}, {"loss": "logistic", "integrator": integrator}
    found = result(seed(), data=learned[0], training=learned[1])
    step, squares = estimate(found.config.run).step_flops, result(seed()).config
    kernel = frozen_flops(squares) - 10 * 4**3
    expected = 0.5 * (1 - stages * 2 * 4**2 / step) - kernel / (40 * step)
    np.testing.assert_allclose(found.operations_left(found.seeds[0])[2], expected)
    assert "one kernel with its steps costs more" in said(found) or "one kernel with its steps taken off" in said(found)


@pytest.mark.parametrize(
    ("at_the_stop", "words"),
    [
        ([0.5, 0.5, 0.5, 0.0], "**No kernel held fixed before the stop ends within 10%"),
        ([0.02, 0.01, 0.0, 0.0], "**The kernel at the start, held fixed, already ends within 10%"),
        ([0.5, 0.05, 0.05, 0.0], "**From t = 1 on"),
    ],
)
def test_the_answer_follows_the_numbers(at_the_stop: list[float], words: str) -> None:
    assert words in said(result(seed(frozen_departure=ends(at_the_stop))))


def test_a_finer_tolerance_is_met_later_and_seeds_are_counted() -> None:
    fine = said(result(seed()), 0.01)
    assert "No kernel held fixed before the stop ends within 1%" in fine
    mixed = said(result(seed(), seed(1, frozen_departure=ends([0.5, 0.5, 0.5, 0.0]))))
    assert "**From t = 2 on the kernel could have been held fixed** in 1 of 2 seeds" in mixed


def test_nothing_is_said_where_no_law_is_known() -> None:
    assert said(result(seed(left_out=["frozen_departure"]))) == ""
    assert said(result(seed(stop_reason="dead"))) == ""
    assert said(result(seed(frozen_departure=ends([np.nan, 0.05, 0.05, 0.0])))) == ""
    assert said(result(seed(checkpoints=2))) == ""


def test_the_rest_of_the_run_is_drawn_from_the_frame_s_checkpoint() -> None:
    found = result(seed())
    tables = stopped.stop_tables(found, 0, "held_out")
    assert tables.errors is not None
    errors = frames_of(tables.errors)
    np.testing.assert_allclose(errors[1], [np.nan, 0.6, 0.5, 0.4], rtol=1e-3)
    drift = tables.distances[tables.distances["series"] == "distance"]
    np.testing.assert_allclose(frames_of(drift)[2], np.abs(T - 2) / 10, rtol=1e-3, atol=1e-9)
    assert len(tables.labels) == S
    assert b"<svg" in figure(stopped.stop_chart(tables, start=1), "svg")
    without = stopped.stop_tables(result(seed(left_out=["frozen_error", "frozen_departure"])), 0, "train")
    assert without.errors is None
    stopped.stop_chart(without).to_dict()


@pytest.mark.parametrize(
    ("training", "why"),
    [
        ({"momentum": 0.5, "batch_size": 2}, "is not followed with momentum and minibatches: its error is not drawn."),
        ({"weight_decay": 0.1}, "is not followed with weight decay"),
        ({"loss": "logistic"}, "This result is older"),
    ],
)
def test_why_a_kernel_held_fixed_is_not_drawn(training: dict, why: str) -> None:
    found = result(seed(left_out=["frozen_error", "frozen_departure"]), data={"target": "sign"}, training=training)
    (note,) = stopped.stop_tables(found, 0, "train").notes
    assert why in note


def test_a_kernel_that_diverges_when_held_fixed_does_not_take_the_axes() -> None:
    """A kernel above the stability limit carries the function to 1e113: the axes end where something can be seen."""
    errors = np.where(np.arange(S)[:, None] == 0, 1e113, 0.4) * np.triu(np.ones((S, S)))
    errors[errors == 0] = np.nan
    found = result(seed(frozen_departure=ends([1e113, 0.5, 0.05, 0.0]), frozen_error=errors))
    tables = stopped.stop_tables(found, 0, "held_out")
    assert "beyond the end, 100 times the network's largest" in " ".join(tables.notes)
    ends_of_axes = re.findall(r'"domain": \[[-\d.e]+, ([\d.e+]+)\]', stopped.stop_chart(tables).to_json(indent=None))
    assert ends_of_axes
    assert max(map(float, ends_of_axes)) < 1e3
    departure = stopped.departure_table(found, 0.1)
    drawn = stopped.CURVES["departure"].chart(departure.frame, log_time=True).to_dict()
    assert "values above 10 leave the axis" in str(drawn["title"])
    assert all(layer["encoding"]["y"]["scale"]["domain"][1] < 12 for layer in drawn["layer"])
    pairs = stopped.pairs_table(found.seeds[0], "frozen_departure")
    assert "beyond the end, 10" in pairs.notes[-1]
    scale = stopped.pairs_chart(pairs.frame, "frozen_departure").to_dict()["encoding"]["color"]["scale"]
    assert scale["clamp"]
    assert scale["domain"][1] == 10


@pytest.mark.parametrize("name", ["motion_drift", "motion_rotation", "motion_cka", "motion_overlap"])
def test_pairs_of_a_kernel_that_does_not_move_are_one_colour(name: str) -> None:
    """Of the readout alone: what differs is rounding, under a hundredth of the colours, else they are all used."""
    base = 1.0 if name in ("motion_cka", "motion_overlap") else 0.0

    def share(moved: float) -> float:
        values = base + moved * np.random.default_rng(0).uniform(-1 if base else 0, 0 if base else 1, 16)
        frame = pd.DataFrame({"row": np.repeat(range(4), 4), "column": np.tile(range(4), 4), "value": values})
        frame = frame.assign(s=frame["row"].astype(str), t=frame["column"].astype(str))
        low, high = stopped.pairs_chart(frame, name).to_dict()["encoding"]["color"]["scale"]["domain"]
        return (values.max() - values.min()) / (high - low)

    assert share(1e-15) < 0.01
    assert share(0.3) > 0.8


def test_curves_over_the_time_of_stopping() -> None:
    found = result(seed(), seed(1))
    frame = stopped.departure_table(found, 0.1).frame
    own = frame[(frame["series"] == stopped.DEPARTURE) & (frame["part"] == "all")]
    np.testing.assert_allclose(own["value"], [0.5, 0.2, 0.05, 0.0])
    saved = stopped.saved_table(found).frame
    steps = saved[(saved["series"] == stopped.STEPS) & (saved["part"] == "all")]
    np.testing.assert_allclose(steps["value"], [1.0, 0.75, 0.5, 0.0])
    for name, chosen in (("departure", (0.1,)), ("saved", ())):
        curve = stopped.CURVES[name]
        assert isinstance(curve.chart(curve.table(found, *chosen).frame).to_dict(), dict)


@pytest.mark.parametrize("name", stopped.PAIRS)
def test_every_pair_is_drawn_once(name: str) -> None:
    one = seed()
    table = stopped.pairs_table(one, f"held_out/{name}")
    assert len(table.frame) == S * S
    assert not table.notes
    row = table.frame[(table.frame["s"] == "1") & (table.frame["t"] == "4")]
    assert row["value"].item() == pytest.approx(one[f"held_out/{name}"][1, 3])
    assert b"<svg" in figure(stopped.pairs_chart(table.frame, name), "svg")


def test_a_fixed_kernel_has_later_pairs_only_and_missing_ones_are_counted() -> None:
    table = stopped.pairs_table(seed(), "frozen_departure")
    assert len(table.frame) == S * (S + 1) / 2
    assert not table.notes
    missing = stopped.pairs_table(seed(frozen_departure=ends([np.nan, 0.1, 0.1, 0.0])), "frozen_departure")
    assert "1 of 10 pairs have no finite value" in missing.notes[0]


# The circle by frequency.


def told(found: RkhsResult) -> str:
    return " ".join(frequency_words.sentences(found))


def test_strengths_against_the_closed_form() -> None:
    text = told(result(seed()))
    assert "within 10% of $M\\lambda_k$ for k = 0, 1 and 2, at most 0% off at k = 0" in text
    assert "in $K_T$ it is 1.5 to 1.5 times that" in text
    off = np.outer(np.ones(S), [4.0, 3.0, 1.05])
    text = told(result(seed(frequency_strength=off)))
    assert "for k = 0 and 2, at most 50% off at k = 1" in text
    assert "nowhere within 10%" in told(result(seed(frequency_strength=2 * np.outer(np.ones(S), [4.0, 2.0, 1.0]))))


def test_leaks_decay_and_exchange() -> None:
    text = told(result(seed()))
    assert "other frequencies get 20% at k = 1 (30% in $K_T$) and 40% at k = 2 (60% in $K_T$), where a grid" in text
    assert "left of the residual 10% at k = 1 (foretold 0.034%) and 10% at k = 2 (foretold 1.8%)" in text
    assert "between different frequencies stayed at −0.15" in text
    crowded = told(result(seed(), data={"density": 0.5}))
    assert "other frequencies get 20% at k = 1" in crowded
    assert "where a grid" not in crowded
    tiny = np.full((S, F), 1e-9) + np.array([0.05, 0.8, 0.5]) * (np.arange(S) == 0)[:, None]
    assert "(foretold under 0.01%)" in told(result(seed(frequency_foretold=tiny)))


def test_the_panels_hold_what_was_measured() -> None:
    found = result(seed())
    tables = frequencies.frequency_tables(found, 0)
    np.testing.assert_allclose(frames_of(tables.strength)[3], [6.0, 3.0, 1.5])
    np.testing.assert_allclose(tables.strength["operator"], [4.0, 2.0, 1.0])
    larger = tables.angles[tables.angles["j"] == 1]
    np.testing.assert_allclose(frames_of(larger)[0], np.degrees(0.25), rtol=1e-3)
    # Without a rest, three by three: shares of 3 - .4.
    assert len(tables.power) == F * F
    np.testing.assert_allclose(frames_of(tables.power)[0].sum(), 1.0, rtol=5e-3)
    assert b"<svg" in figure(frequencies.frequency_chart(tables, start=2), "svg")
    rest = np.array(followed.seed()["frequency_power"])
    rest[:, -1, -1] = 1.0
    assert len(frequencies.frequency_tables(result(seed(frequency_power=rest)), 0).power) == (F + 1) ** 2
    dark = result(seed(frequency_strength=np.zeros((S, F))), frequency_operator=np.full(F, np.nan))
    tables = frequencies.frequency_tables(dark, 0)
    assert "12 of 12 strengths are not positive" in tables.notes[0]
    frequencies.frequency_chart(tables).to_dict()


def test_frequencies_over_time_and_the_spectrum() -> None:
    found = result(seed(), seed(1))
    assert frequencies.leading(found, 2) == [1, 2]
    frame = frequencies.decay_table(found).frame
    assert set(frame["series"]) == {f"k = {k}{more}" for k in range(3) for more in ("", ", foretold")}
    own = frame[(frame["series"] == "k = 1") & (frame["part"] == "all")]
    np.testing.assert_allclose(own["value"], 0.8 * np.array([1.0, 0.5, 0.2, 0.1]))
    np.testing.assert_allclose(frequencies.exchanged(found.seeds[0]), -0.4 / 2.6)
    for curve in frequencies.CURVES.values():
        assert isinstance(curve.chart(curve.table(found).frame), alt.LayerChart)
        curve.chart(curve.table(found).frame, log_time=False).to_dict()
    table = frequencies.spectrum_table(found, 0)
    assert "2 of 12 eigenvalues lie under the noise floor" in table.notes[0]
    drawn = table.frame[table.frame["series"] == frequencies.OPERATOR_SPECTRUM]
    np.testing.assert_allclose(drawn["value"], [4.0, 2.0, 2.0, 1.0])
    assert b"<svg" in figure(frequencies.spectrum_chart(table.frame), "svg")
