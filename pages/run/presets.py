"""Runs worth starting from. The first is the default: URLs say what differs from it."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

from engine.config import RunConfig
from pages.run.settings import MLP, Draft, applicable, applicable_to, config_of, draft_of


@dataclass(frozen=True)
class Preset:
    """A named config.

    Attributes:
        label, question: as a page shows them; what one learns from it.
        values: the config as plain values.
    """

    label: str
    question: str
    values: Mapping[str, Any]

    @property
    def draft(self) -> dict[str, str]:
        return draft_of(dict(self.values))[0]


DEFAULT_VALUES: dict[str, Any] = {
    "data": {
        "name": "circle", "size": 64, "frequencies": [2, 4, 7], "amplitudes": [0.9, 0.7, 0.55],
        "noise": 0.0, "seed": 0, "test_size": 256,
    },
    "network": {
        "depth": 3, "width": 256, "activation": "relu", "parameterization": "ntk", "sigma_w": "critical",
        "sigma_b": 1.0, "bias_init": "zero", "train_bias": True, "output_bias": False, "readout": "linear",
        "alpha": 1.0, "centred": True,
    },
    "training": {
        "loss": "half_mean", "integrator": "gd", "stability_fraction": 0.25, "max_steps": 20000,
        "stop_residual": 0.1, "checkpoints": 64,
    },
    "seeds": [0, 1, 2],
    "store_parameters": True,
}  # fmt: skip


def _varied(data: dict | None = None, network: dict | None = None, training: dict | None = None, **run: Any) -> dict:
    """The default with changes; `data` with a name of its own replaces the default's data."""
    values = deepcopy(DEFAULT_VALUES)
    if data and "name" in data:
        values["data"] = data
    else:
        values["data"] |= data or {}
    values["network"] |= network or {}
    values["training"] |= training or {}
    return values | run


SPHERE = {"name": "sphere", "dim": 10, "size": 128, "test_size": 256, "target": "x0+x1x2"}
SPACES: dict[str, Any] = {
    "data": {"name": "sphere", "dim": 8, "size": 64, "test_size": 256, "target": "x0+x1x2"},
    "network": {"width": 64, "sigma_w_readout": 1.0, "train_bias": False, "alpha": 0.1},
    "training": {"loss": "half_sum", "max_steps": 4000, "stop_residual": 0.05, "checkpoints": 16},
}
"""A small network without biases, whose spaces are compared in seconds."""

PRESETS = {
    "default": Preset("Default: three waves on a circle",
        "Which eigenvalues of the kernel move while a network of moderate width learns?", DEFAULT_VALUES),
    "lazy": Preset("Lazy: width 1024, α = 1",
        "Does a wide network stay lazy, close to its infinite-width limit?",
        _varied(network={"width": 1024}, seeds=[0])),
    "features": Preset("Feature learning: multi-index target, α = 0.1",
        "Does the kernel turn towards the few directions that matter?",
        _varied(data=SPHERE, network={"alpha": 0.1, "depth": 2}, seeds=[0])),
    "narrow": Preset("Deep and narrow: β = 1",
        "At β = 1, as deep as wide: does every initialisation have a kernel of its own?",
        _varied(network={"depth": 32, "width": 32}, seeds=[0, 1, 2, 3])),
    "edge": Preset("Edge of stability",
        r"At large steps the top eigenvalue crosses $2/\eta_\mathrm{eff}$: does training throw it back below?",
        _varied(data={"name": "two_moons", "size": 64, "test_size": 256},
            network={"activation": "tanh", "alpha": 0.3, "centred": False, "width": 64},
            training={"stability_fraction": 0.9, "stop_residual": None, "max_steps": 4000}, seeds=[0])),
    "digits": Preset("Digits, ten outputs",
        "Ten classes of digits as ten regressions: how far does the kernel of real data move?",
        _varied(data={"name": "digits", "classes": None, "size": 128, "test_size": 256}, network={"depth": 2},
            training={"max_steps": 5000, "stop_residual": 0.3, "checkpoints": 40}, seeds=[0])),
    "flow": Preset("erf gradient flow (rk4)",
        "How far does the frozen kernel carry along the flow itself, without effects of the step?",
        _varied(network={"activation": "erf"},
            training={"integrator": "rk4", "stability_fraction": 0.5, "max_steps": 10000}, seeds=[0])),
    "space_moves": Preset("A space that moves: width 64, α = 0.1",
        "Once features are trained, does the target cost less in $H_T$ than in $H_0$?",
        _varied(**SPACES, seeds=[0, 1])),
    "space_stays": Preset("A space that stays: width 1024, α = 1",
        "The same target, nearly lazy: does $H_T$ price it as $H_0$ does?",
        _varied(**(SPACES | {"network": SPACES["network"] | {"width": 1024, "alpha": 1.0}}), seeds=[0])),
    "function_leaves": Preset("A function that leaves H_0: no biases, not centred",
        "Without biases $f_T$ lies in $H_T$ whatever it learned. Does it still lie in $H_0$?",
        _varied(data={"name": "circle", "size": 64, "test_size": 256},
            network=SPACES["network"] | {"alpha": 1.0, "centred": False}, training=SPACES["training"], seeds=[0])),
}  # fmt: skip

DEFAULT = "default"
DEFAULT_DRAFT = PRESETS[DEFAULT].draft


def base_draft(dataset: str, network: str = MLP) -> dict[str, str]:
    """What a URL leaves out: the default preset; without its data on another dataset, and of another kind of network
    only that it is centred."""
    other = {"data": dataset != DEFAULT_DRAFT["data"], "network": network != MLP}
    kept = {
        setting.name: DEFAULT_DRAFT[setting.name]
        for setting in applicable(dataset, network)
        if setting.name in DEFAULT_DRAFT and (not other.get(setting.section) or setting.name == "centred")
    }
    if dataset == "point":  # whose target is 0 unless said: what starts there is to be unlearned
        kept.pop("centred", None)
    return kept | {"data": dataset} | ({"network": network} if other["network"] else {})


def shortest(draft: Draft) -> dict[str, str]:
    """The same config written with as few differences from `base_draft` as can be. Raises `ConfigError`."""
    config = config_of(draft)
    base = base_draft(draft.get("data", ""), draft.get("network") or MLP)
    kept = {name: text for name, text in draft.items() if text}
    as_here = {name: text for name, text in kept.items() if name not in ("sources", "versions")}
    if _same(as_here, config):  # a module that is what it was: either alone would say that it is not
        kept = as_here
    for setting in applicable_to(draft):
        trial = {**kept, setting.name: base.get(setting.name, "")}
        if _same(trial, config):
            kept = trial
    return {name: text for name, text in kept.items() if text}


def _same(draft: Draft, config: RunConfig) -> bool:
    try:
        return config_of(draft) == config
    except ValueError:
        return False


def preset_of(config: RunConfig) -> str:
    """The name of the preset that is this config, else an empty string."""
    return _preset_names().get(config, "")


@cache
def _preset_names() -> dict[RunConfig, str]:
    return {config_of(preset.draft): name for name, preset in PRESETS.items()}
