"""The config of a sweep over depth and width and whatever else: a grid of ensembles. Imports no JAX."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from engine.config import RunConfig, Seeds
from engine.cost import MOST_ROWS, Calibration, Limits, check, drawn_seconds, estimate, spread_seconds
from engine.initialisation.law import reasons_without_law
from engine.initialisation.spread import initial_network
from engine.networks.mlp_config import MLPConfig
from engine.networks.module.config import ModuleConfig
from engine.regimes.grid import (
    BETA,
    DEPTH,
    KIND,
    WIDTH,
    Settings,
    points,
    problems_of,
    same_network,
    where,
    where_given,
    with_settings,
)
from engine.schema import Config, ConfigError, Problem

MOST_CELLS = 1024

SEEDS_AT_ONCE = 4
"""Seeds computed by one job. Those of one block, such as 4 to 7, share it: more seeds later leave the first blocks
as they are."""

TYPICAL_STEPS = 100
"""Steps to 10% residual in the default map, where an estimate has to guess."""


@dataclass(frozen=True)
class Cell:
    """One point of the grid.

    Attributes:
        given: its place as the grid gives it, by dotted names, beta among them.
        settings: the same as a run takes them, width or depth in place of beta.
        run: its config, which any page opens.
    """

    given: Settings
    settings: Settings
    run: RunConfig

    @cached_property
    def parts(self) -> tuple[RunConfig, ...]:
        """The configs of its jobs of kind "cell". Equal in every sweep that contains the cell, whatever a cell does
        not depend on."""
        training = self.run.training.model_copy(update={"checkpoints": 2})
        blocks: dict[int, list[int]] = {}
        for seed in sorted(self.run.seeds):
            blocks.setdefault(seed // SEEDS_AT_ONCE, []).append(seed)
        shared = {"training": training, "store_parameters": False, "probes": None}
        return tuple(self.run.model_copy(update=shared | {"seeds": tuple(seeds)}) for seeds in blocks.values())

    @cached_property
    def typical(self) -> RunConfig:
        """The run as its jobs do it, for a typical number of steps."""
        steps = min(self.run.training.max_steps, TYPICAL_STEPS)
        training = self.run.training.model_copy(update={"max_steps": steps, "checkpoints": 2})
        return self.run.model_copy(update={"training": training})

    def seconds(self, calibration: Calibration | None = None) -> float:
        """About what its jobs take once their programs are there."""
        cost, speed = estimate(self.typical, calibration), calibration or Calibration()
        return cost.seconds - cost.start_seconds + speed.pace * self._drawn_seconds

    @property
    def _drawn_seconds(self) -> float:
        """To sample the spread at initialisation in every job, where no exact law says it, beyond once in a run."""
        network, dim = self.run.network, self.run.data.input_dim
        if isinstance(network, MLPConfig) and not reasons_without_law(initial_network(network, dim, 1.0)):
            return 0.0
        return len(self.parts) * spread_seconds(network, dim) - drawn_seconds(self.run)

    def start_seconds(self, calibration: Calibration | None = None) -> float:
        """To trace and compile its programs."""
        return estimate(self.typical, calibration).start_seconds


class SweepConfig(Config):
    """A grid of ensembles that are trained comparably and measured at initialisation, after a step and at the stop.

    Attributes:
        base: a run config as plain values. Where it is silent, networks are centred and stop after 2,000 steps; its
            seeds are not used.
        grid: the values that settings take, by dotted names; or "beta" beside depth or width.
        seeds: of every cell.
    """

    base: dict[str, Any]
    grid: Annotated[dict[str, tuple[Any, ...]], Field(min_length=1)]
    seeds: Seeds = (0, 1, 2, 3)

    @field_validator("grid", mode="before")
    @classmethod
    def _lists(cls, grid: Any) -> Any:
        """A single value is a list of one."""
        if not isinstance(grid, Mapping):
            return grid
        return {name: value if isinstance(value, list | tuple) else (value,) for name, value in grid.items()}

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems = problems_of(self.grid)
        count = 1
        for values in self.grid.values():
            count *= len(values)
        if count > MOST_CELLS:
            problems.append(Problem("grid", f"{count:,} cells, at most {MOST_CELLS:,} are accepted: leave values out"))
        if not problems:
            problems = self._problems_of_cells()
        if problems:
            raise ConfigError(problems)
        return self

    def _problems_of_cells(self) -> list[Problem]:
        """Those of every cell, each once, at the place where its value was given."""
        found: dict[Problem, None] = {}
        seen: dict[RunConfig, Settings] = {}
        for given, settings in points(self.grid, self.base):
            try:
                run = self._run(settings)
            except ConfigError as error:
                found |= dict.fromkeys(where_given(problem, given, settings) for problem in error.problems)
                continue
            same = [same_network(seen[run], settings)] if run in seen else []
            undefined = [] if BETA not in given or run.network.beta is not None else [_without_a_beta(run)]
            found |= dict.fromkeys([*same, *undefined, *_incomparable(run)])
            seen[run] = settings
        return list(found)

    def _run(self, settings: Settings) -> RunConfig:
        values = with_settings(self.base, settings) | {"seeds": self.seeds}
        for section, defaults in (("network", {"centred": True}), ("training", {"max_steps": 2000})):
            given = values.get(section, {})
            if isinstance(given, dict):
                values[section] = defaults | given
        return RunConfig.from_dict(values)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell, the cheap ones first."""
        found = [Cell(given, settings, self._run(settings)) for given, settings in points(self.grid, self.base)]
        return tuple(sorted(found, key=lambda cell: cell.seconds()))

    @cached_property
    def architectures(self) -> dict[str, "SweepConfig"]:
        """The same sweep of every kind of network that the grid names, by kind; nothing where it names fewer than two.

        Together they ask for the cells of this one.
        """
        kinds, base = self.grid.get(KIND, ()), self.base.get("network", {})
        grid = {name: list(values) for name, values in self.grid.items() if name != KIND}
        return {
            kind: SweepConfig.from_dict(
                {"base": {**self.base, "network": {**base, "kind": kind}}, "grid": grid, "seeds": list(self.seeds)}
            )
            for kind in kinds
            if len(kinds) > 1
        }

    @property
    def groups(self) -> tuple[tuple[RunConfig, ...], ...]:
        """The parts of every cell, each a job of kind "cell" (`cache.batch`)."""
        return tuple(cell.parts for cell in self.cells)

    def check_cost(self, limits: Limits | None = None, calibration: Calibration | None = None) -> None:
        """Raises `ConfigError` for the first cell that a limit on runs forbids, with its place in the grid."""
        for cell in self.cells:
            try:
                check(cell.parts[0], limits, calibration)
            except ConfigError as error:
                raise ConfigError(_costly(problem, cell) for problem in error.problems) from None

    def cell_seconds(self, calibration: Calibration | None = None) -> tuple[float, ...]:
        """About what each cell takes, in order, on one worker that has computed none of them.

        Cells of one network and as many points share their programs, which the first has to compile.
        """
        seen: set[Any] = set()
        found = []
        for cell in self.cells:
            program = cell.run.network, cell.run.data.size, cell.run.data.test_size, cell.run.data.input_dim
            found.append(cell.seconds(calibration) + (0.0 if program in seen else cell.start_seconds(calibration)))
            seen.add(program)
        return tuple(found)

    def seconds(self, calibration: Calibration | None = None) -> float:
        """About what the whole sweep takes on one worker that has computed none of it."""
        return sum(self.cell_seconds(calibration))

    def canonical(self) -> str:
        """The cells as one line of JSON, the same for every way of writing the same sweep."""
        return json.dumps(sorted(cell.run.canonical() for cell in self.cells))

    def __hash__(self) -> int:
        return hash(self.canonical())


def _without_a_beta(run: RunConfig) -> Problem:
    return Problem(f"grid.{BETA}", f"is not defined for a network of kind {run.network.kind}: give {DEPTH} and {WIDTH}")


def _costly(problem: Problem, cell: Cell) -> Problem:
    at = where_given(problem, cell.given, cell.settings)
    return at if at.field == f"grid.{BETA}" else Problem(at.field, f"{where(cell.given)}: {at.message}")


def _incomparable(run: RunConfig) -> list[Problem]:
    """Why a cell cannot be compared with its lazy prediction, or is too large for it."""
    problems = run.not_plain_descent("base", "the lazy prediction")
    if isinstance(run.network, ModuleConfig):
        problems.append(Problem("base.network.kind", "a map has no networks of one's own: choose one that is built in"))
    rows = run.data.size * run.data.output_dim
    if rows > MOST_ROWS:
        given = f"{run.data.size} points with {run.data.output_dim} outputs make {rows} rows"
        problems.append(Problem("base.data.size", f"{given}, at most {MOST_ROWS} are accepted: lower it"))
    return problems


DEFAULT_MAP = SweepConfig.from_dict(
    {
        "base": {
            "data": {"name": "sphere", "dim": 8, "size": 16, "test_size": 64},
            "network": {"sigma_w_readout": 1.0, "train_bias": False, "output_bias": False},
            "training": {"loss": "half_sum"},
        },
        "grid": {"network.depth": (2, 4, 8, 16, 32), "network.width": (8, 16, 32, 64, 128, 256)},
    }
)
"""The map that the page opens with: the setting of theory.md 6 with 4 seeds."""
