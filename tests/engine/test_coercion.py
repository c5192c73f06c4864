"""Values as a config takes them: texts as a person types them, one value for a list of one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import RunConfig
from engine.regimes.config import SweepConfig
from engine.rkhs.config import RkhsConfig
from engine.schema import ConfigError
from engine.texts import number, numbers, text_of

WAVE = {"name": "circle"}
CIRCLE = {"data": WAVE}


def config(**values: object) -> RunConfig:
    return RunConfig.from_dict(CIRCLE | values)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"training": {"max_steps": "1e2"}}, {"training": {"max_steps": 100}}),
        ({"training": {"learning_rate": "1e-3"}}, {"training": {"learning_rate": 0.001}}),
        ({"training": {"stop_residual": "none"}}, {"training": {"stop_residual": None}}),
        ({"training": {"allow_unstable": "yes"}}, {"training": {"allow_unstable": True}}),
        ({"network": {"sigma_w": " critical"}}, {"network": {"sigma_w": "critical"}}),
        ({"network": {"sigma_w_readout": "none"}}, {}),
        ({"network": {"width": "64, 32, 16"}}, {"network": {"width": [64, 32, 16]}}),
        ({"network": {"width": "64"}}, {"network": {"width": 64}}),
        ({"seeds": 3}, {"seeds": [3]}),
        ({"seeds": "0, 1"}, {"seeds": [0, 1]}),
        ({"seeds": "[0, 1]"}, {"seeds": [0, 1]}),
        ({"seeds": "0-3"}, {"seeds": [0, 1, 2, 3]}),
        ({"seeds": "[0 – 2, 7, 9-9]"}, {"seeds": [0, 1, 2, 7, 9]}),
        ({"network": {"width": "64, 8-9"}}, {"network": {"width": [64, 8, 9]}}),
        ({"data": WAVE | {"frequencies": 3, "phases": "none"}}, {"data": WAVE | {"frequencies": [3]}}),
        ({"data": {"name": "digits", "classes": "none"}}, {"data": {"name": "digits", "classes": None}}),
    ],
)  # fmt: skip
def test_a_setting_may_be_written_as_a_person_types_it(given: dict, meant: dict) -> None:
    assert config(**given) == config(**meant)


def test_a_column_may_be_called_by_a_number_or_none() -> None:
    table = "1,none,c\n" + "\n".join(f"{i},{i * i},{-i}" for i in range(9))
    for name, written in (("1", 1), ("none", "none"), ("none", ["none"])):
        data = {"name": "csv", "content": table, "target": written}
        assert RunConfig.from_dict({"data": data}).to_dict()["data"]["target"] == [name]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"network": {"depth": True}}, "network.depth"),
        ({"network": {"alpha": False}}, "network.alpha"),
        ({"network": {"depth": [3]}}, "network.depth"),
        ({"network": {"depth": "3, 4"}}, "network.depth"),
        ({"seeds": True}, "seeds.0"),
        ({"seeds": "3-0"}, "seeds.0"),
        ({"seeds": "0-1000000000"}, "seeds.0"),
        ({"seeds": "a, b, 3, c"}, "seeds.0"),
        ({"training": {"allow_unstable": 2}}, "training.allow_unstable"),
        ({"network": {"activation": None}}, "network.activation"),
        ({"training": "none"}, "training"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(values: dict, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(**values)
    assert [problem.field for problem in caught.value.problems] == [field]


def test_a_list_has_one_problem_which_counts_the_others() -> None:
    with pytest.raises(ConfigError) as caught:
        config(seeds="a, b, 3, c", data=WAVE | {"frequencies": "1, x"})
    frequencies, seeds = sorted(caught.value.problems, key=lambda problem: problem.field)
    assert (frequencies.field, seeds.field) == ("data.frequencies.1", "seeds.0")
    assert str(seeds) == "seeds.0: 'a' given; a whole number is needed (2 more of the list are wrong too)"
    assert frequencies.message.endswith("is needed")


def test_configs_within_configs_are_read_too() -> None:
    run = {"data": {"name": "circle", "test_size": "64"}, "seeds": 1}
    found = RkhsConfig.from_dict({"run": run, "options": {"grid": "512", "large": "none", "sizes": "8, 16"}})
    assert (found.run.data.test_size, found.options.grid, found.options.sizes) == (64, 512, (8, 16))
    sweep = SweepConfig.from_dict({"base": run, "grid": {"network.width": ["8", 16.0]}, "seeds": 2})
    assert [cell.run.network.width for cell in sweep.cells] == [8, 16]


@pytest.mark.parametrize("text", ["12", "-0.5", "1e-3", "0x1f", "1_000", "nan", "١", "critical", "", "1" * 401, "½"])
def test_numbers_as_python_writes_them(text: str) -> None:
    expected = {"0x1f": 31, "1_000": 1000, "12": 12, "-0.5": -0.5, "1e-3": 1e-3}.get(text, text)
    assert number(text) == expected or text == "nan"


@given(st.lists(st.integers(-(10**300), 10**300) | st.floats(allow_nan=False), min_size=1))
def test_numbers_survive_being_typed(values: list) -> None:
    read = numbers(text_of(values))
    assert list(map(float, map(str, read))) == list(map(float, map(str, values)))
