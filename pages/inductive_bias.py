"""Inductive bias: which functions the kernel is good at, along training."""

from functools import partial

import streamlit as st

from engine.rkhs.result import SetName
from pages.charts import bias
from pages.shell.answer import find
from pages.shell.figure import pairs
from pages.shell.of_seed import in_motion
from pages.shell.one_at_a_time import one_at_a_time
from pages.shell.result import log_time, numbers
from pages.views import bias_words, frequencies, spaces
from pages.views.spaces import Shown, points_choice

MOVING = "eigenvalues", "decay_exponent", "target_power", "mode_strength", "principal_angles", "conditioning", "t"


def body(shown: Shown) -> None:
    """Numbers, sentences, four panels in motion, curves over t, all on one set of points; the circle by frequency."""
    where = points_choice(shown.result)
    numbers(bias_words.headlines(shown.result, where))
    find(bias_words.sentences(shown.result, where))
    moving(shown, where)
    frequencies.show(shown)
    curves(shown, where)


@st.fragment
@one_at_a_time()
def moving(shown: Shown, where: SetName) -> None:
    """Spectrum, target power, mode strength and angles under one slider."""
    st.header(called := "The kernel's preferences in motion")
    tables = partial(bias.bias_tables, where=where)
    name = f"bias_{where}"
    in_motion(shown.result, shown.key, name, called, MOVING, tables, bias.bias_chart, f"spaces-{name}")


@st.fragment
@one_at_a_time()
def curves(shown: Shown, where: SetName) -> None:
    """Scalars over t."""
    st.header("Along the path")
    curve = partial(shown.curve, log_time())
    on_these = (curve(name, where) for name in ("dimension", "mode_counts", "space_overlap"))
    pairs([curve("alignment"), curve("alignment_raw"), *on_these, curve("decay")])


spaces.page(
    "inductive_bias",
    "Which functions does the kernel learn first, and does training turn them towards the target?",
    "A kernel learns its leading modes first and with few data.",
    bias_words.answer,
    body,
)
