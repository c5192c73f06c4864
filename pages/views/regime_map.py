"""A map on the page: the plane beside the metric, what they say, thresholds, and the collapse."""

import pandas as pd
import streamlit as st

from engine.regimes.collapse import COLLAPSED
from engine.regimes.result import Thresholds
from engine.regimes.summary import notes
from pages.charts.map_names import METRICS
from pages.charts.words import number, signed
from pages.shell.answer import answer as tell
from pages.shell.figure import show
from pages.shell.form import Form, unfolded
from pages.shell.one_at_a_time import one_at_a_time
from pages.shell.recipe import of_map
from pages.shell.result import say_notes, take_it_with_you
from pages.shell.shown import shown
from pages.shell.texts import text_of
from pages.views import latex_conventions, map_architectures, map_cell, map_words
from pages.views.map_controls import BY_ALPHA, BY_RATE
from pages.views.map_figures import Picture, View

OPENS = {"Evolution": "evolution.py", "Perturbation": "perturbation.py", "Norms (RKHS)": "norms.py"}
"""Pages that show the run of a cell."""
Q_STEP = 0.01


def choices(form: Form) -> tuple[View, str]:
    """How to look at the map, and the page that a click opens."""
    names = {quantity.label: name for name, quantity in METRICS.items()}
    columns = st.columns([2, 3, 3], vertical_alignment="bottom")
    with columns[0]:
        colour = form.choice("colour", "colour of the map", ("regime", "metric"))
    with columns[1]:
        metric = form.choice("metric", "metric", list(names), wide=True)
    with columns[2]:
        page = form.choice("opens", "a click on a cell opens", list(OPENS))
    return View(names[metric], colour == "metric", thresholds(form)), page


def thresholds(form: Form) -> Thresholds:
    """Sliders, and each label in words as they stand."""
    with st.expander("Thresholds and labels"):
        columns = st.columns(4, gap="medium")
        rows = (
            ("lazy", "lazy up to elt", 0.01, 0.3, 0.01),
            ("strong", "strong above elt", 0.3, 2.0, 0.05),
            ("spread", "stochastic from CV²", 0.1, 10.0, 0.1),
            ("failed", "untrainable from a failed share of", 0.05, 1.0, 0.05),
        )
        values = {}
        for column, (name, label, low, high, step) in zip(columns, rows, strict=True):
            with column:
                values[name] = form.slider(name, label, low, high, getattr(Thresholds(), name), step)
        bounds = Thresholds(**values)
        st.markdown("\n".join(f"- **{label}**: {said}" for label, said in map_words.definitions(bounds).items()))
        st.caption("A cell takes the label of its median network. Moving a threshold computes nothing again.")
    return bounds


def charts(picture: Picture, page: str, whole: bool) -> None:
    """The plane and, beside it, the metric against beta; `whole` when nothing of it is under way. Of several kinds of
    network side by side."""
    if len(picture.by_kind) > 1:
        map_architectures.charts(picture, OPENS[page], whole)
        return
    left, right = st.columns([6, 5], gap="large")
    with left:
        picked = show(picture.plane())
    if len(picture.cells):
        with right:
            show(picture.along(whole))
    if picked and "cell" in picked[0]:
        map_cell.open_cell(picture.sweep.cells[int(picked[0]["cell"])], OPENS[page])


def say_answer(picture: Picture, key: str) -> None:
    """What the whole map, which the key names, answers to its question."""
    if len(picture.cells):
        tell(said(picture), lambda: latex_conventions.of_map(picture.sweep), picture.sweep.hash, key)


def said(picture: Picture) -> str:
    """The sentence; empty where the metric chosen is not tested."""
    metric = picture.view.metric
    if len(picture.by_kind) > 1:
        return map_architectures.said(picture)
    if picture.map.y is BY_ALPHA:
        return map_words.by_alpha(picture.cells, metric, picture.order)[0]
    if picture.map.y is BY_RATE:
        return map_words.by_rate(picture.cells)[0]
    return map_words.answer(picture.collapse(metric), metric, picture.order) if metric in COLLAPSED else ""


def findings(picture: Picture, form: Form) -> None:
    """What the whole map says beside the answer, and the collapse."""
    cells = picture.cells
    if not len(cells):
        return
    lines = map_architectures.findings(picture) if len(picture.by_kind) > 1 else _of_one_kind(picture)
    lines += [
        map_words.precision(picture.runs, picture.sweep.cells[0].run.training.precision),
        map_words.unresolved(cells),
    ]
    lines = [line for line in lines if line]
    shown().findings = lines
    st.markdown("\n".join(f"- {line}" for line in lines))
    say_notes(notes(picture.sweep))
    if picture.map.plain and len(picture.by_kind) == 1:
        collapsed(picture, form)
    take_it_with_you(of_map(picture.sweep, picture.runs))


def _of_one_kind(picture: Picture) -> list[str]:
    """What the cells of one kind of network say."""
    cells, bounds, order = picture.cells, picture.view.thresholds, picture.order
    lines = [map_words.counts(cells)]
    if picture.map.plain:
        lines += map_words.edges(picture.boundaries(), bounds, order)
        lines.append(map_words.no_sharp_edge(picture.runs, bounds, order))
        lines.append(map_words.altered(picture.dynamics(), bounds, map_words.estimated(cells), order))
        lines.append(map_words.grows(picture.law(), picture.view.metric, order))
    elif picture.map.y is BY_RATE:
        lines += map_words.by_rate(cells)[1:]
    return [*lines, *map_architectures.of_kernels(picture)]


@st.fragment
@one_at_a_time()
def collapsed(picture: Picture, form: Form) -> None:
    """Does beta alone decide? The test, and the plot with its slider."""
    order = picture.order
    st.header(f"Does {order.name} alone decide?")
    metric = picture.view.metric
    if metric not in COLLAPSED:
        st.caption(f"Tested for {', '.join(METRICS[name].label for name in COLLAPSED)}: choose one of them as metric.")
        return
    found = picture.collapse(metric)
    left, right = st.columns([6, 5], gap="large")
    with right:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            q = form.slider("q", "exponent q of the depth L", -1.0, 2.0, 0.0, Q_STEP)
            if found.best_q is not None:
                st.button("Best q", on_click=form.set, args=("q", text_of(found.best_q)), key="best_q")
        st.markdown(
            rf"Networks of every depth against $L^q{order.factor}$. If one variable decides, all colours lie on one "
            f"curve: at $q = 0$ that variable is {order.name}."
        )
        part = unfolded("Every metric", False)
        if part is not None:
            part.table(every_metric(picture), hide_index=True)
    with left:
        show(picture.against(q))


def every_metric(picture: Picture) -> pd.DataFrame:
    """The test of each metric."""
    rows = []
    for name in COLLAPSED:
        found = picture.collapse(name)
        exponent, error = found.depth_exponent, found.depth_exponent_error
        fitted = "—" if exponent is None or error is None else f"{signed(exponent)} ± {error:.2f}"
        rows.append(
            {
                "metric": METRICS[name].label,
                "p": number(found.p_value, 2),
                "depth exponent (95%)": fitted,
                "best q": number(found.best_q),
            }
        )
    return pd.DataFrame(rows)
