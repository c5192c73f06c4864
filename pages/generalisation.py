"""Generalisation: held-out errors of the network and of its kernels, and learning curves foretold by spectra."""

from functools import partial

import streamlit as st

from pages.charts import growth, space_curves
from pages.shell.result import numbers
from pages.views import error_words, spaces
from pages.views.spaces import Shown, drawn

RIDGELESS, TUNED, RIDGED = "ridgeless", "leave-one-out ridge", "with ridge"


def body(shown: Shown) -> None:
    """Numbers, sentences, errors over t, learning curves."""
    numbers(error_words.headlines(shown.result))
    st.markdown(" ".join(error_words.sentences(shown.result)))
    errors(shown)
    curves(shown)


@st.fragment
def errors(shown: Shown) -> None:
    """Errors of every kernel along the path, and leave-one-out beside them."""
    st.subheader("Along the path")
    with st.container(horizontal=True):
        chosen = st.segmented_control(
            "regression", [RIDGELESS, TUNED], default=RIDGELESS, required=True, key="errors ridge"
        )
        axis = st.segmented_control("time axis", ["log", "linear"], default="log", required=True, key="errors axis")
    tuned, log_time = chosen == TUNED, axis == "log"
    left, right = st.columns(2, gap="large")
    with left:
        table = partial(space_curves.error_table, shown.result, tuned)
        chart = partial(space_curves.error_chart, log_time=log_time)
        drawn(shown, "kernel_error", ("test_error", "regression", "t"), table, chart, f"{chosen} {axis}")
    with right:
        table = partial(space_curves.leave_one_out_table, shown.result, tuned)
        chart = partial(space_curves.leave_one_out_chart, log_time=log_time)
        drawn(shown, "leave_one_out", ("leave_one_out", "test_error"), table, chart, f"{chosen} {axis}")


@st.fragment
def curves(shown: Shown) -> None:
    """Predicted and measured errors against the number of training points."""
    st.subheader("Against the number of training points")
    index = shown.seed_choice("learning")
    seed = shown.result.seeds[index]
    st.markdown(" ".join(error_words.curve_sentences(seed)))
    if not len(seed["learning_sizes"]):
        return
    for column, chosen in zip(st.columns(2, gap="large"), (RIDGELESS, RIDGED), strict=True):
        with column:
            table = partial(growth.learning_table, seed, chosen == RIDGED)
            chart = partial(growth.learning_chart, ridge=chosen)
            name = f"learning_{chosen.replace(' ', '_')}"
            drawn(shown, name, ("learning_curve", "regression"), table, chart, str(index))


spaces.page(
    "generalisation",
    "Take the kernel out of the network and let it learn alone: does $K_t$, which has seen the labels, generalise "
    "better than $K_0$, than infinite width, than the network itself?",
    body,
)
