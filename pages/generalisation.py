"""Generalisation: held-out errors of the network and of its kernels, and learning curves foretold by spectra."""

from functools import partial

import streamlit as st

from engine.rkhs.result import RkhsResult
from pages.charts import growth
from pages.shell.answer import find
from pages.shell.figure import Figure, pairs
from pages.shell.of_seed import of_seed
from pages.shell.one_at_a_time import one_at_a_time
from pages.shell.result import choice, log_time, numbers, seed_choice
from pages.views import error_words, spaces, stopped
from pages.views.spaces import Shown

RIDGELESS, TUNED, RIDGED = "ridgeless", "leave-one-out ridge", "with ridge"


def body(shown: Shown) -> None:
    """Numbers, sentences, errors over t, when the kernel has stopped, learning curves."""
    numbers(error_words.headlines(shown.result))
    find(error_words.sentences(shown.result))
    errors(shown)
    stopped.show(shown)
    curves(shown)


@st.fragment
@one_at_a_time()
def errors(shown: Shown) -> None:
    """Errors of every kernel along the path, and leave-one-out beside them."""
    st.header("Along the path")
    with st.container(horizontal=True):
        tuned = choice("regression", [RIDGELESS, TUNED], "regression") == TUNED
        curve = partial(shown.curve, log_time())
    pairs([curve("kernel_error", tuned), curve("leave_one_out", tuned)])


@st.fragment
@one_at_a_time()
def curves(shown: Shown) -> None:
    """Predicted and measured errors against the number of training points."""
    st.header("Against the number of training points")
    index = seed_choice(shown.result, "learning_seed")
    seed = shown.result.seeds[index]
    st.markdown(" ".join(error_words.curve_sentences(seed)))
    if not len(seed["learning_sizes"]):
        return
    kinds = (partial(_learning, chosen) for chosen in (RIDGELESS, RIDGED))
    pairs(of_seed(shown.result, shown.key, index, kind) for kind in kinds)


def _learning(chosen: str, result: RkhsResult, place: int, key: str) -> Figure:
    name = f"learning_{chosen.replace(' ', '_')}"
    return Figure.of(
        name,
        "Does the spectrum foretell the learning curve?",
        ("learning_curve", "regression"),
        partial(growth.learning_table, result.seeds[place], chosen == RIDGED),
        partial(growth.learning_chart, ridge=chosen),
        f"{key} {name} {place}",
        f"spaces-{name}",
        result.config.hash,
    )


spaces.page(
    "generalisation",
    "Does the trained kernel $K_T$, taken out of its network to learn alone, generalise better than $K_0$?",
    "A $K_T$ that has moved has seen the labels. It is compared with the network itself and with infinite width, too.",
    error_words.answer,
    body,
)
