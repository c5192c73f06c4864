"""YAML from outside: what is read, and that the limits hold before anything walks the text."""

import gc
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.config import RunConfig
from engine.problems import LONGEST_MESSAGE, MOST_PROBLEMS
from engine.schema import ConfigError
from engine.texts import DEEPEST, MOST_CHARACTERS, MOST_EVENTS, read, scalar, written

CORE = {
    "1e2": 100.0, "1e-3": 1e-3, "12": 12, "-7": -7, "010": 10, "0x1f": 31, "0o17": 15, "1_000": 1000, ".5": 0.5,
    ".inf": math.inf, "-.inf": -math.inf, "~": None, "null": None, "": None, "true": True, "False": False,
    "yes": "yes", "off": "off", "none": "none", "inf": "inf", "12:30": "12:30", "2026-01-01": "2026-01-01",
    "1.2.3": "1.2.3", "5 apples": "5 apples", "<<": "<<", "١": "١",
}  # fmt: skip
"""Scalars of YAML 1.2, but for 1_000, which Python writes too."""


@pytest.mark.parametrize("text", CORE)
def test_scalars_are_those_of_yaml_1_2(text: str) -> None:
    found = read(f"a: {text}")["a"]
    assert found == CORE[text]
    assert type(found) is type(CORE[text])


def test_quoted_scalars_and_names_are_texts() -> None:
    assert read("{'1': '1e2', 2: \"true\", ? null : [a]}") == {"1": "1e2", "2": "true", "null": ["a"]}
    assert read("") is None
    assert read("\ufeffa: |\n  x,y\n  1,2\n") == {"a": "x,y\n1,2\n"}


def values_of(texts: st.SearchStrategy[str]) -> st.SearchStrategy:
    plain = st.none() | st.booleans() | st.integers(-(10**300), 10**300) | texts | st.floats(allow_nan=False)
    return st.recursive(
        plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    )


# PyYAML leaves quotes off a text such as 0E0, which YAML 1.2 takes for a number.
@given(values_of(st.text().filter(lambda text: isinstance(scalar(text), str))))
def test_what_pyyaml_writes_is_read(values: object) -> None:
    assert read(yaml.safe_dump(values)) == values


VALUES = values_of(st.text())


@given(VALUES | st.sampled_from([*CORE, "\x85", "a\u2028b", " 1e2", "1e2\n", "'1e2'", "0b1"]))
def test_what_is_written_is_read(values: object) -> None:
    assert read(written([values, {"a": values}])) == [values, {"a": values}]


def test_a_column_called_1e2_survives() -> None:
    table = '1e2,"0o17"\n' + "\n".join(f"{i},{i * i}" for i in range(9))
    for name in ("1e2", "0o17"):
        config = RunConfig.from_dict({"data": {"name": "csv", "content": table, "target": name}})
        assert RunConfig.from_dict(read(config.to_yaml())) == config


@contextmanager
def seconds(at_most: float) -> Iterator[None]:
    """Of the processor, with no collection of garbage: in the process of a whole suite one takes longer than that."""
    gc.disable()
    began = time.process_time()
    try:
        yield
        assert time.process_time() - began < at_most
    finally:
        gc.enable()


LONG = "x" * 100_000
NASTY = {
    "[" * 32_000: f"at most {DEEPEST}",
    "[" * MOST_CHARACTERS: f"at most {DEEPEST}",
    "{a: " * 9_000: f"at most {DEEPEST}",
    "- " * 90_000: f"at most {DEEPEST}",
    "\n".join(" " * depth + "a:" for depth in range(900)): f"at most {DEEPEST}",
    "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1): f"more than {DEEPEST} deep given",
    "[" + "a, " * 600_000 + "]": f"at most {MOST_EVENTS:,}",
    "[" + "[], " * 400_000 + "]": f"more than {MOST_EVENTS:,} values",
    "".join(f"key{i}: 1\n" for i in range(50_000)): f"at most {MOST_EVENTS:,}",
    "--- a\n" * 90_000: f"at most {MOST_EVENTS:,}",
    "--- a\n--- b": "2 documents given",
    "a" * (MOST_CHARACTERS + 1): "2,000,001 characters given, at most 2,000,000",
    "a: &a [x, x]\nb: [*a, *a]": "aliases are not read: write the value of *a out (line 2)",
    f"a: *{LONG}": "aliases are not read",
    "&a [*a]": "aliases",
    f"!<{LONG}> x": "tags are not read",
    "!!python/object:os.system {}": "tags are not read: leave tag:yaml.org,2002:python/object:os.system out",
    "!!binary aGk=": "tags",
    "a: 1\nb: 2\na: 3": "a is given twice: keep one (line 3)",
    f"{LONG}: 1": "not YAML",
    "? [a]\n: b": "no name of a setting",
    "data: [": "the indentation is not as it should be (line 2)",
    "a: \ud800": "not YAML",
    "a: \x00": "not YAML",
    "'": "not YAML",
    "\t": "not YAML",
    '"\\ud800"': "not YAML",
}


@pytest.mark.parametrize("text", NASTY, ids=lambda text: ascii(text[:20]))
def test_limits_are_named_and_cost_nothing(text: str) -> None:
    with seconds(0.5), pytest.raises(ConfigError) as caught:
        read(text)
    assert NASTY[text] in str(caught.value)
    assert len(str(caught.value)) < 200
    assert "\n" not in str(caught.value)


def test_what_the_limits_allow_is_read() -> None:
    assert read("[" * DEEPEST + "]" * DEEPEST) is not None
    lines = "\n".join(f"    {i},{i / 7:.5f}" for i in range(80_000))
    with seconds(0.5):
        assert len(read(f"a:\n  b: |\n{lines}\n")["a"]["b"]) > 1_000_000
        assert len(read(f"[{'1, ' * (MOST_EVENTS - 7)}1]")) == MOST_EVENTS - 6


NUMBERS = {
    "0x" + "f" * 4_000: "4,002 characters given; a number has at most 400",
    "9" * 5_000: "5,000 characters given; a number has at most 400",
    "59:" * 3_000 + "59": "9,002 characters given; a number has at most 400",
    "0x" + "f" * 390: "given; a number is needed",
    "1e999": "a finite number is needed",
    ".nan": "a finite number is needed",
    "[1, 2]": "given; a number is needed",
}


@pytest.mark.parametrize("text", NUMBERS, ids=lambda text: text[:20])
def test_numbers_that_are_none_are_refused_in_words(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_dict(read(f"data: {{name: circle}}\nnetwork: {{alpha: {text}}}"))
    (problem,) = caught.value.problems
    assert problem.field == "network.alpha"
    assert NUMBERS[text] in problem.message
    with pytest.raises(ConfigError, match=r"network\.width"):
        RunConfig.from_dict(read(f"data: {{name: circle}}\nnetwork: {{width: {text}}}"))


def test_thousands_of_unknown_settings_are_counted() -> None:
    text = "data: {name: circle}\n" + "".join(f"key{i}: 1\n" for i in range(4_000))
    with seconds(1), pytest.raises(ConfigError) as caught:
        RunConfig.from_dict(read(text))
    assert len(caught.value.problems) == MOST_PROBLEMS + 1
    assert str(caught.value.problems[-1]) == f"and {4_000 - MOST_PROBLEMS:,} more problems"
    assert max(len(str(problem)) for problem in caught.value.problems) < LONGEST_MESSAGE


@pytest.mark.parametrize(
    "values",
    [
        {"network": {"depth": 10**5000}},
        {"x" * 10**6: 1},
        {"network": {"activation": "r" * 10**6}},
        {"data": {"name": "circle", "frequencies": ["a"] * 5_000}},
        {"data": {"name": "c" * 10**6}},
        {"seeds": "-1," * 10**6},
        {"seeds": [-1] * 9_000},
    ],
    ids=range(7),
)
def test_messages_are_short_whatever_is_given(values: dict) -> None:
    with seconds(1), pytest.raises(ConfigError) as caught:
        RunConfig.from_dict({"data": {"name": "circle"}} | values)
    assert len(str(caught.value)) < 5_000


def test_a_list_with_a_wrong_item_is_not_also_too_short() -> None:
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_dict(read("data: {name: circle}\nseeds: [-1]"))
    assert [str(problem) for problem in caught.value.problems] == ["seeds.0: -1 given; at least 0 is needed"]
