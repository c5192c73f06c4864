"""The one job of the four pages, with what it costs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from engine import jobs
from engine.config import RunConfig
from engine.progress import Arrays
from engine.rkhs import cost
from engine.rkhs.config import RkhsConfig
from engine.rkhs.result import RkhsResult, SetName
from engine.schema import ConfigError
from pages.charts.theme import Table
from pages.charts.words import plain
from pages.run import asking, controls, draft_state
from pages.run.presets import PRESETS
from pages.run.settings import Draft
from pages.run.siblings import SIBLINGS, links
from pages.shell import calibration, downloads, player
from pages.shell.batch import Wanted, gather, of_run
from pages.shell.figure import Prepared
from pages.views import evolution
from pages.views.spaces_words import WHERE, facts


def comparison(run: RunConfig, sizes_left_out: bool = False) -> Wanted:
    """The comparison of a run's spaces. Raises `ConfigError` in the settings of the run.

    Args:
        sizes_left_out: the numbers of rows of a table are the engine's to choose: a small one then holds out enough.
    """
    values = run.to_dict()
    if sizes_left_out and run.data.name == "csv":
        del values["data"]["size"], values["data"]["test_size"]
    try:
        config = RkhsConfig.from_dict({"run": values})
    except ConfigError as error:
        raise ConfigError([of_run(problem) for problem in error.problems]) from None
    return Wanted("rkhs", config, cost.check(config, calibration.measured()))


# What the four pages on function spaces share: controls, the one job, links that carry the run, charts, files.
#
# What is built for a run is kept by its key (never by its arrays), so that a redraw builds nothing again.

COMPARED = ("space_moves", "space_stays")
"""Presets that these pages offer: one whose space moves towards the target, and one whose space hardly moves."""
KEPT = 96
"""Built tables and charts kept, over all runs."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A finished comparison on a page."""

    result: RkhsResult
    arrays: Arrays
    key: str

    def seed_choice(self, name: str) -> int:
        """The position of the seed to look at."""
        seeds = [seed.facts["seed"] for seed in self.result.seeds]
        if len(seeds) == 1:
            return 0
        chosen = st.segmented_control("seed", seeds, default=seeds[0], required=True, key=f"{name} seed {seeds}")
        return seeds.index(chosen)


def show(name: str, question: str, body: Callable[[Shown], None]) -> None:
    """A page: its controls, then `body` of the result, or the way to one.

    Args:
        name: of the page, in `pages.run.siblings`.
        question: what it answers, as Markdown.
    """
    if "draft" not in st.session_state and not st.query_params.to_dict():
        draft_state.load_preset(COMPARED[0])
    st.title(SIBLINGS[name][0])
    st.markdown(question)
    asked = controls.show()
    if asked.config is None:
        asking.show(asked)
        return
    links(name)
    try:
        wanted = comparison(asked.config, sizes_left_out(draft_state.current()))
    except ConfigError as error:
        lines = [f"- {controls.described(problem)}" for problem in error.problems]
        st.error("\n".join(["The spaces of this run cannot be compared:", "", *lines]), icon=":material/rule:")
    else:
        note = "One computation serves all pages on function spaces."
        arrays = gather("spaces", "Train this run and compare its spaces", [wanted], note).get(wanted)
        if arrays is None:
            _compared(name)
        else:
            shown = Shown(RkhsResult.from_arrays(dict(arrays)), arrays, jobs.key(wanted.kind, wanted.config))
            st.caption(plain(facts(shown.result)))
            evolution.of_data(shown.result.notes)
            body(shown)
            _files(shown)
    draft_state.write_url(jobs.key("run", asked.config))


def sizes_left_out(draft: Draft) -> bool:
    """Whether a draft leaves the numbers of rows to the engine."""
    return not any(draft.get(name, "").strip() for name in ("size", "test_size"))


def _compared(name: str) -> None:
    st.markdown("**Two runs to compare**")
    for preset in COMPARED:
        with st.container(gap=None):
            st.page_link(
                f"{name}.py",
                label=PRESETS[preset].label,
                icon=":material/arrow_forward:",
                query_params={"preset": preset},
            )
            st.caption(PRESETS[preset].question)


def _files(shown: Shown) -> None:
    st.subheader("Take it with you")
    downloads.data_files(shown.result, shown.arrays)
    st.caption(plain(f"config {shown.result.config.hash[:16]}"))
    evolution.keep(shown.key)


def points_choice(name: str) -> SetName:
    """The set of points to look at."""
    chosen = st.segmented_control(
        "points",
        list(WHERE),
        default="held_out",
        format_func=WHERE.__getitem__,
        required=True,
        key=f"{name} points",
        help="The labels of training points are baked into $K_t$: read what was learned off held-out points.",
    )
    return "train" if chosen == "train" else "held_out"


def drawn(
    shown: Shown,
    name: str,
    explained: Sequence[str],
    table: Callable[[], Table],
    chart: Callable[[Any], Any],
    variant: str = "",
) -> None:
    """A chart that stretches, under its popover; what it leaves out, beneath.

    Args:
        name: of the chart, unique on the page; also of its file.
        explained: names of `engine.quantities`.
        table: what to draw; asked once for a run and variant.
        chart: draws the frame of the table.
        variant: what the reader chose.
    """
    built = _table(shown.key, f"{name} {variant}", table)

    def figure() -> Any:
        return chart(built.frame)

    with st.container(horizontal=True, horizontal_alignment="right", key=f"tools_{name}"):
        evolution.about(explained, f"spaces-{name}", figure)
    with st.container(key=f"drawn_{name}"):
        st.altair_chart(_chart(shown.key, f"{name} {variant}", figure), width="stretch", key=f"chart_{name}")
    evolution.say(built.notes)


def in_motion(
    shown: Shown,
    name: str,
    explained: Sequence[str],
    tables: Callable[[int], Any],
    chart: Callable[..., Any],
    description: str,
    variant: str = "",
) -> None:
    """An animated chart of one seed under its player.

    Args:
        tables: of the seed at a position; with `labels` and `notes`.
        chart: of the tables, and `start`, the frame shown first.
        description: for screen readers.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        index = shown.seed_choice(name)
        built = _table(shown.key, f"{name} {index}", lambda: tables(index))
        last = len(built.labels) - 1

        def figure() -> Any:
            return chart(built, start=last)

        evolution.about(explained, f"spaces-{name}", figure)
    prepared = _chart(shown.key, f"{name} {index} {variant}", figure)
    player.show(prepared, built.labels, key=f"evolution_{name}_{index}", start=last, description=description)
    evolution.say(built.notes)


# Built once per run. Arguments that begin with an underscore are not part of the key.


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _table(key: str, name: str, _build: Callable[[], Any]) -> Any:
    return _build()


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _chart(key: str, name: str, _build: Callable[[], Any]) -> Any:
    return Prepared(_build())
