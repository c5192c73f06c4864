"""Norms: what target and trained function cost in H_t, against H_0, and which unit ball lies in which."""

from functools import partial

import streamlit as st

from engine.rkhs.gram import RIDGES
from pages.charts import space_curves, theme
from pages.shell.result import numbers
from pages.views import norm_words, spaces
from pages.views.spaces import Shown, drawn, points_choice

ABOVE_NOISE = "norm_target", "conditioning"


def body(shown: Shown) -> None:
    """Numbers, sentences, four charts over t, the table of what conditioning allows."""
    numbers(norm_words.headlines(shown.result))
    st.markdown(" ".join(norm_words.sentences(shown.result)))
    charts(shown)
    st.subheader("What conditioning allows")
    st.table(norm_words.target_norms(shown.result), hide_index=True)


@st.fragment
def charts(shown: Shown) -> None:
    """Norms on one set of points, inclusion and norms across at one ridge."""
    st.subheader("Along the path")
    with st.container(horizontal=True):
        where = points_choice("norms")
        ridge = st.segmented_control(
            "ridge, in mean eigenvalues", RIDGES, default=RIDGES[1], format_func=_named, required=True,
            key="norms ridge", help="Of the two lower charts.",
        )  # fmt: skip
        axis = st.segmented_control("time axis", ["log", "linear"], default="log", required=True, key="norms axis")
    log_time = axis == "log"

    def curve(name: str, explained: tuple[str, ...], table, chart, variant: str) -> None:
        drawn(shown, name, explained, table, partial(chart, log_time=log_time), f"{variant} {axis}")

    left, right = st.columns(2, gap="large")
    with left:
        table = partial(space_curves.target_table, shown.result, where)
        curve("norm_target", ABOVE_NOISE, table, space_curves.target_chart, where)
        table = partial(space_curves.inclusion_table, shown.result, where, ridge)
        curve("inclusion", ("inclusion", "conditioning"), table, space_curves.inclusion_chart, f"{where} {ridge}")
    with right:
        table = partial(space_curves.function_table, shown.result, where)
        curve("norm_function", ("norm_function", *ABOVE_NOISE), table, space_curves.function_chart, where)
        if ridge > 0:
            table = partial(space_curves.across_table, shown.result, ridge)
            curve("norm_across", ("norm_across", "conditioning"), table, space_curves.across_chart, f"{ridge}")
        else:
            st.caption("Norms across spaces are shown with a ridge only: without one a function may be in no space.")


def _named(ridge: float) -> str:
    return theme.power(ridge) if ridge else "none"


spaces.page(
    "norms",
    r"Training moves the kernel, and with it the space $H_t$ of functions that $K_t$ can represent, and their prices "
    r"$\|f\|_{H_t}^2$. Is the target cheaper at the end than at the start?",
    body,
)
