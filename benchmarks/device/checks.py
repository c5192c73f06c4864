"""Results of the engine on this device against those of a CPU under the pinned JAX, kept in stored.json.

Everything is float64 where nothing else is said. A tolerance says what may differ: nothing but rounding where the
parameters are given; where JAX draws them, its float32 normal numbers, which differ in the last bit from device to
device; in float32, its rounding. TF32 would show as an error of 1e-4 to 1e-3 in every float32 row.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.device.cells import cell_config
from benchmarks.device.plan import Plan
from benchmarks.device.report import Row, Task
from engine.config import RunConfig
from engine.data.dataset import Stream
from engine.initialisation.config import BruteForceConfig, SampleConfig
from engine.initialisation.job import brute_force, sample
from engine.initialisation.law import InitialNetwork, exact_law
from engine.initialisation.moments import moments
from engine.jobs import compute
from engine.networks import infinite
from engine.networks.mlp import blocks
from engine.networks.mlp_config import MLPConfig
from engine.networks.model import init, ntk
from engine.regimes.result import METRICS
from engine.training.measure import heads

STORED = Path(__file__).parent / "stored.json"
Values = dict[str, Any]

NETWORKS: dict[str, tuple[Values, int]] = {
    "relu": ({"depth": 3, "width": 64}, 1),
    "tanh, standard, 3 outputs": (
        {"depth": 3, "width": [24, 32, 16], "activation": "tanh", "parameterization": "standard", "sigma_b": 0.5},
        3,
    ),
    "gelu, depth 32": ({"depth": 32, "width": 32, "activation": "gelu", "alpha": 2.0}, 1),
}
"""Settings and number of outputs."""

INPUT_DIM, POINTS = 8, 150
"""More points than one panel of the kernel."""

RUN = {
    "data": {"name": "circle", "size": 16, "test_size": 16},
    "network": {"depth": 2, "width": 64, "activation": "tanh"},
    "training": {"checkpoints": 4, "max_steps": 300},
    "store_parameters": False,
}
"""Smooth: a last bit may switch a gate of a ReLU, which moves the drift of 500 steps by 2%."""

ENDS = ("f_test", "eigenvalues", "drift", "lambda_max", "alignment_train", "test_error", "residual")
"""Of a run, at its start and at its stop."""

SETTING = {"widths": [10, 32, 32, 32, 32, 1]}


class Case(NamedTuple):
    """Something to compute, and how far it may be from the stored values, in the norm of each of them."""

    values: Callable[[], Values]
    tolerance: float


def network_of(name: str) -> MLPConfig:
    return MLPConfig.from_dict(NETWORKS[name][0])


def given_parameters(network: MLPConfig, outputs: int) -> dict[str, dict[str, np.ndarray]]:
    """Float64 parameters that are the same with every device, JAX and NumPy."""

    def one(block: str, leaf: str, shape: tuple[int, ...]) -> np.ndarray:
        small = network.parameterization == "standard" and leaf == "w"
        return Stream(0, f"{block} {leaf}").normal(*shape) / (shape[-2] ** 0.5 if small else 1.0)

    found = blocks(network, INPUT_DIM, outputs)
    return {
        block.name: {name: one(block.name, name, leaf.shape) for name, leaf in block.leaves.items()} for block in found
    }


def points() -> np.ndarray:
    """Inputs that are the same everywhere, (150, 8)."""
    return Stream(0, "points").normal(POINTS, INPUT_DIM)


def kernel(name: str, precision: Any = "float64") -> Values:
    """The full kernel, seen through two random vectors, and its diagonal."""
    network, outputs = network_of(name), NETWORKS[name][1]
    params = jax.tree.map(jnp.asarray, given_parameters(network, outputs))
    K = np.asarray(ntk(network, params, jnp.asarray(points()), heads="full", precision=precision), np.float64)
    return {"diagonal": np.diag(K), "seen": K @ Stream(0, "probes").normal(len(K), 2)}


def limit_kernel(activation: str) -> Values:
    network = MLPConfig.from_dict({"depth": 3, "width": 64, "activation": activation})
    return {"ntk": infinite.ntk(network, points()[:10]), "nngp": infinite.nngp(network, points()[:10])}


def drawn() -> Values:
    """Parameters as JAX draws them, and the outputs of their network."""
    network = network_of("relu")
    params = init(network, 3, INPUT_DIM)
    return {
        "first": params["hidden_0"]["w"].ravel()[:64],
        "outputs": heads(network, jax.tree.map(lambda leaf: leaf.astype("float64"), params), points()[:16]),
    }


def run(precision: str) -> Values:
    """A seed at the start and at the stop. Where the checkpoints between lie hangs on last bits."""
    training = {**RUN["training"], "precision": precision}
    arrays = compute("run", RunConfig.from_dict({**RUN, "training": training}))["result"]
    return {"t_stop": arrays["seed0/t"][-1]} | {name: arrays[f"seed0/{name}"][[0, -1]] for name in ENDS}


def regime_cell() -> Values:
    """Two seeds of a small cell of the default map, which a GPU trains together."""
    config = cell_config(2, 16)
    arrays = compute("cell", config.model_copy(update={"seeds": (0, 1), "store_parameters": False}))["result"]
    # A share of the last digits, not a number.
    return {name: arrays[name] for name in (*METRICS, "cv2") if name not in ("rounding", "p2_error")}


def draws_of_networks() -> Values:
    """Moments over networks drawn and differentiated on the device."""
    arrays = brute_force(BruteForceConfig.from_dict({"setting": SETTING, "draws": 2000}))["result"]
    return {"mean": arrays["mean"]}


def draws_of_the_law() -> Values:
    """E[K] over draws of the exact law by NumPy's generators, which are not the same in every version."""
    arrays = sample(SampleConfig.from_dict({"setting": SETTING, "draws": 100_000, "first_step": False}))["result"]
    return {"E[K]": arrays["mean"][0]}


def exact_mean() -> Values:
    """What `draws_of_the_law` estimates."""
    return {"E[K]": np.exp(moments(exact_law(InitialNetwork.from_dict(SETTING))).log_E_K[0])}


CASES = {
    **{f"kernel, {name}": Case(partial(kernel, name), 1e-12) for name in NETWORKS},
    **{f"infinite width, {name}": Case(partial(limit_kernel, name), 1e-12) for name in ("relu", "erf", "gelu")},
    "parameters drawn in float32": Case(drawn, 1e-6),
    "run": Case(partial(run, "float64"), 1e-5),
    "run trained in float32": Case(partial(run, "float32"), 1e-3),
    "cell": Case(regime_cell, 1e-3),
    "networks drawn at initialisation": Case(draws_of_networks, 1e-6),
    "moments of the exact law": Case(exact_mean, 1e-12),
}
"""Computed anew and compared with themselves as stored."""

OTHERWISE = {
    "kernel in float32": (Case(partial(kernel, "relu", "float32"), 1e-5), "kernel, relu"),
    "kernel, mixed": (Case(partial(kernel, "relu", "mixed"), 1e-5), "kernel, relu"),
    "draws of the exact law": (Case(draws_of_the_law, 0.02), "moments of the exact law"),
}
"""Compared with the stored values of another case."""


def tasks(plan: Plan) -> Iterator[Task]:
    """A row for each case."""
    stored = json.loads(STORED.read_text())["values"]
    for name, case in CASES.items():
        yield name, partial(compared, case, stored[name])
    for name, (case, other) in OTHERWISE.items():
        yield name, partial(compared, case, stored[other])


def compared(case: Case, stored: Values) -> Row:
    """The largest ||found - stored||/||stored|| over the values of a case. What is not finite never holds."""
    found = case.values()
    errors = {name: relative_error(np.asarray(value), np.asarray(stored[name])) for name, value in found.items()}
    worst = max(errors, key=lambda name: errors[name] if np.isfinite(errors[name]) else np.inf)
    return {
        "relative error": errors[worst],
        "of": worst,
        "tolerance": case.tolerance,
        "holds": bool(errors[worst] <= case.tolerance),
    }


def relative_error(found: np.ndarray, stored: np.ndarray) -> float:
    """Infinite where the shapes differ or a value is not finite; against 1 where all stored ones are 0."""
    if found.shape != stored.shape or not np.all(np.isfinite(found)):
        return float("inf")
    return float(np.linalg.norm(found.astype(np.float64) - stored) / (np.linalg.norm(stored) or 1.0))


def store(made_with: Row) -> None:
    """Computes every value anew and keeps it."""
    values = {
        name: {each: np.asarray(value, np.float64).tolist() for each, value in case.values().items()}
        for name, case in CASES.items()
    }
    STORED.write_text(json.dumps({"made with": made_with, "values": values}) + "\n")
