"""The few numbers by which results are listed and compared, whatever their kind. Imports no JAX."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from engine.progress import Arrays
from engine.quantities import QUANTITIES
from engine.result import Result

AT_THE_STOP = "at the stop"


@dataclass(frozen=True)
class Metric:
    """A number of a result: the median over its seeds, over all runs of a study, or over the cells of a map.

    Attributes:
        quantity: in `engine.quantities`.
        of: which of its values.
    """

    quantity: str
    of: str = AT_THE_STOP

    @property
    def label(self) -> str:
        return ", ".join(filter(None, [QUANTITIES[self.quantity].label, self.of]))

    @property
    def short(self) -> str:
        """Without what goes without saying: at the stop."""
        return QUANTITIES[self.quantity].label if self.of == AT_THE_STOP else self.label


OF_RUNS = (
    "loss", "residual", "test_error", "test_accuracy", "drift", "shape_drift", "cka", "alignment_test", "lambda_max",
    "probe_drift",
)  # fmt: skip
"""Numbers of a run that are called as their quantity."""
OF_EXPANSIONS = ("error_order_1", "error_order_2", "bound_P2", "drift")
"""Numbers of an expansion that are called as its result calls them."""

LABELS = {
    **{name: Metric(name) for name in OF_RUNS},
    "steps": Metric("map.steps", ""),
    "t": Metric("t", "to the stop"),
    "elt": Metric("map.elt", ""),
    "lazy_error": Metric("map.residual_lazy_error", ""),
    "cv2": Metric("map.cv2", ""),
    "failed": Metric("map.failed", ""),
    "error_order_1": Metric("order_error", "order 1, at most"),
    "error_order_2": Metric("order_error", "order 2, at most"),
    "bound_P2": Metric("bound_P2"),
    "norm_start": Metric("norm_target", "at t = 0"),
    "norm_end": Metric("norm_target"),
    "decay_exponent": Metric("decay_exponent"),
    "error_K_0": Metric("regression", "test error with K_0"),
    "error_K_T": Metric("regression", "test error with K_T"),
}
"""Every number by its name, in the order of a list."""

Values = Mapping[str, Any]


def result_of(kind: str, arrays: Arrays) -> Result[Any, Any]:
    """The "result" entry of a job of a kind in `METRICS`. Raises `ResultError`."""
    module, name = METRICS[kind][0].split(":")
    return getattr(import_module(module), name).from_arrays(arrays)


def measured(kind: str, arrays: Arrays) -> dict[str, float]:
    """Of the "result" entry of a job of this kind, what is finite; nothing where an earlier version wrote it."""
    _, read = METRICS[kind]
    try:
        found = read(result_of(kind, arrays))
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return {}
    return _finite(found)


def of_cells(cells: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Of a map: of each number the median over the cells that have it."""
    found: dict[str, list[float]] = {}
    for cell in cells:
        for name, value in cell.items():
            found.setdefault(name, []).append(value)
    return _finite({name: _median(values) for name, values in found.items()})


def _run(result: Any) -> Values:
    numbers = result.numbers()
    last: dict[str, Any] = {"loss": _median(result.per_seed(lambda seed: seed["loss"][-1]))}
    if all("test_accuracy" in seed for seed in result.seeds):
        last["test_accuracy"] = _median(result.per_seed(lambda seed: seed["test_accuracy"][-1]))
    named = {
        "residual": "residual_end",
        "test_error": "test_error_end",
        "alignment_test": "alignment_end",
        "lambda_max": "lambda_max_end",
        "t": "t_stop",
    }
    same = ("drift", "shape_drift", "cka", "probe_drift", "steps")
    return last | _medians(numbers, {**named, **{name: name for name in same}})


def _recording(result: Any) -> Values:
    seed = result.seeds[0]
    return {name: seed[name][-1] for name in OF_RUNS if name in seed} | {"steps": seed.steps, "t": seed.t_stop}


def _cell(result: Any) -> Values:
    named = {
        "elt": "elt",
        "drift": "drift",
        "shape_drift": "shape_drift",
        "lazy_error": "residual_lazy_error",
        "residual": "residual",
        "test_error": "test_error",
        "steps": "steps",
        "t": "t_stop",
    }
    went = np.asarray(result["end"]) != "diverged"  # the last kernel of a run that diverged says nothing
    values = {name: _median(np.asarray(result[column], float)[went]) for name, column in named.items()}
    return values | {"cv2": float(result["cv2"]), "failed": float(np.mean(np.asarray(result["end"]) != "residual"))}


def _perturbation(result: Any) -> Values:
    named = {"lazy_error": "error_order_0", **{name: name for name in OF_EXPANSIONS}, "t": "t_stop"}
    return _medians(result.numbers(), named)


def _study(result: Any) -> Values:
    named = {"lazy_error": "error_order_0", "t": "t_stop", **{name: name for name in OF_EXPANSIONS}}
    return _medians(result.arrays, named)


def _spaces(result: Any) -> Values:
    numbers = result.numbers()
    errors = numbers["test_error"]
    found = {"test_error": "network", "error_K_0": "K_0", "error_K_T": "K_T"}
    exponents = [value for value in numbers["decay_exponent"] if isinstance(value, float)]
    return {
        **_medians(numbers, {"norm_start": "S_start", "norm_end": "S_end", "t": "t_stop"}),
        **{name: _median([seed[column] for seed in errors]) for name, column in found.items()},
        "decay_exponent": _median(exponents),
    }


METRICS: Mapping[str, tuple[str, Callable[[Any], Values]]] = {
    "run": ("engine.training.result:RunResult", _run),
    "cell": ("engine.regimes.result:CellResult", _cell),
    "perturbation": ("engine.perturbation.result:PerturbationResult", _perturbation),
    "perturbation_study": ("engine.perturbation.result:StudyResult", _study),
    "rkhs": ("engine.rkhs.result:RkhsResult", _spaces),
    "recording": ("engine.recording.result:RecordedRun", _recording),
    "recording_spaces": ("engine.recording.result:RecordedSpaces", _spaces),
    "recording_perturbation": ("engine.recording.result:RecordedPerturbation", _perturbation),
}
"""By kind of job the import path of its result, and what is read from it."""


def _medians(numbers: Mapping[str, Any], named: Mapping[str, str]) -> dict[str, Any]:
    return {name: _median(numbers[column]) for name, column in named.items() if column in numbers}


def _median(values: Sequence[float | None] | np.ndarray) -> float:
    """Of those that are finite; NaN of none."""
    known = [value for value in values if value is not None and np.isfinite(value)]
    return float(np.median(known)) if known else float("nan")


def _finite(values: Values) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if value is not None and np.isfinite(value)}
