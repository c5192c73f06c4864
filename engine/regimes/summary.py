"""What `summary.json` of a sweep holds. Imports no JAX."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from engine.data import overview
from engine.initialisation.law import reasons_without_law
from engine.initialisation.spread import MEASURED_BETA, initial_network, mean_norm_squared, spread_curve
from engine.networks.kinds import built_in
from engine.networks.mlp_config import MLPConfig
from engine.regimes.boundaries import Boundary, boundaries, dynamics
from engine.regimes.collapse import COLLAPSED, Collapse, collapses, scaling
from engine.regimes.config import SweepConfig
from engine.regimes.grid import BETA, DEPTH, WIDTH
from engine.regimes.kinds import growths, kind_ratio, with_first
from engine.regimes.result import LABELS, SPREAD, Thresholds, cells_frame
from engine.result import finite
from engine.schema import ConfigError

NAMES = ("lazy_weak", "weak_strong", "stable_unstable")
DYNAMICS = ("order_0", "p2")


def summary(sweep: SweepConfig, runs: pd.DataFrame, failures: Mapping[int, str], seconds: float) -> dict[str, Any]:
    """Counts of cells, those that could not be computed, labels, boundaries, the drift's power law and collapse.

    `boundaries`, `dynamics` (where Delta K starts to alter it), `drift` and `collapse` speak of one network at
    different depths and widths: where another setting varies too, they are null with that reason. `drift` has the
    fitted power law and whether it is `determined`: the 95% interval of its exponent leaves 0 out. `spread` is CV^2 of
    the kernel at initialisation, cell by cell, with the measured beta of networks that have none. `along` says what
    orders the cells and is called beta here: "beta", or "depth/width" where some network has no beta.

    Where the grid names several kinds of network, `architectures` has these of each, `growth` the factors by which CV^2
    grows with depth (`engine.regimes.kinds.growths`), and `ratios` each other kind over the first, by metric
    (`engine.regimes.kinds.kind_ratio`); nothing of either where another setting varies too.

    Args:
        runs: as `engine.regimes.result.runs_frame` gives them.
        failures: why a cell is missing, by its place in `sweep.cells`.
    """
    bounds = Thresholds()
    kinds = {kind: runs[runs["kind"] == kind] for kind in sweep.architectures}
    return {
        "sweep_hash": sweep.hash,
        "cells": len(sweep.cells),
        "failed": len(failures),
        "failures": [
            {"settings": dict(sweep.cells[index].settings), "error": message} for index, message in failures.items()
        ],
        "runs": len(runs),
        "thresholds": asdict(bounds),
        **_compared(sweep, runs, bounds),
        **(_of_kinds(sweep, kinds, bounds) if kinds else {}),
        "seconds": seconds,
        "notes": notes(sweep),
    }


def _of_kinds(sweep: SweepConfig, runs: Mapping[str, pd.DataFrame], bounds: Thresholds) -> dict[str, Any]:
    """Of each kind of network, and of the others beside the first."""
    known = {kind: own for kind, own in runs.items() if len(own)}
    others = [name for own in sweep.architectures.values() for name in _others(own)]
    alike = {} if others else known  # else shapes would hold networks of several settings
    grown = growths({kind: own.groupby("cell").first() for kind, own in alike.items()}) if len(alike) > 1 else {}
    ratios = {
        other: {name: asdict(found) for name in COLLAPSED if (found := kind_ratio(alike[one], alike[other], name))}
        for one, other in with_first(list(alike))
    }
    return {
        "architectures": {kind: _compared(sweep.architectures[kind], own, bounds) for kind, own in runs.items()},
        "growth": {kind: asdict(found) for kind, found in grown.items()},
        "ratios": {kind: {name: _finite_row(found) for name, found in own.items()} for kind, own in ratios.items()},
    }


def _compared(sweep: SweepConfig, runs: pd.DataFrame, bounds: Thresholds) -> dict[str, Any]:
    """Labels, and what a map of depths and widths says beyond them."""
    others = _others(sweep)
    if others or runs.empty:
        reason = f"{others[0]} varies too: fix it to compare along beta" if others else "not enough data: no cell"
        edges, altered = (dict.fromkeys(names, Boundary(None, reason=reason)) for names in (NAMES, DYNAMICS))
        collapsed = dict.fromkeys(COLLAPSED, Collapse(None, None, None, None, 0))
    else:
        edges, altered, collapsed = boundaries(runs, bounds), dynamics(runs, bounds), collapses(runs)
    cells = pd.DataFrame() if runs.empty else cells_frame(runs, bounds)
    labels = [] if runs.empty else cells["label"].tolist()
    law = None if others or runs.empty else scaling(cells, "drift")
    shown = ["kind", "depth", "width", *SPREAD, *(name for name in MEASURED_BETA if name in runs)]
    spread = [] if runs.empty else runs.groupby("cell")[shown].first().to_dict("records")
    return {
        "along": "beta" if all(cell.run.beta is not None for cell in sweep.cells) else "depth/width",
        "labels": {label: labels.count(label) for label in LABELS},
        "boundaries": {name: edge.summary() for name, edge in edges.items()},
        "dynamics": {name: edge.summary() for name, edge in altered.items()},
        "drift": law and {**asdict(law), "determined": law.determined},
        "stochastic_kernel": None if others else stochastic_edge(sweep, bounds),
        "spread": None if others else [_finite_row(row) for row in spread],
        "collapse": {name: _collapse(found) for name, found in collapsed.items()},
    }


def _others(sweep: SweepConfig) -> list[str]:
    """What varies besides depth and width."""
    return [name for name, values in sweep.grid.items() if name not in (DEPTH, WIDTH, BETA) and len(values) > 1]


def _finite_row(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value if isinstance(value, str) else finite(value) for name, value in row.items()}


def notes(sweep: SweepConfig) -> list[str]:
    """What a reader should know of the data of the cells; those that are degenerate are among the failures."""
    said: dict[str, None] = {}
    for data in dict.fromkeys(cell.run.data for cell in sweep.cells):
        with suppress(ConfigError):
            said |= dict.fromkeys(overview(data).notes)
    return list(said)


def stochastic_edge(sweep: SweepConfig, bounds: Thresholds) -> list[dict[str, float]] | None:
    """Depth, width and beta at which the exact CV^2 passes its threshold, for every depth of the sweep; None for a
    network without an exact law."""
    run = sweep.cells[0].run
    if not isinstance(run.network, MLPConfig):
        return None
    network = run.network.model_copy(update={"depth": 1, "width": 8})
    norm = mean_norm_squared(run.data)
    if reasons_without_law(initial_network(network, run.data.input_dim, norm)):
        return None
    depths = np.unique([built_in(cell.run.network).depth for cell in sweep.cells])
    widths = spread_curve(network, run.data.input_dim, norm, depths, bounds.spread)
    return [
        {"depth": int(depth), "width": float(width), "beta": float(depth / width)}
        for depth, width in zip(depths, widths, strict=True)
        if np.isfinite(width)
    ]


def _collapse(found: Collapse) -> dict[str, float | None]:
    whole = asdict(found)
    return {name: whole[name] for name in ("p_value", "depth_exponent", "depth_exponent_error", "best_q")}
