"""The words of a map follow its numbers."""

from dataclasses import replace

import numpy as np
import pytest
from regime_cells import results

from engine.regimes.boundaries import Boundary, boundaries, dynamics
from engine.regimes.collapse import Collapse, collapses, scaling
from engine.regimes.config import DEFAULT_MAP, SweepConfig
from engine.regimes.result import Thresholds, cells_frame, runs_frame
from pages.charts.map_plane import plane_table
from pages.views import map_words
from pages.views.map_controls import BY_RATE, MAPS, Map

BOUNDS = Thresholds()


def runs(sweep: SweepConfig = DEFAULT_MAP, **law: float):
    return runs_frame(sweep, results(sweep, **law))


def cells(chosen: Map, sweep: SweepConfig, **law: float):
    return plane_table(chosen.places(sweep), cells_frame(runs(sweep, **law)))


def test_beta_alone_is_rejected_only_where_depth_matters():
    alone = map_words.answer(collapses(runs(exponent=0.0))["elt"], "elt")
    assert "Not rejected: at equal β the lazy error of cells differs no more than their seeds explain" in alone
    assert "what depth adds at fixed β is not told from nothing" in alone
    rejected = map_words.answer(collapses(runs(exponent=0.4))["elt"], "elt")
    assert "No: at equal β the lazy error of cells differs by more than their seeds do (p = 5.0·10⁻⁴" in rejected
    assert r"at fixed β it goes as $L^{0.39 \pm 0.02}$ (95%)" in rejected or r"it goes as $L^{0.4" in rejected


def test_not_enough_data_is_said():
    none = Collapse(None, None, None, None, 0)
    needs = "Not enough data: at least 3 values of β ≤ 0.25 with 2 depths each are needed, there "
    assert needs + "are 0." in map_words.answer(none, "drift")
    assert needs + "is 1." in map_words.answer(Collapse(0.3, 0.1, None, 0.2, 1), "drift")
    assert "several networks in a cell are needed" in map_words.answer(Collapse(None, 0.1, None, None, 3), "drift")
    few = SweepConfig.from_dict({"base": DEFAULT_MAP.base, "grid": {"network.width": (8, 16)}})
    (lazy, *_) = map_words.edges(boundaries(runs(few)), BOUNDS)
    assert "not enough data: 2 cells" in lazy


def test_edges_and_their_bands():
    found = {"lazy_weak": Boundary(0.0145, 0.0105, None), "stable_unstable": Boundary(None, reason="no run fails")}
    lazy, fails = map_words.edges(found, Thresholds(lazy=0.2))
    band = "(90% of resamples, for these points: 0.0105 to open)"
    assert lazy == rf"**Lazy training ends** (elt = 0.2): at $\beta$ = 0.0145 {band}."
    assert fails == "**Half of the networks fail**: no run fails."
    measured = map_words.edges(boundaries(runs(scale=4.0, noise=0.2)), BOUNDS)
    assert [float(line.split(r"$\beta$ = ")[1].split(" ")[0]) for line in measured[:2]] == pytest.approx(
        [0.025, 0.125], rel=0.15
    )


def test_the_lazy_boundary_moves_with_its_threshold():
    assert "times as far" in map_words.no_sharp_edge(runs(noise=0.2), BOUNDS)
    assert map_words.no_sharp_edge(runs(scale=1e-6), BOUNDS) == ""


def test_counts_name_the_regimes():
    found = map_words.counts(cells(MAPS["depth and width"], DEFAULT_MAP))
    assert found.startswith("Of 30 cells: ")
    assert (
        sum(int(text) for text in found.removeprefix("Of 30 cells: ").replace(",", "").split() if text.isdigit()) == 30
    )


def test_definitions_follow_the_sliders():
    found = map_words.definitions(Thresholds(lazy=0.2, strong=0.9, spread=2.5, failed=0.25))
    assert found["lazy"].startswith("elt ≤ 0.2:")
    assert found["weak"].startswith("elt from 0.2 to 0.9:")
    assert found["unstable: stochastic kernel"].startswith("CV² ≥ 2.5:")
    assert found["unstable: untrainable"].startswith("at least 25%")


def test_the_output_scale_is_read_at_one_beta():
    grid = {"network.alpha": (0.1, 1.0, 10.0), "beta": (0.05, 0.1, 0.2)}
    base = {**DEFAULT_MAP.base, "network": {**DEFAULT_MAP.base["network"], "depth": 4}}
    sweep = SweepConfig.from_dict({"base": base, "grid": grid})
    table = cells(MAPS["alpha and beta"], sweep, noise=0.0)
    (said,) = map_words.by_alpha(table, "drift")
    assert r"At $\beta$ = 0.1 the drift is 4 at α = 0.1 and 0.04 at α = 10, the ends of its range over 3 α" in said
    assert "**β alone does not decide**" in said
    assert "by a factor 100" in said
    (flat,) = map_words.by_alpha(table.assign(drift=0.3 + 0.01 * table["alpha"]), "drift")
    assert "hardly matters" in flat
    (lone,) = map_words.by_alpha(table[table["alpha"] == 1.0], "drift")
    assert "Not enough data" in lone


def test_the_largest_step_is_read_by_width():
    base = {**DEFAULT_MAP.base, "training": {"loss": "half_sum", "allow_unstable": True}}
    grid = {BY_RATE.setting: (0.25, 0.95, 2.0), "network.width": (64, 256)}
    table = cells(MAPS["rate and width"], SweepConfig.from_dict({"base": base, "grid": grid}))
    bears = table.assign(failed=np.where((table["rate"] > 2) & (table["width"] < 100), 1.0, 0.0))
    said = " ".join(map_words.by_rate(bears))
    assert (
        "The largest η_eff λ_max(K₀) tried at which most networks train is 1.9 to 4, by width; tried up to 4." in said
    )
    assert "still train at n = 256; their sharpness at the stop is 0.4" in said
    said = " ".join(map_words.by_rate(table.assign(failed=np.where(table["rate"] > 2, 1.0, 0.0))))
    assert "No width tried trains beyond the edge of stability" in said
    assert map_words.by_rate(table.assign(failed=1.0)) == ["No cell trains."]


def test_where_the_kernel_alters_the_dynamics():
    found = dynamics(runs(scale=4.0, noise=0.2), BOUNDS)
    said = map_words.altered(found, BOUNDS)
    assert r"alters the dynamics from $\beta$ = 0.02" in said
    assert "there order 0 is off by 0.1 at most. Its bound $P_2$ is as large at" in said
    below = Boundary(None, reason="it lies below every computed beta: extend the grid")
    assert map_words.altered({**found, "p2": below}, BOUNDS).endswith("as large at every computed β.")
    assert map_words.altered({"order_0": Boundary(None, reason="none"), "p2": Boundary(0.1)}, BOUNDS) == ""


def test_the_law_is_that_of_the_cells():
    found = scaling(cells(MAPS["depth and width"], DEFAULT_MAP, noise=0.0), "drift")
    assert found is not None
    assert map_words.law(found) == "4 β^1.00±0.00"
    assert r"grows like $4\,\beta^{1.00 \pm 0.00}$" in map_words.grows(found, "drift")
    assert map_words.grows(None, "drift") == ""
    assert "**no law in β is determined**" in map_words.grows(replace(found, exponent=0.1, error=0.3), "drift")
