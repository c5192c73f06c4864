"""What sentences say of numbers that they once said too much of."""

import numpy as np
import pytest
from silent_numbers import alphas, bits, rates
from silent_spaces import seed, spaces

from cache.run_folders import Record
from engine.regimes.collapse import Scaling
from pages.charts.words import course
from pages.shell.jobs import outdated
from pages.views import error_words, map_words, norm_words
from pages.views import initial_words as initial
from pages.views.function_space_words import verdict
from pages.views.initial_network import Network


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([[0.2, 0.4, 0.6]], "rose from 0.2 to 0.6"),
        ([[0.6, 0.599, 0.601, 0.2]], "fell from 0.6 to 0.2"),
        ([[0.4, 0.402, 0.399]], "stayed at 0.4"),
        ([[0.4, 0.7, 0.4]], "was 0.4 at the start and 0.4 at the stop, between 0.4 and 0.7 on the way"),
        ([[0.2, 0.6], [0.6, 0.2]], "was 0.4 at the start and 0.4 at the stop, between 0.2 and 0.6 on the way"),
        ([[0.2, 0.6], [0.2, np.nan]], "rose from 0.2 to 0.6 in 1 of 2 seeds"),
        ([[0.2], [np.nan, 0.3], [0.1, np.inf]], ""),
        ([], ""),
    ],
)
def test_a_verb_holds_on_the_whole_path_of_every_seed(paths: list[list[float]], expected: str) -> None:
    assert course([np.array(path) for path in paths], 0.005) == expected


def test_the_output_scale_moves_what_its_quartiles_allow() -> None:
    assert "**β alone does not decide**" in map_words.by_alpha(alphas([0.1, 0.4], spread=1.2), "elt")[0]
    assert "**not told apart**" in map_words.by_alpha(alphas([0.1, 0.2], spread=1.5), "elt")[0]
    assert "hardly matters" in map_words.by_alpha(alphas([0.1, 0.11]), "elt")[0]
    (zero,) = map_words.by_alpha(alphas([0.0, 1.0]), "elt")
    assert "by a factor" not in zero


def test_a_sharpness_that_did_not_change_has_not_fallen() -> None:
    assert map_words.by_rate(rates([0.0, 0.0]))[-1].startswith("In 0 of 2 cells")
    fallen = rates([0.0, 0.0]).assign(sharpness=[0.1, np.nan])
    assert map_words.by_rate(fallen)[-1].startswith("In 1 of 1 cells")


def test_cells_in_float64_are_counted_with_their_reason() -> None:
    said = map_words.precision(bits(64.0, 32.0), "auto")
    assert said.startswith("1 of 2 cells trained in float64: float32 is foretold not to resolve them")
    assert map_words.precision(bits(64.0), "float64") == "1 of 1 cell trained in float64: that was asked for."


def test_a_law_is_drawn_only_where_it_is_told() -> None:
    assert "0.50±0.10" in map_words.dashed(Scaling(1.0, 0.5, 0.1, 0.9, 0.01, 0.2))


def test_a_signal_is_called_dead_only_where_it_is() -> None:
    """sigma_w = 1.4 in 3 layers keeps 94% of the signal."""
    near = initial.off_critical(Network(10, (("sigma_w", 1.4),)), 3)
    assert r"falls to 0\.941 of its size" in near
    assert "dead" not in near
    assert "the network is dead" in initial.off_critical(Network(10, (("sigma_w", 1.0),)), 64)
    assert initial.off_critical(Network(10, (("sigma_w_readout", 1.0),)), 64) == ""
    assert "of a small signal" in initial.off_critical(Network(10, (("activation", "tanh"), ("sigma_w", 2.0))), 4)


def test_a_band_of_ninety_per_cent_needs_twenty_draws() -> None:
    top = {"mean": 2.0, "ratio": 1.1, "low": 1.5, "high": 2.5}
    assert "90%" not in initial.largest_eigenvalue(top, 19)
    assert "90% of the 20 draws lie between 1.5 and 2.5" in initial.largest_eigenvalue(top, 20)


def test_exact_numbers_are_those_of_an_exact_law() -> None:
    assert "exactly: E[K] = " in initial.point(Network(10, ()), (8, 8))
    assert "exactly" not in initial.point(Network(10, (("activation", "tanh"),)), (8, 8))


def test_an_old_result_is_said_with_its_day() -> None:
    said = outdated(Record("key", "run", {}, "", created=1.7e9))
    assert said == "Computed on 2023-11-14 by an earlier version: compute again for the present definitions."


def test_seeds_that_disagree_are_told_apart_from_those_that_agree() -> None:
    falls = np.array([4.0, 2.0, 1.0])
    two = spaces(seed(0, held_out__target_S=falls), seed(1, held_out__target_S=falls[::-1]))
    (said, *_) = norm_words._target(two)
    assert "less in $H_T$ than in $H_0$ in 1 of 2 seeds, more in the others: **not told apart**" in said


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        ((-0.01, 0.05), (0.01, 0.09), "bounded so far in both"),
        ((0.5, 0.6), (0.01, 0.09), "**bounded so far in $H_T$ only**"),
        ((0.01, 0.09), (0.5, 0.6), "bounded so far in $H_0$ only"),
        ((0.5, 0.6), (0.01, 0.11), "whether it is bounded in $H_T$ is not decided"),
        ((-0.4, 0.6), (0.05, 0.3), "whether it is bounded in $H_0$ and $H_T$ is not decided"),
        ((1.0, 1.1), (0.5, 0.6), "**slower in $H_T$**, bounded in neither on these grids"),
        ((0.5, 0.6), (1.0, 1.1), "slower in $H_0$, bounded in neither on these grids"),
        ((0.5, 0.9), (1.0, 1.1), "bounded in neither on these grids"),
    ],
)
def test_membership_is_said_where_every_exponent_allows_it(
    start: tuple[float, float], end: tuple[float, float], says: str
) -> None:
    assert verdict(start, end).startswith(says)


def test_of_errors_at_rounding_there_is_no_ratio() -> None:
    found = spaces(seed(K_t_error=np.array([0.4, 1e-12, 1e-12])))
    assert "times" not in " ".join([error_words.answer(found), *error_words._kernels(found)])
    assert "**not determined**" in error_words.answer(found)
