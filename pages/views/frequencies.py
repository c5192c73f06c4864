"""On the page, for data on the circle: the kernel and its run by Fourier frequency."""

from functools import partial

import streamlit as st

from engine.rkhs.result import RkhsResult
from pages.charts import frequencies
from pages.shell.figure import Figure, pairs
from pages.shell.of_seed import in_motion, of_seed
from pages.shell.one_at_a_time import one_at_a_time
from pages.shell.result import log_time, seed_choice
from pages.views import frequency_words
from pages.views.spaces import Shown

MOVING = "frequency_strength", "operator_eigenvalues", "frequency_leakage", "frequency_angles", "frequency_power", "t"


@st.fragment
@one_at_a_time()
def show(shown: Shown) -> None:
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
    moving = [name for name in MOVING if name != "frequency_power" or all(name in seed for seed in result.seeds)]
    in_motion(result, key, "frequencies", called, moving, tables, chart, "spaces-frequencies", *names)
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
