"""What the four pages on function spaces share: controls, the one job, links that carry the run, charts, files."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import streamlit as st

from engine import jobs
from engine.config import RunConfig
from engine.progress import Arrays
from engine.recording.result import RecordedSpaces
from engine.rkhs.config import RkhsConfig, check_cost
from engine.rkhs.result import RkhsResult, SetName
from engine.schema import ConfigError
from pages.charts.space_curves import CURVES
from pages.charts.words import plain, with_formulas
from pages.run import asking, controls, draft_state
from pages.run.picker import RUN_PAGES, links
from pages.run.presets import PRESETS
from pages.run.settings import Draft
from pages.shell import calibration, held
from pages.shell.answer import answer as tell
from pages.shell.answer import ask
from pages.shell.figure import Figure
from pages.shell.form import refuse
from pages.shell.gathering import Computation, gather
from pages.shell.result import choice, files, say_notes
from pages.views import (
    four_answers,
    hold,
    latex_conventions,
    map_cell,
    recorded,
    recorded_jobs,
    recorded_words,
)
from pages.views.spaces_words import WHERE, facts, of_loss


def comparison(run: RunConfig, sizes_left_out: bool = False) -> Computation:
    """The comparison of a run's spaces. Raises `ConfigError` in the settings of the run.

    Args:
        sizes_left_out: the numbers of rows of a table are the engine's to choose: a small one then holds out enough.
    """
    values = run.to_dict()
    if sizes_left_out and run.data.name == "csv":
        del values["data"]["size"], values["data"]["test_size"]
    config = RkhsConfig.from_dict({"run": values})
    return Computation("rkhs", config, check_cost(config, calibration.measured()).seconds)


COMPARED = ("space_moves", "space_stays")
"""Presets that these pages offer: one whose space moves towards the target, and one whose space hardly moves."""


@dataclass(frozen=True, eq=False)
class ShownSpaces:
    """A finished comparison on a page."""

    result: RkhsResult
    arrays: Arrays
    key: str

    def curve(self, log_time: bool, name: str, *chosen: object) -> Figure:
        """A chart over t by its name; `chosen` by the reader goes to its table, after the result."""
        return Figure.over_time(name, CURVES[name], self.result, log_time, self.key, *chosen, file=f"spaces-{name}")


def page(
    name: str, question: str, more: str, answer: Callable[[RkhsResult], str], body: Callable[[ShownSpaces], None]
) -> None:
    """A page: its controls, then answer and `body` of the result, or the way to one.

    Args:
        name: of the page, in `pages.run.picker`.
        question, more: what it answers, and how, as Markdown.
    """
    ask(RUN_PAGES[name][0], question, more)
    if recorded.asked():
        _of_a_recording(name, answer, body)
        return
    asked = controls.show(PRESETS[COMPARED[0]].draft)
    map_cell.way_back()
    if asked.config is None:
        asking.show(asked)
        return
    try:
        spaces = comparison(asked.config, sizes_left_out(draft_state.current()))
    except ConfigError as error:
        links(name, four_answers.QUESTIONS)
        refuse("The spaces of this run cannot be compared:", map(controls.described, error.problems))
    else:
        note = "One computation serves all pages on function spaces."
        controls.say_in_short(asked.bar, asked.config, spaces.seconds)
        arrays = gather(
            "spaces", "Train this run and compare its spaces", [spaces], note, bar=asked.bar, like=name
        ).get(spaces)
        if arrays is None:
            hold.waiting(asked.config)
            links(name, four_answers.QUESTIONS)
            _compared(name)
        else:
            shown = ShownSpaces(RkhsResult.from_arrays(dict(arrays)), arrays, jobs.key(spaces.kind, spaces.config))
            _tell(name, shown, answer, partial(latex_conventions.of_run, shown.result.config.run))
            links(name, four_answers.labels(shown.result))
            st.caption(with_formulas(facts(shown.result)))
            say_notes(shown.result.data_notes, shown.result.network_notes)
            if said := of_loss(shown.result):
                st.markdown(" ".join(said))
            body(shown)
            files(shown.result, shown.arrays, shown.key)
    draft_state.write_url(jobs.key("run", asked.config))


def _of_a_recording(name: str, answer: Callable[[RkhsResult], str], body: Callable[["ShownSpaces"], None]) -> None:
    """The same of a recording."""
    found = recorded.spaces_of_it(name)
    if found is None:
        return
    config, arrays = found
    result, own = RecordedSpaces.from_arrays(dict(arrays)), config.recorded
    shown = ShownSpaces(result, arrays, jobs.key("recording_spaces", config))
    _tell(name, shown, answer, partial(recorded_words.conventions, own))
    st.caption(plain(recorded_words.facts(own)))
    st.caption(plain(recorded_words.lacking_spaces(own, len(result.seeds[0]["grid_sizes"]))))
    body(shown)
    files(result, arrays, shown.key)


def _tell(name: str, shown: ShownSpaces, answer: Callable[[RkhsResult], str], conventions: Callable[[], str]) -> None:
    """The answer, beside those of what is held."""
    computation = hold.either(comparison, recorded_jobs.spaces)
    with hold.beside(hold.Present(name, shown.result, shown.key, computation, answer)):
        tell(answer(shown.result), conventions, shown.result.config.hash, shown.key)


def sizes_left_out(draft: Draft) -> bool:
    """Whether a draft leaves the numbers of rows to the engine."""
    return not any(draft.get(name, "").strip() for name in ("size", "test_size"))


def _compared(name: str) -> None:
    st.markdown("**Two runs to compare**")
    for preset in COMPARED:
        with st.container(gap=None):
            st.page_link(
                f"{name}.py",
                label=PRESETS[preset].question,
                icon=":material/arrow_forward:",
                query_params={"preset": preset} | held.query(),
            )
            st.caption(PRESETS[preset].label)


def points_choice(result: RkhsResult) -> SetName:
    """The set of points to look at."""
    baked = "The labels of training points are baked into $K_t$: read what was learned off held-out points."
    more = baked if result.followed.kernel_moves else None
    return choice("points", list(WHERE), "points", format_func=WHERE.__getitem__, help=more)
