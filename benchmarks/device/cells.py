"""Networks of a map's cells a second: with seeds trained together by one program, against one at a time."""

from collections.abc import Iterator
from functools import partial
from statistics import median

from benchmarks.device.plan import Plan
from benchmarks.device.report import Row, Task
from benchmarks.timing import interleaved
from engine.config import RunConfig
from engine.data import generate
from engine.regimes.config import DEFAULT_MAP, SweepConfig
from engine.regimes.job import Ensemble


def tasks(plan: Plan) -> Iterator[Task]:
    """A row for each shape and number of seeds."""
    for depth, width in plan.cells:
        singly: list[float] = []
        for seeds in plan.together:
            yield f"depth {depth}, width {width}, seeds {seeds}", partial(_cell, depth, width, seeds, plan, singly)


def cell_config(depth: int, width: int) -> RunConfig:
    """A cell of the map that the page opens with."""
    grid = {"network.depth": [depth], "network.width": [width]}
    return SweepConfig.from_dict({"base": DEFAULT_MAP.base, "grid": grid}).cells[0].run


def _cell(depth: int, width: int, seeds: int, plan: Plan, singly: list[float]) -> Row:
    """One ensemble, training and measurements, without compilation. Networks a second of a single seed go to
    `singly`, with which the others are compared."""
    config = cell_config(depth, width)
    data, numbers = generate(config.data), tuple(range(seeds))
    ended: list[int] = []

    def work() -> None:
        ended[:] = [row["end"] == "residual" for row in Ensemble(config, data, numbers, lambda *_: None).rows()]

    seconds = interleaved({"own": work}, max(2, plan.rounds // 2))["own"]
    rate = seeds / median(seconds)
    if seeds == 1:
        singly.append(rate)
    row = {
        "s": median(seconds),
        "s, all": f"{min(seconds):.3g} to {max(seconds):.3g}",
        "networks/s": rate,
        "cells of 4/s": rate / 4,
        "reached the stop": f"{sum(ended)} of {seeds}",
    }
    return row | ({"times one at a time": rate / singly[0]} if singly else {})
