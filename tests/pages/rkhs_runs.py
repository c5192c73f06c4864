"""Small comparisons of spaces for tests of the pages."""

from collections.abc import Iterable

from computed import Asked

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


def asked(names: Iterable[str] = RUNS) -> dict[str, Asked]:
    """The comparisons by the name of their run, as jobs."""
    return {name: ("rkhs", config(name)) for name in names}
