"""The same map of several kinds of network side by side: their planes, the metric of all in one chart, how the spread
of the kernel at initialisation grows with depth, and what they say beside each other."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from engine.networks.resnet_config import ResNetConfig
from engine.regimes.boundaries import Boundary
from engine.regimes.collapse import COLLAPSED
from engine.regimes.kinds import Growth, KindRatio, growths, kind_ratio, of_fully_connected
from pages.charts import map_kinds
from pages.charts.map_names import BOUNDARIES, METRICS
from pages.charts.theme import Table
from pages.shell.figure import Figure, built, show
from pages.views import map_cell, map_kinds_words, map_words
from pages.views.map_controls import BY_RATE
from pages.views.map_figures import Picture, levels_of, spread_of

DRAWN = {"failed": "stable_unstable"}
"""Which boundary of each kind is drawn beside a metric; else that of the label lazy."""


def charts(picture: Picture, file: str, whole: bool) -> None:
    """The planes, a click on which opens the run of a cell on the page of this file; then all kinds in one chart, or
    each in its own where something besides depth and width varies."""
    places = [*st.columns(2, gap="large"), *st.columns(2, gap="large")]
    for column, (kind, own) in zip(places, picture.by_kind.items(), strict=False):
        with column:
            _plane(kind, own, file)
    if not picture.known:
        return
    figures = (
        [along(picture, whole), spreads(picture)]
        if picture.map.plain
        else [_named(kind, own.along()) for kind, own in picture.known.items()]
    )
    places = [*st.columns(2, gap="large"), *st.columns(2, gap="large")]
    for column, figure in zip(places, figures, strict=False):
        with column:
            show(figure)


def _plane(kind: str, picture: Picture, file: str) -> None:
    picked = show(_named(kind, picture.plane()))
    if picked and "cell" in picked[0]:
        map_cell.open_cell(picture.sweep.cells[int(picked[0]["cell"])], file)


def _named(kind: str, figure: Figure) -> Figure:
    """The figure of one kind, under its name."""
    asked = map_kinds_words.under(kind, figure.question)
    return replace(figure, name=f"{figure.name}_{kind}", question=asked)


def along(picture: Picture, whole: bool) -> Figure:
    """The metric of every kind against L/n; with each kind's own boundary when the map is `whole`."""
    metric = picture.view.metric
    table, drawn = along_table(picture), any(edge.beta is not None for edge in _edges(picture, whole).values())
    shown, key = (
        (f"map.{metric}", "map.kinds", *(["map.boundary"] if drawn else []), "map.comparable"),
        f"along kinds {picture.map.name} {picture.state} {picture.view} {whole}",
    )
    question, chart = (
        f"How does the {METRICS[metric].label} grow with L/n in each?",
        partial(along_chart, picture, whole),
    )
    return Figure("regime_metric", question, shown, chart, table.frame, table.notes, key, config=picture.sweep.hash)


def along_table(picture: Picture) -> Table:
    """The metric of every cell of every kind."""
    return map_kinds.kinds_table({kind: own.cells for kind, own in picture.by_kind.items()}, picture.view.metric)


def along_chart(picture: Picture, whole: bool) -> Any:
    """The metric against L/n, not yet prepared."""
    metric, view = picture.view.metric, picture.view
    frame, said, found = along_table(picture).frame, spread_of(view, "bars"), _edges(picture, whole)
    return map_kinds.kinds_chart(frame, METRICS[metric], said, levels_of(view), found, BOUNDARIES[_drawn(picture)])


def _edges(picture: Picture, whole: bool) -> dict[str, Boundary]:
    """The boundary of each kind that is drawn beside the metric, of a map that is `whole`."""
    return {kind: own.boundaries()[_drawn(picture)] for kind, own in picture.known.items()} if whole else {}


def _drawn(picture: Picture) -> str:
    return DRAWN.get(picture.view.metric, "lazy_weak")


def spreads(picture: Picture) -> Figure:
    """n CV^2 of the kernel at initialisation against depth."""
    table = map_kinds.growth_table({kind: own.cells for kind, own in picture.by_kind.items()})
    key = f"growth {picture.map.name} {picture.state}"
    question, chart = (
        "Does the kernel's spread at initialisation grow with depth?",
        partial(map_kinds.growth_chart, table.frame),
    )
    shown = ("map.growth", "map.cv2")
    return Figure("regime_growth", question, shown, chart, table.frame, table.notes, key, config=picture.sweep.hash)


def said(picture: Picture) -> str:
    """What the whole map answers: the metric at equal depth and width, and how the spread of the kernel grows; of a map
    that varies something else, what each kind says."""
    metric = picture.view.metric
    if not picture.map.plain:

        def first(own: Picture) -> str:
            by_rate = picture.map.y is BY_RATE
            return (map_words.by_rate(own.cells) if by_rate else map_words.by_alpha(own.cells, metric, own.order))[0]

        return " ".join(map_kinds_words.each({kind: first(own) for kind, own in picture.known.items()}))
    ratios = map_kinds_words.at_equal_shape(ratios_of(picture), next(iter(picture.by_kind)), metric)
    return " ".join(line for line in (ratios, grown(picture)) if line)


def ratios_of(picture: Picture) -> dict[str, KindRatio | None]:
    """The metric of each other kind beside that of the first; nothing of a metric that is not compared."""
    metric = picture.view.metric
    first, *others = picture.by_kind
    if metric not in COLLAPSED:
        return {}

    def compare() -> dict[str, KindRatio | None]:
        runs = {kind: own.runs for kind, own in picture.by_kind.items()}
        return {
            kind: kind_ratio(runs[first], runs[kind], metric) for kind in others if len(runs[first]) and len(runs[kind])
        }

    return built(f"{picture.state} {metric} ratios", compare)


def grown(picture: Picture) -> str:
    """How the spread of the kernel grows with depth, beside the exact law of fully connected networks."""
    found = growths({kind: own.cells for kind, own in picture.known.items()})
    residual = [own.sweep for kind, own in picture.by_kind.items() if kind == "resnet"]
    network = residual[0].cells[0].run.network if residual else None
    branch = network.branch_scale if isinstance(network, ResNetConfig) else ""
    return map_kinds_words.growth(found, _law(picture, found), branch)


def _law(picture: Picture, found: Mapping[str, Growth]) -> Growth | None:
    """Of the fully connected networks that a map of another kind is compared with; None where it has such itself."""
    other = next((kind for kind in found if kind != map_kinds_words.PLAIN), None)
    if other is None or map_kinds_words.PLAIN in picture.by_kind:
        return None
    return of_fully_connected(picture.by_kind[other].sweep, found[other])


def of_kernels(picture: Picture) -> list[str]:
    """What a map of one kind that has no beta says of its kernel at initialisation."""
    (kind,) = picture.by_kind
    if kind == map_kinds_words.PLAIN:
        return []
    return [map_kinds_words.measured(picture.cells, kind), grown(picture) if picture.map.plain else ""]


def findings(picture: Picture) -> list[str]:
    """What the maps say beside the answer."""
    known, bounds = picture.known, picture.view.thresholds
    lines = map_kinds_words.counts({kind: own.cells for kind, own in picture.by_kind.items()})
    if picture.map.plain:
        lines += map_kinds_words.edges({kind: own.boundaries() for kind, own in known.items()}, bounds)
        laws = {kind: map_words.grows(own.law(), picture.view.metric, own.order) for kind, own in known.items()}
        lines += map_kinds_words.each(laws)
    elif picture.map.y is BY_RATE:
        lines += map_kinds_words.each({k: " ".join(map_words.by_rate(own.cells)[1:]) for k, own in known.items()})
    return [*lines, *(map_kinds_words.measured(own.cells, kind) for kind, own in known.items())]
