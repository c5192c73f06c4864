"""What a map shows, in sentences computed from its cells. No Streamlit here."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from engine.problems import several
from engine.regimes.bound import ESTIMATE
from engine.regimes.boundaries import Boundary, boundary, largest_if_not_finite
from engine.regimes.collapse import FEWEST_BETAS, MOST_BETA, Collapse, Scaling
from engine.regimes.result import LAZY, STRONG, UNDECIDED, UNSTABLE, WEAK, Thresholds
from pages.charts.map_names import BETA, METRICS, REGIMES, Order
from pages.charts.words import listing, number, percent, signed, spread
from pages.views.map_controls import EDGE

SHARP = 1.5
"""A lazy boundary that moves less than this factor with twice the threshold is not called unsharp."""
FLAT = 1.5
"""A metric that changes less than this factor over the output scale hardly changes."""
CHANGED = 0.01
"""A sharpness that changed by a smaller share has not."""
SURE = 0.05
"""p below which beta alone is rejected."""
DOUBLE = 64.0
"""Bits of float64."""
HALF = 0.5
"""Share of failed networks below which a cell trains."""
QUICK = 20
"""Resamples of a boundary whose band is not shown."""


def definitions(bounds: Thresholds) -> dict[str, str]:
    """What each label means, with the thresholds as they stand."""
    lazy, strong = number(bounds.lazy), number(bounds.strong)
    return {
        LAZY: f"elt ≤ {lazy}: the frozen kernel $K_0$ predicts what the network learned.",
        WEAK: f"elt from {lazy} to {strong}: features move, the frozen kernel is off by a part of what was learned.",
        STRONG: f"elt > {strong}, or not finite: the frozen kernel no longer predicts.",
        f"{UNSTABLE}: stochastic kernel": f"CV² ≥ {number(bounds.spread)}: at initialisation the kernel of one network "
        "says little about that of another.",
        UNDECIDED: f"CV² is sampled, and {number(bounds.spread)} lies in its 95% interval: not enough draws to "
        f"say. Or elt lies below its rounding, and that above {lazy}.",
        f"{UNSTABLE}: untrainable": f"at least {percent(bounds.failed)} of the networks diverge, die or reach the cap.",
    }


def cell(known: pd.Series | None) -> str:
    """What a map says of one network, a row of `engine.regimes.result.cells_frame`; empty without one."""
    if known is None:
        return ""
    label, count = REGIMES[known["reason"] or known["label"]], int(known["runs"])
    by = f"the median of {count} networks" if count > 1 else "one network"
    return f"**On the map this cell is {label}**, by {by}."


def counts(cells: pd.DataFrame) -> str:
    """How many cells have which label. `cells` of `plane_table`, those that are known."""
    found = cells["regime"].value_counts()
    parts = [f"{found[name]} {name}" for name in REGIMES.values() if name in found]
    return f"Of {several(len(cells), 'cell')}: {listing(parts)}."


def edges(found: Mapping[str, Boundary], bounds: Thresholds, order: Order = BETA) -> list[str]:
    """Where along beta, or what orders the cells instead, the regimes change, or why that cannot be said."""
    return [f"{passed(bounds)[name]}: {edge_of(edge, order)}." for name, edge in found.items()]


def passed(bounds: Thresholds) -> dict[str, str]:
    """What happens at each boundary."""
    return {
        "lazy_weak": f"**Lazy training ends** (elt = {number(bounds.lazy)})",
        "weak_strong": f"**The frozen kernel stops predicting** (elt = {number(bounds.strong)})",
        "stable_unstable": "**Half of the networks fail**",
    }


def edge_of(edge: Boundary, order: Order) -> str:
    """One boundary, or why there is none."""
    if edge.beta is None:
        return order.of(edge.reason)
    low, high = ("open" if end is None else number(end) for end in (edge.low, edge.high))
    return rf"at ${order.tex}$ = {number(edge.beta)} (90% of resamples, for these points: {low} to {high})"


def estimated(cells: pd.DataFrame) -> int:
    """Cells whose P2 is an estimate: its looks could not be made close enough."""
    return int(np.sum(cells.get("p2_error", pd.Series(dtype=float)).to_numpy(float) > ESTIMATE))


def altered(found: Mapping[str, Boundary], bounds: Thresholds, estimates: int = 0, order: Order = BETA) -> str:
    """Where Delta K starts to alter the training curve, beside the boundary of the function; empty where unknown.

    Args:
        estimates: cells whose P2 is no bound but an estimate.
    """
    error, bound = found["order_0"], found["p2"]
    if error.beta is None:
        return ""
    everywhere = bound.beta is None and "below" in bound.reason
    start = edge_of(error, order).removeprefix("at ")
    if bound.beta is None and not everywhere:
        limit = f"Where its bound $P_2$ is as large is not known: {edge_of(bound, order)}"
    else:
        limit = (
            f"Its bound $P_2$ is as large {f'at every computed {order.name}' if everywhere else edge_of(bound, order)}"
        )
    return (
        rf"On the training points $\Delta K_t$ alters the dynamics from {start}: there order 0 is off by "
        f"{number(bounds.lazy)} at most. {limit}."
        + (f" In {several(estimates, 'cell')} $P_2$ is an estimate, not a bound." if estimates else "")
    )


def law(found: Scaling, order: Order = BETA) -> str:
    """A power law in plain text."""
    return f"{number(found.prefactor, 2)} {order.base}^{signed(found.exponent)}±{found.error:.2f}"


def dashed(found: Scaling | None, order: Order = BETA) -> str:
    """The law that is drawn, under a chart; empty where none is told from 0."""
    return f"; dashed: {law(found, order)} (95%)" if found is not None and found.determined else ""


def grows(found: Scaling | None, metric: str, order: Order = BETA) -> str:
    """The law in a sentence; empty without one."""
    if found is None:
        return ""
    label, r_squared = METRICS[metric].label, signed(found.r_squared)
    if not found.determined:
        reach = f"exponent {signed(found.exponent)} ± {found.error:.2f} (95%), $R^2$ = {r_squared}"
        return f"Of the {label} **no law in {order.name} is determined**: {reach}."
    power = rf"{order.factor}^{{{found.exponent:.2f} \pm {found.error:.2f}}}"
    return (
        rf"The {label} grows like ${number(found.prefactor, 2)}\,{power}$ (95%; "
        rf"${order.tex} \le {number(found.high)}$, $R^2$ = {r_squared})."
    )


def no_sharp_edge(runs: pd.DataFrame, bounds: Thresholds, order: Order = BETA) -> str:
    """How far the lazy boundary moves when its threshold is doubled; empty where either does not exist."""
    elt = largest_if_not_finite(runs["elt"].to_numpy(float))
    beta, cell = runs["beta"].to_numpy(float), runs["cell"].to_numpy(int)
    at, doubled = (boundary(beta, elt > level, cell, QUICK).beta for level in (bounds.lazy, 2 * bounds.lazy))
    if at is None or doubled is None:
        return ""
    moved = (
        rf"wice the threshold moves it to ${order.tex}$ = {number(doubled)}, {number(doubled / at, 2)} times as far."
    )
    return f"There is no sharp lazy boundary: t{moved}" if doubled / at >= SHARP else f"The lazy boundary: t{moved}"


def answer(found: Collapse, metric: str, order: Order = BETA) -> str:
    """Does beta, or what orders the cells instead, alone decide a metric?"""
    label, by = METRICS[metric].label, order.name
    if found.groups < FEWEST_BETAS:
        needs = f"at least {FEWEST_BETAS} values of {by} ≤ {MOST_BETA:g} with 2 depths each are needed"
        there = f"there {'is' if found.groups == 1 else 'are'} {found.groups}"
        return f"Whether {by} alone decides the {label} is not known. Not enough data: {needs}, {there}{_lost(found)}."
    if found.p_value is None:
        return f"Whether {by} alone decides the {label} is not known: several networks in a cell are needed."
    p = f"p = {number(found.p_value, 2)}, {several(found.groups, 'value')} of {by} ≤ {MOST_BETA:g}{_lost(found)}"
    if found.p_value >= SURE:
        said = f"Not rejected: at equal {by} the {label} of cells differs no more than their seeds explain"
    else:
        said = f"No: at equal {by} the {label} of cells differs by more than their seeds do"
    return f"{said} ({p}){_depth(found, order)}."


def _lost(found: Collapse) -> str:
    return f"; {several(found.left_out, 'cell')} left out, where not all networks have a number" * bool(found.left_out)


def _depth(found: Collapse, order: Order) -> str:
    """What depth adds at fixed beta; empty where that has no interval."""
    error = found.depth_exponent_error
    if found.depth_exponent is None or error is None:
        return ""
    goes = rf"$L^{{{found.depth_exponent:.2f} \pm {error:.2f}}}$ (95%)"
    best = "" if found.best_q is None else rf"; the best single variable is $L^{{{found.best_q:.2f}}}{order.factor}$"
    if abs(found.depth_exponent) < error:
        return f"; what depth adds at fixed {order.name} is not told from nothing: {goes}{best}"
    return f"; at fixed {order.name} it goes as {goes}{best}"


def by_alpha(cells: pd.DataFrame, metric: str, order: Order = BETA) -> list[str]:
    """What the output scale does, at the beta in the middle of those that have several."""
    finite = np.isfinite(cells[metric])
    known = cells[finite]
    several = known.groupby("beta").filter(lambda group: group["alpha"].nunique() > 1)
    if several.empty:
        return [f"Not enough data: no {order.name} has cells at several α."]
    betas = np.unique(several["beta"])
    beta = float(betas[(len(betas) - 1) // 2])
    row = several[several["beta"] == beta].sort_values("alpha").reset_index(drop=True)
    low, high = (row.iloc[int(find(row[metric].to_numpy(float)))] for find in (np.argmin, np.argmax))
    first, last = sorted((low, high), key=lambda cell: cell["alpha"])
    label = METRICS[metric].label
    count = f"{row['alpha'].nunique()} α"
    if out := int(np.sum(~finite & (cells["beta"] == beta))):
        count += f" ({out} more without a finite one)"
    if low[metric] == high[metric]:
        return [rf"At ${order.tex}$ = {number(beta)} the {label} is {number(low[metric])} at each of {count}."]
    said = (
        rf"At ${order.tex}$ = {number(beta)} the {label} is {number(first[metric])} at α = {number(first['alpha'])} "
        f"and {number(last[metric])} at α = {number(last['alpha'])}, the ends of its range over {count}"
    )
    if 0 < high[metric] < FLAT * low[metric]:
        return [f"{said}: here the output scale hardly matters."]
    if not high.get(f"{metric}_low", high[metric]) > low.get(f"{metric}_high", low[metric]):
        return [f"{said}; the quartiles of their networks overlap: **not told apart**."]
    factor = (
        f", the output scale moves it by a factor {number(high[metric] / low[metric], 2)}" if low[metric] > 0 else ""
    )
    return [f"{said}: **{order.name} alone does not decide**{factor}."]


def by_rate(cells: pd.DataFrame) -> list[str]:
    """Which step sizes the networks bear, and what becomes of their sharpness."""
    trains = cells[cells["failed"] < HALF]
    if trains.empty:
        return ["No cell trains."]
    largest, tried = trains.groupby("width")["rate"].max(), cells["rate"].max()
    low, high = number(largest.min()), number(largest.max())
    span = low if low == high else f"{low} to {high}, by width"
    said = [
        f"The largest η_eff λ_max(K₀) tried at which most networks train is {span}; tried up to {number(tried)}."
        f"{_gaps(cells, largest)}"
    ]
    beyond = trains[trains["rate"] > EDGE]
    if len(beyond):
        widths = listing([number(width) for width in np.unique(beyond["width"])])
        said.append(
            f"**Beyond the edge of stability** networks still train at n = {widths}; their sharpness at the stop is "
            f"{spread(beyond['sharpness'])}. The frozen kernel's descent diverges there, so elt is large."
        )
    elif tried > EDGE:
        said.append("No width tried trains beyond the edge of stability.")
    known = trains[np.isfinite(trains["sharpness"])]
    fallen = int(np.sum(known["sharpness"] < (1 - CHANGED) * known["rate"]))
    said.append(f"In {fallen} of {len(known)} cells that train, the sharpness is lower at the stop than at the start.")
    return said


def _gaps(cells: pd.DataFrame, largest: pd.Series) -> str:
    """Cells that fail below the largest step that their width bears."""
    below = cells["rate"] < cells["width"].map(largest)
    failed = int(np.sum(below & (cells["failed"] >= HALF)))
    return f" In {several(failed, 'cell')} below it most fail." if failed else ""


def precision(runs: pd.DataFrame, asked: str) -> str:
    """Cells that trained in float64, and why; empty where none did.

    Args:
        asked: `training.precision` of the sweep.
    """
    doubled = runs[runs["bits"] == DOUBLE]
    if doubled.empty:
        return ""
    why = (
        "float32 is foretold not to resolve them: rounding moves their function too far, at the start or over the run, "
        "or updates near the stop fall under the last bit of the parameters"
    )
    who = f"{doubled['cell'].nunique()} of {several(runs['cell'].nunique(), 'cell')} trained in float64"
    return f"{who}: {why if asked == 'auto' else 'that was asked for'}."


def unresolved(cells: pd.DataFrame) -> str:
    """Cells whose lazy error is nothing but rounding; empty where there are none."""
    count = int(np.sum(cells["unresolved"]))
    if not count:
        return ""
    return f"In {several(count, 'cell')} the lazy error is below its rounding: it is not drawn as a value."
