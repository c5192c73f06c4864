"""Keys of configs as they were before settings were added: a setting left at its default is no part of them."""

import pytest

from engine.config import RunConfig
from engine.initialisation.law import InitialNetwork
from engine.perturbation.config import StudyConfig
from engine.regimes.config import DEFAULT_MAP

# Recorded at 874e325.
RUNS = [
    ({}, "f14f66e385639acbf37b64ca4574935811b0b3723fea1e4b33d0a35e738c1e2d"),
    (
        {"network": {"depth": 8, "width": 64, "activation": "erf"}},
        "37a26504ab31871762ca2ba9572a1014ef1eb0abc6d89b7ec554d9c6bdb09cde",
    ),
    ({"network": {"depth": 2, "width": [32, 64]}}, "ddfd51653c10643abf81162ca5fdba3a8973d8ae0b97aec1638e31759f06a5c1"),
    (
        {"network": {"activation": "gelu", "sigma_w": 1.2, "sigma_w_readout": 1.0}},
        "259ae4d133fb8e1930b2c575b52f8a15d14f207d0e77f6fcbe1059ed09406673",
    ),
    (
        {"network": {"activation": "tanh", "parameterization": "standard", "sigma_b": 0.5}},
        "3c1e7f769e7f98e3d88a7b8317f72ca61ca392f791b075256b5a64ab33332b0d",
    ),
    (
        {"network": {"activation": "softplus", "bias_init": "normal", "train_bias": False}},
        "7186f7efa3de5b2c5c8600d83411f1149c6dc7ab22dbea6b2501c2d08fb3438c",
    ),
    (
        {"network": {"activation": "sin", "readout": "relu", "output_bias": False}},
        "9668b47721dc8a02dc43317dbf8c816bdcd7c497b5aab636694f2a2f12a9a845",
    ),
    (
        {"network": {"activation": "linear", "alpha": 0.1, "centred": True}},
        "6a70c21d362b1c41106b863acce2fd94336d10b2b5bc71a47c8c44abd541bc0e",
    ),
    (
        {
            "data": {"name": "sphere", "dim": 4, "size": 16, "target_rms": None},
            "training": {"learning_rate": 0.1},
            "seeds": [0, 1],
        },
        "39b523c756bcead7e9839076538b13450dd8bfc87e37e673489e6f40c33254b1",
    ),
]


@pytest.mark.parametrize(("values", "key"), RUNS, ids=lambda given: str(given)[:60])
def test_runs(values: dict, key: str) -> None:
    assert RunConfig.from_dict({"data": {"name": "circle"}} | values).hash == key


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"widths": [3, 5, 4, 1]}, "78aa234ac0e43d1790bbe69f59b79c671fd6179d0fa856fca5e457bae55fcc06"),
        (
            {"widths": [8, 64, 64, 1], "activation": "erf", "bias_init": "normal"},
            "47dd3864939297b00c4d217b5d42e3997032054d1fe31411fb8bfaa02e2fcdca",
        ),
    ],
)
def test_networks_at_initialisation(values: dict, key: str) -> None:
    assert InitialNetwork.from_dict(values).hash == key


def test_maps_and_studies() -> None:
    assert DEFAULT_MAP.hash == "40a9ca9a49d44038f2ca6c38f563c069d0564941864408fd256111e4119bfc35"
    study = StudyConfig.from_dict({"run": {"data": {"name": "circle"}}, "widths": [32, 64]})
    assert study.hash == "27cddca18435169b196946387fcde76150eb6c2a5e12cb71ffda558ba71fa613"
