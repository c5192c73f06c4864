import numpy as np
import pandas as pd
import pytest

from engine.regimes.result import METRICS, Thresholds, cells_frame, quantiles, run_label

INF = float("inf")


def runs(elt: list[float], end: list[str] | None = None, cv2: float = 0.2, cell: int = 0) -> pd.DataFrame:
    ends = end or ["residual"] * len(elt)
    frame = pd.DataFrame({"cell": cell, "depth": 2, "width": 8.0, "beta": 0.25, "seed": range(len(elt)), "end": ends})
    frame["failed"] = frame["end"] != "residual"
    return frame.assign(
        **dict.fromkeys(METRICS, 1.0) | {"elt": elt, "rounding": 1e-9}, cv2=cv2, cv2_low=cv2, cv2_high=cv2
    )


@pytest.mark.parametrize(
    ("elt", "label"),
    [
        (0.0, "lazy"),
        (0.1, "lazy"),
        (0.11, "weak"),
        (0.5, "weak"),
        (0.51, "strong"),
        (INF, "strong"),
        (np.nan, "strong"),
    ],
)
def test_a_run_is_labelled_by_its_elt(elt: float, label: str) -> None:
    assert run_label(elt, Thresholds()) == label


@pytest.mark.parametrize(
    ("frame", "label", "reason"),
    [
        (runs([0.05, 0.06, 0.9]), "lazy", ""),
        (runs([0.05, 0.06, 0.2, 0.3]), "weak", ""),
        (runs([0.05, np.nan, INF]), "strong", ""),
        (runs([0.05, 0.05], cv2=1.0), "unstable", "stochastic kernel"),
        (runs([0.05, 0.05], ["residual", "dead"]), "unstable", "untrainable"),
        (runs([0.05, 0.05, 0.05], ["residual", "residual", "cap"]), "lazy", ""),
        (runs([0.05, 0.05], ["diverged", "cap"], cv2=3), "unstable", "stochastic kernel, untrainable"),
        (runs([0.05, 0.05], cv2=np.nan), "lazy", ""),
        (runs([0.05, 0.05]).assign(cv2=0.9, cv2_low=0.8, cv2_high=1.2), "undecided", ""),
        (runs([0.05, 0.05]).assign(cv2=0.9, cv2_low=0.8, cv2_high=INF), "undecided", ""),
        (runs([0.05, 0.05]).assign(cv2=1.2, cv2_low=0.8, cv2_high=INF), "undecided", ""),
        (runs([0.05, 0.05]).assign(cv2=1.4, cv2_low=1.1, cv2_high=INF), "unstable", "stochastic kernel"),
        (runs([0.05, 0.05]).assign(cv2=0.5, cv2_low=0.4, cv2_high=0.7), "lazy", ""),
    ],
)
def test_a_cell_takes_the_label_of_its_median_run(frame: pd.DataFrame, label: str, reason: str) -> None:
    (row,) = cells_frame(frame).to_dict("records")
    assert (row["label"], row["reason"]) == (label, reason)


def test_thresholds_move_afterwards() -> None:
    frame = runs([0.3, 0.3], ["residual", "cap"], cv2=1.5)
    assert cells_frame(frame, Thresholds(spread=2, failed=0.9))["label"].tolist() == ["weak"]
    assert cells_frame(frame, Thresholds(lazy=0.3, spread=2, failed=0.9))["label"].tolist() == ["lazy"]
    assert cells_frame(frame, Thresholds(strong=0.2, spread=2, failed=0.9))["label"].tolist() == ["strong"]


def test_a_cell_says_how_its_runs_ended_and_their_quantiles() -> None:
    frame = pd.concat([runs([0.1, 0.2, 0.3, 0.4], ["residual", "dead", "cap", "cap"]), runs([1.0], cell=1)])
    first, second = cells_frame(frame).to_dict("records")
    assert (first["failed"], first["diverged"], first["dead"], first["cap"]) == (0.75, 0.0, 0.25, 0.5)
    assert (first["elt_low"], first["elt"], first["elt_high"]) == pytest.approx((0.15, 0.25, 0.35))
    assert (first["runs"], second["runs"]) == (4, 1)
    assert second["elt_low"] == second["elt"] == second["elt_high"] == 1.0


def test_what_is_not_finite_counts_as_largest() -> None:
    assert quantiles(np.array([1.0, np.nan, 3.0, INF, -INF]), (0.25, 0.5, 0.75)) == [3.0, INF, INF]
    assert quantiles(np.array([1.0, 2.0]), (0.5,)) == [1.5]
