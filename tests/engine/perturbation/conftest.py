"""Two small runs that several tests look at, computed once."""

import pytest

from engine.perturbation.config import PerturbationConfig
from engine.perturbation.job import perturb
from engine.perturbation.result import PerturbationResult


def small(integrator: str) -> PerturbationConfig:
    run = {
        "data": {"name": "circle", "size": 6, "test_size": 12, "frequencies": [1]},
        "network": {"depth": 2, "width": 24, "activation": "erf"},
        "training": {"integrator": integrator, "checkpoints": 12, "max_steps": 80, "stop_residual": None},
        "seeds": [0, 1],
    }
    options = {"held_out": 5, "between": 1, "shown_modes": 4, "predict": integrator == "rk4"}
    return PerturbationConfig.from_dict({"run": run, "options": options})


@pytest.fixture(scope="session")
def flow() -> PerturbationResult:
    """Gradient flow by Runge-Kutta, with a time between checkpoints and the prediction."""
    return PerturbationResult.from_arrays(dict(perturb(small("rk4"))["result"]))


@pytest.fixture(scope="session")
def descent() -> PerturbationResult:
    """The same by gradient descent."""
    return PerturbationResult.from_arrays(dict(perturb(small("gd"))["result"]))
