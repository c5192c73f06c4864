"""Second moment: how much the kernel varies over initialisations, against beta, and which part of it varies."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from engine.initialisation.law import Law, exact_law
from engine.progress import Arrays
from pages.charts import initial_ratio as charts
from pages.charts.encodings import PICK
from pages.charts.theme import Table
from pages.charts.words import number
from pages.shell.figure import Figure, built, columns, say, show
from pages.shell.form import Form
from pages.shell.result import warn
from pages.views import hold_curves, hold_settings, initial_curves, initial_points, initial_words
from pages.views.hold_curves import Drawn, Held
from pages.views.initial_network import (
    OTHER_RANGE,
    Curves,
    Network,
    Points,
    curve_controls,
    page,
    point_controls,
    say_answer,
    say_no_law,
    sliders,
)
from pages.views.initial_points import BRUTE_FORCE, SAMPLER, Point, key_of_points, take_points_with_you

QUESTION = "How much does the kernel vary from one initialisation to the next?"


def controls(form: Form) -> tuple[Any, ...]:
    """Curves, points, and how many draws are too many."""
    curves, points = curve_controls(form), point_controls(form)
    budget = form.number(
        "budget", "draws you can afford", 1e6, 10, 1e15, "Where 5% error takes more, Monte Carlo breaks down."
    )
    return curves, points, budget


def body(form: Form, curves: Curves, points: Points, budget: float) -> None:
    """Warnings, charts, and buttons for points; `budget` is how many draws one can afford."""
    law = curves.network.law
    table, held = None if law is None else _table(curves), []
    if table is not None:
        with hold_curves.beside(form, Drawn(curves), _said) as held:
            say_answer(initial_words.variation(table.frame), curves.last)
    warn(initial_words.off_critical(curves.network, curves.deepest))
    say_no_law(curves.network)
    if law is not None:
        sliders(form, curves.network, curves.span.largest if curves.span.by == "beta" else None)
    place = st.container()
    fields = {"first_step": False}
    found, refused = initial_points.ask(curves, points, {SAMPLER: fields, BRUTE_FORCE: fields})
    with place:
        if law is None or table is None:
            drawn, key = initial_points.ratio_points(found), f"{curves} {key_of_points(found)}"
            chart = partial(charts.ratio_chart, None, None, drawn, curves.widths, curves.end)
            explained = ("initial.ratio", "initial.slope", "initial.brute_force")
            show(Figure("second_moment", QUESTION, explained, chart, drawn, key=f"{key} second moment"))
        elif (picked := _charts(form, curves, law, table, found, budget, held)) and {"width", "depth"} <= set(
            picked[0]
        ):
            st.switch_page("distribution.py", query_params=address(curves.network, picked[0], points))
    say(refused)
    exact = None if law is None or table is None else (curves.config(), table.frame)
    take_points_with_you(curves.last, found, exact)


def _table(curves: Curves) -> Table:
    """The exact curves, of a network with a law."""

    def build() -> Table:
        return initial_curves.second_moment_table(exact_law(curves.network.one), curves.widths, curves.span)

    return built(f"{curves} second moment", build)


def _charts(
    form: Form,
    curves: Curves,
    law: Law,
    table: Table,
    found: Mapping[Point, Arrays],
    budget: float,
    held: Held,
) -> list[dict[str, Any]]:
    """The charts over what is held; returns the point of a curve that is selected."""
    asked, points = (law, curves.widths, curves.span), initial_points.ratio_points(found)
    breaks = built(f"{curves} breakdown {budget}", lambda: initial_curves.breakdown(*asked, budget))
    flag = (min(breaks.values()), f"5% by Monte Carlo:|over {number(budget)} draws") if breaks else None
    on_it = f"{key_of_points(found)} {flag}"
    figures = partial(_figures, curves, table.frame, points, flag, on_it)
    first, *others = hold_curves.over(built(f"{curves} figures {on_it}", figures), held, _held_figures)
    picked = columns([first], others, share=(3, 2))
    say([*table.notes, initial_words.breakdown(breaks, budget), initial_words.untrusted(points)])
    _split(form, curves, table.frame, held)
    return picked


def _said(drawn: Drawn) -> str:
    return initial_words.variation(_table(drawn.curves).frame)


def _held_figures(drawn: Drawn) -> list[Figure]:
    """The exact curves alone."""
    return _figures(drawn.curves, _table(drawn.curves).frame, initial_points.ratio_points({}), None, "")


def _figures(
    curves: Curves, frame: pd.DataFrame, points: pd.DataFrame, flag: tuple[float, str] | None, on_it: str
) -> list[Figure]:
    """The ratio with the points on it, its prefactor, its slope; `on_it` names what is drawn besides the curves."""
    network, ends = curves.network, (curves.widths, curves.end)
    start = 2.0 if network.one.readout == "relu" else 1.0
    limit = initial_curves.limit_table(network.s1, curves.end, start) if network.has_scaling_limit else None
    ratio = ("initial.ratio", "initial.slope", "initial.limit")
    drawn = ("initial.sampler", "initial.brute_force", "initial.trust")
    click = "click a point of a curve for its distribution"
    chart = partial(charts.ratio_chart, frame, limit, points, *ends, start, flag, click)
    every = pd.concat([frame.assign(source="exact"), points])
    prefactor, slope = (partial(chart, frame, limit, *ends) for chart in (charts.prefactor_chart, charts.slope_chart))
    return [
        Figure(
            "second_moment",
            QUESTION,
            (*ratio, *drawn),
            chart,
            every,
            key=f"{curves} ratio {on_it}",
            selection=PICK,
        ),
        Figure(
            "prefactor",
            "What is left beside exp(5β)?",
            ("initial.prefactor", "initial.limit"),
            prefactor,
            frame,
            key=f"{curves} prefactor",
        ),
        Figure(
            "local_slope",
            "Does it grow as fast as exp(5β)?",
            ("initial.local_slope", "initial.slope"),
            slope,
            frame,
            key=f"{curves} slope",
        ),
    ]


def _split(form: Form, curves: Curves, frame: pd.DataFrame, held: Held) -> None:
    """Weight and bias part at one width."""
    left, right = st.columns([3, 2], gap="large")
    with right:
        width = int(form.choice("split", "at width n", [str(width) for width in reversed(curves.widths)]))
        own = frame[frame["width"] == width]
        st.markdown(initial_words.bias_share(own["bias_share"].to_numpy(float), int(own["depth"].iloc[-1])))
        if curves.network.has_scaling_limit:
            relu = curves.network.one.readout == "relu"
            st.markdown(
                r"In the scaling limit the weight part falls from 1 to $\tfrac13$ times $\exp(5\beta)$, and the bias "
                r"part as $2/(25\beta^2)$ times it" + (", both doubled by the ReLU readout." if relu else ".")
            )
    with left:
        own = _parts_figure(curves, frame, width)

        def others(drawn: Drawn) -> list[Figure]:
            return [_parts_figure(drawn.curves, _table(drawn.curves).frame, width)]

        show(*hold_curves.over([own], held, others, f"parts {width}"))


def _parts_figure(curves: Curves, frame: pd.DataFrame, width: int) -> Figure:
    question, key = f"Which part of the kernel varies, at n = {width:,}?", f"{curves} parts {width}"
    chart = partial(charts.parts_chart, largest=curves.end)
    return Figure.of("second_moment_parts", question, ("initial.split",), partial(_parts, frame, width), chart, key)


def _parts(frame: pd.DataFrame, width: int) -> Table:
    return Table(charts.parts_table(frame, width))


def address(network: Network, picked: dict[str, Any], points: Points) -> dict[str, str]:
    """The parameters of the page Distribution at this point (its `PREFIX` before each)."""
    point = {"width": f"{int(picked['width'])}", "depth": f"{int(picked['depth'])}"}
    query = point | network.query() | {"draws": f"{points.draws}", "seed": f"{points.seed}"}
    return {f"at_{name}": text for name, text in query.items()}


page(
    "Second moment",
    r"How much does the kernel vary from one initialisation to the next, and is it as $\exp(5\beta)$?",
    r"The exact $E[K^2]/E[K]^2$ of $K(x, x)$ against $\beta$, beside $\exp(5\beta)$ and honest Monte Carlo.",
    Form("second_moment"),
    controls,
    body,
    ("split", hold_settings.NAME, *OTHER_RANGE),
)
