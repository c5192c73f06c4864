"""Configs: identity, round trips, and errors that say what to do."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import jobs
from engine.config import RunConfig
from engine.cost import Limits, check, estimate
from engine.networks.activations import ACTIVATIONS
from engine.schema import ConfigError
from engine.texts import read

TRIALS = Path(__file__).parents[1] / "data" / "trials"

ISSUE = """
data: {name: circle, size: 64, frequencies: [2, 4, 7], amplitudes: [0.9, 0.7, 0.55], noise: 0.0, seed: 0,
       test_size: 256}
network: {depth: 3, width: 256, activation: relu, parameterization: ntk, sigma_w: critical, sigma_b: 1.0,
          bias_init: zero, train_bias: true, output_bias: false, readout: linear, alpha: 1.0, centred: true}
training: {loss: half_mean, integrator: gd, stability_fraction: 0.25, max_steps: 20000, stop_residual: 0.1,
           checkpoints: 64}
seeds: [0, 1, 2]
store_parameters: true
"""


def problems(**values: object) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_dict({"data": {"name": "circle"}, **values})
    return {problem.field: problem.message for problem in caught.value.problems}


def test_the_config_of_the_issue() -> None:
    config = RunConfig.from_dict(read(ISSUE))
    assert config.beta == pytest.approx(3 / 256)
    assert config.parameter_count == (2 * 256 + 256) + 2 * (256 * 256 + 256) + 256
    assert config.network.sigma_w == config.network.sigma_w_readout == 2**0.5
    assert check(config).seconds > 0


@pytest.mark.parametrize("name", ["perturbation", "rkhs-parity", "rkhs-product"])
def test_trial_files_validate_as_they_stand(name: str) -> None:
    config = RunConfig.from_dict(read((TRIALS / f"{name}.yaml").read_text()))
    assert config.training.loss == "half_sum"
    assert check(config)


def test_the_sweep_trial_s_base_validates_in_every_cell() -> None:
    sweep = yaml.safe_load((TRIALS / "regimes.yaml").read_text())
    for depth in sweep["grid"]["network.depth"]:
        for width in sweep["grid"]["network.width"]:
            base = sweep["base"] | {"network": {**sweep["base"]["network"], "depth": depth, "width": width}}
            assert check(RunConfig.from_dict({**base, "seeds": sweep["seeds"]}))


def test_equal_configs_written_differently_are_one() -> None:
    plain = RunConfig.from_dict({"data": {"name": "circle"}})
    spelled = {
        "seeds": [0],
        "network": {"width": [256, 256, 256], "sigma_w": 2**0.5, "depth": 3},
        "data": {"amplitudes": [1, 1, 1], "name": "circle"},
    }
    written = RunConfig.from_dict(spelled)
    assert written == plain
    assert hash(written) == hash(plain)
    assert written.hash == plain.hash
    assert jobs.key("run", written) == jobs.key("run", plain) != jobs.key("run", RunConfig.from_dict(read(ISSUE)))


def test_a_changed_copy_has_a_hash_of_its_own() -> None:
    plain = RunConfig.from_dict({"data": {"name": "circle"}})
    other = RunConfig.from_dict({"data": {"name": "circle"}, "seeds": [3]})
    assert plain.hash != other.hash
    changed = plain.model_copy(update={"seeds": (3,)})
    assert (changed, changed.hash) == (other, other.hash)
    assert changed.model_copy(update={"seeds": plain.seeds}) == plain
    assert [name for name, _ in plain] == [*RunConfig.model_fields], "what is computed of a config is no field of it"


def test_probes_are_part_of_the_key_only_where_there_are_any() -> None:
    plain = RunConfig.from_dict({"data": {"name": "circle"}})
    probed = RunConfig.from_dict({"data": {"name": "circle"}, "probes": {"name": "circle", "size": 9}})
    assert "probes" not in plain.to_dict()
    assert RunConfig.from_dict({"data": {"name": "circle"}, "probes": None}) == plain
    assert RunConfig.from_dict(probed.to_dict()) == probed != plain
    assert check(probed).memory_bytes > check(plain).memory_bytes


def test_everything_but_the_dataset_has_a_default() -> None:
    for name in ("circle", "sphere", "gaussian_product", "parity", "two_moons", "digits"):
        config = RunConfig.from_dict({"data": {"name": name}})
        assert RunConfig.from_dict(read(config.to_yaml())) == config
    assert problems(data={}) == {"data.name": "is missing: say which"}
    with pytest.raises(ConfigError, match="data: is missing"):
        RunConfig.from_dict({})


def test_all_problems_come_at_once_each_at_its_setting() -> None:
    found = problems(
        data={"name": "circle", "size": -1},
        network={"depht": 3, "activation": "rleu", "sigma_b": float("nan")},
        training={"loss": "half", "stability_fraction": 1.5},
        seeds=[0, 0],
        sedes=[1],
    )
    assert set(found) == {
        "data.size", "network.depht", "network.activation", "network.sigma_b", "training.loss",
        "seeds", "sedes",
    }  # fmt: skip
    assert "Did you mean 'depth'?" in found["network.depht"]
    assert "Did you mean 'relu'?" in found["network.activation"]
    assert "Did you mean 'seeds'?" in found["sedes"]
    assert found["data.size"].startswith("-1 given")


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"network": {"depth": 3, "width": [3, 4]}}, "network.width", "one per hidden layer"),
        ({"network": {"width": 0}}, "network.width", "at least 1 is needed"),
        ({"network": {"depth": 10**9}}, "network.depth", "at most"),
        ({"training": {"stability_fraction": 1.2}}, "training.stability_fraction", "allow_unstable"),
        ({"training": {"learning_rate": 1, "stability_fraction": 0.1}}, "training.learning_rate", "one of them"),
        ({"training": {"integrator": "rk4", "momentum": 0.5}}, "training.momentum", "rk4"),
        ({"training": {"batch_size": 65}}, "training.batch_size", "exceeds data.size 64"),
        ({"probes": {"name": "sphere", "dim": 3}}, "probes", "3 coordinates, but the data have 2"),
        ({"probes": {"name": "circle", "size": 300}}, "probes.size", "lower it"),
        ({"probes": {"name": "circel"}}, "probes.name", "Did you mean 'circle'?"),
        ({"data": {"name": "circel"}}, "data.name", "Did you mean 'circle'?"),
        ({"data": 3}, "data", "3 given; a table of settings with a name, such as {name: circle} is needed"),
        ({"probes": "circle"}, "probes", "'circle' given; a table of settings with a name"),
        ({"network": 3}, "network", "3 given; a table of settings is needed"),
    ],
)
def test_errors_say_what_to_do(values: dict, field: str, words: str) -> None:
    found = problems(**values)
    assert list(found) == [field]
    assert words in found[field]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2]",
        "data: [",
        "{a: b: c}",
        "!!python/object:os.system {}",
        "&a [*a]",
        "3",
        "a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nseeds: [*b,*b,*b,*b,*b,*b,*b]",
    ],
)
def test_text_that_is_no_config_is_refused_in_words(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_dict(read(text))
    assert "\n" not in str(caught.value)


def test_costs_grow_with_what_is_asked_and_typos_are_refused() -> None:
    base, wide = (RunConfig.from_dict({"data": {"name": "circle"}, "network": {"width": w}}) for w in (64, 640))
    assert estimate(wide).step_flops == pytest.approx(100 * estimate(base).step_flops, rel=0.1)
    # 6 M P for one step: 2 forward, 4 backward.
    weights = 2 * 64 + 2 * 64**2 + 64
    assert estimate(base).step_flops == 6 * 64 * weights
    with pytest.raises(ConfigError, match=r"network\.width: .* GB of memory needed"):
        check(RunConfig.from_dict({"data": {"name": "circle"}, "network": {"width": 60000, "depth": 8}}))
    slow = {"data": {"name": "circle", "size": 5000}, "network": {"width": 4096}, "training": {"max_steps": 10**7}}
    with pytest.raises(ConfigError, match=r"training\.max_steps: .* h allowed"):
        check(RunConfig.from_dict(slow))
    with pytest.raises(ConfigError, match="GB of memory"):
        check(base, Limits(memory_bytes=1e6))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        "name",
        "size",
        "depth",
        "width",
        "activation",
        "sigma_w",
        "loss",
        "seeds",
        "learning_rate",
        "frequencies",
        "order",
    ]
)
SECTION = st.dictionaries(FIELDS, JSON | st.sampled_from(["circle", "sphere", *ACTIVATIONS]), max_size=5)


@settings(max_examples=200, deadline=None)
@given(st.fixed_dictionaries({}, optional={"data": SECTION, "network": SECTION, "training": SECTION, "seeds": JSON}))
def test_any_values_give_a_config_or_a_config_error(values: dict) -> None:
    try:
        config = RunConfig.from_dict(values)
    except ConfigError as error:
        assert str(error)  # noqa: PT017
    else:
        assert RunConfig.from_dict(config.to_dict()) == config
        assert RunConfig.from_dict(read(config.to_yaml())).hash == config.hash
        estimate(config)
