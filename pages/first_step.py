"""First step: how fast the kernel moves at the start of training, against beta, and E[Delta K_t] beyond it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine.initialisation.law import Law, exact_law
from engine.initialisation.moments import hanin_nica_log_drift
from engine.initialisation.result import DriftResult
from engine.networks.activations import ACTIVATIONS
from engine.progress import Arrays
from pages.charts import initial_drift as charts
from pages.charts.theme import Table
from pages.shell.figure import Figure, built, columns, say, show
from pages.shell.form import Form
from pages.shell.gathering import gather
from pages.shell.result import warn
from pages.views import hold_curves, hold_settings, initial_points, initial_words
from pages.views.hold_curves import LARGEST_TARGET, Drawn, Held
from pages.views.initial_curves import first_step_table
from pages.views.initial_network import (
    OTHER_RANGE,
    Curves,
    Points,
    curve_controls,
    page,
    point_controls,
    say_answer,
    say_no_law,
    sliders,
)
from pages.views.initial_points import BRUTE_FORCE, FLOW, SAMPLER, STEP, Point, key_of_points, take_points_with_you

KINK = (
    r"$E[dK/dt]$ is the mean of **each network's own derivative**. With a kink (ReLU, leaky ReLU, the absolute value) "
    r"that is not $\frac{d}{dt}E[K_t]$: a step of size $\eta$ also carries a fraction of order $\eta$ of the neurons "
    r"across their kink, which changes their kernels at once, so that $E[\Delta K]/\eta$ does not tend to $E[dK/dt]$ "
    r"as $\eta \to 0$. Finite steps of enough networks show it; brute force, which differentiates each, does not."
)
SMOOTH = (
    r"$E[dK/dt]$ is the mean of each network's own derivative. For a smooth activation a step of size $\eta$ differs "
    r"from $\eta\,E[dK/dt]$ by $O(\eta^2)$ only."
)
QUESTION = "How fast does the kernel move at the first step?"
POINTS = ("initial.brute_force", "initial.step")
TIMES = 8


def controls(form: Form) -> tuple[Any, ...]:
    """Curves, step, points, and how long to train beyond."""
    curves = curve_controls(form)
    st.markdown("**Step**")
    turns = "For a ReLU readout a large enough target turns the sign: the kernel grows."
    target = form.slider("y", "target y", -LARGEST_TARGET, LARGEST_TARGET, 0.0, 0.25, turns)
    eta = form.number("eta", "step size η", 0.001, 1e-9, 1e3, "Of the finite step.")
    points = point_controls(form)
    st.markdown("**Beyond the first step**")
    left, right = st.columns(2)
    with left:
        depth = form.whole("flow_depth", "hidden layers", 2, 1, 64, "At the narrowest width of the curves.")
    with right:
        until = form.number("flow_until", "until t", 1.0, 1e-3, 1e4, r"$t = \eta_{\rm eff}\times$ step.")
    return curves, target, eta, points, depth, until


def body(form: Form, curves: Curves, target: float, eta: float, points: Points, depth: int, until: float) -> None:
    """Warnings, charts, buttons for points, and what lies beyond the first step: networks of a depth, until a t."""
    network, now = curves.network, Drawn(curves, target)
    table, held = None if network.law is None else _table(now), []
    if table is not None:
        with hold_curves.beside(form, now, _said) as held:
            say_answer(initial_words.first_rate(table.frame, target), curves.last)
    warn(initial_words.off_critical(network, curves.deepest))
    say_no_law(network)
    st.info(KINK if ACTIVATIONS[network.one.activation].kinked else SMOOTH, icon=":material/priority_high:")
    if network.law is not None:
        sliders(form, network, curves.span.largest if curves.span.by == "beta" else None)
    place = st.container()
    fields = {"target": target}
    sources = {SAMPLER: fields, BRUTE_FORCE: fields, STEP: fields | {"sizes": [eta]}}
    found, refused = initial_points.ask(curves, points, sources)
    with place:
        _charts(curves, target, table, found, held)
    say(sorted(set(refused)))
    st.header("Beyond the first step")
    times = [float(f"{t:.3g}") for t in np.geomspace(until / 1000, until, TIMES)]
    job = partial(initial_points.point, target=target, times=times)
    shared = (FLOW, network, (curves.narrowest,) * depth, points.brute_draws, points.seed)
    flow = form.make(job, *shared, names={"times": "flow_until", "draws": "brute_draws"})
    if flow is not None:
        found |= _beyond(flow, points.brute_draws)
    exact = None if table is None else (curves.config(target), table.frame)
    take_points_with_you(curves.last, found, exact)


def _table(drawn: Drawn) -> Table:
    """The exact curves, of a network with a law."""
    curves, target = drawn.curves, drawn.target or 0.0

    def build() -> Table:
        return first_step_table(exact_law(curves.network.one), curves.widths, curves.span, target)

    return built(f"{curves} {target} first step", build)


def _said(drawn: Drawn) -> str:
    return initial_words.first_rate(_table(drawn).frame, drawn.target or 0.0)


def _held_figures(drawn: Drawn) -> list[Figure]:
    """The exact curves alone."""
    none = initial_points.drift_points({}, lambda point: None)
    key = f"{drawn.curves} {drawn.target}"
    return _with_law(drawn.curves, _table(drawn).frame, none, "", key, key)


def _charts(curves: Curves, target: float, table: Table | None, found: Mapping[Point, Arrays], held: Held) -> None:
    network, key = curves.network, f"{curves} {target}"

    def law_at(point: Point) -> Law | None:
        return None if network.law is None else exact_law(network.setting((point.width,) * point.depth))

    points = initial_points.drift_points(found, law_at)
    signs = [initial_words.point_signs(str(source), rows) for source, rows in points.groupby("source", sort=False)]
    signs.append(initial_words.untrusted(points))
    with_points = f"{key} {key_of_points(found)}"
    if table is None:
        show(_without_law(curves, points, with_points))
        say(signs)
        return
    if table.frame["size"].isna().all():
        st.info("E[dK/dt] is 0 for this network: nothing to draw on a log axis.", icon=":material/info:")
        return
    said = initial_words.signs(table.frame, target)
    figures = partial(_with_law, curves, table.frame, points, said, key, with_points)
    first, *others = hold_curves.over(built(f"{with_points} first step figures", figures), held, _held_figures)
    columns([first], others, share=(3, 2))
    say(table.notes)
    say(signs)
    if target and network.one.readout == "linear":
        say(["With a linear readout E[gᵀHg] = 0, so the target does not enter: choose the ReLU readout."])


def _without_law(curves: Curves, points: pd.DataFrame, key: str) -> Figure:
    """The points, and the paper's rate."""
    beta = np.linspace(1 / curves.narrowest, curves.end, 80)
    rate = hanin_nica_log_drift(beta * curves.narrowest + 1, beta, curves.network.n_0)
    slopes = pd.DataFrame({"beta": beta, "size": np.exp(np.minimum(rate, 640))})
    chart = partial(charts.drift_chart, None, slopes, points, curves.widths, curves.end)
    explained = ("initial.drift", "initial.drift_rate", *POINTS)
    return Figure("first_step", QUESTION, explained, chart, points, key=f"{key} drift without law")


def _with_law(
    curves: Curves, frame: pd.DataFrame, points: pd.DataFrame, signs: str, key: str, with_points: str
) -> list[Figure]:
    """The exact curves with the points on them, their prefactor, their sign; a key without and one with the points."""
    ends = curves.widths, curves.end
    said = ("initial.drift", "initial.drift_rate", "initial.sampler", *POINTS, "initial.trust")
    chart = partial(charts.drift_chart, frame, _slope_line(frame), points, *ends, signs)
    every = pd.concat([frame.assign(source="exact"), points])
    prefactor, sign = partial(charts.drift_prefactor_chart, frame, *ends), partial(charts.sign_chart, frame, *ends)
    return [
        Figure("first_step", QUESTION, said, chart, every, key=f"{with_points} drift"),
        Figure(
            "first_step_prefactor",
            "What is left beside (dβ/n₀) exp(5β)?",
            ("initial.drift_prefactor",),
            prefactor,
            frame,
            key=f"{key} drift prefactor",
        ),
        Figure(
            "first_step_sign",
            "Does the mean kernel grow or fall?",
            ("initial.drift",),
            sign,
            frame,
            key=f"{key} drift sign",
        ),
    ]


def _slope_line(frame: pd.DataFrame) -> pd.DataFrame:
    """The paper's rate along the widest curve, through its first point."""
    own = frame[frame["width"] == frame["width"].max()].dropna(subset="prefactor")
    if not len(own):
        return pd.DataFrame({"beta": [], "size": []}, dtype=float)
    return pd.DataFrame({"beta": own["beta"], "size": own["size"] / own["prefactor"] * own["prefactor"].iloc[0]})


def _beyond(flow: Point, draws: int) -> dict[Point, Arrays]:
    """E[Delta K_t] over initialisations at a few times: button, chart and words; returns what is known of it."""
    label = f"Train {draws:,} networks, n = {flow.width:,}, L = {flow.depth}"
    found = gather("flow", label, [flow], "Gradient flow on the one example, each from its own initialisation.")
    if flow in found:
        result = DriftResult.from_arrays(found[flow])
        table = charts.beyond_table(result)
        question, key = "How far does the first step's rate carry?", f"{flow.config.hash} beyond"
        chart = partial(charts.beyond_chart, table)
        config = flow.config.hash
        show(Figure("beyond_first_step", question, ("initial.beyond",), chart, table, key=key, config=config))
        say([charts.parting(table), initial_words.stiff(int(result.stiff), draws)])
    return found


page(
    "First step",
    "How fast, and which way, does the kernel move when training starts?",
    r"The exact $E[dK/dt]$ against $\beta$, finite steps of real networks, and how far the first rate carries.",
    Form("first_step"),
    controls,
    body,
    (hold_settings.NAME, *OTHER_RANGE),
)
