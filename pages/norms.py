"""Norms: what target and trained function cost in H_t, against H_0, and which unit ball lies in which."""

from functools import partial

import streamlit as st

from engine.rkhs.gram import RIDGES
from pages.charts import theme
from pages.shell.answer import find
from pages.shell.figure import show
from pages.shell.one_at_a_time import one_at_a_time
from pages.shell.result import choice, log_time, numbers
from pages.views import norm_words, spaces
from pages.views.spaces import ShownSpaces, points_choice


def body(shown: ShownSpaces) -> None:
    """Numbers, sentences, four charts over t, the table of what conditioning allows."""
    numbers(norm_words.headlines(shown.result))
    find(norm_words.sentences(shown.result))
    charts(shown)
    st.header("What conditioning allows")
    st.table(norm_words.target_norms(shown.result), hide_index=True)


@st.fragment
@one_at_a_time()
def charts(shown: ShownSpaces) -> None:
    """Norms on one set of points, inclusion and norms across at one ridge."""
    st.header("Along the path")
    with st.container(horizontal=True):
        where = points_choice(shown.result)
        said = {"format_func": _named, "help": "Of the two lower charts."}
        ridge = choice("ridge, in mean eigenvalues", RIDGES, "ridge", default=RIDGES[1], **said)
        curve = partial(shown.curve, log_time())
    left, right = st.columns(2, gap="large")
    with left:
        show(curve("norm_target", where))
        show(curve("inclusion", where, ridge))
    with right:
        show(curve("norm_function", where))
        if ridge > 0:
            show(curve("norm_across", ridge))
        else:
            st.caption("Norms across spaces are shown with a ridge only: without one a function may be in no space.")


def _named(ridge: float) -> str:
    return theme.power(ridge) if ridge else "none"


spaces.page(
    "norms",
    "Is the target cheaper at the end of training, in $H_T$, than at its start, in $H_0$?",
    r"Training moves the kernel, and with it the space $H_t$ of functions that $K_t$ can represent, and their prices "
    r"$\|f\|_{H_t}^2$.",
    norm_words.answer,
    body,
)
