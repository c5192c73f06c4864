"""Exact curves over depth for a few equal hidden widths, straight from the law. No Streamlit here."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.initialisation import moments
from engine.initialisation.higher_moments import log_draws_by_depth, log_terms_by_depth
from engine.initialisation.law import Law
from engine.initialisation.layer_sums import Shapes
from engine.initialisation.moments import moments_of_shapes
from pages.charts.theme import Table
from pages.charts.words import are

DEEPEST = 1024
"""Hidden layers of a curve: deeper ones would not redraw at once."""
GRID = 32
"""Depths of a curve."""
LARGEST_LOG = 640.0
"""Natural log of the largest number that a log axis draws."""


@dataclass(frozen=True)
class Span:
    """How far the curves go: `largest` in beta or in hidden layers."""

    by: str
    largest: float

    def depth(self, width: int) -> int:
        """Most hidden layers at this width."""
        depth = self.largest * width if self.by == "beta" else self.largest
        return int(min(max(1, math.floor(depth + 1e-9)), DEEPEST))

    def depths(self, width: int, count: int, shift: float = 0.0) -> list[int]:
        """About `count` depths up to the last, evenly spaced, all of them less by a `shift` in units of the spacing."""
        last = self.depth(width)
        return sorted({max(1, round(last * (i + 1 - shift) / count)) for i in range(count)})


def curve_depths(width: int, span: Span) -> list[int]:
    """Hidden layers along a curve, from one on."""
    return sorted({1, *span.depths(width, GRID)})


def grid(widths: tuple[int, ...], span: Span) -> tuple[np.ndarray, np.ndarray]:
    """Depth and width of every point of the curves, from one hidden layer on."""
    depth = [curve_depths(width, span) for width in widths]
    return np.concatenate(depth), np.repeat(widths, [len(d) for d in depth])


def second_moment_table(law: Law, widths: tuple[int, ...], span: Span) -> Table:
    """A row per width and depth: `ratio` E[K^2]/E[K]^2, `weights`, `bias` and `mixed` parts likewise, `prefactor`
    ratio/exp(5 beta), and `slope`, the change of log ratio per beta that one more layer makes."""
    depth, width = grid(widths, span)
    terms = [_second_moment(law, one, depth[width == one]) for one in widths]
    log_ratio, after, weights, bias, mixed, share = np.concatenate(terms, axis=1)
    beta = depth / width
    frame = pd.DataFrame(
        {
            "width": width,
            "depth": depth,
            "beta": beta,
            "ratio": _drawable(log_ratio),
            "weights": _drawable(weights),
            "bias": _drawable(bias),
            "mixed": _drawable(mixed),
            "bias_share": np.exp(share),
            "prefactor": _drawable(log_ratio - 5 * beta),
            "slope": (after - log_ratio) * width,
        }
    )
    return Table(frame, _notes(frame, "ratio", widths, span))


def _second_moment(law: Law, width: int, depth: np.ndarray) -> np.ndarray:
    """By depth, logs of: the ratio, that a layer deeper, the parts of weights, bias and both, the bias's share of E[K].

    By powers of the matrices of moments, a tenth of the work of sums over layers, but where small terms would be lost.
    """
    both = np.union1d(depth, depth + 1)
    if -2 * law.log_r[0] * both[-1] < LARGEST_LOG:
        (bias, weights), (bias2, mixed, weights2) = (log_terms_by_depth(law, order, width, both) for order in (1, 2))
        mixed -= np.log(2)
    else:
        exact = moments_of_shapes(law, Shapes.equal(both, width, law.n_0))
        bias, weights, bias2 = exact.log_E_Kb, exact.log_E_Kw, exact.log_E_Kb2
        mixed, weights2 = exact.log_E_KwKb, exact.log_E_Kw2
    mean = np.logaddexp(bias, weights)
    ratio = np.logaddexp.reduce([bias2, np.log(2) + mixed, weights2]) - 2 * mean
    here, deeper = np.searchsorted(both, depth), np.searchsorted(both, depth + 1)
    with np.errstate(invalid="ignore"):
        parts = weights2 - 2 * weights, bias2 - 2 * bias, mixed - weights - bias, bias - mean
    return np.array([ratio[here], ratio[deeper], *(part[here] for part in parts)])


def first_step_table(law: Law, widths: tuple[int, ...], span: Span, target: float) -> Table:
    """A row per width and depth: `size` |E[dK/dt]|/E[K], its `sign`, and `prefactor` size/((d beta/n_0) exp(5 beta)),
    with d the weight layers."""
    depth, width = grid(widths, span)
    exact = moments_of_shapes(law, Shapes.equal(depth, width, law.n_0))
    sign, log_drift = exact.log_abs_E_dK(target)
    log_size = log_drift - exact.log_E_K
    rate = moments.hanin_nica_log_drift(depth + 1, exact.beta, law.n_0)
    frame = pd.DataFrame(
        {
            "width": width,
            "depth": depth,
            "beta": exact.beta,
            "size": _drawable(log_size),
            "sign": sign.astype(int),
            "prefactor": _drawable(log_size - rate),
        }
    )
    return Table(frame, _notes(frame, "size", widths, span))


def limit_table(s1: float, largest_beta: float, factor: float) -> pd.DataFrame:
    """The scaling limit over beta: `ratio`, `weights`, `bias`, `mixed`, `prefactor` and `slope` as above.

    Args:
        factor: 1 for a linear readout, 2 for a ReLU readout.
    """
    beta = np.linspace(0, largest_beta, 81)
    log_ratio = moments.log_ratio(beta, s1) + np.log(factor)
    parts = {
        "weights": moments.weight_prefactor(beta),
        "bias": moments.bias_prefactor(beta),
        "mixed": moments.mixed_prefactor(beta),
    }
    return pd.DataFrame(
        {
            "beta": beta,
            "ratio": _drawable(log_ratio),
            **{name: _drawable(np.log(factor * values) + 5 * beta) for name, values in parts.items()},
            "prefactor": factor * moments.prefactor(beta, s1),
            "slope": np.gradient(log_ratio, beta, edge_order=2),
        }
    )


def breakdown(law: Law, widths: tuple[int, ...], span: Span, budget: float) -> dict[int, float]:
    """Per width the beta from which a plain Monte Carlo estimate of E[K^2] needs more than `budget` draws for 5%.

    Only where that happens on the curve. Between the depths looked at, log draws is taken as linear in beta.
    """
    found = {}
    for width in widths:
        depth = np.array(_coarse(width, span, budget))
        log_draws = log_draws_by_depth(law, 0.05, 2, width, depth)
        beta = depth / width
        if log_draws[-1] > np.log(budget):
            reached = log_draws[0] < np.log(budget)
            found[width] = float(np.interp(np.log(budget), log_draws, beta)) if reached else float(beta[0])
    return found


def _coarse(width: int, span: Span, budget: float) -> list[int]:
    """Depths to look at, up to a beta that the budget cannot reach or to the end of the curve."""
    reached = math.inf if width < 8 else 1.0 if width > 100 and budget < 1e8 else 2.5
    last = min(span.depth(width), math.ceil(reached * width)) if reached < math.inf else span.depth(width)
    return sorted({1, *(max(1, round(last * i / 12)) for i in range(1, 13))})


def _drawable(log_values: np.ndarray) -> np.ndarray:
    """exp, NaN where a log axis cannot show it."""
    shown = np.isfinite(log_values) & (np.abs(log_values) < LARGEST_LOG)
    return np.where(shown, np.exp(np.where(shown, log_values, 0.0)), np.nan)


def _notes(frame: pd.DataFrame, column: str, widths: tuple[int, ...], span: Span) -> tuple[str, ...]:
    notes = []
    cut = [width for width in widths if span.by == "beta" and span.largest * width > DEEPEST + 0.5]
    if cut:
        at = ", ".join(f"n = {width:,} at β = {DEEPEST / width:.3g}" for width in cut)
        notes.append(f"Curves end at {DEEPEST:,} hidden layers: {at}.")
    if lost := int(frame[column].isna().sum()):
        which = f"{lost} of {len(frame)} points {are(lost)} zero or beyond what a log axis shows"
        notes.append(f"{which}, and {are(lost)} not drawn.")
    return tuple(notes)
