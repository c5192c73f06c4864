"""What the command line prints of a result."""

from engine import terminal
from engine.metrics import LABELS
from engine.quantities import QUANTITIES


def test_a_line_for_each_number_with_its_unit():
    lines = [*terminal.written({"drift": 0.123456, "test_accuracy": 0.975, "t": 2.0, "failed": 0.0})]
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
        "along": "beta", "spread": None,
    }  # fmt: skip
    assert terminal.of_map(summary) == [
        "computed: 2 of 3 cells, 8 runs",
        "cells: lazy 2",
        "boundary along beta, lazy to weak: beta 0.123 (open to 0.2)",
        "boundary along beta, weak to strong: none (no cell beyond)",
    ]


def test_a_map_of_several_kinds_says_each_and_how_they_stand_beside_the_first():
    """The numbers of a summary, written by hand."""
    none = {"beta": None, "reason": "it lies above every computed beta: extend the grid"}
    of_mlp = {"labels": {"lazy": 1}, "boundaries": {"lazy_weak": none}, "along": "beta", "spread": [{"cv2": 0.1}]}
    spread = [{"measured_beta": 0.02}, {"measured_beta": 0.012}, {"measured_beta": None}]
    found = {"lazy_weak": {"beta": 0.05, "low": 0.04, "high": 0.07}}
    of_resnet = {"labels": {"lazy": 1}, "boundaries": found, "along": "depth/width", "spread": spread}
    ratio = {"ratio": 0.5, "low": 0.4, "high": 0.6, "least": 0.2, "most": 0.7, "shapes": 12, "left_out": 1}
    shape = {"width": 8.0, "shallow": 2.0, "deep": 32.0}
    summary = {
        "cells": 4, "failed": 0, "runs": 8, "architectures": {"mlp": of_mlp, "resnet": of_resnet},
        "ratios": {"resnet": {"drift": ratio, "elt": ratio | {"low": None, "high": None}}},
        "growth": {"mlp": {**shape, "factor": 31.0, "low": 31.0, "high": 31.0},
                   "resnet": {**shape, "factor": 1.1, "low": 0.9, "high": 1.3}},
    }  # fmt: skip
    assert terminal.of_map(summary) == [
        "computed: 4 of 4 cells, 8 runs",
        "mlp: cells: lazy 1",
        "mlp: boundary along beta, lazy to weak: none (it lies above every computed beta: extend the grid)",
        "resnet: cells: lazy 1",
        "resnet: boundary along depth/width, lazy to weak: depth/width 0.05 (0.04 to 0.07)",
        "resnet: measured beta: 0.012 to 0.02 over 2 of 3 cells",
        "drift, resnet over mlp: 0.5 (95%: 0.4 to 0.6), 12 shapes",
        "lazy error, resnet over mlp: 0.5, 12 shapes",
        "n CV^2 at initialisation, mlp: grows 31-fold (exactly), depth 2 to 32 at width 8",
        "n CV^2 at initialisation, resnet: grows 1.1-fold (95%: 0.9 to 1.3), depth 2 to 32 at width 8",
    ]


def test_one_seed_is_no_median():
    assert terminal.of_result("run", "", {}, {"seeds": [3], "beta": 0.5, "stop_reason": ["residual"]}) == [
        "beta: 0.5",
        "stopped by: residual 1",
    ]


def test_a_study_says_of_what_its_medians_are_and_its_laws():
    """The numbers of a summary, written by hand."""
    law = {"exponents": {"width": -1.004, "depth": 0.5}, "intervals": {"width": [-1.1, -0.908], "depth": [0.4, 0.6]}}
    laws = {"error_order_0": law, "error_order_2": None, "drift_predicted": law | {"intervals": {}}}
    assert [*terminal.of_laws(laws)] == [
        "law: training lazy error ~ width^-1 (95%: -1.1 to -0.908) depth^0.5 (95%: 0.4 to 0.6)",
        "law: distance from the network, order 2, at most: none",
        f"law: {QUANTITIES['drift_predicted'].label} ~ width^-1 depth^0.5",
    ]
    assert "medians over all networks and seeds:" in terminal.of_result("perturbation_study", "", {}, {"laws": laws})
