"""Losses of classes and weight decay: where they are refused, and that configs without them keep their keys."""

import numpy as np
import pytest

from engine.config import RunConfig
from engine.data import generate
from engine.jobs import key, parse
from engine.losses import learned
from engine.perturbation.config import PerturbationConfig
from engine.regimes.config import SweepConfig
from engine.rkhs.motion import law_of
from engine.schema import ConfigError

MOONS = {"name": "two_moons", "size": 12, "test_size": 24}

# Keys of the commit before losses beyond the squared one.

CIRCLE = {"name": "circle", "size": 16, "frequencies": [1]}
KEYS = [
    ("run", {"data": CIRCLE}, "e7269f0c54ecf7feab3dee5c"),
    ("run", {"data": {"name": "digits", "size": 32, "test_size": 64, "classes": [3, 8]},
        "training": {"loss": "mean", "momentum": 0.9, "batch_size": 8, "stop_residual": None}},
        "3ecbe5b4971ccd5fcee1e8ff"),
    ("run", {"data": {"name": "parity"}, "network": {"depth": 2, "width": [16, 32], "alpha": 0.5},
        "training": {"loss": "half_sum", "integrator": "rk4", "learning_rate": 0.01, "allow_unstable": True}},
        "a5fe763006d46b5ca71b8028"),
    ("run", {"data": {"name": "sphere", "dim": 4, "target": "harmonic"},
        "training": {"precision": "float64", "checkpoints": 8}, "seeds": [3, 5], "store_parameters": False},
        "a4d58764929393db2ebfbe27"),
    ("run", {"data": {"name": "two_moons"}, "probes": CIRCLE, "kernel_precision": "mixed"}, "8b842be216d3e82cc7d42c53"),
    ("run", {"data": {"name": "wine"}, "training": {"stability_fraction": 0.9, "max_steps": 100}},
        "45c1d7b2df9f7f74521fd9c4"),
    ("cell", {"data": CIRCLE, "training": {"checkpoints": 2}, "store_parameters": False}, "d37d7c8b06d798cf9408598c"),
    ("perturbation", {"run": {"data": CIRCLE}}, "60e39a418055d503091d2245"),
    ("perturbation_study", {"run": {"data": CIRCLE}, "widths": [8, 16]}, "2aafbdf3deb0dc8da1e3d341"),
    ("rkhs", {"run": {"data": CIRCLE}}, "93ef6b1fb98369e16f98a778"),
    ("run", {"data": {"name": "gaussian_product"}, "network": {"centred": True, "parameterization": "standard"},
        "training": {"momentum": 0.5}}, "714c755f1db164d631aae135"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "values", "recorded"), KEYS)
def test_configs_of_before_keep_their_keys(kind: str, values: dict, recorded: str) -> None:
    assert key(kind, parse(kind, values)).startswith(recorded)


# What needs f' = -K (f - y), or classes, says so where the setting was typed.


@pytest.mark.parametrize(
    ("training", "field", "cure"),
    [
        ({"loss": "logistic"}, "loss", "choose half_mean, mean or half_sum"),
        ({"weight_decay": 0.1}, "weight_decay", "set it to 0"),
    ],
)
def test_expansions_and_maps_refuse_what_is_not_linear(training: dict, field: str, cure: str) -> None:
    values = {"data": MOONS, "training": training}
    with pytest.raises(ConfigError) as refused:
        PerturbationConfig.from_dict({"run": values})
    assert [problem.field for problem in refused.value.problems] == [f"run.training.{field}"]
    assert refused.value.problems[0].message == f"the expansion is of f' = -K (f - y): {cure}"
    with pytest.raises(ConfigError) as refused:
        SweepConfig.from_dict({"base": values, "grid": {"network.depth": [1, 2]}})
    assert [problem.field for problem in refused.value.problems] == [f"base.training.{field}"]
    assert law_of(RunConfig.from_dict(values)) == ("" if "weight_decay" in training else "descent")


@pytest.mark.parametrize(
    ("data", "training", "field", "words"),
    [
        (CIRCLE, {"loss": "logistic"}, "training.loss", "these data have none"),
        ({"name": "diabetes"}, {"loss": "hinge"}, "training.loss", "these data have none"),
        ({"name": "sphere", "target": "harmonic"}, {"loss": "hinge"}, "training.loss", "target sign or parity"),
        ({**MOONS, "noise": 0.1}, {"loss": "logistic"}, "data.noise", "set it to 0"),
        (MOONS, {"loss": "hinge", "integrator": "rk4"}, "training.loss", "choose squared_hinge"),
        (MOONS, {"weight_decay": -1}, "training.weight_decay", "0"),
        (MOONS, {"loss": "logistics"}, "training.loss", "logistic"),
    ],
)
def test_bad_losses_are_named(data: dict, training: dict, field: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        RunConfig.from_dict({"data": data, "training": training})
    assert [problem.field for problem in refused.value.problems] == [field]
    assert words in refused.value.problems[0].message


@pytest.mark.parametrize("target", ["sign", "parity"])
def test_formulas_of_two_values_are_classes(target: str) -> None:
    data = {"name": "circle", "target": target} if target == "sign" else {"name": "parity", "target": target}
    config = RunConfig.from_dict({"data": data, "training": {"loss": "logistic"}})
    assert set(np.unique(learned("logistic", generate(config.data)).y_train)) == {-1.0, 1.0}
