"""Widths n_k = m k^p: as they are typed, what they come to, and their beta."""

import numpy as np
import pytest

from engine.config import RunConfig
from engine.networks.mlp_config import MLPConfig, pattern
from engine.regimes.config import SweepConfig
from engine.schema import ConfigError


def network(**values: object) -> MLPConfig:
    return MLPConfig.from_dict(values)


@pytest.mark.parametrize("text", ["16 k^2", "16*k^2", "k^2*16", "16k²", "16 * k**2", " K^2 · 16 "])
def test_every_way_of_writing_it_is_the_list(text: str) -> None:
    assert network(width=text, depth=3) == network(width=[16, 64, 144], depth=3)
    assert network(width=text, depth=3).hash == network(width=[16, 64, 144], depth=3).hash


@pytest.mark.parametrize(
    ("text", "found"), [("k", (1, 1)), ("8k", (8, 1)), ("5 k^0", (5, 0)), ("k³", (1, 3)), ("", None), ("16", None),
                        ("2 k 3", None), ("2k*3", None), ("k^x", None), ("k^12", None), ("-2 k", None), ("1.5 k", None)]
)  # fmt: skip
def test_what_is_a_pattern(text: str, found: tuple | None) -> None:
    assert pattern(text) == found


def test_one_layer_and_equal_ones_are_one_width() -> None:
    assert network(width="16 k^2", depth=1) == network(width=16, depth=1)
    assert network(width="16 k^0", depth=5) == network(width=16, depth=5)


def test_beta_stays_bounded_at_any_depth() -> None:
    """sum_k 1/(m k^2) < pi^2/(6 m), with a remainder between 1/(m (L + 1)) and 1/(m L)."""
    for depth in (1, 3, 16, 64):
        beta, bound = network(width="16 k^2", depth=depth).beta, np.pi**2 / 6 / 16
        assert bound - 1 / 16 / depth < beta < bound - 1 / 16 / (depth + 1)
    assert network(width=16, depth=64).beta == 4


def test_the_mean_width_is_the_one_of_equal_layers_with_this_beta() -> None:
    """1 + 1/4 + 1/9 = 49/36 over three layers: 108/49."""
    assert network(width="k^2", depth=3).mean_width == pytest.approx(108 / 49)
    assert network(width=7, depth=3).mean_width == 7


def problems(**values: object) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_dict({"data": {"name": "circle"}, "network": values})
    return {problem.field: problem.message for problem in caught.value.problems}


def test_what_cannot_be_is_said_at_its_place() -> None:
    said = problems(width="16 k^2", depth=200)
    assert said == {
        "network.width": "16 k^2 reaches 640,000 at layer 200, at most 65,536 are accepted: lower it or depth"
    }
    assert "network.width" in problems(width="16 k^x")
    assert "network.width" in problems(width="0 k^2")
    assert list(problems(width="16 k^2", depth=0)) == ["network.depth"]
    assert list(problems(width="16 k^2", depth=10**9)) == ["network.depth"]


@pytest.mark.parametrize("text", ["16 k^", "k^x", "1.5 k"])
def test_what_is_meant_as_a_pattern_and_is_none_says_how_one_is_written(text: str) -> None:
    said = {"network.width": f"'{text}' given; a pattern such as 16 k^2 is needed"}
    assert problems(width=text) == said
    assert problems(width=[text]) == said


def test_on_a_map_the_pattern_follows_the_depth_of_each_cell() -> None:
    base = {"data": {"name": "circle"}, "network": {"width": "8 k^2"}}
    sweep = SweepConfig.from_dict({"base": base, "grid": {"network.depth": [1, 2, 3]}})
    assert {cell.run.network.widths for cell in sweep.cells} == {(8,), (8, 32), (8, 32, 72)}
    grid = {"network.depth": [2], "network.width": ["4 k^2", "8 k"]}
    sweep = SweepConfig.from_dict({"base": {"data": {"name": "circle"}}, "grid": grid})
    assert {cell.run.network.widths for cell in sweep.cells} == {(4, 16), (8, 16)}


def test_beta_on_a_map_needs_one_width() -> None:
    grid = {"beta": [0.5], "network.width": ["4 k^2"]}
    with pytest.raises(ConfigError, match=r"grid\.beta: gives depths of networks of one width"):
        SweepConfig.from_dict({"base": {"data": {"name": "circle"}}, "grid": grid})
