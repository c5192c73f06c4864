import numpy as np
import pandas as pd
import pytest
import synthetic

from engine.regimes.collapse import Collapse, collapse, collapses


def of(frame: pd.DataFrame, **settings: int) -> Collapse:
    return collapse(*(frame[name].to_numpy() for name in ("depth", "beta", "elt", "cell")), **settings)


@pytest.mark.long
def test_p_values_are_uniform_when_beta_alone_decides() -> None:
    p = [of(synthetic.runs(np.random.default_rng(trial), cell_noise=0.0)).p_value for trial in range(40)]
    assert 1 <= sum(value < 0.25 for value in p) <= 18  # binomial(40, 1/4), 99.9%
    assert min(p) > 1e-3


def test_depth_is_found_where_it_matters() -> None:
    found = [of(synthetic.runs(np.random.default_rng(t), exponent=0.4, cell_noise=0.1)) for t in range(20)]
    assert all(one.p_value <= 0.001 for one in found)
    exponents = np.array([one.depth_exponent for one in found])
    errors = np.array([one.depth_exponent_error for one in found])
    assert abs(exponents.mean() - 0.4) < 3 * exponents.std() / np.sqrt(20)
    assert np.mean(np.abs(exponents - 0.4) < errors) > 0.8
    # slope 1 in ln beta: depth^0.4 beta is the variable
    assert np.mean([one.best_q for one in found]) == pytest.approx(0.4, abs=0.05)


def test_best_q_is_the_exponent_over_the_slope() -> None:
    found = of(synthetic.runs(np.random.default_rng(0), slope=0.5, exponent=0.25, cell_noise=0.01, seed_noise=0.05))
    assert found.depth_exponent == pytest.approx(0.25, abs=0.02)
    assert found.best_q == pytest.approx(0.5, abs=0.05)


def test_without_shared_betas_there_is_no_test() -> None:
    frame = synthetic.runs(np.random.default_rng(0))
    found = of(frame[frame["depth"] == 2])
    assert found == Collapse(None, None, None, None, 0)


def test_two_shared_betas_are_no_test() -> None:
    frame = synthetic.runs(np.random.default_rng(0))
    betas = np.sort(frame["beta"].unique())
    found = of(frame[frame["beta"].isin(betas[4:6])])
    assert found.groups <= 2
    assert (found.p_value, found.best_q) == (None, None)


def test_one_seed_gives_an_exponent_and_no_test() -> None:
    found = of(synthetic.runs(np.random.default_rng(0), seeds=1, exponent=0.4))
    assert found.p_value is None
    assert found.depth_exponent is not None


def test_dead_and_non_finite_runs_are_left_out() -> None:
    frame = synthetic.runs(np.random.default_rng(0), exponent=0.4)
    spoiled = pd.concat([frame, frame.head(6).assign(elt=[0.0, np.nan, np.inf, -1.0, 0.0, np.nan])])
    assert of(spoiled) == of(frame)


def test_only_small_betas_count() -> None:
    frame = synthetic.runs(np.random.default_rng(0), exponent=0.4)
    frame = frame.assign(**dict.fromkeys(("drift", "shape_drift", "first_step", "residual_lazy_error"), frame["elt"]))
    whole = collapses(frame)
    assert set(whole) == {"elt", "drift", "shape_drift", "first_step", "residual_lazy_error"}
    assert whole["elt"] == of(frame[frame["beta"] <= 0.25]) == whole["drift"]
