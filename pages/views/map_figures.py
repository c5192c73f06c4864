"""Tables and charts of a map, built once for each state of its sweep."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from engine.initialisation.law import reasons_without_law
from engine.initialisation.spread import initial_network, mean_norm_squared, spread_curve
from engine.networks.kinds import built_in
from engine.networks.mlp_config import MLPConfig
from engine.regimes.boundaries import Boundary, boundaries, dynamics
from engine.regimes.collapse import COLLAPSED, MOST_BETA, Collapse, Scaling, collapse_of, scaling
from engine.regimes.config import SweepConfig
from engine.regimes.result import Thresholds, cells_frame, runs_frame
from pages.charts import map_along, map_plane
from pages.charts.encodings import PICK
from pages.charts.map_names import BETA, METRICS, RATIO, Order
from pages.charts.words import number
from pages.shell.figure import Figure, built
from pages.shell.jobs import Standing
from pages.views import map_words
from pages.views.map_controls import BY_BETA, BY_DEPTH, BY_RATE, BY_WIDTH, EDGE, Map

CURVE_POINTS = 24
BETAS = tuple(4.0**k for k in range(-7, 4))
"""Whose lines are drawn on the plane."""


@dataclass(frozen=True)
class View:
    """How a map is looked at; nothing of it is computed by the engine.

    Attributes:
        metric: a name of `METRICS`.
        coloured: whether the metric, not the regime, colours the cells.
    """

    metric: str
    coloured: bool
    thresholds: Thresholds


@dataclass(frozen=True)
class Picture:
    """A standing sweep on its map, seen in one way."""

    map: Map
    sweep: SweepConfig
    found: Standing
    view: View

    @cached_property
    def by_kind(self) -> Mapping[str, "Picture"]:
        """One for each kind of network; itself of one kind."""
        known = replace(self.found, failures={})  # their places are those of the whole
        own = {kind: replace(self, sweep=one, found=known) for kind, one in self.sweep.architectures.items()}
        return own or {self.sweep.cells[0].run.network.kind: self}

    @property
    def known(self) -> Mapping[str, "Picture"]:
        """Of each kind of network of which a cell is known."""
        return {kind: own for kind, own in self.by_kind.items() if len(own.cells)}

    @property
    def order(self) -> Order:
        """What orders its cells where only depth and width vary."""
        return BETA if all(cell.run.beta is not None for cell in self.sweep.cells) else RATIO

    @property
    def state(self) -> str:
        """Names what can be drawn of it: the same text, the same picture."""
        return f"{self.sweep.hash} {len(self.found.results)} {sorted(self.found.failures)}"

    @property
    def runs(self) -> pd.DataFrame:
        return built(f"{self.state} runs", lambda: runs_frame(self.sweep, self.found.results))

    @property
    def table(self) -> pd.DataFrame:
        """Every cell (`pages.charts.map_plane.plane_table`)."""
        return built(f"{self.map.name} {self.state} {self.view.thresholds} cells", lambda: _cells(self))

    @property
    def cells(self) -> pd.DataFrame:
        """Those that are known."""
        table = self.table
        return table[table["regime"].notna()]

    def boundaries(self) -> Mapping[str, Boundary]:
        """None where something besides depth and width varies: then beta does not order the cells."""
        return self._edges("boundaries", boundaries)

    def dynamics(self) -> Mapping[str, Boundary]:
        """Where Delta K starts to alter the dynamics; none where beta does not order the cells."""
        return self._edges("dynamics", dynamics)

    def _edges(self, name: str, found: Callable[..., Mapping[str, Boundary]]) -> Mapping[str, Boundary]:
        bounds = self.view.thresholds
        if not self.map.plain or not len(self.runs):
            return {}
        return built(f"{self.state} {bounds} {name}", lambda: found(self.runs, bounds))

    def law(self) -> Scaling | None:
        """The metric as a power of beta; None where beta does not order the cells, or they are too few."""
        fits = self.map.plain and self.view.metric in COLLAPSED and len(self.cells)
        return scaling(self.cells, self.view.metric) if fits else None

    def collapse(self, metric: str) -> Collapse:
        return built(f"{self.state} {metric} collapse", lambda: collapse_of(self.runs, metric))

    def plane(self) -> Figure:
        """The map."""
        key, by_metric = f"plane {self.map.name} {self.state} {self.view}", self.view.coloured and len(self.cells)
        question = f"Where is the {METRICS[self.view.metric].label} large?" if by_metric else self.map.question
        chart = partial(plane_chart, self)
        shown, config = on_the_plane(self), self.sweep.hash
        return Figure("regime_map", question, shown, chart, self.table, key=key, selection=PICK, config=config)

    def along(self, with_boundaries: bool = True) -> Figure:
        """The metric against beta."""
        key = f"along {self.map.name} {self.state} {self.view} {with_boundaries}"
        question = f"How does the {METRICS[self.view.metric].label} grow with {self.order.name}?"
        shown, chart = beside(self, with_boundaries), partial(along_chart, self, with_boundaries)
        notes, config = along_table(self).notes, self.sweep.hash
        return Figure("regime_metric", question, shown, chart, self.runs, notes, key, config=config)

    def against(self, q: float) -> Figure:
        """The metric against depth^q beta."""
        shown, key = (f"map.{self.view.metric}", "map.collapse"), f"collapse {self.state} {self.view} {q}"
        question, chart = "Do all depths fall on one curve?", partial(collapse_chart, self, q)
        return Figure("regime_collapse", question, shown, chart, self.cells, key=key, config=self.sweep.hash)


def on_the_plane(picture: Picture) -> tuple[str, ...]:
    """What explains the map: the numbers in its cells, how they are labelled, and the lines that it has."""
    view, rates = picture.view, picture.map.y is BY_RATE
    numbers = f"map.{view.metric}" if view.coloured and len(picture.cells) else "map.elt"
    spread = "map.stochastic" if law_of(picture.sweep) else "map.cv2"
    return tuple(dict.fromkeys(("map.comparable", numbers, spread, "map.failed", *(["map.edge"] if rates else []))))


def beside(picture: Picture, with_boundaries: bool) -> tuple[str, ...]:
    """What explains the chart of a metric against beta: the metric, and the lines that are drawn."""
    found = edges_beside(picture) if with_boundaries else {}
    law = picture.law() if with_boundaries else None
    drawn = {
        "map.boundary": picture.boundaries() if found else {},
        "map.dynamics": {name: edge for name, edge in found.items() if name not in picture.boundaries()},
    }
    lines = [term for term, edges in drawn.items() if any(edge.beta is not None for edge in edges.values())]
    told = ["map.law"] if law is not None and law.determined else []
    return (f"map.{picture.view.metric}", *lines, *told, "map.comparable")


def plane_chart(picture: Picture) -> Any:
    """The map, not yet prepared."""
    view, chosen, table = picture.view, picture.map, picture.table
    drawn = map_plane.Plane.around(table, chosen.x.title, chosen.y.title)
    curve = edge_curve(picture.sweep, chosen, drawn, view.thresholds.spread)
    metric = (view.metric, METRICS[view.metric]) if view.coloured and len(picture.cells) else None
    said = [
        *([f"numbers: median {METRICS['elt'].label}"] if metric is None else []),
        *([f"dashed line: edge of stability, {number(EDGE)}"] if chosen.y is BY_RATE else []),
        *(["outlines: not computed"] if len(picture.cells) < len(table) else []),
        "click a cell to open its run",
    ]
    return map_plane.plane_chart(
        table,
        drawn,
        "; ".join(said),
        metric,
        curve,
        view.thresholds.spread,
        BETAS if chosen.plain and picture.order is BETA else (),
        EDGE if chosen.y is BY_RATE else None,
    )


def along_chart(picture: Picture, with_boundaries: bool) -> Any:
    """The metric against beta, not yet prepared."""
    view = picture.view
    metric = METRICS[view.metric]
    law = picture.law() if with_boundaries else None
    law = law if law is not None and law.determined else None
    said = spread_of(view, "bands") + map_words.dashed(law, picture.order)
    found = edges_beside(picture) if with_boundaries else {}
    return map_along.along_chart(along_table(picture).frame, metric, said, levels_of(view), found, law, picture.order)


def levels_of(view: View) -> dict[str, float]:
    """Values of the metric that are drawn as lines, by name."""
    bounds = view.thresholds
    return {
        "elt": {f"lazy: {number(bounds.lazy)}": bounds.lazy, f"strong: {number(bounds.strong)}": bounds.strong},
        "cv2": {f"stochastic: {number(bounds.spread)}": bounds.spread},
        "sharpness": {f"edge of stability: {number(EDGE)}": EDGE},
    }.get(view.metric, {})


def spread_of(view: View, marks: str) -> str:
    """What the bands or bars about the metric are."""
    return {
        "cv2": f"{marks}: 95% where sampled, open above where not determined",
        "failed": "one value for each cell",
    }.get(view.metric, f"medians, {marks}: quartiles of seeds")


def edges_beside(picture: Picture) -> Mapping[str, Boundary]:
    """The boundaries that the metric bears on: beside lazy errors also those of the dynamics."""
    beside = picture.dynamics() if picture.view.metric in ("elt", "residual_lazy_error", "p2") else {}
    return {**beside, **picture.boundaries()}


def along_table(picture: Picture) -> Any:
    """The metric of every cell, a line per depth, or per value of what the map varies instead."""
    column, symbol = "depth", BY_DEPTH.symbol
    if not picture.map.plain:
        column, symbol = ("rate", BY_RATE.symbol) if picture.map.y is BY_RATE else ("alpha", picture.map.y.symbol)
    return map_along.along_table(picture.cells, picture.view.metric, column, symbol)


def collapse_chart(picture: Picture, q: float) -> Any:
    """The metric against depth^q beta, not yet prepared."""
    metric = METRICS[picture.view.metric]
    cells = picture.cells[picture.cells["beta"] <= MOST_BETA * (1 + 1e-9)]
    frame = map_along.along_table(cells, picture.view.metric, "depth", BY_DEPTH.symbol).frame
    said = f"cells with {picture.order.name} ≤ {MOST_BETA:g}; bars: quartiles of seeds"
    return map_along.collapse_chart(frame, metric, q, said, picture.order)


def edge_curve(sweep: SweepConfig, chosen: Map, drawn: map_plane.Plane, threshold: float) -> pd.DataFrame | None:
    """`x`, `y` of the edge of the stochastic kernel over the whole plane, and whether narrow networks are left of it;
    None without an exact law, or where no width has this spread."""
    run, law = sweep.cells[0].run, law_of(sweep)
    if law is None:
        return None
    network, inputs, norm = law
    depths = np.array([built_in(run.network).depth])
    if chosen.y is BY_DEPTH:
        low, high = max(drawn.y[0], 1.0), drawn.y[1]
        depths = np.unique(np.geomspace(low, high, CURVE_POINTS).round().astype(int))
    widths = spread_curve(network, inputs, norm, depths, threshold)
    depths, widths = depths[np.isfinite(widths)], widths[np.isfinite(widths)]
    if not len(widths):
        return None
    if chosen.y is BY_DEPTH:
        return pd.DataFrame({"x": widths, "y": depths, "narrow": True})
    at = widths[0] if chosen.x is BY_WIDTH else depths[0] / widths[0]
    return pd.DataFrame({"x": at, "y": list(drawn.y), "narrow": chosen.x is not BY_BETA})


def law_of(sweep: SweepConfig) -> tuple[MLPConfig, int, float] | None:
    """A narrow network of the map with an exact law, its input width and the mean |x|^2; None where there is none."""
    run = sweep.cells[0].run
    if not isinstance(run.network, MLPConfig):
        return None
    norm, inputs = built(f"norm {run.data.hash}", lambda: mean_norm_squared(run.data)), run.data.input_dim
    network = run.network.model_copy(update={"depth": 1, "width": 8})
    return None if reasons_without_law(initial_network(network, inputs, norm)) else (network, inputs, norm)


def _cells(picture: Picture) -> pd.DataFrame:
    runs = picture.runs
    cells = cells_frame(runs, picture.view.thresholds) if len(runs) else pd.DataFrame()
    return map_plane.plane_table(picture.map.places(picture.sweep), cells)
