"""On the page: when has the kernel stopped, and what would holding it fixed have saved?"""

from functools import partial

import streamlit as st

from engine.rkhs.result import SetName
from pages.charts import stopped
from pages.charts.words import percent
from pages.shell.figure import Figure, about, built, pairs, play
from pages.shell.one_at_a_time import one_at_a_time
from pages.shell.result import choice, log_time, seed_choice
from pages.views import stopped_words
from pages.views.spaces import Shown, points_choice

TOLERANCES = (0.1, 0.05, 0.01)
MOVING = "frozen_error", "test_error", "motion_drift", "motion_spectrum", "motion_rotation", "t"


@st.fragment
@one_at_a_time()
def show(shown: Shown) -> None:
    """Sentences, the rest of the run from any checkpoint, curves over that checkpoint, every pair."""
    st.header("When has the kernel stopped?")
    result, key = shown.result, shown.key
    with st.container(horizontal=True):
        tolerance = choice("within", TOLERANCES, "within", format_func=percent)
        where = points_choice()
        log = log_time("stopped_axis")
    st.markdown(" ".join(stopped_words.sentences(result, where, tolerance)))
    _moving(shown, where)
    if all("frozen_departure" in seed for seed in result.seeds):
        curves = stopped.CURVES
        pairs(
            Figure.over_time(name, curves[name], result, log, key, *chosen, file=f"spaces-{name}")
            for name, chosen in (("departure", (tolerance,)), ("saved", ()))
        )
    with st.container(horizontal=True):
        name = choice("pairs by", list(stopped.PAIRS), "pairs", format_func=stopped.PAIRS.__getitem__)
        index = seed_choice(result, "pairs_seed")
    maps = [_map(shown, "pairs", "Which checkpoints have the same kernel?", f"{where}/{name}", index)]
    if "frozen_departure" in result.seeds[index]:
        maps.append(_map(shown, "fixed_pairs", "How far off is the kernel of s at t?", "frozen_departure", index))
    pairs(maps)


def _moving(shown: Shown, where: SetName) -> None:
    """The player, at first at the start: there a kernel that is held fixed has the whole run before it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        index = seed_choice(shown.result)
        name, key = f"stopped_{where}_{index}", f"{shown.key} stopped {where} {index}"
        tables = built(f"{key} tables", partial(stopped.stop_tables, shown.result, index, where))
        draw = partial(stopped.stop_chart, tables)
        figure = Figure(name, "", MOVING, draw, None, tables.notes, key, f"spaces-{name}")
        about(figure)
    play(figure, tables.labels, "checkpoint")


def _map(shown: Shown, place: str, question: str, name: str, index: int) -> Figure:
    """Every pair of checkpoints of one seed, by one quantity."""
    quantity = name.rpartition("/")[2]
    table = partial(stopped.pairs_table, shown.result.seeds[index], name)
    chart, file = partial(stopped.pairs_chart, name=quantity), f"spaces-{name.replace('/', '_')}"
    return Figure.of(place, question, (quantity, "t"), table, chart, f"{shown.key} {place} {name} {index}", file)
