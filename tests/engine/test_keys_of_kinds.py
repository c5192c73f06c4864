"""Configs from before networks had kinds keep their canonical form, and with it their results."""

import pytest

from engine import jobs
from engine.config import RunConfig

RUNS = {
    "defaults": (
        "run",
        {"data": {"name": "circle"}},
        "f14f66e385639acbf37b64ca4574935811b0b3723fea1e4b33d0a35e738c1e2d",
    ),
    "widths": (
        "run",
        {"data": {"name": "circle"}, "network": {"depth": 3, "width": [64, 32, 16]}},
        "439d847b2a0a0003cecc910be464bad4d52a3e5aa683c61e784d088ec359bc73",
    ),
    "one width": (
        "run",
        {"data": {"name": "circle"}, "network": {"depth": 2, "width": [8, 8]}},
        "d97bcb9168edb6546c9758f912931e6c50da36e98c5853761b93e9335e039f81",
    ),
    "standard": (
        "run",
        {
            "data": {"name": "sphere", "dim": 4},
            "network": {"parameterization": "standard", "activation": "tanh", "sigma_b": 0},
        },
        "e64e522547c5e699e1c54ee0394fce0fa6f83e89225ae384716e15e2bbbbb7a3",
    ),
    "gelu": (
        "run",
        {"data": {"name": "two_moons"}, "network": {"activation": "gelu", "bias_init": "normal", "train_bias": False}},
        "05d4d6b41e5a8e1bb89f0aede2e89140e39997a79ab57e81539fbaab9d8f9ef3",
    ),
    "relu readout": (
        "run",
        {"data": {"name": "digits", "classes": [3, 8]}, "network": {"readout": "relu", "sigma_w_readout": 1.0}},
        "2785acccc15b772526efa87b71c81dd0ddf3b5b0b80adcef8ca5023065ffb542",
    ),
    "ten digits": (
        "run",
        {
            "data": {"name": "digits", "classes": None, "size": 100},
            "network": {"alpha": 0.1, "centred": True},
            "seeds": [0, 1],
        },
        "9c5a632f17878664bcc69735c514ebcaeb14c1511ba5002dd0036d8ee57894e5",
    ),
    "parity": (
        "run",
        {"data": {"name": "parity", "dim": 10}, "training": {"momentum": 0.9, "batch_size": 8}},
        "8bc084d7964ea82d8cd0f7080fb38da04880f7a9bf3258af8c465f45ce68556d",
    ),
    "probes": (
        "run",
        {"data": {"name": "circle"}, "probes": {"name": "circle", "size": 16}, "training": {"precision": "float64"}},
        "961d36447e80a9f041ce2e2d6673637e0f034cc3733a006c67fb4510e7eba408",
    ),
    "flow": (
        "run",
        {"data": {"name": "wine"}, "training": {"integrator": "rk4"}, "kernel_precision": "mixed"},
        "c572479ba99914831939365cb363591532f9f4adbdf4fc2c93013888fa47c44f",
    ),
    "cell": (
        "cell",
        {
            "data": {"name": "sphere", "dim": 8, "size": 16, "test_size": 64},
            "network": {"depth": 2, "width": 8, "centred": True, "train_bias": False, "output_bias": False},
            "training": {"loss": "half_sum", "checkpoints": 2, "max_steps": 2000},
            "store_parameters": False,
            "seeds": [0, 1, 2, 3],
        },
        "8d0c1b9262b1a2346dce54156cc6a00b982f3086adfd5b204ac6ef5301a585ed",
    ),
    "perturbation": (
        "perturbation",
        {"run": {"data": {"name": "circle", "size": 16}, "network": {"width": 32, "activation": "erf"}}},
        "f206e1bbedcea9759b6b6bdaeac4510663b96f26f612ecaf32ea3981ec389e53",
    ),
    "study": (
        "perturbation_study",
        {"run": {"data": {"name": "circle", "size": 16}}, "widths": [16, 32]},
        "e5f0dcf9dde254d4291b7ca672cfee1781f1ee0e69d91cd277440015e5d99807",
    ),
    "spaces": (
        "rkhs",
        {"run": {"data": {"name": "circle", "size": 16}, "network": {"depth": 1, "sigma_w": 1.2}}},
        "08e1b5b8a5ced4d7a08cd96cfa5c8ae75025bf660ae231efa5eb6d2d5b2e924b",
    ),
}
"""Kind of job, its config, and the SHA-256 of that as the commit before kinds (874e325) had it."""


@pytest.mark.parametrize("name", RUNS)
def test_a_config_from_before_kinds_keeps_its_key(name: str) -> None:
    kind, values, expected = RUNS[name]
    assert jobs.parse(kind, values).hash == expected


def test_naming_the_kind_of_an_mlp_changes_nothing() -> None:
    plain = RunConfig.from_dict({"data": {"name": "circle"}, "network": {"depth": 2}})
    named = RunConfig.from_dict({"data": {"name": "circle"}, "network": {"depth": 2, "kind": "mlp"}})
    assert named == plain
    assert named.canonical() == plain.canonical()
    assert "kind" not in named.to_dict()["network"]
