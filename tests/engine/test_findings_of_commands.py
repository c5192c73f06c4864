"""What the command line prints of a result."""

from engine import findings
from engine.metrics import LABELS


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
