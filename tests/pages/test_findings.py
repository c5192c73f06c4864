"""Sentences about a run's precision and stability: what permits each, and what silences it."""

import numpy as np
import pytest
from small_runs import result, seed

from engine.training.result import RunResult
from pages.views.evolution_words import dropped, headlines, sentences


def said(found: RunResult) -> str:
    return "\n".join(sentences(found))


def test_float64_is_named_with_its_reason_and_only_where_it_was_needed() -> None:
    reason = "rounding in float32 would move the function by 0.0083 of the first residual"
    doubled = seed(1, precision="float64", precision_reason=reason)
    assert "float64" not in said(result(seed()))
    assert f"Seed 1 trained in float64: {reason}." in said(result(seed(), doubled))
    assert f"This run trained in float64: {reason}." in said(result(doubled))


@pytest.mark.parametrize(("rounding", "warned"), [(9e-4, False), (0.02, True), (None, False)])
def test_rounding_beyond_a_thousandth_is_warned_of(rounding: float | None, warned: bool) -> None:
    assert ("moves the function at the start by" in said(result(seed(rounding=rounding)))) is warned


def test_a_run_that_overflows_is_neither_stable_nor_has_it_moved() -> None:
    start = seed(stop_reason="diverged", steps=0)
    text = said(result(start))
    assert "the outputs overflow at the start" in text
    assert "stable" not in text
    assert "moved" not in text


def test_the_drift_of_a_diverged_seed_is_no_number() -> None:
    gone = seed(1, "diverged")
    gone.arrays["drift"][-1] = 2.28e15
    assert result(seed(), gone).summary["drift"] == [0.5, None]
    found = {one.label: one.value for one in headlines(result(gone))}
    assert found["drift"] == "—"


def test_a_drift_under_the_kernels_own_rounding_is_no_number() -> None:
    assert result(seed(kernel_rounding=0.6)).summary["drift"] == [None]
    assert result(seed(kernel_rounding=0.4)).summary["drift"] == [0.5]


def test_minibatches_are_not_called_stable() -> None:
    assert "stable, the limit is 2" in said(result(seed()))
    text = said(result(seed(), batch_size=1))
    assert "does not bound steps on 1 points" not in text
    assert "does not bound steps on 1 point" in text
    assert "stable" not in text
    assert "stable, the limit is 2" in said(result(seed(), batch_size=4))


def test_dropped_checkpoints_are_counted() -> None:
    assert dropped([{"seed": 3, "dropped_checkpoints": 0}, {"seed": 4}]) == []
    (text,) = dropped([{"seed": 3, "dropped_checkpoints": 2}])
    assert "Seed 3: the last 2 checkpoints" in text
    gone = seed(0, "diverged")
    gone.arrays["residual"][-1] = np.inf
    assert "the last 1 checkpoint " in said(result(gone))


def test_the_decay_exponent_is_that_of_a_power_law_at_both_ends() -> None:
    """Eigenvalues i^-2, then i^-3; an exponential is no power law."""
    i = np.arange(1.0, 65)
    power, exponential = np.stack([i**-2, i**-3]), np.stack([np.exp(-0.1 * i)] * 2)

    def shown(*spectra: np.ndarray) -> str:
        seeds = [seed(place) for place in range(len(spectra))]
        for one, values in zip(seeds, spectra, strict=True):
            one.arrays["eigenvalues"] = values
        return {one.label: one.value for one in headlines(result(*seeds))}["decay exponent"]

    assert shown(power) == "2 → 3"
    assert shown(power, exponential) == "2 → 3"
    assert shown(exponential) == "—"
