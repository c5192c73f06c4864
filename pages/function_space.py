"""Function space: what is in H_0 and in H_t, what their balls reach, and what their functions look like."""

from functools import partial

import streamlit as st

from engine.rkhs.result import RkhsResult
from pages.charts import growth, space
from pages.shell.answer import find
from pages.shell.figure import Figure, show
from pages.shell.of_seed import in_motion, of_seed
from pages.shell.one_at_a_time import one_at_a_time
from pages.shell.result import numbers, seed_choice
from pages.views import function_space_words, spaces
from pages.views.spaces import ShownSpaces


def body(shown: ShownSpaces) -> None:
    """Numbers, sentences, the space in motion, growth on nested grids."""
    numbers(function_space_words.headlines(shown.result))
    find(function_space_words.sentences(shown.result))
    st.caption(
        "Finite grids show growth, not membership: an exponent near 0 means bounded so far. That $H_t$ moves is shown "
        "on Norms in both directions; that it contains $H_0$ is not."
    )
    moving(shown)
    grids(shown)


@st.fragment
@one_at_a_time()
def moving(shown: ShownSpaces) -> None:
    """Interpolants, balls and eigenfunctions under one slider."""
    st.header(called := "The space in motion")
    explained = "interpolants", "frontier", "eigenfunctions", "t"
    tables, chart = space.space_tables, space.space_chart
    in_motion(shown.result, shown.key, "space", called, explained, tables, chart, "spaces-space")


@st.fragment
@one_at_a_time()
def grids(shown: ShownSpaces) -> None:
    """Norms against the number of grid points."""
    st.header("On nested grids")
    index = seed_choice(shown.result, "grids_seed")

    def figure(result: RkhsResult, place: int, key: str) -> Figure:
        return Figure.of(
            "growth",
            "Whose norm stays bounded as the grid grows?",
            ("grid_norm", "conditioning"),
            partial(growth.growth_table, result.seeds[place]),
            growth.growth_chart,
            f"{key} growth {place}",
            "spaces-growth",
            result.config.hash,
        )

    show(of_seed(shown.result, shown.key, index, figure))


spaces.page(
    "function_space",
    "Is the trained function $f_T$ in $H_0$ at all, the space that its network started with?",
    "Which functions does $H_t$ hold, and at what price? Norms on finer and finer grids tell, and balls of each space.",
    function_space_words.answer,
    body,
)
