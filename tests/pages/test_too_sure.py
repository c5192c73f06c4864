"""Sentences at the edge of what permits them: seeds that disagree or have no number, two networks, a V for a line."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import silent_numbers as numbers
from silent_spaces import P, T, seed, spaces

from engine.config import RunConfig
from engine.regimes.boundaries import Boundary
from engine.regimes.result import Thresholds
from pages.run.controls import off_critical
from pages.views import (
    bias_words,
    error_words,
    evolution_words,
    expansion_words,
    four_answers,
    function_space_words,
    initial_words,
    map_words,
    norm_words,
    study_words,
)

NAN = float("nan")


def path(*values: float) -> np.ndarray:
    return np.array(values)


def constants(value: float) -> np.ndarray:
    return np.full((T, 4), value)


def studied(means: list[float], seeds: int) -> Any:
    """A study over as many widths as there are means, whose seeds scatter by 2%."""
    cells, rng = len(means), np.random.default_rng(0)
    run = {"data": {"name": "circle", "size": 6, "test_size": 12}, "network": {"depth": 2}, "seeds": list(range(seeds))}
    widths = [16 * 2**cell for cell in range(cells)]
    config = numbers.StudyConfig.from_dict({"run": run, "widths": widths})
    cell = np.repeat(np.arange(cells), seeds)
    width, values = np.array(widths, float)[cell], np.array(means)[cell] * np.exp(0.02 * rng.standard_normal(len(cell)))
    names = ("error_order_0", "error_order_1", "error_order_2", "bound_P2", "drift", "drift_predicted")
    columns = {"cell": cell, "width": width, "depth": np.full(len(cell), 2), "alpha": np.ones(len(cell))}
    columns |= {"beta": 2 / width, "seed": np.tile(np.arange(seeds), cells), "error_full": np.zeros(len(cell))}
    return numbers.StudyResult(columns | dict.fromkeys(names, values), config, {})


def test_two_networks_of_one_seed_speak_for_no_law() -> None:
    """Any two points lie on a power law, with R^2 = 1."""
    found = studied([0.5, 0.1], 1)
    said = " ".join([*study_words._errors(found), *study_words._drift(found), *study_words._crossings(found, 0.2)])
    assert "Of order 0 (lazy) **no law is determined**" in said
    assert "**No law of the drift is determined**" in said
    assert "Where order 0 errs by 0.2 is **not determined**." in said
    assert "as $n^" in study_words._errors(studied([0.5, 0.1], 2))[0]
    assert "as $n^" in study_words._errors(studied([0.5, 0.25, 0.13], 1))[0]


def test_a_path_that_falls_and_rises_is_no_power_law() -> None:
    """The interval of its exponent, n^.2 [.19, .21], comes from the seeds and knows nothing of the line."""
    found = studied([1.0, 0.1, 0.1, 1.6], 3)
    assert "Of order 0 (lazy) **no law is determined**" in study_words._errors(found)[0]
    assert "**No law of the drift is determined**" in study_words._drift(found)[0]
    bent = studied([1.0, 0.52, 0.26, 0.14], 3)
    assert "as $n^" in study_words._errors(bent)[0]


def test_kernels_are_compared_when_regularised_alike() -> None:
    """Ridgeless K_0 against K_T with a ridge that was picked for it says nothing of the kernels."""
    found = spaces(seed(K_t_error=path(0.4, NAN, NAN), K_t_tuned_error=path(0.2, 0.2, 0.1)))
    said = error_words._against_start(found)
    assert said.endswith("errs 2 times less than $K_0$, each with the ridge that leave-one-out picks.")
    assert "$K_0$ 0.4 and $K_T$ 0.1 (with the leave-one-out ridge)" in error_words._kernels(found)[0]


def test_errors_of_some_seeds_are_said_to_be_of_some() -> None:
    one = spaces(seed(K_t_error=path(0.4, 0.2, 0.1)), seed(1, K_t_error=path(NAN, NAN, NAN)))
    assert error_words._against_start(one).endswith("errs 4 times less than $K_0$ in 1 of 2 seeds.")
    assert error_words._kernels(one)[-1] == "$K_T$ errs 5 times less than the network in 1 of 2 seeds."
    ends = ((0.1, 0.5), (0.1, 0.5), (0.5, 0.1))
    mixed = spaces(
        *(seed(i, K_t_error=path(0.4, 0.4, k), network_error=path(1, 1, n)) for i, (k, n) in enumerate(ends))
    )
    assert (
        "less than the network in 2 of 3 seeds, more in the others: **not told apart**"
        in (error_words._kernels(mixed)[-1])
    )


def test_costs_of_some_seeds_are_said_to_be_of_some() -> None:
    ends = ((4.0, 1.0), (1.0, 3.0), (NAN, NAN))
    found = spaces(*(seed(i, train__target_S=path(a, a, b)) for i, (a, b) in enumerate(ends)))
    assert "less than in $H_0$ in 1 of 3 seeds, more in 1: **not told apart**" in norm_words._baked(found)[0]
    trained = spaces(seed(held_out__function_in_H_0_S=path(1, 1, 4)), seed(1, held_out__function_S=path(1, 1, 0)))
    assert norm_words._function(trained)[0].endswith("costs 4 times less in $H_T$ than in $H_0$ in 1 of 2 seeds.")


def balls(*outward: float) -> Any:
    both = ((constants(one), constants(1.1)) for one in outward)
    return spaces(*(seed(i, held_out__H_t_in_H_0=out, held_out__H_0_in_H_t=back) for i, (out, back) in enumerate(both)))


def test_what_balls_say_holds_for_every_seed() -> None:
    assert norm_words._inclusion(balls(1.1, 1.1))[0].endswith("times that of $H_T$: the two spaces are nearly one.")
    assert "1.1 (1.1 to 10) times that of $H_0$" in norm_words._inclusion(balls(1.1, 1.1, 10.0))[0]
    assert "**differs between seeds**" in norm_words._inclusion(balls(1.1, 1.1, 10.0))[0]
    assert "of $H_T$ in 1 of 2 seeds: the two" in norm_words._inclusion(balls(1.1, NAN))[0]


def test_a_verdict_on_membership_is_of_all_seeds() -> None:
    lost = np.full((2, 3, 3), NAN)
    said = function_space_words.answer(spaces(seed(), seed(1, grid_norm=lost)))
    assert "in $H_0$ in 1 of 2 seeds" in said
    assert "bounded" not in said
    assert "up to 0 points" not in said
    assert function_space_words.outside(spaces(seed(), seed(1, grid_norm=lost))) == "not determined"


def test_a_function_that_leaves_the_span_in_some_seeds_does_so_in_some() -> None:
    leaves = np.zeros((2, 3, 3))
    leaves[0, 1] = 0.1
    some = spaces(seed(), seed(1), seed(2, grid_outside=leaves))
    assert "leaves the span of $H_0$ by 10% of its norm in 1 of 3 seeds" in function_space_words.answer(some)
    assert "bounded" not in function_space_words.answer(some)
    assert four_answers.labels(some)["function_space"] == "outside? **seeds disagree**"
    every = spaces(seed(grid_outside=leaves))
    assert "**$f_T$ is outside $H_0$, and in $H_T$ so far**" in function_space_words.answer(every)


def test_no_enlargement_is_said_of_no_seed_that_has_one() -> None:
    wide = np.array([[1.0, 0.8], [1.0, 0.8], [1.0, 0.01]])
    same = np.array([[1.0, 0.1]] * T)
    found = spaces(seed(held_out__frontier_error=same), seed(1, held_out__frontier_error=wide))
    assert "no enlargement" not in function_space_words._balls(found)[0]
    assert "no enlargement is seen" in function_space_words._balls(spaces(seed(held_out__frontier_error=same)))[0]


def test_exponents_of_a_spectrum_have_their_range() -> None:
    found = spaces(seed(), seed(1, held_out__decay_exponent=path(5, 5, 5)))
    assert "under $K_0$ as $i^{-3.00}$ (over seeds 1.00 to 5.00)" in bias_words._decay(found, "held_out")[0]
    assert "in 1 of 2 seeds" in bias_words._power(
        spaces(seed(), seed(1, held_out__target_power=np.full((T, P), 1 / P), held_out__rank=np.full(T, 2))), "held_out"
    )[0]  # fmt: skip


def test_a_drift_that_came_back_in_one_seed_is_said() -> None:
    t = [0.0, 1.0, 2.0]
    found = numbers.result(numbers.moved(drift=[0.0, 0.5, 0.9], t=t), numbers.moved(1, drift=[0.0, 0.8, 0.1], t=t))
    assert "(on the way by up to 80%, and back, in 1 of 2 seeds)" in evolution_words._drift(found)[0]


def test_stable_is_said_of_the_seeds_that_are() -> None:
    Seed = numbers.Seed
    found = numbers.trained(Seed([0.5, 0.6]), Seed([0.5, 3.0], "diverged"), Seed([0.5, NAN]))
    said = evolution_words.stability(found)[0]
    assert "$ was in 1 of 3 seeds 0.5 at the start" in said
    assert said.endswith(": stable, the limit is 2.")


def expanded(first: list[float], second: list[float], seen: list[float]) -> Any:
    found = numbers.expanded()
    found.summary |= {"explained_order_1": first, "explained_order_2": second, "drift": [0.2] * len(first)}
    found.seeds = [numbers.SimpleNamespace(seen=one) for one in seen]
    return found


def test_what_orders_explain_has_its_range_and_every_seed_sees_it() -> None:
    said = expansion_words._explained(expanded([0.9, 0.9, -5.0], [0.95, 0.95, -9.0], [1.0] * 3))[0]
    assert "First order explains 90% (none to 90%) of" in said
    assert said.endswith("together 95% (none to 95%).")
    assert "**not determined**" in expansion_words._explained(expanded([0.9, 0.9], [0.9, 0.9], [1.0, 0.1]))[0]


def test_a_scale_without_a_finite_number_is_not_passed_over() -> None:
    said = map_words.by_alpha(numbers.alphas([0.1, np.inf, 0.1]), "elt")[0]
    assert said.endswith("the lazy error is 0.1 at each of 2 α (1 more without a finite one).")


def test_a_bound_without_a_boundary_has_its_reason() -> None:
    none = Boundary(None, reason="runs do not pass the threshold as beta grows")
    said = map_words.altered({"order_0": Boundary(0.1, 0.05, None), "p2": none}, Thresholds())
    assert said.endswith("Where its bound $P_2$ is as large is not known: runs do not pass the threshold as β grows.")


@pytest.mark.parametrize(("share", "draws"), [(0.01, 100), (0.03, 100), (0.1, 100), (0.01, 1000), (0.3, 1000)])
def test_a_share_of_draws_is_covered_as_often_as_is_said(share: float, draws: int) -> None:
    """Exactly, by the binomial law, where the sentence is said; the normal interval covers .84 of 3% of 100 draws."""
    covered = total = 0.0
    for count in range(1, draws):
        weight = float(scipy.stats.binom.pmf(count, draws, share))
        said = initial_words.above_the_mean(
            pd.DataFrame({"low": [1.0, 10.0], "high": [10.0, 100.0], "tail": [1.0, count / draws]}), np.log(10.0), draws
        )
        low, high = said.split("95%: ")[1].split("%)")[0].split(" to ")
        covered += weight * (float(low) <= 100 * share <= float(high))
        total += weight
    assert covered / total >= 0.95


def test_an_exponential_that_no_float_holds_is_a_power_of_e() -> None:
    """At width 1 and depth 300 the ratio, 6^300, is a float, and exp(5 beta) is none."""
    end = pd.DataFrame({"width": [1], "depth": [300], "beta": [300.0], "ratio": [6.0**300]})
    assert initial_words.variation(end).endswith(r"$e^{5\beta}$ e^1,500.")


@pytest.mark.parametrize(("sigma", "depth", "factor"), [(3.0, 1024, "e^770"), (0.1, 1024, "e^−2,713"), (1.0, 2, "0.5")])
def test_a_signal_that_no_float_holds_has_its_factor(sigma: float, depth: int, factor: str) -> None:
    """1024 ln(3/sqrt 2) = 770.1; (1/sqrt 2)^2 = 1/2."""
    config = RunConfig.from_dict(
        {"data": {"name": "circle"}, "network": {"depth": depth, "width": 4, "sigma_w": sigma}}
    )
    assert f"by a factor {factor} through {depth} layers" in off_critical(config)


def test_a_bar_that_cannot_be_trusted_tells_no_sign() -> None:
    rows = pd.DataFrame({"sign": [1, -1, -1], "low": [0.1, 0.1, -0.1], "trusted": ["no", "yes", "yes"]})
    said = initial_words.point_signs("sampler", rows)
    assert said.startswith("sampler: 0 of 3 points grow, 1 fall; the sign of 1 is within its error; of 1 the error bar")
