"""What the command line prints of a result."""

from engine import findings
from engine.metrics import LABELS
from engine.quantities import QUANTITIES


def test_a_line_for_each_number_with_its_unit():
    lines = [*findings.written({"drift": 0.123456, "test_accuracy": 0.975, "t": 2.0, "failed": 0.0})]
    assert lines == [
        "drift, at the stop: 0.1235",
        "test accuracy, at the stop: 97.5 %",
        "time, to the stop: 2 over an eigenvalue of K",
        f"{LABELS['failed'].label}: 0 %",
    ]


def test_a_map_says_its_labels_and_where_one_gives_way_to_the_next():
    boundaries = {
        "lazy_weak": {"beta": 0.123456, "low": None, "high": 0.2},
        "weak_strong": {"beta": None, "low": None, "high": None, "reason": "no cell beyond"},
    }
    summary = {
        "cells": 3, "failed": 1, "runs": 8, "labels": {"lazy": 2, "weak": 0, "strong": 0}, "boundaries": boundaries,
    }  # fmt: skip
    assert findings.of_map(summary) == [
        "computed: 2 of 3 cells, 8 runs",
        "cells: lazy 2",
        "boundary along beta, lazy to weak: beta 0.123 (open to 0.2)",
        "boundary along beta, weak to strong: none (no cell beyond)",
    ]


def test_one_seed_is_no_median():
    assert findings.of_result("run", "", {}, {"seeds": [3], "beta": 0.5, "stop_reason": ["residual"]}) == [
        "beta: 0.5",
        "stopped by: residual 1",
    ]


def test_a_study_says_of_what_its_medians_are_and_its_laws():
    """The numbers of a summary, written by hand."""
    law = {"exponents": {"width": -1.004, "depth": 0.5}, "intervals": {"width": [-1.1, -0.908], "depth": [0.4, 0.6]}}
    laws = {"error_order_0": law, "error_order_2": None, "drift_predicted": law | {"intervals": {}}}
    assert [*findings.of_laws(laws)] == [
        "law: training lazy error ~ width^-1 (95%: -1.1 to -0.908) depth^0.5 (95%: 0.4 to 0.6)",
        "law: distance from the network, order 2, at most: none",
        f"law: {QUANTITIES['drift_predicted'].label} ~ width^-1 depth^0.5",
    ]
    assert "medians over all networks and seeds:" in findings.of_result("perturbation_study", "", {}, {"laws": laws})
