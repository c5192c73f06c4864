import math
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.regimes.config import DEFAULT_MAP, SweepConfig
from engine.schema import ConfigError
from engine.texts import read

BASE = {"data": {"name": "sphere", "size": 8, "test_size": 8}}


def sweep(grid: dict, base: dict | None = None, **settings: object) -> SweepConfig:
    return SweepConfig.from_dict({"base": base or BASE, "grid": grid, **settings})


def problems(grid: dict, base: dict | None = None, **settings: object) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        sweep(grid, base, **settings)
    return {problem.field: problem.message for problem in caught.value.problems}


def test_every_combination_is_a_cell_and_cheap_ones_come_first() -> None:
    config = sweep({"network.depth": [32, 2], "network.width": [256, 8, 16]})
    shapes = [(cell.run.network.depth, cell.run.network.width) for cell in config.cells]
    assert sorted(shapes) == [(d, w) for d in (2, 32) for w in (8, 16, 256)]
    assert (shapes[0], shapes[-1]) == ((2, 8), (32, 256))
    costs = [cell.seconds() for cell in config.cells]
    assert costs == sorted(costs)
    assert config.seconds() == pytest.approx(sum(costs) + 6 * config.cells[0].start_seconds())


def test_cells_of_one_network_share_their_programs() -> None:
    config = sweep({"network.width": [8, 16], "training.stability_fraction": [0.1, 0.2, 0.4]})
    alone = sum(cell.seconds() for cell in config.cells)
    assert config.seconds() == pytest.approx(alone + 2 * config.cells[0].start_seconds())
    assert config.cells[0].start_seconds() > 0


def test_runs_are_comparable_unless_the_base_says_otherwise() -> None:
    (cell,) = sweep({"network.depth": 2}).cells
    assert cell.run.network.centred
    training = cell.run.training
    assert (training.max_steps, training.stop_residual, training.stability_fraction) == (2000, 0.1, 0.25)
    (other,) = sweep({"network.depth": 2}, BASE | {"network": {"centred": False}, "training": {"max_steps": 7}}).cells
    assert not other.run.network.centred
    assert other.run.training.max_steps == 7


def test_critical_is_resolved_for_each_activation() -> None:
    cells = sweep({"network.activation": ["relu", "linear"]}).cells
    assert {cell.run.network.activation: cell.run.network.sigma_w for cell in cells} == {"relu": 2**0.5, "linear": 1.0}


def test_a_grid_over_one_step_size_replaces_the_other() -> None:
    base = BASE | {"training": {"stability_fraction": 0.25}}
    cells = sweep({"training.learning_rate": [0.1, 0.2]}, base).cells
    assert {cell.run.training.learning_rate for cell in cells} == {0.1, 0.2}
    assert {cell.run.training.stability_fraction for cell in cells} == {None}


def test_beta_gives_the_nearest_width_or_depth() -> None:
    wide = sweep({"beta": [0.25, 0.1], "network.depth": [2, 4]}).cells
    assert {(cell.run.network.depth, cell.run.network.width) for cell in wide} == {(2, 8), (4, 16), (2, 20), (4, 40)}
    deep = sweep({"beta": [0.25, 0.24], "network.width": [8, 1]}).cells
    assert sorted((cell.run.network.depth, cell.run.network.width) for cell in deep) == [(1, 1), (2, 8)]
    (kept,) = sweep({"beta": 0.5}, BASE | {"network": {"depth": 4}}).cells
    assert (kept.run.network.depth, kept.run.network.width) == (4, 8)


def test_a_cell_is_the_same_in_every_sweep_that_contains_it() -> None:
    small = sweep({"network.width": [8]}, BASE | {"network": {"depth": 2}, "training": {"checkpoints": 8}})
    unused = {"store_parameters": False, "probes": BASE["data"]}
    large = sweep({"network.depth": [2, 4], "network.width": [4, 8]}, BASE | unused)
    (part,) = small.cells[0].parts
    assert part.hash in {other.hash for cell in large.cells for other in cell.parts}


def test_more_seeds_leave_the_first_blocks_as_they_are() -> None:
    def parts(count: int) -> list[str]:
        (cell,) = sweep({"network.depth": 2}, seeds=list(range(count))).cells
        return [part.hash for part in cell.parts]

    assert len(parts(16)) == 4
    assert parts(16)[:2] == parts(8)
    assert parts(8)[:1] == parts(4)
    (cell,) = sweep({"network.depth": 2}, seeds=[9, 1, 4]).cells
    assert [part.seeds for part in cell.parts] == [(1,), (4,), (9,)]
    assert cell.run.seeds == (9, 1, 4)


def test_equal_sweeps_have_equal_hashes_however_written() -> None:
    one = sweep({"network.depth": [2, 4], "network.width": [8]})
    other = sweep({"network.width": 8, "network.depth": [4, 2]}, BASE | {"seeds": [7]})
    assert one.hash == other.hash
    assert len({one, sweep({"network.depth": [2, 4], "network.width": [8]})}) == 1
    assert one.hash != sweep({"network.depth": [2, 4], "network.width": [9]}).hash
    assert SweepConfig.from_dict(read(one.to_yaml())).hash == one.hash


@given(st.lists(st.integers(1, 64), min_size=1, max_size=3, unique=True), st.permutations([0, 1, 2, 3, 4]))
def test_round_trip(depths: list[int], seeds: list[int]) -> None:
    config = sweep({"network.depth": depths}, seeds=seeds)
    again = SweepConfig.from_dict(config.to_dict())
    assert again == config
    assert again.hash == config.hash


def test_all_problems_at_once_each_where_its_value_was_given() -> None:
    found = problems(
        {"network.depht": [2], "network.width": [], "seeds": [[1]], "training.checkpoints": [8]}, seeds=[0]
    )
    assert "Did you mean 'network.depth'?" in found["grid.network.depht"]
    assert "no values" in found["grid.network.width"]
    assert set(found) == {"grid.network.depht", "grid.network.width", "grid.seeds", "grid.training.checkpoints"}

    found = problems(
        {"network.depth": [2, 0], "network.width": [8]},
        {"data": {"name": "sphere"}, "network": {"activation": "rleu"}, "training": {"momentum": 2}},
    )
    assert set(found) == {"grid.network.depth", "base.network.activation", "base.training.momentum"}
    assert "Did you mean 'relu'?" in found["base.network.activation"]


@pytest.mark.parametrize(
    ("grid", "field", "words"),
    [
        ({"beta": [0.1], "network.depth": [2], "network.width": [8]}, "grid.beta", "leave one of the three out"),
        ({"beta": [-1, "x"]}, "grid.beta", "above 0"),
        ({"network.depth": [2, 2]}, "grid.network.depth", "repeats"),
        ({"network.depth": list(range(1, 65)), "network.width": list(range(1, 65))}, "grid", "4,096 cells"),
        ({"training.momentum": [0.5]}, "base.training.momentum", "set it to 0"),
        ({"training.batch_size": [4]}, "base.training.batch_size", "set it to null"),
        ({"data.size": [2000]}, "base.data.size", "at most 1024"),
        ({"network.width": [8, 8.0]}, "grid.network.width", "[8, 8.0] repeats a value: give each once"),
        ({"network.width": [8, "8"]}, "grid.network.width", "repeats a value"),
        ({"network.sigma_w": ["critical", 2**0.5]}, "grid.network.sigma_w", "make the same network: give one of them"),
        ({"network.width": [[8, 8, 8], 4, 8]}, "grid.network.width", "[8, 8, 8] and 8 make the same network"),
        ({"beta": [math.inf]}, "grid.beta", "inf given; a number above 0"),
        ({"beta": [1e-320], "network.depth": [4]}, "grid.beta", "makes network.width 1000000000000000"),
        ({f"x{i}": [1] for i in range(3000)}, "", "and 2,980 more problems"),
    ],
)
def test_what_cannot_be_swept_is_said(grid: dict, field: str, words: str) -> None:
    assert words in problems(grid)[field]


def test_a_problem_of_beta_names_beta_and_the_cell() -> None:
    (problem,) = problems({"beta": [0.5, 1e-9], "network.depth": [4, 8]}).items()
    assert problem == (
        "grid.beta",
        "1e-09 makes network.width 4000000000 where network.depth is 4: 4000000000 given; at most 65536 is needed",
    )
    found = sweep({"beta": [0.0001, 0.5, 3, 100], "network.depth": [4]}, {"data": {"name": "circle"}})
    with pytest.raises(ConfigError) as caught:
        found.check_cost()
    problem, steps = caught.value.problems
    assert steps.message.startswith("where beta is 0.0001, network.depth is 4: up to")
    assert problem.field == "grid.beta"
    assert problem.message.startswith("0.0001 makes network.width 40000 where network.depth is 4: ")
    assert "GB of memory needed, 12 GB allowed" in problem.message
    with pytest.raises(ConfigError, match=r"grid\.beta: 1000 makes network.depth 64000 where network.width is 64"):
        sweep({"beta": [1000], "network.width": [64]})


def test_what_a_cell_costs_is_said_of_the_cell() -> None:
    with pytest.raises(ConfigError) as caught:
        sweep({"network.depth": [2, 64], "network.width": [8, 65536]}).check_cost()
    (problem,) = caught.value.problems
    assert problem.field == "grid.network.width"
    assert problem.message.startswith("where network.depth is 2, network.width is 65536: ")
    assert sweep({"network.depth": [2, 64]}).check_cost() is None


def test_what_is_no_sweep_is_said() -> None:
    assert problems({"network.depth": [2]}, {"data": {"name": "sphre"}})["base.data.name"].startswith("'sphre'")
    with pytest.raises(ConfigError, match="grid: is missing"):
        SweepConfig.from_dict({"base": BASE})
    with pytest.raises(ConfigError, match="repeats a seed"):
        sweep({"network.depth": [2]}, seeds=[1, 1])
    with pytest.raises(ConfigError, match="grid"):
        SweepConfig.from_dict({"base": BASE, "grid": [1]})


def test_the_default_map_is_the_trial_with_four_seeds() -> None:
    trial = yaml.safe_load((Path(__file__).parents[2] / "data" / "trials" / "regimes.yaml").read_text())
    whole = SweepConfig.from_dict(trial | {"seeds": [0, 1, 2, 3]})
    parts = {part.hash for cell in whole.cells for part in cell.parts}
    assert parts == {part.hash for cell in DEFAULT_MAP.cells for part in cell.parts}
