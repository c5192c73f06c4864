import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.config import RunConfig, TrainingConfig
from engine.data import DATASETS
from engine.networks.kinds import NETWORKS
from engine.schema import ConfigError, Problem
from engine.texts import read
from pages.run.presets import PRESETS, base_draft, preset_of, shortest
from pages.run.settings import (
    BY_NAME,
    SETTINGS,
    applicable,
    choices,
    config_of,
    default_text,
    draft_of,
    kind_of,
    setting_at_fault,
)
from pages.shell.texts import text_of, value_of


def test_every_field_of_the_config_has_a_row():
    fields = {f"data.{name}" for config in DATASETS.values() for name in config.model_fields}
    fields |= {f"network.{name}" for kind in NETWORKS.values() for name in kind.model_fields}
    fields |= {f"training.{name}" for name in TrainingConfig.model_fields}
    fields |= set(RunConfig.model_fields) - {"data", "network", "training"}
    assert {setting.path for setting in SETTINGS} == fields


@pytest.mark.parametrize("text", ["{name: circle, size: 9}", '{"name": "circle", "size": 9}'])
def test_probes_are_settings_in_braces(text):
    config = config_of({"data": "circle", "probes": text})
    assert config == RunConfig.from_dict({"data": {"name": "circle"}, "probes": {"name": "circle", "size": 9}})
    assert config_of(draft_of(config.to_dict())[0]) == config
    assert config_of({"data": "circle", "probes": "none"}).probes is None


@pytest.mark.parametrize("text", ["circle", "{name: circle", "[1, 2]", "7"])
def test_probes_that_make_no_sense_are_refused_in_words(text):
    with pytest.raises(ConfigError, match=r"^probes: ") as refusal:
        config_of({"data": "circle", "probes": text})
    assert setting_at_fault(refusal.value.problems[0]) is BY_NAME["probes"]


def test_names_are_distinct():
    assert len(BY_NAME) == len(SETTINGS)


@pytest.mark.parametrize("dataset", [*DATASETS, "nonsense", ""])
def test_choices_hold_the_default(dataset):
    for setting in applicable(dataset):
        if kind_of(setting, dataset) in ("choice", "flag"):
            assert default_text(setting, dataset) in choices(setting, dataset)


@pytest.mark.parametrize("dataset", [name for name in DATASETS if name not in ("csv", "file")])
def test_an_empty_draft_takes_the_engines_defaults(dataset):
    expected = RunConfig.from_dict({"data": {"name": dataset}})
    assert config_of({"data": dataset}) == expected
    shown = {s.name: default_text(s, dataset) for s in applicable(dataset)}
    assert config_of({name: text for name, text in shown.items() if text} | {"data": dataset}) == expected


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_what_they_say(name):
    preset = PRESETS[name]
    config = config_of(preset.draft)
    assert config == RunConfig.from_dict(preset.values)
    assert preset_of(config) == name
    assert config_of(shortest(draft_of(config.to_dict())[0])) == config


def test_the_default_preset_is_the_file_of_the_readme():
    text = """
data: {name: circle, size: 64, frequencies: [2, 4, 7], amplitudes: [0.9, 0.7, 0.55],
       noise: 0.0, seed: 0, test_size: 256}
network: {depth: 3, width: 256, activation: relu, parameterization: ntk, sigma_w: critical, sigma_b: 1.0,
          bias_init: zero, train_bias: true, output_bias: false, readout: linear, alpha: 1.0, centred: true}
training: {loss: half_mean, integrator: gd, stability_fraction: 0.25, max_steps: 20000, stop_residual: 0.1,
           checkpoints: 64}
seeds: [0, 1, 2]
store_parameters: true
"""
    assert config_of(PRESETS["default"].draft) == RunConfig.from_dict(read(text))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("256", "number", 256),
        ("1e-3", "number", 1e-3),
        (" none ", "number", None),
        ("critical", "number", "critical"),
        ("256", "one or more", 256),
        ("256, 64", "one or more", [256, 64]),
        ("[256, 64]", "one or more", [256, 64]),
        ("0", "numbers", [0]),
        ("0, 1, 2", "numbers", [0, 1, 2]),
        ("a, b c", "names", ["a", "b c"]),
        ('["a, b", "c"]', "names", ["a, b", "c"]),
        ("[a", "names", ["[a"]),
        ("9" * 5000, "number", "9" * 5000),
    ],
)
def test_texts(text, kind, value):
    assert value_of(text, kind) == value


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.integers() | st.floats(allow_nan=False), min_size=1, max_size=5))
def test_numbers_survive(values):
    assert value_of(text_of(values), "numbers") == values


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.text(), min_size=1, max_size=4))
def test_names_survive(values):
    assert value_of(text_of(values), "names") == values


def test_problems_find_their_setting():
    assert setting_at_fault(Problem("network.width.2", "")) is BY_NAME["width"]
    assert setting_at_fault(Problem("seeds.0", "")) is BY_NAME["seeds"]
    assert setting_at_fault(Problem("data.seed", "")) is BY_NAME["data_seed"]
    assert setting_at_fault(Problem("network", "")) is None
    assert setting_at_fault(Problem("", "")) is None


def test_values_that_are_no_setting_are_named():
    draft, problems = draft_of({"data": {"name": "circle"}, "network": {"widht": 3}, "colour": "red"})
    assert draft == {"data": "circle"}
    assert [problem.field for problem in problems] == ["network.widht", "colour"]
    assert "Did you mean 'width'" in problems[0].message


def test_base_drafts_run():
    for dataset in DATASETS:
        if dataset not in ("csv", "file"):
            config_of(base_draft(dataset))
