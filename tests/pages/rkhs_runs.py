"""Small comparisons of spaces for tests of the pages, each computed once."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pretend_engine import MAIN

from engine.config import RunConfig
from engine.rkhs.config import RkhsConfig
from pages.run.draft_state import to_query
from pages.run.presets import shortest
from pages.run.settings import draft_of

TRAINING = {"checkpoints": 6, "max_steps": 40, "stop_residual": 0.2}
CIRCLE = {
    "data": {"name": "circle", "size": 12, "test_size": 24, "frequencies": [1]},
    "network": {"depth": 1, "width": 32, "alpha": 0.3},
    "training": TRAINING,
    "seeds": [0, 1],
}
RUNS = {
    "circle": CIRCLE,
    "parity": {
        "data": {"name": "parity", "dim": 5, "order": 2, "size": 12, "test_size": 20},
        "network": {"depth": 1, "width": 16},
        "training": TRAINING,
    },
    "dead": {
        "data": {"name": "circle", "size": 8, "test_size": 16, "frequencies": [1]},
        "network": {"depth": 64, "width": 1, "sigma_b": 0, "train_bias": False, "output_bias": False},
        "training": TRAINING,
    },
}
"""The first with a curve to draw on, the second without; of the last nothing is determined."""


KERNELS = {
    "conjugate": {**CIRCLE, "kernel": "conjugate", "seeds": [0]},
    "infinite width": {**CIRCLE, "kernel": "infinite_nngp", "seeds": [0]},
}
"""Those that follow another kernel."""


def run(name: str) -> RunConfig:
    return RunConfig.from_dict((RUNS | KERNELS)[name])


def query(name: str) -> dict[str, str]:
    """What the URL says of a run."""
    return to_query(shortest(draft_of(run(name).to_dict())[0]))


def config(name: str) -> RkhsConfig:
    """What the pages ask for."""
    return RkhsConfig.from_dict({"run": run(name).to_dict()})


def computed(directory: Path, names: Sequence[str] = tuple(RUNS)) -> None:
    """Fills the cache in this folder, in a process of its own: this one stays free of JAX."""
    code = (
        "import json, pathlib, sys; from cache import Store, cached_compute; from engine.jobs import parse\n"
        "store = Store(pathlib.Path(sys.argv[1]))\n"
        "for values in json.loads(sys.argv[2]): cached_compute(store, 'rkhs', parse('rkhs', values))"
    )
    command = [sys.executable, "-c", code, str(directory), json.dumps([config(name).to_dict() for name in names])]
    environment = {**os.environ, "JAX_ENABLE_X64": "1", "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run(command, cwd=MAIN.parents[1], env=environment, check=True, timeout=280)
