"""A run of Kernel Drift once more, as if it were a loop of one's own: its stored parameters, fed to a network of flax.

python docs/recordings/stored_parameters.py     # prints by how much recording and run differ
"""

from contextlib import closing

import flax.linen as nn
import jax
import numpy as np

import engine as kd
from cache import Store
from engine import jobs
from engine.config import RunConfig
from engine.networks.parameters import ParameterPath
from engine.recording.config import RecordedPerturbationConfig
from engine.recording.job import perturb
from engine.recording.result import RecordedPerturbation

RUN = {
    "data": {"name": "two_moons", "size": 24, "test_size": 32},
    "network": {"depth": 3, "width": 24, "activation": "tanh", "parameterization": "standard", "bias_init": "normal"},
    "training": {"max_steps": 60, "checkpoints": 8, "precision": "float64", "stop_residual": None},
    "seeds": [5],
}
SAME = (
    *("eigenvalues", "drift", "shape_drift", "cka", "residual", "mode_residual", "train_error", "test_error", "loss"),
    *("alignment_train", "alignment_test", "lambda_max", "overlap", "kernel_shown", "f_train", "f_test", "t"),
)


class MLP(nn.Module):
    """`nn.Dense` is the standard parameterization."""

    @nn.compact
    def __call__(self, x):
        for _ in range(3):
            x = nn.tanh(nn.Dense(24, param_dtype=float)(x))
        return nn.Dense(1, param_dtype=float)(x)


def as_flax(stored):
    """The layers of a stored network, equal ones stacked, as those of `MLP`."""
    layers = []
    for block in ("hidden_0", "hidden_1"):
        layers += zip(stored[block]["w"], stored[block]["b"], strict=True)
    layers.append((stored["readout"]["w"], stored["readout"]["b"]))
    return {"params": {f"Dense_{place}": {"kernel": w, "bias": b} for place, (w, b) in enumerate(layers)}}


def main():
    """The recording, and the seed of the run that it is of."""
    jax.config.update("jax_enable_x64", True)
    run, config = kd.run(**RUN), RunConfig.from_dict(RUN)
    with closing(Store()) as store:
        path = ParameterPath.from_arrays(store.get(jobs.key("run", config), "parameters"), 0)
    seed, data = run.seeds[0], run.data
    x, y = np.concatenate([data.x_train, data.x_test]), np.concatenate([data.y_train, data.y_test])
    asked = {"held_out": len(data.x_test), "loss": "half_mean", "steps": path.steps.tolist()}
    asked["learning_rate"] = seed.learning_rate
    with kd.watch("stored parameters", MLP().apply, x, y, **asked) as watch:
        for index, step in enumerate(path.steps):
            loss = seed["loss"][list(seed["step"]).index(step)]
            watch(int(step), as_flax(path.at(index)), t=seed.effective_rate * step, loss=loss)
    return watch.result, seed


def differences(recording, seed):
    """By quantity, at the steps of both: the largest difference, over the largest number."""
    own = recording.seeds[0]
    at = [list(seed["step"]).index(step) for step in own["step"]]
    return {name: float(np.abs(own[name] - seed[name][at]).max() / np.abs(seed[name]).max()) for name in SAME}


def expansions(recording):
    """The recording and the run expanded, by the kernel that is linear between checkpoints."""
    own = perturb(RecordedPerturbationConfig.of(recording.recording))["result"]
    run = kd.perturb(**RUN, options={"interpolation": "linear", "predict": False})
    return RecordedPerturbation.from_arrays(dict(own)).seeds[0], run.seeds[0]


if __name__ == "__main__":
    print(differences(*main()))
