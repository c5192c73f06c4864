"""Chosen runs side by side: what differs, what each says, their curves over t in one chart, two maps apart; and any
metric against any setting."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from cache import Run
from cache.ownership import title
from engine.metrics import LABELS
from engine.quantities import QUANTITIES
from engine.result import Seed
from engine.training.diagnostics import SCALARS
from pages.charts import compare, theme
from pages.charts.map_names import BETA, KIND_NAMES, LARGEST, METRICS
from pages.charts.map_plane import Plane, plane_chart
from pages.charts.over_time import Sampled
from pages.charts.words import number, plain
from pages.run.differing import differing, in_one_line, settings_of, value_in_words
from pages.shell import view
from pages.shell.figure import Figure, pairs, show
from pages.shell.result import choice, log_time
from pages.views import compare_words
from pages.views.compare_words import undrawn
from pages.views.compared import Compared, Timed, called, said, take_with_you
from pages.views.map_figures import BETAS, Picture
from pages.views.run_list import kind_of, measured

FEWEST, MOST = 2, 6
"""Runs that are compared."""
FIRST = ("drift", "loss")
"""Curves that are shown at first, where there are such."""

Reader = Callable[[Any], np.ndarray]
OF_PATH: Mapping[str, Reader] = {name: (lambda seed, name=name: seed[name]) for name in SCALARS}
OF_EXPANSION: Mapping[str, Reader] = {
    "drift": lambda seed: seed["drift"],
    "residual": lambda seed: seed.residual("network"),
    "order_error": lambda seed: seed.error("order_0"),
}
OF_SPACES: Mapping[str, Reader] = {
    "norm_target": lambda seed: seed["held_out/target_S"],
    "cka": lambda seed: seed["train/cka"],
    "decay_exponent": lambda seed: seed["held_out/decay_exponent"],
}
CURVES = {
    "run": OF_PATH,
    "recording": OF_PATH,
    "perturbation": OF_EXPANSION,
    "recording_perturbation": OF_EXPANSION,
    "rkhs": OF_SPACES,
    "recording_spaces": OF_SPACES,
}
"""By kind what there is over the times `t` of a seed, by its quantity."""


def show_chosen(chosen: Sequence[Run], person: str) -> None:
    """Nothing while fewer than two runs are chosen."""
    if len(chosen) < FEWEST:
        return
    st.header("Side by side")
    if len(chosen) > MOST:
        st.caption(f"Choose {FEWEST} to {MOST} to see them side by side: {len(chosen)} are chosen.")
        return
    settings = [settings_of(run) for run in chosen]
    st.markdown(in_one_line(settings))
    names = called(chosen, settings, person)
    compared = [Compared.of(run, label) for run, label in zip(chosen, names, strict=True)]
    timed = Timed.of([one for one in compared if one.result is not None and one.run.kind in CURVES])
    _sentences(compared, timed)
    key = " ".join(run.key[:16] for run in chosen)
    _curves(compared, timed, key)
    if maps := [(one.label, one.picture) for one in compared if one.picture is not None]:
        show_maps(maps, key)
    take_with_you(compared, in_one_line(settings))


def _sentences(compared: Sequence[Compared], timed: Timed) -> None:
    """Of each under its name, in its colour; then how their times meet."""
    for column, one, colour in zip(st.columns(len(compared)), compared, compare.RESULT_COLOURS, strict=False):
        with column:
            st.html(f'<div style="height: 4px; border-radius: 2px; background: {colour}"></div>')
            st.markdown(f"**{plain(one.label)}**")
            st.markdown(said(one))
    if told := " ".join(filter(None, (*timed.said, timed.ends()))):
        st.markdown(told)


# Curves over t.


def _curves(compared: Sequence[Compared], timed: Timed, key: str) -> None:
    """A chart for each quantity, all results in it, and their values at the last t that all have reached; of which
    results there is no curve."""
    kinds = {one.label: CURVES[one.run.kind] for one in timed.drawn}
    every = {name: _read(timed.drawn, name) for name in dict.fromkeys(name for own in kinds.values() for name in own)}
    others = [one for one in compared if one.result is not None and one.run.kind not in CURVES]
    if told := undrawn(every, {**kinds, **{one.label: () for one in others}}):
        st.caption(" ".join(told))
    known = {name: curves for name, curves in every.items() if len(curves) >= FEWEST}
    if not known:
        return
    first = [name for name in FIRST if name in known] or [*known][:2]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = {"format_func": lambda name: QUANTITIES[name].label}
        picked = view.several("curves", [*known], "curves", first, **words)
        log = log_time()
    config = ", ".join(one.result.config.hash for one in timed.drawn if one.result is not None)
    names = [one.label for one in compared]
    pairs(_curve(name, known[name], names, timed, log, key, config) for name in picked)
    if picked:
        table = _at_matched({name: known[name] for name in picked}, "at step" if timed.by_step else "at t")
        st.dataframe(table, hide_index=True, width="content")


def _read(compared: Sequence[Compared], name: str) -> dict[str, list[Sampled]]:
    """The curves of those results that have them, with a finite number in some seed."""
    found = {}
    for one in compared:
        read = CURVES[one.run.kind].get(name)
        seeds: Sequence[Seed] = one.result.seeds if one.result else ()
        try:
            curves = [_sampled(seed, read) for seed in seeds if read is not None]
        except KeyError:
            continue
        if any(np.isfinite(curve.value).any() for curve in curves):
            found[one.label] = curves
    return found


def _sampled(seed: Any, read: Reader) -> Sampled:
    t, value = np.asarray(seed["t"], float), np.asarray(read(seed), float)
    fact = seed.facts.get
    return Sampled(int(fact("seed", 0)), str(fact("stop_reason", "")), float(t[-1]), t, value)


def _curve(
    name: str, curves: compare.Curves, names: Sequence[str], timed: Timed, log_time: bool, key: str, config: str
) -> Figure:
    """Colours go by the place of a result among all that are compared."""
    log_value = compare.log_valued(curves)

    def chart(frame: pd.DataFrame) -> Any:
        return timed.named(compare.curves_chart(frame, names, theme.axis_title(name), log_value, log_time))

    question = f"How does the {QUANTITIES[name].label} go in each?"
    table = partial(compare.curves_table, curves, log_value)
    kept = f"compare {key} {name} {names} {log_time}"
    return Figure.of(f"compare_{name}", question, (name, "t"), table, chart, kept, config=config)


def _at_matched(known: Mapping[str, compare.Curves], when: str) -> pd.DataFrame:
    """A row for each quantity: at the last t that all have reached, the median of each result."""
    rows = []
    for name, curves in known.items():
        t, values = compare.matched(curves)
        row = {"median over seeds": QUANTITIES[name].label, when: number(t)}
        rows.append(row | {label: number(value) for label, value in zip(curves, values, strict=True)})
    return pd.DataFrame(rows)


# Maps.


def show_maps(maps: Sequence[tuple[str, Picture]], key: str, each_against_last: bool = False) -> None:
    """Each map under its label, in the same colours, kind of network by kind; of two that have the same axes also their
    difference.

    Args:
        each_against_last: of more than two the difference of each to the last.
    """
    metric = choice("metric", [*METRICS], "map_metric", format_func=lambda name: METRICS[name].label)
    spans = np.concatenate([_values(picture, metric) for _, picture in maps])
    kinds = list(dict.fromkeys(kind for _, picture in maps for kind in picture.by_kind))
    for kind in kinds:
        own = [(label, picture.by_kind[kind]) for label, picture in maps if kind in picture.by_kind]
        name = "compare_map" if len(kinds) == 1 else f"compare_map_{kind}"
        if len(kinds) > 1:
            st.subheader(KIND_NAMES[kind].capitalize())
        pairs(_map(f"{name}_{place}", label, one, metric, spans, key) for place, (label, one) in enumerate(own))
        if len(own) == FEWEST or each_against_last:
            _differences(own, metric, f"{key} {kind}", name.replace("map", "maps"))


def _differences(maps: Sequence[tuple[str, Picture]], metric: str, key: str, name: str) -> None:
    """Of each map to the last, where they have the same axes."""
    last = maps[-1]
    alike = [one for one in maps[:-1] if one[1].map == last[1].map]
    for place, one in enumerate(alike):
        if len(maps) > FEWEST:
            st.subheader(plain(f"{one[0]}, and {last[0]}"))
        _difference((one, last), metric, f"{key} {place}", f"{name}_{place}" if place else name)


def _values(picture: Picture, metric: str) -> np.ndarray:
    """Of its cells, those that a colour shows."""
    values = picture.cells[metric].to_numpy(float)
    return np.minimum(values[np.isfinite(values)], LARGEST.get(metric, np.inf))


def _map(name: str, label: str, picture: Picture, metric: str, spans: np.ndarray, key: str) -> Figure:
    def chart() -> Any:
        table, of = picture.table, (metric, METRICS[metric])
        plane = Plane.around(table, picture.map.x.title, picture.map.y.title)
        betas = BETAS if picture.map.plain and picture.order is BETA else ()
        drawn = plane_chart(table, plane, "outlines: not computed", of, betas=betas, spans=spans)
        drawn.params = alt.Undefined  # nothing to click
        return drawn

    quantities, kept = (f"map.{metric}",), f"{key} {name} {label} {metric} {picture.state}"
    return Figure(name, label, quantities, chart, picture.table, key=kept, config=picture.sweep.hash)


def _difference(maps: Sequence[tuple[str, Picture]], metric: str, key: str, name: str) -> None:
    """Which labels differ, and by what factor the metric does, in the cells that both have; `name` of the figure."""
    (one, first), (other, second) = maps
    if said := compare_words.relabelled(first.cells, second.cells):
        st.markdown(said)
    table = compare.difference_table(first.cells, second.cells, metric)
    if not len(table.frame):
        st.caption("The two maps have no cell in common, so there is no difference to draw.")
        return
    st.markdown(compare_words.apart(table.frame, METRICS[metric].label))
    plane = Plane.around(table.frame, first.map.x.title, first.map.y.title)
    chart = partial(compare.difference_chart, table.frame, plane, (one, other))
    question = f"Where is the {METRICS[metric].label} larger on the second map?"
    config = ", ".join(picture.sweep.hash for _, picture in maps)
    kept = f"{key} {one} {metric} {first.state} {second.state} apart"
    show(Figure(name, question, (f"map.{metric}",), chart, table.frame, table.notes, kept, config=config))


# A metric against a setting.


def show_against(listed: Sequence[Run], chosen: Sequence[Run], person: str) -> None:
    """Of the chosen runs, or of all that are listed while fewer than two are chosen."""
    runs = chosen if len(chosen) >= FEWEST else listed
    metrics, settings = measured(runs), [settings_of(run) for run in runs]
    own = differing(settings)
    if not metrics or not own:
        st.caption("There is nothing to plot: no setting differs among them, or none has a number.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        called = {"format_func": lambda name: LABELS[name].label, "key": "against_metric"}
        metric = view.choice("metric", metrics, "metric", kind="choice", **called)
        setting = view.choice("against", own, "setting", kind="choice", key="against_setting", width=240)
    of = f"the {len(runs):,} chosen" if runs is chosen else f"all {len(runs):,} listed"
    st.caption(f"Of {of}; a point is the median over the seeds of a run.")
    values = [one.get(setting) for one in settings]
    plainly = all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values)
    points = pd.DataFrame(
        {
            "x": values if plainly else [None if value is None else value_in_words(value) for value in values],
            "y": pd.Series([(run.metrics or {}).get(metric) for run in runs], dtype=float),
            "series": [kind_of(run) for run in runs],
            "name": [title(run.claims, person) or run.label for run in runs],
        }
    )
    table = compare.scatter_table(points)
    if not len(table.frame):
        st.caption("None of them has both.")
        return
    quantity = LABELS[metric].quantity
    question = f"How does the {QUANTITIES[quantity].label} go with {setting}?"
    y_title = f"{LABELS[metric].label}: {theme.symbol(quantity)}" if theme.symbol(quantity) else LABELS[metric].label
    chart = partial(compare.scatter_chart, table.frame, setting, y_title)
    show(Figure("against", question, (quantity,), chart, table.frame, table.notes, file=f"{metric}-{setting}"))
