import numpy as np
import pandas as pd
import pytest
import synthetic
from sklearn.linear_model import LogisticRegression

from engine.regimes.boundaries import RIDGE, boundaries, boundary, crossings_of, dynamics
from engine.regimes.result import Thresholds


def of(frame: pd.DataFrame, threshold: float = 1.0, **settings: int):
    beyond = frame["elt"].to_numpy() > threshold
    return boundary(frame["beta"].to_numpy(), beyond, frame["cell"].to_numpy(), **settings)


@pytest.mark.parametrize(
    "law",
    [
        {},
        pytest.param({"cell_noise": 0.0}, marks=pytest.mark.long),
        {"cell_noise": 0.4},
        pytest.param({"scale": 0.02}, marks=pytest.mark.long),
        pytest.param({"slope": 0.6}, marks=pytest.mark.long),
        {"seeds": 6, "seed_noise": 0.3, "cell_noise": 0.1},
    ],
    ids=str,
)
def test_a_90_percent_band_covers_a_known_boundary_in_85_of_100_trials(law: dict) -> None:
    truth, covered, widths = law.get("scale", 0.1), 0, []
    for trial in range(100):
        found = of(synthetic.runs(np.random.default_rng(trial), **law), seed=trial)
        assert found.beta is not None
        covered += (found.low or 0) <= truth <= (found.high or np.inf)
        widths.append((found.high or np.inf) / (found.low or 1e-9))
    assert covered >= 85
    assert np.median(widths) < 2.5  # a band that says nothing would cover, too


def test_resamples_are_fitted_as_scikit_learn_fits() -> None:
    rng = np.random.default_rng(0)
    x = np.log(rng.uniform(0.01, 4, (40, 30)))
    runs = np.full((40, 30), 4)
    above = rng.binomial(runs, 1 / (1 + np.exp(-rng.choice([0.3, 2, 8, 50], (40, 1)) * (x + 0.3))))
    expected = []
    for row, k in zip(x, above, strict=True):
        model = LogisticRegression(C=1 / RIDGE, solver="lbfgs", tol=1e-10, max_iter=10_000)
        model.fit(np.repeat(row, 4)[:, None], (np.arange(4) < k[:, None]).ravel())
        slope = model.coef_[0, 0]
        expected.append(-model.intercept_[0] / slope if slope > 0 else np.nan)
    np.testing.assert_allclose(crossings_of(x, above, runs), expected, atol=1e-4)


def test_runs_whose_elt_is_only_rounding_are_on_neither_side() -> None:
    """Small betas with an elt of .3 that is all rounding would put the boundary far below .1."""
    beta = np.repeat([0.01, 0.02, 0.03, 0.05, 0.06, 0.07, 0.2, 0.5, 1.0], 2)
    frame = pd.DataFrame({"beta": beta, "elt": np.where(beta > 0.1, 1.0, 0.01), "failed": False, "rounding": 1e-9})
    frame["cell"] = np.repeat(np.arange(9), 2)
    found = boundaries(frame)["lazy_weak"]
    lost = frame.assign(elt=frame["elt"].where(beta > 0.025, 0.3), rounding=frame["rounding"].where(beta > 0.025, 0.4))
    assert boundaries(lost)["lazy_weak"] == boundaries(frame[beta > 0.025])["lazy_weak"]
    assert found.beta == pytest.approx(boundaries(lost)["lazy_weak"].beta, rel=0.2)


def test_perfectly_separated_runs_have_a_boundary_between_them() -> None:
    beta = np.repeat([0.01, 0.02, 0.05, 0.2, 0.5, 1.0], 4)
    found = boundary(beta, beta > 0.1, np.repeat(np.arange(6), 4))
    assert found.beta is not None
    assert 0.05 < found.beta < 0.2
    assert found.summary().keys() == {"beta", "low", "high"}


@pytest.mark.parametrize(
    ("beta", "beyond", "reason"),
    [
        ([0.1, 0.2, 0.3], [False, False, True], "not enough data: 3 cells"),
        ([0.1, 0.1, 0.1, 0.2, 0.2, 0.2], [False, True] * 3, "at 3 different beta"),
        (np.arange(1, 9) / 10, [False] * 8, "no run is beyond"),
        (np.arange(1, 9) / 10, [True] * 8, "every run is beyond"),
        (np.arange(1, 9) / 10, [True] * 4 + [False] * 4, "do not pass"),
        (np.arange(1, 9) / 10, [False] * 6 + [True] * 2, None),
        (np.arange(1, 9) / 10, [False, False, True, False, False, True, False, False], "lies above every computed"),
    ],
)
def test_no_boundary_has_a_reason(beta: np.ndarray, beyond: list[bool], reason: str | None) -> None:
    found = boundary(np.array(beta), np.array(beyond), np.arange(len(beyond)))
    assert (found.beta is None) == (reason is not None)
    if reason:
        assert reason in found.reason
        assert found.summary()["beta"] is None
        assert found.summary()["reason"]


def test_the_three_boundaries_and_runs_that_are_not_finite() -> None:
    frame = synthetic.runs(np.random.default_rng(1), scale=0.1)
    frame["failed"] = frame["beta"] > 1.5
    found = boundaries(frame, Thresholds(lazy=0.5, strong=2.0))
    assert found["lazy_weak"].beta == pytest.approx(0.05, rel=0.3)
    assert found["weak_strong"].beta == pytest.approx(0.2, rel=0.3)
    assert found["stable_unstable"].beta == pytest.approx(1.7, rel=0.3)
    frame.loc[frame["elt"] > 2, "elt"] = np.nan  # never lazy, never weak
    assert boundaries(frame, Thresholds(lazy=0.5, strong=2.0))["weak_strong"] == found["weak_strong"]


def test_where_the_dynamics_alter_is_read_off_order_0_and_its_bound() -> None:
    """Both at the threshold of lazy; elt is another matter."""
    frame = synthetic.runs(np.random.default_rng(1), scale=0.1)
    frame = frame.assign(residual_lazy_error=frame["elt"], p2=4 * frame["elt"], elt=0.0)
    found = dynamics(frame, Thresholds(lazy=0.5))
    assert found["order_0"].beta == pytest.approx(0.05, rel=0.3)
    assert found["p2"].beta == pytest.approx(0.0125, rel=0.3)


def test_a_band_is_that_of_cells_and_of_seeds_within_them() -> None:
    """Eight alike cells of four seeds at each of five beta: the band is that of seeds, drawn here one by one."""
    beta = np.repeat([0.01, 0.03, 0.1, 0.3, 1.0], 8)
    beyond = np.arange(4) < np.repeat([0, 1, 2, 3, 4], 8)[:, None]
    found = boundary(np.repeat(beta, 4), beyond.ravel(), np.repeat(np.arange(40), 4), resamples=2000)
    rng = np.random.default_rng(1)
    cells, seeds = rng.integers(40, size=(2000, 40)), rng.integers(4, size=(2000, 40, 4))
    above = np.take_along_axis(beyond[cells], seeds, axis=2).sum(axis=2)
    crossings = crossings_of(np.log(beta)[cells], above, np.full_like(above, 4))
    assert found.low is not None
    assert found.high is not None
    assert found.beta == pytest.approx(0.1, rel=0.05)
    assert np.log(found.high / found.low) == pytest.approx(np.diff(np.quantile(crossings, [0.05, 0.95]))[0], rel=0.1)
