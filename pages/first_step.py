"""First step: how fast the kernel moves at the start of training, against beta."""

import numpy as np
import pandas as pd
import streamlit as st

from engine.initialisation.law import Law, exact_law
from engine.initialisation.moments import hanin_nica_log_drift
from pages.charts import initial_drift as charts
from pages.charts.words import several
from pages.shell.figure import Figure, say, show
from pages.shell.form import Form
from pages.shell.jobs import gather
from pages.shell.result import warn
from pages.views import initial_curves, initial_points, initial_words
from pages.views.beyond import flow_controls, section
from pages.views.initial_curves import Span
from pages.views.initial_network import (
    OTHER_RANGE,
    Network,
    Points,
    controls,
    curve_controls,
    end,
    point_controls,
    say_no_law,
    trap_buttons,
)
from pages.views.initial_points import Point

KINK = (
    r"$E[dK/dt]$ is the mean of **each network's own derivative**. For ReLU that is not $\frac{d}{dt}E[K_t]$: a step "
    r"of size $\eta$ also carries a fraction of order $\eta$ of the neurons across their kink, which changes their "
    r"kernels at once, so that $E[\Delta K]/\eta$ does not tend to $E[dK/dt]$ as $\eta \to 0$. Finite steps of enough "
    r"networks show it; brute force, which differentiates each network, does not."
)
SMOOTH = (
    r"$E[dK/dt]$ is the mean of each network's own derivative. For a smooth activation a step of size $\eta$ differs "
    r"from $\eta\,E[dK/dt]$ by $O(\eta^2)$ only."
)


def page() -> None:
    """The page, top to bottom."""
    st.title("First step")
    form = Form("first_step")
    with st.sidebar:
        widths, span = curve_controls(form)
        network = controls(form)
        if network is not None:
            trap_buttons(form, network)
        st.markdown("**Step**")
        turns = "For a ReLU readout a large enough target turns the sign: the kernel grows."
        target = form.slider("y", "target $y$", -10.0, 10.0, 0.0, 0.25, turns)
        eta = form.number("eta", r"step size $\eta$", 0.001, 1e-9, 1e3, "Of the finite step.")
        wanted = point_controls(form)
        depth, until = flow_controls(form)
    form.say_left_out(OTHER_RANGE)
    if not form.fine() or widths is None or span is None or network is None or wanted is None or eta is None:
        return
    warn(initial_words.off_critical(network, max(span.depth(width) for width in widths)))
    say_no_law(network)
    st.info(KINK if network.one.activation == "relu" else SMOOTH, icon=":material/priority_high:")
    place = st.container()
    found, notes = ask(network, widths, span, wanted, target, eta)
    with place:
        draw(network, widths, span, found, target)
    say(notes)
    if depth is not None and until is not None:
        section(form, network, min(widths), depth, until, wanted, target)


def ask(
    network: Network, widths: tuple[int, ...], span: Span, wanted: Points, target: float, eta: float
) -> tuple[dict[Point, dict], list[str]]:
    """The points that are known, and buttons for those that are not."""
    found: dict = {}
    narrow = (min(widths),)
    sampled, refused = [], []
    if network.law is not None:
        everywhere = (network, widths, span, wanted.count, wanted.draws, wanted.seed)
        sampled, refused = initial_points.along(initial_points.SAMPLER, *everywhere, target=target)
    shared = (network, narrow, span, wanted.count, wanted.brute_draws, wanted.seed)
    brute, refused_too = initial_points.along(initial_points.BRUTE_FORCE, *shared, target=target)
    step, refused_also = initial_points.along(initial_points.STEP, *shared, target=target, sizes=[eta])
    real = f"{wanted.brute_draws:,} real networks each, at the narrowest width, n = {narrow[0]:,}."
    buttons = (
        (
            "sampler",
            f"Draw {several(len(sampled), 'point')} from the exact law",
            sampled,
            f"{wanted.draws:,} draws each.",
        ),
        ("brute", f"Draw {several(len(brute), 'point')} by brute force", brute, real),
        ("step", f"Take {several(len(step), 'finite step')}, η = {eta:g}", step, real),
    )
    for column, (name, label, some, note) in zip(st.columns(3, gap="large"), buttons, strict=True):
        with column:
            if some:
                found |= gather(name, label, some, note, "point")
    return found, sorted({f"No point at {line}" for line in refused + refused_too + refused_also})


def draw(network: Network, widths: tuple[int, ...], span: Span, found: dict[Point, dict], target: float) -> None:
    """The charts."""
    largest, law = end(widths, span), network.law

    def law_at(wanted: Point) -> Law | None:
        return None if law is None else exact_law(network.setting((wanted.width,) * wanted.depth))

    drawn = initial_points.drift_points(found, law_at)
    narrow = min(widths)
    if law is None:
        beta = np.linspace(1 / narrow, largest, 80)
        rate = hanin_nica_log_drift(beta * narrow + 1, beta, network.n_0)
        slopes = pd.DataFrame({"beta": beta, "size": np.exp(np.minimum(rate, 640))})
        chart = charts.drift_chart(None, slopes, drawn, widths, largest)
        show(
            Figure(
                "first_step",
                ("initial.drift", "initial.drift_rate", "initial.brute_force", "initial.step"),
                lambda: chart,
                drawn,
            )
        )
        say_signs(drawn)
        return
    table = initial_curves.first_step_table(law, widths, span, target)
    if table.frame["size"].isna().all():
        st.info("E[dK/dt] is 0 for this network: nothing to draw on a log axis.", icon=":material/info:")
        return
    chart = charts.drift_chart(
        table.frame, slope_line(table.frame), drawn, widths, largest, initial_words.signs(table.frame, target)
    )
    left, right = st.columns([3, 2], gap="large")
    with left:
        said = (
            "initial.drift",
            "initial.drift_rate",
            "initial.sampler",
            "initial.brute_force",
            "initial.step",
            "initial.trust",
        )
        show(Figure("first_step", said, lambda: chart, pd.concat([table.frame.assign(source="exact"), drawn])))
    with right:
        show(
            Figure(
                "first_step_prefactor",
                ("initial.drift_prefactor",),
                lambda: charts.drift_prefactor_chart(table.frame, widths, largest),
                table.frame,
            )
        )
        show(
            Figure(
                "first_step_sign",
                ("initial.drift",),
                lambda: charts.sign_chart(table.frame, widths, largest),
                table.frame,
            )
        )
    say(table.notes)
    say_signs(drawn)
    if target and network.one.readout == "linear":
        say(["With a linear readout E[gᵀHg] = 0, so the target does not enter: choose the ReLU readout."])


def slope_line(frame: pd.DataFrame) -> pd.DataFrame:
    """The paper's rate along the widest curve, through its first point."""
    own = frame[frame["width"] == frame["width"].max()].dropna(subset="prefactor")
    if not len(own):
        return pd.DataFrame({"beta": [], "size": []}, dtype=float)
    return pd.DataFrame({"beta": own["beta"], "size": own["size"] / own["prefactor"] * own["prefactor"].iloc[0]})


def say_signs(drawn: pd.DataFrame) -> None:
    """Signs and trust of the points."""
    notes = [initial_words.point_signs(str(source), rows) for source, rows in drawn.groupby("source", sort=False)]
    say([*notes, initial_words.untrusted(drawn)])


page()
