"""What the four pages on function spaces say, which follows the numbers."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from computed import copied, results
from rkhs_runs import asked
from silent_spaces import seed, spaces

from engine.progress import Arrays
from engine.rkhs.gram import FLAGS
from engine.rkhs.result import RkhsResult
from pages.views import bias_words, error_words, four_answers, function_space_words, norm_words
from pages.views.spaces_words import less, less_over_seeds


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory, "rkhs", asked().values())


@pytest.fixture(scope="module")
def entries(store: Path) -> dict[str, Arrays]:
    return results(store, asked())


def changed(arrays: Arrays, **changes: Callable[[np.ndarray], object]) -> RkhsResult:
    """The result with arrays of every seed changed, by name; `__` stands for the slash."""
    copies = {name: np.array(array) for name, array in arrays.items()}
    for name in list(copies):
        own = name.partition("/")[2].replace("/", "__")
        if name.startswith("seed") and own in changes:
            copies[name] = np.asarray(changes[own](copies[name]))
    return RkhsResult.from_arrays(copies)


def told(words: ModuleType, result: RkhsResult, *where: str) -> str:
    """The answer of a page and what it says beside."""
    return " ".join([words.answer(result), *words.sentences(result, *where)])


def ends(first: float, last: float) -> Callable[[np.ndarray], np.ndarray]:
    """From one value to another, along the checkpoints."""

    def change(array: np.ndarray) -> np.ndarray:
        along = np.linspace(first, last, len(array))
        return along.reshape(-1, *[1] * (array.ndim - 1)) * np.ones_like(array, float)

    return change


def test_where_nothing_is_determined_no_number_is_said(entries):
    dead = RkhsResult.from_arrays(dict(entries["dead"]))
    said = told(norm_words, dead)
    assert "on held-out points is **not determined**: $K_0$ has infinite condition number, rank 0 of 16" in said
    assert r"Which unit ball lies in which is **not determined** at ridge $10^{-4}$" in said
    assert "times" not in said
    table = norm_words.target_norms(dead)
    assert set(table["S in H_T"]) == {"not determined"}
    assert "by no power law (only 0 eigenvalues from 4 to p/2 and above the noise floor" in told(
        bias_words, dead, "held_out"
    )
    assert (
        "has a norm that is **not determined** in $H_0$ and in $H_T$, where fewer than three grids allow an inverse."
        in told(function_space_words, dead)
    )


def test_ratios_in_words():
    assert less(4.2, "than there", "as there") == "4.2 times less than there"
    assert less(0.5, "than there", "as there") == "2 times more than there"
    assert less(1.05, "than there", "as there") == "about as much as there"
    assert (
        less_over_seeds([2.0, 4.0, np.nan], "than there", "as there")
        == "3 times less than there in 2 of 3 seeds (over seeds 2 to 4)"
    )
    assert less_over_seeds([0.5, 0.25, 0.2], "there", "") == "4 times more there (over seeds 2 to 5)"


@pytest.mark.parametrize(
    ("last", "expected"), [(2.0, "4.2 times less in $H_T$ than"), (84.0, "10 times more in"), (8.3, "about as much in")]
)
def test_what_the_target_costs_follows_the_numbers(last, expected, entries):
    result = changed(entries["circle"], held_out__target_S=ends(8.4, last))
    assert f"On held-out points the target costs **{expected}" in told(norm_words, result)


def test_a_norm_that_conditioning_forbids_is_named_with_its_condition_number(entries):
    result = changed(
        entries["circle"],
        held_out__target_S=lambda S: np.where(np.arange(len(S)) == len(S) - 1, np.nan, S),
        held_out__condition=ends(3e17, 3e17),
        held_out__rank=ends(9, 9),
    )
    said = told(norm_words, result)
    assert "**not determined** for seeds 0 and 1: $K_T$ has condition number 3.00·10¹⁷, rank 9 of 24" in said
    assert "On held-out points the target costs" not in said


@pytest.mark.parametrize(
    ("outward", "inward", "expected"),
    [
        (1.01, 1.02, "nearly one"),
        (3.0, 4.0, "has **moved**; that it has grown is not shown"),
        (9.0, 2.0, "$H_T$ reaches further out of $H_0$"),
        (2.0, 9.0, "$H_0$ reaches further out of $H_T$"),
    ],
)
def test_inclusion_follows_the_numbers(outward, inward, expected, entries):
    result = changed(entries["circle"], held_out__H_t_in_H_0=ends(1, outward), held_out__H_0_in_H_t=ends(1, inward))
    said = told(norm_words, result)
    assert expected in said
    assert "no bounded constant" not in said
    grows = changed(entries["circle"], held_out__H_t_in_H_0=lambda C: C * 0 + np.array([2.0, 8.0, 20.0, np.nan]))
    assert "they grow up to 10 times" in told(norm_words, grows)


def test_errors_follow_the_numbers(entries):
    result = changed(
        entries["circle"], K_t_error=ends(0.4, 0.1), network_error=ends(1.0, 0.1), K_inf_error=lambda _: 0.05,
        K_t_tuned_error=ends(0.3, 0.2), K_t_flag=lambda flag: 0 * flag,
    )  # fmt: skip
    said = told(error_words, result)
    assert "the network 0.1, $K_0$ 0.4, $K_T$ 0.1 and $K_\\infty$ 0.05" in said
    assert "Held out, regression with $K_T$ errs 4 times less than $K_0$" in said
    assert "$K_T$ errs 2 times more than $K_\\infty$. $K_T$ errs about as much as the network." in said
    assert "picks: $K_0$ 0.3, $K_T$ 0.2" in said
    assert "Ridgeless regression" not in said


def test_a_limit_that_is_not_known_has_no_number(entries):
    def labels(arrays: Arrays) -> list[str]:
        return [headline.label for headline in error_words.headlines(RkhsResult.from_arrays(dict(arrays)))]

    assert labels(entries["circle"])[-1] == "regression, K_∞"
    unknown = {name: array for name, array in entries["circle"].items() if "K_inf" not in name}
    assert labels(unknown)[-1] == "regression, K_T"


def test_an_error_that_the_jitter_decides_is_not_said(entries):
    ill, deficient = (FLAGS.index(name) for name in ("ill-conditioned", "rank-deficient"))
    noise = {"K_t_error": ends(np.nan, np.nan), "K_t_flag": lambda flag: 0 * flag + ill}
    tuned = changed(entries["circle"], **noise, K_t_tuned_error=ends(0.3, 0.1), K_t_tuned_flag=lambda flag: 0 * flag)
    said = told(error_words, tuned)
    assert "Ridgeless regression with $K_T$ is **ill-conditioned**" in said
    assert "$K_T$ 0.1 (with the leave-one-out ridge)" in said
    assert "errs 3 times less than $K_0$" in said
    none = changed(entries["circle"], **noise, K_t_tuned_error=ends(np.nan, np.nan))
    said = told(error_words, none)
    assert "$K_0$ not determined, $K_T$ not determined" in said
    assert "Whether $K_T$ errs less than $K_0$ is **not determined** ($K_0$: condition number" in said
    named = changed(entries["circle"], K_t_error=ends(0.4, 0.1), K_t_flag=lambda flag: 0 * flag + deficient)
    said = told(error_words, named)
    assert "$K_T$ 0.1 (with the jitter)" in said
    assert "is **rank-deficient**" in said


def test_learning_curves_in_words_follow_the_numbers(entries):
    def said(**changes: Callable[[np.ndarray], object]) -> str:
        fine = {"learning_predicted": lambda one: 0 * one + 0.2}
        return " ".join(error_words.curve_sentences(changed(entries["circle"], **{**fine, **changes}).seeds[0]))

    count = entries["circle"]["seed0/learning_predicted"][:, 1].size
    assert f"{count} of {count} measured errors lie within" in said(learning_measured=lambda one: 0 * one + 0.2)
    off = said(learning_measured=lambda one: 0 * one + 0.25, learning_error=lambda one: 0 * one + 0.001)
    assert f"0 of {count} measured errors lie" in off
    assert "misses by 25% in the median" in off
    assert "Ridgeless errors are **not determined**" in said(learning_predicted=lambda one: 0 * one + 1e-9)
    assert "Ridgeless errors are **not determined**" in said(learning_measured=lambda one: np.nan * one)
    assert "there is no learning curve" in said(learning_sizes=lambda one: one[:0])


def test_bias_follows_the_numbers(entries):
    def power(first: int, last: int) -> Callable[[np.ndarray], np.ndarray]:
        """All of the target in one mode, at the start and at the end."""

        def change(array: np.ndarray) -> np.ndarray:
            found = np.zeros_like(array)
            found[0, first - 1], found[1:, last - 1] = 1.0, 1.0
            return found

        return change

    result = changed(
        entries["circle"],
        held_out__decay_exponent=ends(1.5, 2.5),
        held_out__target_power=power(7, 2),
        held_out__alignment_centred=ends(0.2, 0.6),
    )
    said = told(bias_words, result, "held_out")
    assert "decays under $K_0$ as $i^{-1.50}$ and $K_T$ as $i^{-2.50}$" in said
    assert "in the leading 7 modes of $K_0$ and in the leading 2 of $K_T$" in said
    assert "rose from 0.2 to 0.6" in said
    noise = changed(entries["circle"], held_out__rank=lambda rank: 0 * rank + 1, held_out__target_power=power(7, 2))
    assert "The modes of $K_0$ and $K_T$ above the noise floor do not hold 90% of the target." in told(
        bias_words, noise, "held_out"
    )


def test_growth_and_balls_follow_the_numbers(entries):
    def grown(norm: np.ndarray) -> np.ndarray:
        """f_T bounded in H_T and growing like p in H_0; the target like p in both; noise like p^2."""
        p = np.array(entries["circle"]["seed0/grid_sizes"], float)
        return np.stack([np.stack([p, p, p**2]), np.stack([p, np.ones_like(p), p**2])])

    result = changed(entries["circle"], grid_norm=grown, grid_outside=lambda part: np.nan * part)
    said = told(function_space_words, result)
    wanted = "$f_T$ has a squared norm that grows like $p^{1.00}$ in $H_0$ and like $p^{0.00}$ in $H_T$"
    assert wanted in said.replace("-0.00", "0.00")
    assert "**bounded so far in $H_T$ only**" in said
    alike = "grows like $p^{1.00}$ in $H_0$ and like $p^{1.00}$ in $H_T$: bounded in neither on these grids"
    assert f"the target has a squared norm that {alike}" in said
    assert "in no space, has a squared norm that grows like $p^{2.00}$" in said

    def leaks(part: np.ndarray) -> np.ndarray:
        """3% of f_T out of the span of H_0, nothing else out of any."""
        return np.where(np.arange(6).reshape(2, 3, 1) == 1, 0.03, np.zeros_like(part))

    outside = changed(entries["circle"], grid_norm=grown, grid_outside=leaks)
    said = told(function_space_words, outside)
    assert "$f_T$ leaves the span of $H_0$ by 3% of its norm and has a squared norm that grows like $p^{" in said
    assert "**$f_T$ is outside $H_0$, and in $H_T$ so far**" in said

    def frontier(first: float, last: float) -> Callable[[np.ndarray], np.ndarray]:
        """R^2 = scale (1 - E)/E, from E near 1 down to 1e-3."""

        def change(array: np.ndarray) -> np.ndarray:
            error = np.geomspace(0.999, 1e-3, array.shape[1])
            scale = np.append(first, np.full(len(array) - 1, last))
            return scale[:, None] * (1 - error) / error

        return change

    balls = changed(
        entries["circle"],
        held_out__frontier_radius_squared=frontier(4.0, 1.0),
        held_out__frontier_error=lambda array: np.tile(np.geomspace(0.999, 1e-3, array.shape[1]), (len(array), 1)),
    )
    # R^2 = 9 reaches 10% in H_T; in H_0 it leaves E = 1/(1 + 9/4) = 31%.
    assert "the best of $H_0$ leaves **31%**" in told(function_space_words, balls)
    same = changed(
        entries["circle"],
        held_out__frontier_radius_squared=frontier(1.0, 1.0),
        held_out__frontier_error=lambda array: np.tile(np.geomspace(0.999, 1e-3, array.shape[1]), (len(array), 1)),
    )
    assert "leaves as much: no enlargement is seen" in told(function_space_words, same)


def test_one_line_answers_across_the_pages(entries):
    def labels(**changes: Callable[[np.ndarray], object]) -> dict[str, str]:
        return four_answers.labels(changed(entries["circle"], **changes))

    def grown(*powers: float) -> Callable[[np.ndarray], np.ndarray]:
        """f_T growing like these powers of p, in H_0 and in H_T."""
        p = np.array(entries["circle"]["seed0/grid_sizes"], float)
        return lambda norm: np.stack([np.stack([p, p**power, p**2]) for power in powers])

    inside = {"grid_outside": lambda part: 0 * part}
    found = labels(
        held_out__target_S=ends(8.4, 2.0), held_out__cka=ends(1, 0.7), K_t_error=ends(0.4, 0.1),
        K_t_flag=lambda flag: 0 * flag, grid_norm=grown(1, 0), **inside,
    )  # fmt: skip
    assert found == {
        "inductive_bias": "moved? **CKA with K₀ 0.7**",
        "norms": "cheaper? **yes, 4.2×**",
        "function_space": "outside? **yes so far**",
        "generalisation": "better? **yes, 4×**",
    }
    assert labels(held_out__target_S=ends(2.0, 8.4))["norms"] == "cheaper? **no, 4.2× more**"
    assert labels(held_out__target_S=ends(2.0, 2.1))["norms"] == "cheaper? **about the same**"
    assert labels(grid_norm=grown(0, 0), **inside)["function_space"] == "outside? **no, bounded so far**"
    assert labels(grid_norm=grown(1, 1), **inside)["function_space"] == "outside? **unbounded so far**"
    assert labels(grid_norm=grown(1, 1), grid_outside=lambda part: 0 * part + 0.03)["function_space"] == (
        "outside? **yes, 3% of it**"
    )
    assert four_answers.factor([0.5, 2.0]) == "seeds disagree"


def staying(moved: float = 0.0, **changes: object) -> object:
    """Spaces of a seed that move by this share of the kernel's norm."""
    drift = np.full((3, 3), moved)
    return spaces(seed(held_out__motion_drift=drift, train__motion_drift=drift, **changes))


def test_of_a_kernel_that_stays_nothing_is_compared_with_itself():
    """A readout that trains alone, or infinite width: H_T is H_0, which has a price, a growth and an error."""
    still = staying(held_out__target_S=np.full(3, 21.6))
    told = [words.answer(still) for words in (norm_words, function_space_words, bias_words, error_words)]
    assert (
        told[0]
        == "This kernel does not move, so $H_T$ is $H_0$: on held-out points the target's $S$ there is **21.6**."
    )
    assert told[1] == (
        "This kernel does not move, so $H_T$ is $H_0$: on nested grids of 8 to 32 points $f_T$ has a squared norm that "
        "grows like $p^{0.00}$ in $H_0$: bounded so far."
    )
    one = {name: value[..., :1] for name, value in still.seeds[0].arrays.items() if name.startswith("grid_")}
    alone = staying(**one)
    assert ": on one grid of 8 points $f_T$ has" in function_space_words.answer(alone)
    assert "On the same grid (ranks 8 and 8) the target" in function_space_words.sentences(alone)[0]
    assert told[2].startswith(
        "This kernel does not move: on held-out points **90% of the target lies in its leading 1 mode**"
    )
    assert told[3].startswith(
        "This kernel does not move: held out, regression with it errs **0.4**, the network **0.5**"
    )
    assert four_answers.labels(still)["norms"] == "cheaper? **the same space**"
    rest = [
        *norm_words.sentences(still),
        *function_space_words.sentences(still),
        *bias_words.sentences(still, "held_out"),
    ]
    assert not [one for one in rest if "H_T" in one]
    numbers = [norm_words.headlines(still), bias_words.headlines(still, "held_out"), error_words.headlines(still)]
    assert not [one for told in numbers for one in told if "→" in one.value or one.label == "regression, K_T"]
    assert [one.label for one in numbers[0]] == ["S of the target", "condition number of K_T"]


def test_what_moved_a_little_is_compared():
    moved = staying(1e-6)
    assert "in $H_T$ as in $H_0$" in norm_words.answer(moved)
    assert "does not move" not in error_words.answer(moved) + bias_words.answer(moved) + function_space_words.answer(
        moved
    )
