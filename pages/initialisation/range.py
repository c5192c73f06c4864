"""Controls of the curves and points: widths, how deep, how many draws."""

from dataclasses import dataclass

import streamlit as st

from pages.initialisation.curves import DEEPEST, Span
from pages.initialisation.form import Form

MOST_WIDTHS = 5
OTHER_RANGE = ("beta_max", "depth_max")
"""Controls of which one is drawn."""


@dataclass(frozen=True)
class Points:
    """Which Monte Carlo points are wanted.

    Attributes:
        count: per curve.
        draws, brute_draws: per point of the sampler and of real networks.
        seed: of all of them.
    """

    count: int
    draws: int
    brute_draws: int
    seed: int


def curve_controls(form: Form, widths: str = "16, 64, 256") -> tuple[tuple[int, ...] | None, Span | None]:
    """Hidden widths, and the range of beta or depth."""
    st.markdown("**Curves**")
    chosen = form.wholes(
        "widths", "hidden widths n", widths, 1_000_000, MOST_WIDTHS, "One curve each, all hidden layers equally wide."
    )
    if chosen is not None and len(set(chosen)) < len(chosen):
        form.blame("widths", "a width is given twice")
        chosen = None
    by = form.choice("range", "range of", ("beta", "depth"), "Range over β, or over hidden layers L.")
    if by == "beta":
        largest = form.number("beta_max", r"up to $\beta$", 2.0, 0.01, 50.0, r"$\beta = \sum_l 1/n_l$.")
    else:
        largest = form.whole("depth_max", "up to $L$", 64, 1, DEEPEST, "Hidden layers.")
    return chosen, None if largest is None else Span(by, float(largest))


def point_controls(form: Form) -> Points | None:
    """How many points, draws, and the seed."""
    st.markdown("**Monte Carlo points**")
    left, right = st.columns(2)
    with left:
        count = form.whole("points", "per curve", 4, 1, 12)
        draws = form.whole("draws", "draws, sampler", 100_000, 2, 10_000_000, "Per point, from the exact law.")
    with right:
        seed = form.whole("seed", "seed", 0, 0, 2**31 - 1)
        brute = form.whole("brute_draws", "draws, networks", 1000, 2, 1_000_000, "Per point, real networks.")
    if count is None or draws is None or seed is None or brute is None:
        return None
    return Points(count, draws, brute, seed)


def end(widths: tuple[int, ...], span: Span) -> float:
    """Largest beta on the axis."""
    if span.by == "beta":
        return max(span.largest, max(1 / width for width in widths))
    return max(span.depth(width) / width for width in widths)
