"""Small perturbations and a study for tests of the page."""

from computed import Asked

from engine.config import RunConfig
from engine.perturbation.config import PerturbationConfig, StudyConfig
from pages.run.draft_state import to_query
from pages.run.presets import shortest
from pages.run.settings import draft_of

CIRCLE = {"name": "circle", "size": 8, "test_size": 12, "frequencies": [1]}
TRAINING = {"checkpoints": 8, "max_steps": 40, "stop_residual": 0.1}
RUNS = {
    "flow": {
        "data": CIRCLE,
        "network": {"depth": 2, "width": 48, "activation": "erf"},
        "training": {**TRAINING, "integrator": "rk4"},
        "seeds": [0, 1],
    },
    "descent": {
        "data": {"name": "sphere", "dim": 3, "size": 8, "test_size": 12},
        "network": {"depth": 1, "width": 32, "activation": "relu"},
        "training": TRAINING,
    },
    "readout": {
        "data": CIRCLE,
        "network": {"depth": 1, "width": 16, "train": "readout"},
        "training": TRAINING,
    },
    "dead": {
        "data": CIRCLE,
        "network": {"depth": 64, "width": 1, "sigma_b": 0, "train_bias": False, "output_bias": False},
        "training": TRAINING,
    },
}
WIDTHS, SEEDS = "16, 48", "2"
"""What the study is asked for on the page, beside the run "flow", of width 48."""


def run(name: str) -> RunConfig:
    return RunConfig.from_dict(RUNS[name])


def query(name: str) -> dict[str, str]:
    """What the URL says of a run."""
    return to_query(shortest(draft_of(run(name).to_dict())[0]))


def asked() -> dict[str, Asked]:
    """The perturbations by the name of their run, and "study", as jobs."""
    expansions: dict[str, Asked] = {name: ("perturbation", PerturbationConfig.of(run(name))) for name in RUNS}
    study = StudyConfig.from_dict({"run": {**run("flow").to_dict(), "seeds": [0, 1]}, "widths": [16, 48]})
    return {**expansions, "study": ("perturbation_study", study)}
