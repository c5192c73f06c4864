"""Inductive bias: which functions the kernel is good at, along training."""

from functools import partial

import streamlit as st

from engine.rkhs.result import RkhsResult, SetName
from pages.charts import bias, frequencies
from pages.shell.answer import find
from pages.shell.figure import Figure, pairs
from pages.shell.of_seed import in_motion, of_seed
from pages.shell.one_at_a_time import one_at_a_time
from pages.shell.result import log_time, numbers, seed_choice
from pages.views import bias_words, frequency_words, spaces
from pages.views.spaces import ShownSpaces, points_choice

MOVING = "eigenvalues", "decay_exponent", "target_power", "mode_strength", "principal_angles", "conditioning", "t"
FREQUENCIES = (
    "frequency_strength", "operator_eigenvalues", "frequency_leakage", "frequency_angles", "frequency_power", "t",
)  # fmt: skip


def body(shown: ShownSpaces) -> None:
    """Numbers, sentences, four panels in motion, curves over t, all on one set of points; the circle by frequency."""
    where = points_choice(shown.result)
    numbers(bias_words.headlines(shown.result, where))
    find(bias_words.sentences(shown.result, where))
    moving(shown, where)
    by_frequency(shown)
    curves(shown, where)


@st.fragment
@one_at_a_time()
def moving(shown: ShownSpaces, where: SetName) -> None:
    """Spectrum, target power, mode strength and angles under one slider."""
    st.header(called := "The kernel's preferences in motion")
    tables = partial(bias.bias_tables, where=where)
    name = f"bias_{where}"
    in_motion(shown.result, shown.key, name, called, MOVING, tables, bias.bias_chart, f"spaces-{name}")


@st.fragment
@one_at_a_time()
def by_frequency(shown: ShownSpaces) -> None:
    """Sentences, four panels in motion, curves over t, the spectrum; nothing where the data are not on the circle."""
    result, key = shown.result, shown.key
    if "frequencies" not in result:
        return
    st.header(called := "The circle by frequency")
    st.markdown(
        "Fourier modes are the eigenfunctions of the kernel of infinite width on a uniform circle. How far are they "
        "from those of this kernel, and does each decay by itself?"
    )
    st.markdown(" ".join(frequency_words.sentences(result)))
    tables, chart = frequencies.frequency_tables, frequencies.frequency_chart
    names = ("frequencies_seed", "frequencies_checkpoint")
    fields = [name for name in FREQUENCIES if name != "frequency_power" or all(name in seed for seed in result.seeds)]
    in_motion(result, key, "frequencies", called, fields, tables, chart, "spaces-frequencies", *names)
    with st.container(horizontal=True):
        log = log_time("frequencies_axis")
        index = seed_choice(result, "spectrum_seed")
    curves = (
        Figure.over_time(name, curve, result, log, key, file=f"spaces-{name}")
        for name, curve in frequencies.available(result).items()
    )

    def spectrum(one: RkhsResult, place: int, own: str) -> Figure:
        return Figure.of(
            "operator_spectrum",
            "Is the spectrum that of the operator?",
            ("operator_eigenvalues", "eigenvalues"),
            partial(frequencies.spectrum_table, one, place),
            frequencies.spectrum_chart,
            f"{own} operator spectrum {place}",
            "spaces-operator-spectrum",
            one.config.hash,
        )

    pairs([*curves, of_seed(result, key, index, spectrum)])


@st.fragment
@one_at_a_time()
def curves(shown: ShownSpaces, where: SetName) -> None:
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
