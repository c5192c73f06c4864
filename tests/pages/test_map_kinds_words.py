"""What maps of several kinds of network say beside each other follows their numbers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engine.regimes.boundaries import Boundary
from engine.regimes.kinds import Growth, KindRatio
from engine.regimes.result import Thresholds
from pages.views import map_kinds_words

HALF = KindRatio(0.5, 0.4, 0.6, 0.2, 0.7, 12, 0)
LAW = Growth(8.0, 2.0, 32.0, 40.0, 40.0, 40.0)
FLAT = Growth(8.0, 2.0, 32.0, 1.1, 0.9, 1.3)
BRANCH = r"branches of $1/\sqrt{L}$"


def test_a_ratio_is_told_apart_only_where_its_interval_leaves_one_out():
    said = map_kinds_words.at_equal_shape({"resnet": HALF, "conv": replace(HALF, high=1.1)}, "mlp", "drift")
    assert said == (
        "Beside fully connected networks of equal depth and width the drift is 0.5 times as large in residual ones "
        "(95%: 0.4 to 0.6; 12 shapes, 0.2 to 0.7 among them) and not told apart, 0.5 times as large, in convolutional "
        "ones (95%: 0.4 to 1.1; 12 shapes, 0.2 to 0.7 among them)."
    )
    one = map_kinds_words.at_equal_shape({"resnet": replace(HALF, shapes=1, left_out=2)}, "mlp", "elt")
    assert "(95%: 0.4 to 0.6; 1 shape; 2 left out, where not all networks train)" in one
    assert map_kinds_words.at_equal_shape({}, "mlp", "elt") == ""


@pytest.mark.parametrize(
    ("residual", "verdict"),
    [
        (FLAT, f": {BRANCH} damp it, and no growth is told."),
        (replace(FLAT, low=0.9, high=30.0), f": {BRANCH} damp it, and no growth is told."),
        (replace(FLAT, factor=0.8, low=0.7, high=0.95), f": {BRANCH} flatten it."),
        (replace(FLAT, factor=2.0, low=1.5, high=3.0), f": {BRANCH} damp it, and some growth is left."),
        (replace(FLAT, factor=30.0, low=20.0, high=50.0), f"; whether {BRANCH} damp it is not told."),
        (replace(FLAT, factor=60.0, low=45.0, high=80.0), f": {BRANCH} do not damp it."),
    ],
)
def test_whether_branches_flatten_the_growth_is_read_from_the_interval(residual, verdict):
    said = map_kinds_words.growth({"mlp": LAW, "resnet": residual}, None, "1/sqrt(L)")
    assert said.startswith(
        r"From $L$ = 2 to 32 at $n$ = 8, $n\,\mathrm{CV}^2$ of the kernel at initialisation grows by a "
    )
    assert r"factor 40 in fully connected networks (exactly, by the law that goes as $\exp(5\beta)$) and " in said
    assert f"in residual networks (95%: {residual.low:g} to {residual.high:g})" in said
    assert said.endswith(verdict)


def test_without_a_law_nothing_is_said_of_branches():
    sampled = replace(LAW, low=30.0, high=50.0)
    said = map_kinds_words.growth({"mlp": sampled, "resnet": FLAT}, None, "1/sqrt(L)")
    assert said.endswith(
        "40 in fully connected networks (95%: 30 to 50) and 1.1 in residual networks (95%: 0.9 to 1.3)."
    )
    assert "branches" not in map_kinds_words.growth({"mlp": LAW, "conv": FLAT}, None, "")
    assert "branches of 1 damp it, and no growth is told" in map_kinds_words.growth({"resnet": FLAT}, LAW, "1")


def test_each_kind_has_its_own_boundary_along_what_it_has():
    found = {
        "mlp": {"lazy_weak": Boundary(0.0145, 0.0105, None)},
        "resnet": {"lazy_weak": Boundary(0.05, 0.04, 0.07), "weak_strong": Boundary(None, reason="not enough data")},
        "conv": {},
    }
    (lazy,) = map_kinds_words.edges(found, Thresholds())
    band = "90% of resamples, for these points:"
    assert lazy == (
        rf"**Lazy training ends** (elt = 0.1): at $\beta$ = 0.0145 ({band} 0.0105 to open) in fully connected networks "
        rf"and at $L/n$ = 0.05 ({band} 0.04 to 0.07) in residual networks."
    )


def test_the_measured_beta_stands_beside_depth_over_width():
    cells = pd.DataFrame({"beta": [0.5, 0.25, 1.0]})
    assert map_kinds_words.measured(cells, "mlp") == ""
    cells = cells.assign(
        measured_beta=[0.1, 0.025, np.nan],
        measured_beta_low=[0.09, 0.02, np.nan],
        measured_beta_high=[0.11, 0.03, np.nan],
    )
    assert map_kinds_words.measured(cells, "resnet") == (
        "The measured β of residual networks is 0.025 (95%: 0.02 to 0.03) to 0.1 (95%: 0.09 to 0.11): 0.1 to 0.2 times "
        "their $L/n$; it is determined in 2 of 3 cells."
    )
