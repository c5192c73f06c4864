"""Inductive bias: which functions the kernel is good at, along training."""

from functools import partial

import streamlit as st

from engine.rkhs.result import SetName
from pages.charts import bias, space_curves
from pages.shell.result import numbers
from pages.views import bias_words, spaces
from pages.views.spaces import Shown, drawn, in_motion, points_choice

MOVING = "eigenvalues", "decay_exponent", "target_power", "mode_strength", "principal_angles", "conditioning", "t"


def body(shown: Shown) -> None:
    """Numbers, sentences, four panels in motion, curves over t; all on one set of points."""
    where = points_choice("bias")
    numbers(bias_words.headlines(shown.result, where))
    st.markdown(" ".join(bias_words.sentences(shown.result, where)))
    moving(shown, where)
    curves(shown, where)


@st.fragment
def moving(shown: Shown, where: SetName) -> None:
    """Spectrum, target power, mode strength and angles under one slider."""
    st.subheader("The kernel's preferences in motion")
    tables = partial(bias.bias_tables, shown.result, where=where)
    description = "Spectrum, cumulative target power, mode strength and angles, moving with the checkpoints."
    in_motion(shown, f"bias_{where}", MOVING, tables, bias.bias_chart, description)


@st.fragment
def curves(shown: Shown, where: SetName) -> None:
    """Scalars over t."""
    st.subheader("Along the path")
    axis = st.segmented_control("time axis", ["log", "linear"], default="log", required=True, key="bias axis")
    log_time, result = axis == "log", shown.result
    charts = {
        "alignment": (
            space_curves.alignment_table,
            space_curves.alignment_chart,
            ("alignment_test", "alignment_train"),
        ),
        "alignment_raw": (
            partial(space_curves.alignment_table, name="alignment"),
            partial(space_curves.alignment_chart, centred=False),
            ("alignment_uncentred",),
        ),
        "dimension": (
            partial(space_curves.dimension_table, where=where),
            space_curves.dimension_chart,
            ("effective_dimension",),
        ),
        "mode_counts": (partial(space_curves.size_table, where=where), space_curves.size_chart, ("mode_counts",)),
        "space_overlap": (partial(space_curves.overlap_table, where=where), space_curves.overlap_chart, ("overlap",)),
        "decay": (space_curves.decay_table, space_curves.decay_chart, ("decay_exponent",)),
    }
    for first in range(0, len(charts), 2):
        pair = list(charts.items())[first : first + 2]
        for column, (name, (table, chart, explained)) in zip(st.columns(2, gap="large"), pair, strict=True):
            with column:
                drawn(
                    shown, name, explained, partial(table, result), partial(chart, log_time=log_time), f"{where} {axis}"
                )


spaces.page(
    "inductive_bias",
    "A kernel learns its leading modes first and with few data. Which functions are those, and does training turn them "
    "towards the target?",
    body,
)
