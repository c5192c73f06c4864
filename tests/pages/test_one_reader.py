"""A config in a file means on a page what it means on the command line."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.config import RunConfig
from engine.data import DATASETS, TARGETS
from engine.networks.activations import ACTIVATIONS
from engine.schema import ConfigError
from engine.texts import read
from pages.run.settings import SETTINGS, config_of, draft_of
from pages.run.yaml_config import read_yaml

TABLE = 'a,none,1,"b, c"\n' + "\n".join(f"{i},{(7 * i) % 5},{i * i},{-i}" for i in range(20))

BASE = """
data: {name: circle, size: 16, test_size: 16}
network: {depth: 2, width: 32}
training: {checkpoints: 8}
"""


def instead(line: str) -> str:
    """`BASE` with this line in place of its own of that name."""
    name = line.split(":")[0]
    return "\n".join([*(own for own in BASE.strip().splitlines() if own.split(":")[0] != name), line])


def on_the_command_line(text: str) -> RunConfig | None:
    try:
        return RunConfig.from_dict(read(text))
    except ConfigError:
        return None


def on_a_page(text: str) -> RunConfig | None:
    """None also where the page says that it leaves something out."""
    try:
        draft, remarks = draft_of(read_yaml(text))
        config = config_of(draft)
    except ConfigError:
        return None
    return None if remarks else config


@pytest.mark.parametrize(
    "line",
    [
        "training: {learning_rate: 1e-3, max_steps: 1e2}",
        "training: {stop_residual: none}",
        "seeds: 3",
        "seeds: 0, 1, 2",
        "network: {depth: 1, width: [32]}",
        "network: {depth: 2, width: '64, 32'}",
        "network: {sigma_w_readout: null}",
        "training: {allow_unstable: yes}",
        "data: {name: digits, classes: none}",
        "data: {name: circle, frequencies: 3, phases: null}",
        "data: {name: csv, content: 'a,b\n\n1,2\n\n2,3\n\n3,4\n\n4,5\n\n5,6', target: a}",
        f"data: {{name: csv, content: {json.dumps(TABLE)}, target: null, inputs: null, seed: null, noise: null}}",
        f"data: {{name: csv, content: {json.dumps(TABLE)}, standardise: null, centre: null, size: null}}",
    ],
)
def test_both_read_it(line: str) -> None:
    text = instead(line)
    assert on_the_command_line(text) is not None
    assert on_a_page(text) == on_the_command_line(text)


@pytest.mark.parametrize(
    "line",
    [
        "network: {depth: true}",
        "network: {depth: [2]}",
        "network: {depth: 3, width: [32]}",
        "network: {activation: ''}",
        "network: {width: none}",
        "seeds: []",
        "seeds: [none]",
        "training: {max_steps: ' '}",
        "data: {name: circle, dim: 3}",
        "data: {name: csv, content: 'a,b', target: ''}",
        "data: {name: parity, target: {a: 1}}",
        "data: {name: csv, content: null}",
        f"data: {{name: null, content: {json.dumps(TABLE)}}}",
        f"data: {{name: csv, content: {json.dumps(TABLE)}, missing: null}}",
        f"data: {{name: csv, content: {json.dumps(TABLE)}, header: null}}",
    ],
)
def test_both_refuse_it(line: str) -> None:
    text = instead(line)
    assert on_the_command_line(text) is None
    assert on_a_page(text) is None


WORDS = st.text(max_size=5).map(lambda text: yaml.safe_dump([text], default_flow_style=True, width=999).strip()[1:-1])
SCALARS = st.sampled_from(
    ["0", "1", "2", "8", "-1", "0.5", "1e2", "1e-3", "8.0", "0x10", "1_000", "010", "none", "null", "~", "''", "' 8'",
     "true", "yes", "critical", "'none'", "'1e2'", "[]", "[8]", "[8, 8]", "[1, 2, 4]", "'8, 8'", "[none]", "['']",
     "[true]", "[[8]]", "{a: 1}", "x0+x1x2", "fourier", "a", "[a]", "['b, c']", "'b, c'", ".nan", "inf", "12:30",
     "-0.0", "2026-01-01", "\"[8\"", "9" * 500, *ACTIVATIONS, *TARGETS]
) | st.integers().map(str) | st.floats().map(lambda value: yaml.safe_dump(value).splitlines()[0]) | WORDS  # fmt: skip
PATHS = [setting.path for setting in SETTINGS if setting.path not in ("data.name", "data.content")]


@st.composite
def files(draw: st.DrawFn) -> str:
    """A config in which up to three settings are anything."""
    name = draw(st.sampled_from([*DATASETS]))
    sections: dict[str, list[str]] = {"data": [f"name: {name}"], "network": [], "training": [], "": []}
    if name == "csv":
        sections["data"].append(f"content: {json.dumps(TABLE)}")
    for path in draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=3, unique=True)):
        section, _, field = path.rpartition(".")
        sections[section].append(f"{field}: {draw(SCALARS)}")
    own = [f"{section}: {{{', '.join(lines)}}}" for section, lines in sections.items() if section and lines]
    return "\n".join([*own, *sections[""]])


patient = settings(
    max_examples=300,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@patient
@given(files())
def test_whatever_a_file_says_both_read_the_same(text: str) -> None:
    assert on_a_page(text) == on_the_command_line(text), text


@pytest.mark.parametrize("value", ["[[8]]", "[[0], 1]", "[[[8]]]", "[['a']]", "[[]]"])
def test_a_list_in_a_list_is_no_list(value: str) -> None:
    for line in (f"seeds: {value}", f"network: {{width: {value}}}"):
        text = "data: {name: circle}\n" + line
        assert on_the_command_line(text) is None
        assert on_a_page(text) is None


def test_the_files_that_went_wrong() -> None:
    text = "data: {name: circle, size: 16, test_size: 16}\nnetwork: {depth: 2, width: 32}\n"
    config = on_a_page(text + "training: {learning_rate: 1e-3, max_steps: 1e2, checkpoints: 8}")
    assert config is not None
    assert (config.training.learning_rate, config.training.max_steps) == (1e-3, 100)


def test_trial_files_read_the_same() -> None:
    for name in ("perturbation", "rkhs-parity", "rkhs-product"):
        text = (Path(__file__).parents[1] / "data" / "trials" / f"{name}.yaml").read_text()
        assert on_a_page(text) == on_the_command_line(text) is not None
