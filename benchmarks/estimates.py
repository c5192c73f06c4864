"""What a job is said to take, over the processor's time that it takes in a process of its own.

    python -m benchmarks.estimates [NAME ...]

Most of these runs go to their cap, of which the estimate is. A machine with two processors and nothing else to do takes
at least half of their time, and at most all of it; the last column is how many this process had. The machine's speed
is measured in the same process, just before.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from engine import jobs
from engine.cost import Calibration, CalibrationConfig, Cost, estimate
from engine.perturbation.config import estimate as of_expansion
from engine.rkhs.config import check_cost as of_spaces

CIRCLE = {"name": "circle", "size": 64, "test_size": 256}
DIGITS = {"name": "digits", "size": 64, "test_size": 128}
TEN = {**DIGITS, "classes": None}
SPHERE = {"name": "sphere", "dim": 10, "size": 32, "test_size": 64}


def _run(data: Mapping, network: Mapping, steps: int, checkpoints: int = 16, seeds: int = 1, **more: Any) -> dict:
    """A run to the cap."""
    training = {"max_steps": steps, "checkpoints": checkpoints, "stop_residual": None} | more.pop("training", {})
    return {"data": data, "network": network, "training": training, "seeds": list(range(seeds)), **more}


CONV = {"kind": "conv", "depth": 3, "width": 32}
RUNS = {
    "mlp": _run(CIRCLE, {"depth": 3, "width": 256}, 2000, seeds=3),
    "mlp wide": _run(CIRCLE, {"depth": 3, "width": 1024}, 500),
    "mlp narrow": _run(CIRCLE, {"depth": 32, "width": 32}, 2000, seeds=2),
    "mlp tiny": _run(CIRCLE, {"depth": 2, "width": 16}, 20000),
    "mlp digits": _run({**TEN, "size": 128, "test_size": 256}, {"depth": 2, "width": 256}, 1000),
    "mlp 512 points": _run({**CIRCLE, "size": 512}, {"depth": 3, "width": 256}, 300),
    "mlp float64": _run(CIRCLE, {"depth": 3, "width": 256}, 2000, training={"precision": "float64"}),
    "mlp flow": _run(CIRCLE, {"depth": 3, "width": 256, "activation": "erf"}, 1000, training={"integrator": "rk4"}),
    "mlp batches": _run(CIRCLE, {"depth": 3, "width": 256}, 2000, training={"batch_size": 16, "momentum": 0.5}),
    "mlp logistic": _run(DIGITS, {"depth": 3, "width": 128}, 1000, training={"loss": "logistic"}),
    "resnet": _run(CIRCLE, {"kind": "resnet", "depth": 3, "width": 256}, 1000),
    "resnet deep": _run(CIRCLE, {"kind": "resnet", "depth": 24, "width": 64}, 1000),
    "resnet digits": _run(TEN, {"kind": "resnet", "depth": 4, "width": 128}, 500),
    "conv": _run(DIGITS, CONV, 300),
    "conv ten": _run(TEN, {**CONV, "width": 16}, 300),
    "conv wide": _run({**DIGITS, "size": 32}, {**CONV, "width": 128}, 60, 8),
    "conv strides": _run(DIGITS, {**CONV, "stride": 2, "norm": "layer"}, 300),
    "conv flatten": _run(DIGITS, {**CONV, "pooling": "flatten", "width": 16}, 300),
    "conv float64": _run(DIGITS, {**CONV, "width": 16}, 60, training={"precision": "float64"}),
    "conv deep": _run(DIGITS, {**CONV, "depth": 8, "width": 8}, 300),
    "conv mixed": _run(DIGITS, CONV, 100, kernel_precision="float32"),
    "conv infinite": _run({**DIGITS, "size": 32}, {**CONV, "width": 8}, 100, 8, kernel="infinite_ntk"),
}
JOBS: dict[str, tuple[str, dict]] = {name: ("run", values) for name, values in RUNS.items()}


def _cell(network: Mapping, data: Mapping = SPHERE, seeds: int = 4, steps: int = 100) -> tuple[str, dict]:
    return "cell", _run(data, {**network, "centred": True}, steps, 2, seeds, store_parameters=False)


JOBS |= {
    "cell mlp": _cell({"depth": 4, "width": 64}),
    "cell mlp deep": _cell({"depth": 32, "width": 256}),
    "cell resnet": _cell({"kind": "resnet", "depth": 8, "width": 64}),
    "cell conv": _cell({"kind": "conv", "depth": 4, "width": 16}, {**DIGITS, "size": 16}),
    "cell conv ten": _cell({"kind": "conv", "depth": 2, "width": 16}, {**TEN, "size": 16}),
    "perturbation": ("perturbation", {"run": _run(SPHERE, {"depth": 3, "width": 128, "activation": "erf"}, 1000)}),
    "perturbation flow": (
        "perturbation",
        {"run": _run(SPHERE, {"depth": 3, "width": 128}, 500, 32, 2, training={"integrator": "rk4"})},
    ),
    "perturbation conv": ("perturbation", {"run": _run({**DIGITS, "size": 32}, {**CONV, "width": 16}, 200)}),
    "study": (
        "perturbation_study",
        {"run": _run(SPHERE, {"depth": 3, "width": 128, "activation": "erf"}, 500), "widths": [32, 64, 128]},
    ),
    "spaces": ("rkhs", {"run": _run({**SPHERE, "size": 64, "test_size": 256}, {"depth": 3, "width": 64}, 1000, 16, 2)}),
    "spaces conv": ("rkhs", {"run": _run(DIGITS, {**CONV, "width": 8}, 100, 8)}),
    "spaces hinge": (
        "rkhs",
        {"run": _run({**DIGITS, "size": 48}, {"depth": 3, "width": 64}, 500, training={"loss": "squared_hinge"})},
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A job in a process of its own.

    Attributes:
        said: seconds, as a page says them.
        first, again: processor's seconds of its first run, and of the second, which compiles nothing.
        wall: seconds of the first run, waiting for a processor included.
        start: of those said, to compile.
    """

    name: str
    said: float
    start: float
    first: float
    again: float
    wall: float

    @property
    def text(self) -> str:
        """A row of a table: ratios, and how much of either is compiling."""
        compiled = f"{self.start / self.said:.0%} | {1 - self.again / self.first:.0%}"
        return f"| {self.name} | {self.said / self.first:.2f} | {compiled} | {self.first / self.wall:.2f} |"


def config_of(name: str) -> tuple[str, Any]:
    """Its kind of job, and its config."""
    kind, values = JOBS[name]
    return kind, jobs.parse(kind, deepcopy(values))


def cost_of(kind: str, config: Any, speed: Calibration) -> Cost:
    """As a page says it."""
    if kind == "rkhs":
        return of_spaces(config, speed)
    return of_expansion(config, speed) if kind.startswith("perturbation") else estimate(config, speed)


def measured(name: str) -> Row:
    """In this process, whose JAX nothing has used."""
    from engine import device

    device.start()
    found = device.calibrate(CalibrationConfig(device="here"))["result"]
    kind, config = config_of(name)
    cost = cost_of(kind, config, Calibration(**{key: float(value) for key, value in found.items()}))
    taken, began = [], time.monotonic()
    for _ in range(2):
        start = time.process_time()
        jobs.compute(kind, config)
        taken.append((time.process_time() - start, time.monotonic() - began))
    (first, wall), (again, _) = taken
    return Row(name, cost.seconds, cost.start_seconds, first, again, wall)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=[*JOBS], metavar="NAME")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(asdict(measured(given.names[0]))))
        return
    print("| | said / taken | said: compiling | taken: compiling | processors |\n|---|---|---|---|---|")
    for name in given.names:
        command = [sys.executable, "-m", "benchmarks.estimates", name, "--one"]
        found = subprocess.run(command, capture_output=True, text=True, check=True)
        print(Row(**json.loads(found.stdout.splitlines()[-1])).text, flush=True)


if __name__ == "__main__":
    main()
