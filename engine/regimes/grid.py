"""The grid of a sweep: settings by dotted names, beta among them. Imports no JAX."""

from collections.abc import Mapping
from itertools import product
from typing import Any

from engine.config import RunConfig, TrainingConfig
from engine.data import DATASETS
from engine.networks.kinds import NETWORKS
from engine.problems import short_repr
from engine.schema import Problem, did_you_mean
from engine.texts import number

Settings = Mapping[str, Any]
"""Dotted name, such as "network.depth", to value."""

DEPTH, WIDTH, BETA = "network.depth", "network.width", "beta"
KIND = "network.kind"
STEP_SIZES = ("training.stability_fraction", "training.learning_rate")
"""Either of them sets the step: a grid over one takes the place of the other in the base."""

NO_CHANGE = ("training.checkpoints", "store_parameters")
"""Settings that a cell does not depend on."""


def names() -> list[str]:
    """Every name that a grid may use."""
    data = {f"data.{field}" for dataset in DATASETS.values() for field in dataset.model_fields}
    network = list(dict.fromkeys(f"network.{field}" for kind in NETWORKS.values() for field in kind.model_fields))
    training = [f"training.{field}" for field in TrainingConfig.model_fields]
    whole = [field for field in RunConfig.model_fields if field not in ("data", "network", "training", "seeds")]
    return [name for name in (BETA, *sorted(data), *network, *training, *whole) if name not in NO_CHANGE]


def problems_of(grid: Mapping[str, tuple[Any, ...]]) -> list[Problem]:
    """What is wrong with the names of a grid, and with its values of beta."""
    allowed, problems = names(), []
    for name, values in grid.items():
        where = f"grid.{name}"
        if name == "seeds":
            problems.append(Problem(where, "are no axis: give them beside the grid"))
        elif name in NO_CHANGE:
            problems.append(Problem(where, "changes nothing in a cell: leave it out"))
        elif name not in allowed:
            sections = "a setting of the run by its dotted name, such as network.depth, or beta"
            problems.append(Problem(where, f"no such setting.{did_you_mean(name, allowed)} Give {sections}"))
        if not values:
            problems.append(Problem(where, "has no values: give at least one"))
        if len(set(map(_identity, values))) < len(values):
            problems.append(Problem(where, f"{list(values)} repeats a value: give each once"))
    if BETA in grid:
        wrong = [value for value in grid[BETA] if not _is_positive(value)]
        problems += [Problem(f"grid.{BETA}", f"{short_repr(value)} given; a number above 0") for value in wrong]
        if DEPTH in grid and WIDTH in grid:
            message = f"follows from {DEPTH} and {WIDTH}, which the grid gives too: leave one of the three out"
            problems.append(Problem(f"grid.{BETA}", message))
    if BETA in grid and any(not isinstance(_number(width), int | float) for width in grid.get(WIDTH, ())):
        message = f"gives depths of networks of one width: give whole numbers as {WIDTH}, or leave one of the two out"
        problems.append(Problem(f"grid.{BETA}", message))
    if all(name in grid for name in STEP_SIZES):
        problems.append(Problem(f"grid.{STEP_SIZES[1]}", f"given beside {STEP_SIZES[0]}: give one of them"))
    return problems


def points(grid: Mapping[str, tuple[Any, ...]], base: Mapping[str, Any]) -> list[tuple[Settings, Settings]]:
    """The settings of every cell, as the grid gives them and as a run takes them, in the order of the grid.

    beta is turned into the width nearest depth/beta, or the depth nearest beta width where the grid gives widths.
    Cells that become equal by that are kept once.
    """
    found: dict[str, tuple[Settings, Settings]] = {}
    for values in product(*grid.values()):
        given = dict(zip(grid, values, strict=True))
        settings = _without_beta(given, base) if BETA in given else given
        found.setdefault(repr(sorted(settings.items())), (given, settings))
    return list(found.values())


def where_given(problem: Problem, given: Settings, settings: Settings) -> Problem:
    """A problem of a run at the place where its value was given: in the grid, by beta, or in the base."""
    made = DEPTH if WIDTH in given else WIDTH
    if BETA in given and problem.field == made in settings:
        rest = {name: value for name, value in given.items() if name != BETA}
        makes = f"{short_repr(given[BETA])} makes {made} {settings[made]}"
        return Problem(f"grid.{BETA}", f"{makes}{' ' if rest else ''}{where(rest)}: {problem.message}")
    return Problem(f"{'grid' if problem.field in given else 'base'}.{problem.field}", problem.message)


def where(settings: Settings) -> str:
    """A cell in words."""
    listed = ", ".join(f"{name} is {short_repr(value)}" for name, value in settings.items())
    return f"where {listed}" if listed else ""


def same_network(one: Settings, other: Settings) -> Problem:
    """Two cells that turn out to be one network."""
    name = next(name for name in one if _identity(one[name]) != _identity(other[name]))
    same = f"{short_repr(one[name])} and {short_repr(other[name])} make the same network: give one of them"
    return Problem(f"grid.{name}", same)


def with_settings(base: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """The values of a run: the base with these settings put in."""
    values = {name: dict(part) if isinstance(part, Mapping) else part for name, part in base.items()}
    for name, value in settings.items():
        if name in STEP_SIZES:
            other = STEP_SIZES[1 - STEP_SIZES.index(name)]
            _put(values, other, None)
        _put(values, name, value)
    return values


def _put(values: dict[str, Any], name: str, value: Any) -> None:
    section, _, field = name.rpartition(".")
    if not section:
        values[field] = value
    elif isinstance(values.setdefault(section, {}), dict):  # else the config says what is wrong with the section
        values[section][field] = value


def _without_beta(settings: Settings, base: Mapping[str, Any]) -> Settings:
    rest = {name: value for name, value in settings.items() if name != BETA}
    beta, network = settings[BETA], base.get("network")
    if WIDTH in rest:
        width = _number(rest[WIDTH])
        return rest | {DEPTH: _whole(beta * width)} if _is_positive(width) else rest
    depth = _number(rest.get(DEPTH, network.get("depth", 3) if isinstance(network, Mapping) else 3))
    return rest | {WIDTH: _whole(depth / beta)} if _is_positive(depth) else rest


def _number(value: Any) -> Any:
    return number(value) if isinstance(value, str) else value


def _whole(size: float) -> int:
    """The nearest whole number from 1 on; beyond all limits where there is none."""
    return max(1, round(min(size, 10**15)))


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")


def _identity(value: Any) -> Any:
    """Equal for 8, 8.0 and "8"."""
    value = _number(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else repr(value)
