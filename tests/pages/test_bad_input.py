"""Configs and URLs of every kind, good, bad and absurd: none ends in an exception on the page."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pretend_engine import MAIN, PretendEngine
from streamlit.testing.v1 import AppTest

import cache
from engine.data import DATASETS
from engine.schema import ConfigError
from pages.run.controls import checked, described
from pages.run.draft_state import from_query
from pages.run.presets import PRESETS
from pages.run.settings import SETTINGS, applicable, choices, config_of, draft_of, kind_of
from pages.run.yaml_config import read_yaml
from pages.shell.link import PAGE

NAMES = [setting.name for setting in SETTINGS]

NUMBERS = st.sampled_from(
    [
        "0",
        "1",
        "2",
        "8",
        "64",
        "-1",
        "0.5",
        "1e-3",
        "1e308",
        "1e999",
        "-0.0",
        "nan",
        "inf",
        "-inf",
        "0x10",
        "1_000",
        "1,2",
        "1,,2",
        "[]",
        "[1",
        "(1,2)",
        "99999999999999999999",
        "½",
        "١",
    ]
) | st.integers(-(10**6), 10**6).map(str)
ABSURD = st.text(max_size=30) | st.sampled_from(
    ["", " ", "none", "null", "true", "$x$", ":red[x]", "<script>alert(1)</script>", "../../etc/passwd", "{}", "\x00",
     "🦆", "9" * 5000,
     "a" * 3000, "*x", "![x](y)", "|x|"]
)  # fmt: skip
GOOD = st.sampled_from(
    [
        text
        for data in DATASETS
        for setting in applicable(data)
        if kind_of(setting, data) in ("choice", "flag") and setting.name != "target"
        for text in choices(setting, data)
    ]
    + ["x0+x1x2", "fourier", "parity", "critical"]
)
TEXTS = NUMBERS | ABSURD | GOOD
QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "data": st.sampled_from([*DATASETS]) | ABSURD,
        "preset": st.sampled_from([*PRESETS]) | ABSURD,
        "run": ABSURD,
    }
    | {name: TEXTS for name in NAMES if name != "data"},
) | st.dictionaries(st.sampled_from(NAMES) | st.text(min_size=1, max_size=12), TEXTS, max_size=6)

PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
SECTION = st.dictionaries(
    st.sampled_from([s.path.split(".")[-1] for s in SETTINGS]) | st.text(max_size=8), VALUES, max_size=6
)
CONFIGS = st.dictionaries(st.sampled_from(["data", "network", "training", "seeds", "x"]), SECTION | VALUES, max_size=4)

patient = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    database=None,
)


@pytest.fixture(scope="module")
def page() -> Iterator[AppTest]:
    cache.install(PretendEngine())  # pyright: ignore[reportArgumentType]
    app = AppTest.from_file(str(MAIN), default_timeout=30)
    app.switch_page("evolution.py").run()
    yield app
    cache.install(None)


@settings(patient, max_examples=60)
@given(query=QUERIES)
def test_urls(page, query):
    """60 arrivals on the page, all of it drawn, by one session: each URL replaces the one before."""
    page.session_state[PAGE] = ""
    page.query_params.clear()
    page.query_params.update(query)
    page.run()
    assert not page.exception
    runnable = [button for button in page.button if button.key == "run"]
    assert runnable or page.error or (page.warning and "run" in query)
    if query and "run" not in query:
        assert bool(runnable) == (checked(from_query(query)[0]).config is not None)


@settings(patient, max_examples=200)
@given(CONFIGS | VALUES)
def test_configs(values):
    """200 files, up to the verdict; the page draws it as it does the URL's."""
    draft, problems = draft_of(values)
    asked = checked(draft)
    assert asked.config is not None or asked.problems
    assert all(str(problem) for problem in problems)


@settings(patient, max_examples=200)
@given(st.text(max_size=60) | VALUES.map(lambda values: yaml.safe_dump(values)))
def test_yaml_texts(text):
    with suppress(ConfigError):
        checked(draft_of(read_yaml(text))[0])


@pytest.mark.parametrize(
    ("draft", "said"),
    [
        (
            {"data": "point", "value": "0", "centred": "true"},
            "centred: starts at the target 0, so nothing is left to learn: set it to false, "
            "or target y to another number",
        ),
        ({"data": "circle", "size": "12", "batch_size": "64"}, "batch size: 64 exceeds training points M 12: lower it"),
    ],
)
def test_a_message_names_other_settings_as_the_form_does(draft, said):
    with pytest.raises(ConfigError) as error:
        config_of(draft)
    assert any(said in described(problem).replace("\\", "") for problem in error.value.problems)  # it is Markdown
