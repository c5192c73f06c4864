"""Results that are compared: as they are read, what each says, what of them can be taken home, and at one time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import cache
from cache import Run
from cache.ownership import title
from engine import jobs
from engine.perturbation.result import PerturbationResult, StudyResult
from engine.recording.result import RecordedPerturbation, RecordedRun, RecordedSpaces
from engine.regimes.config import SweepConfig
from engine.regimes.grid import KIND
from engine.regimes.result import Thresholds
from engine.result import Result, ResultError
from engine.rkhs.result import RkhsResult
from engine.schema import ConfigError
from engine.training.result import RunResult
from pages.charts.encodings import time_of_its_loop
from pages.charts.map_names import METRICS
from pages.charts.markup import latex
from pages.charts.matched import at_steps, counts_steps, per_step, recorded_in
from pages.charts.words import plain
from pages.run.differing import Settings, labels
from pages.shell.jobs import Standing
from pages.shell.recipe import Recipe, of_map, of_result, of_several
from pages.shell.result import take_it_with_you
from pages.shell.shown import shown
from pages.views import compare_words, latex_conventions, map_kinds_words, map_words
from pages.views.compare_words import ends
from pages.views.hold_words import alone, meeting
from pages.views.map_controls import MAPS, Map
from pages.views.map_figures import Picture, View
from pages.views.recorded_words import conventions
from pages.views.run_list import kind_of, recording_of

RESULTS: Mapping[str, type[Result]] = {
    "run": RunResult,
    "perturbation": PerturbationResult,
    "perturbation_study": StudyResult,
    "rkhs": RkhsResult,
    "recording": RecordedRun,
    "recording_spaces": RecordedSpaces,
    "recording_perturbation": RecordedPerturbation,
}


@dataclass(frozen=True)
class Compared:
    """A chosen run. `result` is None where it is not here, or is of an earlier version; so is the `picture` of a map,
    and where no page draws what it varies. `unread` says why a result that is here cannot be read."""

    run: Run
    label: str
    result: Result | None
    picture: Picture | None
    unread: str = ""

    @classmethod
    def of(cls, run: Run, label: str) -> "Compared":
        picture = picture_of(run.key) if run.kind == "sweep" else None
        try:
            return cls(run, label, _result(run), picture)
        except ResultError as error:
            return cls(run, label, None, picture, str(error))


def called(chosen: Sequence[Run], settings: Sequence[Settings], person: str) -> list[str]:
    """What to call each beside the others: its name, else that of its loop, else what tells it from the other runs."""
    loops = [recording_of(run) for run in chosen]
    others = [place for place, loop in enumerate(loops) if not loop]
    own = [settings[place] for place in others]
    lone = alone(own[0]) if len(own) == 1 < len(chosen) else ""
    told = labels(own, [lone] * len(own), [kind_of(chosen[place]) for place in others])
    found = dict(zip(others, told, strict=True))
    names = [title(run.claims, person) or loops[place] or found[place] for place, run in enumerate(chosen)]
    return labels([{}] * len(names), names, [""] * len(names))


def said(one: Compared) -> str:
    """What its own page says first, or why there is nothing to show."""
    if one.result is not None:
        return compare_words.headline(one.run.kind, one.result) or "Its page says nothing of it."
    if one.picture is not None:
        cells = {kind: own.cells for kind, own in one.picture.by_kind.items()}
        return " ".join(map_kinds_words.counts(cells)) if len(cells) > 1 else map_words.counts(one.picture.cells)
    if one.run.old:
        return "It is of an earlier version: compute it again to compare it."
    if one.unread:
        return plain(one.unread)
    if one.run.kind in (*RESULTS, "sweep"):
        return "Its result is not in the cache."
    return f"Of its kind, {kind_of(one.run)}, nothing is drawn here."


def _result(run: Run) -> Result | None:
    """As it is stored; its settings from its own folder, where no text is cut. Raises `ResultError`."""
    engine = cache.current()
    record = engine.store.index.get(run.key)
    if run.kind not in RESULTS or record is None or run.old:
        return None
    try:
        arrays = engine.lookup(run.kind, jobs.parse(run.kind, dict(record.values)))
        return None if arrays is None else RESULTS[run.kind].from_arrays(arrays)
    except (ConfigError, KeyError):
        return None


def picture_of(key: str) -> Picture | None:
    """The map of this key. None where it is not known, varies what no page draws, an earlier version wrote it, or none
    of its cells is there."""
    engine = cache.current()
    record = engine.store.index.get(key)
    try:
        sweep = SweepConfig.from_dict(dict(record.values)) if record else None
    except ConfigError:
        return None
    chosen = _map_of(sweep) if sweep else None
    if sweep is None or chosen is None:
        return None
    parts = [part for cell in sweep.cells for part in cell.parts]
    found = {part.hash: arrays for part in parts if (arrays := engine.lookup("cell", part)) is not None}
    view = View(next(iter(METRICS)), True, Thresholds())
    picture = Picture(chosen, sweep, Standing(sweep.groups, found), view)
    return picture if len(picture.cells) else None


def _map_of(sweep: SweepConfig) -> Map | None:
    varied = {name for name, values in sweep.grid.items() if len(values) > 1} - {KIND}
    kinds = dict.fromkeys(cell.run.network.kind for cell in sweep.cells)
    maps = (chosen.of(tuple(kinds)) for chosen in MAPS.values())
    return next((chosen for chosen in maps if varied <= {axis.setting for axis in chosen.axes}), None)


def take_with_you(compared: Sequence[Compared], differ: str) -> None:
    """Bundle and report of those that can be computed again; nothing where none can."""
    numbered = ((f"{place}-", one) for place, one in enumerate(compared, 1))
    recipes = [recipe for before, one in numbered if (recipe := _recipe(one, before)) is not None]
    if not recipes:
        return
    told = shown()
    told.title, told.question, told.answer = "Runs", "How do they compare?", differ
    told.findings = [f"**{plain(one.label)}**: {said(one)}" for one in compared]
    told.conventions = partial(_conventions, compared)
    take_it_with_you(of_several(recipes))


def _recipe(one: Compared, before: str) -> Recipe | None:
    if one.picture is not None:
        return of_map(one.picture.sweep, one.picture.runs, before)
    return None if one.result is None else of_result(one.result.config, one.result.to_arrays(), before)


def _conventions(compared: Sequence[Compared]) -> str:
    """Of each, by its name."""
    found = []
    for one in compared:
        config: Any = one.result.config if one.result is not None else None
        if config is not None:
            recorded = recorded_in(one.result)
            told = conventions(recorded) if recorded else latex_conventions.of_run(getattr(config, "run", config))
            found.append(f"{latex(one.label)}: {told}")
        elif one.picture is not None:
            found.append(f"{latex(one.label)}: {latex_conventions.of_map(one.picture.sweep)}")
    return "\n".join(found)


# Results at one time: that of the loops that gave none is the step.

WITH_STOPS = ("run", "recording")
"""Kinds of which it is said that they did not stop at one t."""


@dataclass(frozen=True)
class Timed:
    """Results over one axis of time.

    Attributes:
        drawn: those that have a place on it.
        said: how their times meet, where there are recordings among them.
        by_step: whether it is the step.
        of_loop: whether it is the time of a loop.
    """

    drawn: Sequence[Compared]
    said: Sequence[str] = ()
    by_step: bool = False
    of_loop: bool = False

    @classmethod
    def of(cls, compared: Sequence[Compared]) -> "Timed":
        """Of results that have curves: at equal steps where the loop of any gave no t, else at equal t."""
        if not compared:
            return cls(())
        own = next(filter(_by_step, compared), next(filter(_of_run, compared), compared[0]))
        called = f"**{plain(own.label)}**"
        said = [meeting(one.label, own.result, one.result, called) for one in compared if one is not own]
        placed = [own if one is own else _placed(one, own) for one in compared]
        drawn = [one for one in placed if one is not None]
        of_loop = own.run.kind in ("recording", "recording_spaces")
        return cls(drawn, [*filter(None, said)], _by_step(own), of_loop)

    def ends(self) -> str:
        """That they did not stop at one t; "" where they did."""
        stopped = [one.result for one in self.drawn if one.result and one.run.kind in WITH_STOPS]
        return "" if self.by_step else ends(stopped)

    def named(self, chart: Any) -> Any:
        """A chart with the name of its time."""
        return time_of_its_loop(chart) if self.of_loop else chart


def _by_step(one: Compared) -> bool:
    return counts_steps(one.result)


def _of_run(one: Compared) -> bool:
    return recorded_in(one.result) is None


def _placed(one: Compared, own: Compared) -> Compared | None:
    """A result on the axis of another one; None where it has no place there."""
    rate = per_step(own.result, one.result)
    if rate is None:
        return None
    return replace(one, result=at_steps(one.result, rate)) if rate else one
