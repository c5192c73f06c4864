"""Studies: the same expansion over widths, depths or output scales, its laws, and where they cross an error."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine import jobs
from engine.config import RunConfig
from engine.perturbation.config import StudyConfig, check_cost
from engine.perturbation.result import StudyResult
from engine.progress import Arrays
from engine.schema import ConfigError
from pages.charts import study as charts
from pages.charts.words import plain, sentence
from pages.run.controls import described, say_in_short
from pages.shell import calibration, view
from pages.shell.answer import answer as tell
from pages.shell.answer import find
from pages.shell.figure import Figure, built, ghosts_of, show
from pages.shell.gathering import Computation, gather
from pages.shell.held import Held
from pages.shell.pressed import forget_press
from pages.shell.result import choice, chosen, data_files
from pages.shell.texts import value_of
from pages.views import hold, latex_conventions, study_words

LISTS = {"widths": "widths n", "depths": "depths L", "alphas": "output scales α"}
FIELDS = {**LISTS, "seeds": "seeds for each network", "error": "error to cross"}
START = {"widths": "32, 64, 128, 256", "depths": "", "alphas": "", "seeds": "3", "error": "0.1"}
MOST_SEEDS = 64


def page(run: RunConfig, bar: DeltaGenerator | None = None) -> None:
    """The form, then what it asks for; `bar` is in sight while one edits the run."""
    st.markdown("How do the errors of the orders scale with width, depth and output scale?")
    st.caption(
        "The run on the left, with other widths, depths or output scales: one network for each combination, a list "
        "left empty keeps the run's own value."
    )
    texts, places = _form()
    problems: dict[str, str] = {}
    seeds, error = _seeds(texts["seeds"], problems), _error(texts["error"], problems)
    study = _study(run, texts, seeds, problems) if seeds else None
    for name, message in problems.items():
        places.get(name, st.container()).error(message)
    if study is None or error is None:
        forget_press()
        return
    say_in_short(bar, run, study.seconds)
    note = "If every run goes on to its step cap:"
    arrays = gather("study", "Compute the study", [study], note, bar=bar, like="study").get(study)
    if arrays is None:
        hold.waiting(run, partial(_as_studied, texts, seeds))
        return
    key = jobs.key(study.kind, study.config)
    # With its laws, which take a while.
    result = built(f"{key} result", lambda: StudyResult.from_arrays(dict(arrays)))
    of, as_studied = partial(_computation, texts=texts, seeds=seeds), partial(_as_studied, texts, seeds)
    with hold.beside(hold.Present("study", result, key, hold.either(of), study_words.answer, as_studied)):
        conventions = partial(latex_conventions.of_run, result.config.run)
        tell(study_words.answer(result), conventions, result.config.hash, key)
    _full(result, arrays, error, key)


def _form() -> tuple[dict[str, str], dict[str, Any]]:
    """Texts of the fields, and where to say what is wrong with one."""
    given, places = {}, {}
    for names in (tuple(LISTS), ("seeds", "error")):
        for name, column in zip(names, st.columns(3), strict=False):
            places[name] = column
            given[name] = view.text(FIELDS[name], name, START[name], column, f"study {name}")
    return given, places


def _seeds(text: str, problems: dict[str, str]) -> int:
    value = value_of(text, "number")
    if not isinstance(value, int) or not 1 <= value <= MOST_SEEDS:
        problems["seeds"] = plain(f"{text[:40]!r} given; a whole number from 1 to {MOST_SEEDS}")
        return 0
    return value


def _error(text: str, problems: dict[str, str]) -> float | None:
    value = value_of(text, "number")
    if not isinstance(value, int | float) or not 0 < value <= 10:
        problems["error"] = plain(f"{text[:40]!r} given; a number above 0, at most 10")
        return None
    return float(value)


def _study(run: RunConfig, texts: Mapping[str, str], seeds: int, problems: dict[str, str]) -> Computation | None:
    """The job; None where there is something to mend, said in `problems` by field."""
    try:
        return _computation(run, texts, seeds)
    except ConfigError as error:
        for problem in error.problems:
            name = problem.field.split(".")[0]
            if name in LISTS:
                problems[name] = sentence(problem, with_field=False)
            else:
                problems[problem.field] = described(problem)
        return None


def _computation(run: RunConfig, texts: Mapping[str, str], seeds: int) -> Computation:
    """The job. Raises `ConfigError`."""
    lists = {name: value_of(texts[name], "numbers") or () for name in LISTS}
    config = StudyConfig.from_dict({"run": {**run.to_dict(), "seeds": list(range(seeds))}, **lists})
    seconds = check_cost(config, calibration=calibration.measured()).seconds
    return Computation("perturbation_study", config, seconds)


def _as_studied(texts: Mapping[str, str], seeds: int, run: RunConfig) -> RunConfig:
    """The first run of its study: two runs that differ in what the study sets have one study. What cannot be studied
    is left as it is."""
    try:
        asked = _computation(run, texts, seeds).config
    except ConfigError:
        return run
    return asked.cells[0] if isinstance(asked, StudyConfig) else run


def _full(result: StudyResult, arrays: Arrays, error: float, key: str) -> None:
    find(study_words.sentences(result, error))
    axes = [name for name in charts.AXES if len(np.unique(result[name])) > 1]
    axis = choice("against", axes, "against") if len(result.axes) > 1 else chosen("against", axes, "against", axes[0])
    last = axes[-1]  # beta, unless only alpha varies
    left, right = st.columns(2, gap="large")
    with left:
        show(_figure(result, key, "study_errors", axis))
        if last == "beta":
            show(_figure(result, key, "study_crossing", last, error))
    with right:
        show(_figure(result, key, "study_drift", last))
        st.markdown("**Fitted laws**, with 95% intervals")
        st.table(study_words.law_rows(result), hide_index=True)
    data_files(result, arrays)


def _figure(result: StudyResult, key: str, name: str, axis: str, error: float | None = None) -> Figure:
    """One chart over the networks, with what it means, over the same of held runs."""
    row = charts.LAWS[name]
    called = charts.slope_labels(result, row.series, axis)

    def of(one: Held | None = None) -> Figure:
        own = one.result if one else result
        points = charts.study_table(own, row.series, axis)

        def chart() -> Any:
            lines = charts.law_table(own, row.series, axis)
            if error is not None:
                crossings = {} if one else own.crossings(error)
                return charts.crossing_chart(points.frame, lines, called, error, crossings)
            axes = charts.Axes.around(points.frame, lines, axis, row.y_title)
            return charts.law_chart(row, points.frame, lines, axes, called)

        laws = charts.slope_labels(own, row.series, axis) if one else {}
        notes = [*points.notes, "; ".join(f"{label}{law}" for label, law in laws.items())]
        kept = f"{one.key if one else key} {name} {axis} {error} {called}"
        file, config = f"perturbation-{name}", own.config.hash
        return Figure(name, row.question, row.quantities, chart, points.frame, notes, kept, file, config=config)

    return of().over(ghosts_of(key, of))
