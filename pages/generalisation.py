"""Generalisation: held-out errors of the network and of its kernels, and learning curves foretold by spectra."""

from functools import partial

import streamlit as st

from engine.rkhs.result import RkhsResult, SetName
from pages.charts import growth, stopped
from pages.charts.words import percent
from pages.shell.answer import find
from pages.shell.figure import Figure, built, pairs, play, tools
from pages.shell.of_seed import moving, of_seed
from pages.shell.one_at_a_time import one_at_a_time
from pages.shell.result import choice, log_time, numbers, seed_choice
from pages.views import error_words, spaces, stopped_words
from pages.views.spaces import ShownSpaces, points_choice

RIDGELESS, TUNED, RIDGED = "ridgeless", "leave-one-out ridge", "with ridge"
STOPPED = "When has the kernel stopped?"
TOLERANCES = (0.1, 0.05, 0.01)
MOVING = "frozen_error", "test_error", "motion_drift", "motion_spectrum", "motion_rotation", "t"


def body(shown: ShownSpaces) -> None:
    """Numbers, sentences, errors over t, when the kernel has stopped, learning curves."""
    numbers(error_words.headlines(shown.result))
    find(error_words.sentences(shown.result))
    errors(shown)
    when_stopped(shown)
    curves(shown)


@st.fragment
@one_at_a_time()
def errors(shown: ShownSpaces) -> None:
    """Errors of every kernel along the path, and leave-one-out beside them."""
    st.header("Along the path")
    with st.container(horizontal=True):
        tuned = choice("regression", [RIDGELESS, TUNED], "regression") == TUNED
        curve = partial(shown.curve, log_time())
    pairs([curve("kernel_error", tuned), curve("leave_one_out", tuned)])


@st.fragment
@one_at_a_time()
def when_stopped(shown: ShownSpaces) -> None:
    """Sentences, the rest of the run from any checkpoint, curves over that checkpoint, every pair; nothing of a kernel
    that does not move."""
    if not shown.result.followed.kernel_moves:
        return
    st.header(STOPPED)
    result, key = shown.result, shown.key
    with st.container(horizontal=True):
        tolerance = choice("within", TOLERANCES, "within", format_func=percent)
        where = points_choice(result)
        log = log_time("stopped_axis")
    st.markdown(" ".join(stopped_words.sentences(result, where, tolerance)))
    _from_any_checkpoint(shown, where)
    if all("frozen_departure" in seed for seed in result.seeds):
        curves = stopped.CURVES
        pairs(
            Figure.over_time(name, curves[name], result, log, key, *chosen, file=f"spaces-{name}")
            for name, chosen in (("departure", (tolerance,)), ("saved", ()))
        )
    with st.container(horizontal=True):
        name = choice("pairs by", list(stopped.PAIRS), "pairs", format_func=stopped.PAIRS.__getitem__)
        index = seed_choice(result, "pairs_seed")
    maps = [partial(_map, "pairs", "Which checkpoints have the same kernel?", f"{where}/{name}")]
    if "frozen_departure" in result.seeds[index]:
        maps.append(partial(_map, "fixed_pairs", "How far off is the kernel of s at t?", "frozen_departure"))
    pairs(of_seed(result, key, index, drawn) for drawn in maps)


def _from_any_checkpoint(shown: ShownSpaces, where: SetName) -> None:
    """The player, at first at the start: there a kernel that is held fixed has the whole run before it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        index = seed_choice(shown.result)
        name, key = f"stopped_{where}_{index}", f"{shown.key} stopped {where} {index}"
        tables = built(f"{key} tables", partial(stopped.stop_tables, shown.result, index, where))
        draw = partial(stopped.stop_chart, tables)
        file, config = f"spaces-{name}", shown.result.config.hash
        figure = Figure(name, "", MOVING, draw, None, tables.notes, key, file, config=config, called=STOPPED)
        of, seed = partial(stopped.stop_tables, where=where), shown.result.seeds[index].facts["seed"]
        figure, labels = moving(figure, tables, shown.key, seed, of, stopped.stop_chart)
        tools(figure, labels)
    play(figure, labels, "checkpoint")


def _map(place: str, question: str, name: str, result: RkhsResult, index: int, key: str) -> Figure:
    """Every pair of checkpoints of one seed, by one quantity."""
    quantity = name.rpartition("/")[2]
    table = partial(stopped.pairs_table, result.seeds[index], name)
    chart, file = partial(stopped.pairs_chart, name=quantity), f"spaces-{name.replace('/', '_')}"
    key, config = f"{key} {place} {name} {index}", result.config.hash
    return Figure.of(place, question, (quantity, "t"), table, chart, key, file, config)


@st.fragment
@one_at_a_time()
def curves(shown: ShownSpaces) -> None:
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
