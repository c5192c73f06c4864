"""The map of theory.md 6, whole: its boundaries and what depth adds at fixed beta.

The setting leaves the 16 points open (a seed means other points in other code), and they matter as much as the seeds of
the networks: between draws of the points the lazy boundary moves by a factor 2. Four draws are computed, and the
figures of theory.md have to lie among theirs.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from cache import Store, cached_compute
from engine.regimes.boundaries import boundary, largest_if_not_finite
from engine.regimes.collapse import collapses
from engine.regimes.requests import SweepConfig
from engine.regimes.runs import runs_frame

TRIAL = Path(__file__).parents[2] / "data" / "trials" / "regimes.yaml"
DRAWS = (0, 1, 2, 3)
KEPT = "KERNEL_DRIFT_TRIALS"
"""Names a folder in which cells are kept between runs of this test, which takes minutes."""

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def maps() -> list[pd.DataFrame]:
    """The runs of the map for each draw of its points."""
    store = Store(Path(os.environ[KEPT]) if KEPT in os.environ else None)
    trial, found = yaml.safe_load(TRIAL.read_text()), []
    for seed in DRAWS:
        trial["base"]["data"]["seed"] = seed
        sweep = SweepConfig.from_dict(trial)
        results = {part.hash: cached_compute(store, "cell", part) for cell in sweep.cells for part in cell.parts}
        found.append(runs_frame(sweep, results))
    store.close()
    return found


@pytest.mark.parametrize(
    ("metric", "threshold", "low", "high"),
    [
        ("elt", 0.1, 0.0105, 0.0175),
        ("elt", 0.2, 0.030, 0.048),
        ("elt", 0.5, 0.107, 0.171),
        ("drift", 1.0, 0.13, 0.30),
        ("failed", 0.5, 0.86, 1.65),
    ],
)
def test_boundaries_are_those_of_theory_md_6(
    maps: list[pd.DataFrame], metric: str, threshold: float, low: float, high: float
) -> None:
    """At least one draw has its boundary inside the interval of theory.md 6, and the median draw's band meets it."""
    edges = []
    for runs in maps:
        beyond = largest_if_not_finite(runs[metric].to_numpy(float)) > threshold
        edges.append(boundary(runs["beta"].to_numpy(), beyond, runs["cell"].to_numpy()))
    print(metric, threshold, edges)
    assert all(edge.beta for edge in edges)
    assert any(low <= (edge.beta or 0) <= high for edge in edges)
    middle = sorted(edges, key=lambda edge: edge.beta or 0)[len(edges) // 2 - 1]
    assert (middle.low or 0) <= high
    assert (middle.high or np.inf) >= low


@pytest.mark.parametrize(
    ("metric", "exponent"),
    [("drift", 0.37), ("first_step", 0.42), ("residual_lazy_error", 0.29), ("shape_drift", 0.15), ("elt", 0.13)],
)
def test_what_depth_adds_at_fixed_beta(maps: list[pd.DataFrame], metric: str, exponent: float) -> None:
    """The exponent of theory.md 6 lies among those of the draws, by two standard errors."""
    found = [collapses(runs)[metric] for runs in maps]
    print(metric, found)
    ends = [(one.depth_exponent or 0, 2 * (one.depth_exponent_error or 0)) for one in found]
    assert min(value - error for value, error in ends) <= exponent <= max(value + error for value, error in ends)


def test_depth_adds_most_to_drift_in_every_draw(maps: list[pd.DataFrame]) -> None:
    """The other lazy errors and shapes follow beta more closely; the test rejects beta alone for drift and elt."""
    for runs in maps:
        found = collapses(runs)
        assert found["drift"].depth_exponent == pytest.approx(0.37, abs=0.08)
        assert (found["elt"].depth_exponent or 0) < (found["drift"].depth_exponent or 0)
        for name in ("drift", "elt", "shape_drift", "first_step"):
            assert (found[name].p_value or 1) <= 0.001
