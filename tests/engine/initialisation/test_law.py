"""Settings and their laws: what is refused, with which words, and what the reductions come to."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.initialisation.law import InitialNetwork, exact_law, law_of, reasons_without_law
from engine.schema import ConfigError


def widths_of(text):
    return InitialNetwork.from_dict({"widths": text}).widths


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3", "at least two"),
        ("", "not a whole number"),
        ("3,0,1", "every width is at least 1"),
        ("3,-2,1", "every width is at least 1"),
        ("3,4,2", "end with 1"),
        ("a,b", "not a whole number"),
        ("3,,1", "not a whole number"),
        ("3,4.5,1", "not a whole number"),
        ("3,1e3,1", "not a whole number"),
        ("3,nan,1", "not a whole number"),
        ("3,1000001,1", "at most 1000000"),
        ("3," + "2," * 10001 + "1", "at most 10000"),
        ("3,²,1", "not a whole number"),
        ("9" * 30 + ",1", "not a whole number"),
    ],
)
def test_bad_widths_are_refused_in_one_line(text, words):
    with pytest.raises(ConfigError, match=words) as caught:
        widths_of(text)
    assert "\n" not in str(caught.value)


def test_every_problem_of_the_widths_is_named():
    with pytest.raises(ConfigError) as caught:
        widths_of("0,3000000,2")
    (problem,) = caught.value.problems
    assert problem.field == "widths"
    assert all(word in problem.message for word in ("0 given", "3000000 given", "the last is 2"))


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=30))
def test_widths_are_read_back(hidden):
    widths = (*hidden, 1)
    assert widths_of(" , ".join(map(str, widths))) == widths


@given(st.text(max_size=20))
def test_any_text_is_widths_or_a_config_error(text):
    try:
        widths = widths_of(text)
    except ConfigError:
        return
    assert len(widths) >= 2
    assert widths[-1] == 1
    assert min(widths) >= 1


@pytest.mark.parametrize(
    ("field", "value"),
    [("activation", "erf"), ("bias_init", "normal"), ("parameterization", "standard")],
)
def test_no_exact_law_is_refused_with_the_reason(field, value):
    setting = InitialNetwork.from_dict({"widths": [3, 4, 1], field: value})
    with pytest.raises(ConfigError, match="brute force") as caught:
        exact_law(setting)
    assert [problem.field for problem in caught.value.problems] == [field]


def test_all_reasons_at_once():
    setting = InitialNetwork.from_dict(
        {"widths": "3,4,1", "activation": "tanh", "bias_init": "normal", "parameterization": "standard"}
    )
    assert len(reasons_without_law(setting)) == 3


def test_random_biases_of_scale_zero_are_none():
    law = law_of([3, 4, 1], bias_init="normal", sigma_b=0.0)
    assert law.bias == law.output_bias == 0


@pytest.mark.parametrize(
    "values",
    [
        {"widths": [3, 4, 1], "sigma_w": [1.0, 2.0, 3.0]},
        {"widths": [3, 4, 1], "sigma_w": [1.0, 2.0], "sigma_w_readout": 1.0},
        {"widths": [3, 4, 1], "sigma_w": 0},
        {"widths": [3, 4, 1], "sigma_w": True},
        {"widths": [3, 4, 1], "sigma_w": "kritical"},
        {"widths": [3, 4, 1], "sigma_w_readout": [1.0]},
        {"widths": [3, 4, 1], "norm_x_squared": 0},
        {"widths": [3, 4, 1], "norm_x_squared": math.nan},
        {"widths": [3, True, 1]},
        {"widths": [3.0, 4.0, 1.0]},
        {"widths": 3},
        {"widths": [3, 4, 1], "activation": "relo"},
        {"widths": [3, 4, 1], "width": 3},
    ],
)
def test_bad_settings_are_refused(values):
    with pytest.raises(ConfigError) as caught:
        InitialNetwork.from_dict(values)
    assert len(caught.value.problems) == 1


def test_sigmas_of_every_spelling():
    def sigmas(**values):
        return InitialNetwork.from_dict({"widths": [3, 4, 5, 1], **values}).sigmas

    root = math.sqrt(2)
    assert sigmas() == (root, root, root)
    assert sigmas(sigma_w=1.0) == (1.0, 1.0, 1.0)
    assert sigmas(sigma_w=1.0, sigma_w_readout="critical") == (1.0, 1.0, root)
    assert sigmas(sigma_w_readout=0.5) == (root, root, 0.5)
    assert sigmas(sigma_w=[1, 2, 3]) == (1.0, 2.0, 3.0)


def test_a_setting_survives_its_dictionary():
    setting = InitialNetwork.from_dict({"widths": "3,4,5,1", "sigma_w": [1, 2, 3], "alpha": 2})
    assert InitialNetwork.from_dict(setting.to_dict()) == setting
    assert hash(InitialNetwork.from_dict(setting.to_dict())) == hash(setting)
    assert setting.beta == pytest.approx(1 / 4 + 1 / 5)
    assert setting.depth == 2
