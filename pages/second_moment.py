"""Second moment: how much the kernel varies over initialisations, against beta."""

import pandas as pd
import streamlit as st

from pages.charts import initial_ratio as charts
from pages.charts.words import number, several
from pages.shell.figure import Figure, say, show
from pages.shell.form import Form
from pages.shell.jobs import gather
from pages.shell.result import warn
from pages.views import initial_curves, initial_points, initial_words
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


def sidebar(form: Form) -> tuple[tuple[int, ...] | None, Span | None, Network | None, Points | None, float | None]:
    """All controls."""
    with st.sidebar:
        widths, span = curve_controls(form)
        network = controls(form)
        if network is not None:
            trap_buttons(form, network)
        wanted = point_controls(form)
        budget = form.number(
            "budget", "draws you can afford", 1e6, 10, 1e15, "Where 5% error takes more, Monte Carlo breaks down."
        )
    return widths, span, network, wanted, budget


def page() -> None:
    """The page, top to bottom."""
    st.title("Second moment")
    form = Form("second_moment")
    widths, span, network, wanted, budget = sidebar(form)
    form.say_left_out(("split", *OTHER_RANGE))
    if not form.fine() or widths is None or span is None or network is None or wanted is None or budget is None:
        return
    deepest = max(span.depth(width) for width in widths)
    warn(initial_words.off_critical(network, deepest))
    say_no_law(network)
    place = st.container()
    found, notes = ask(network, widths, span, wanted)
    with place:
        draw(form, network, widths, span, budget, initial_points.ratio_points(found), wanted)
    say(notes)


def ask(network: Network, widths: tuple[int, ...], span: Span, wanted: Points) -> tuple[dict[Point, dict], list[str]]:
    """The points that are known, and buttons for those that are not."""
    found: dict = {}
    sampled, refused = [], []
    if network.law is not None:
        shared = (network, widths, span, wanted.count, wanted.draws, wanted.seed)
        sampled, refused = initial_points.along(initial_points.SAMPLER, *shared, first_step=False)
    narrow = min(widths)
    brute, refused_too = initial_points.along(
        initial_points.BRUTE_FORCE,
        network,
        (narrow,),
        span,
        wanted.count,
        wanted.brute_draws,
        wanted.seed,
        first_step=False,
    )
    left, right = st.columns(2, gap="large")
    with left:
        if sampled:
            label = f"Draw {several(len(sampled), 'point')} from the exact law"
            found |= gather("sampler", label, sampled, f"{wanted.draws:,} draws each.", "point")
    with right:
        if brute:
            note = f"{wanted.brute_draws:,} real networks each, at the narrowest width, n = {narrow:,}."
            found |= gather("brute", f"Draw {several(len(brute), 'point')} by brute force", brute, note, "point")
    return found, [f"No point at {line}" for line in refused + refused_too]


def draw(
    form: Form,
    network: Network,
    widths: tuple[int, ...],
    span: Span,
    budget: float,
    drawn: pd.DataFrame,
    wanted: Points,
) -> None:
    """The charts."""
    largest, law = end(widths, span), network.law
    factor = 2.0 if network.one.readout == "relu" else 1.0
    if law is None:
        chart = charts.ratio_chart(None, None, drawn, widths, largest)
        show(Figure("second_moment", ("initial.ratio", "initial.slope", "initial.brute_force"), lambda: chart, drawn))
        return
    table = initial_curves.second_moment_table(law, widths, span)
    limit = initial_curves.limit_table(network.s1, largest, factor) if network.has_scaling_limit else None
    breaks = initial_curves.breakdown(law, widths, span, budget)
    flag = (min(breaks.values()), f"5% by Monte Carlo:|over {number(budget)} draws") if breaks else None
    chart = charts.ratio_chart(
        table.frame, limit, drawn, widths, largest, factor, flag, "click a point of a curve for its distribution"
    )
    left, right = st.columns([3, 2], gap="large")
    with left:
        said = (
            "initial.ratio",
            "initial.slope",
            "initial.limit",
            "initial.sampler",
            "initial.brute_force",
            "initial.trust",
        )
        event = show(
            Figure("second_moment", said, lambda: chart, pd.concat([table.frame.assign(source="exact"), drawn])),
            selection="pick",
        )
    with right:
        show(
            Figure(
                "prefactor",
                ("initial.prefactor", "initial.limit"),
                lambda: charts.prefactor_chart(table.frame, limit, widths, largest),
                table.frame,
            )
        )
        show(
            Figure(
                "local_slope",
                ("initial.local_slope", "initial.slope"),
                lambda: charts.slope_chart(table.frame, limit, widths, largest),
                table.frame,
            )
        )
    say([*table.notes, initial_words.breakdown(breaks, budget), initial_words.untrusted(drawn)])
    split(form, network, table.frame, widths, largest)
    open_distribution(event, network, wanted)


def split(form: Form, network: Network, frame: pd.DataFrame, widths: tuple[int, ...], largest: float) -> None:
    """Weight and bias part at one width."""
    left, right = st.columns([3, 2], gap="large")
    with right:
        chosen = form.choice("split", "at width n", [str(width) for width in reversed(widths)])
        width = int(chosen)
        own = frame[frame["width"] == width]
        st.markdown(initial_words.bias_share(own["bias_share"].to_numpy(float), int(own["depth"].iloc[-1])))
        relu = network.one.readout == "relu"
        if network.has_scaling_limit:
            st.markdown(
                r"In the scaling limit the weight part falls from 1 to $\tfrac13$ times $\exp(5\beta)$, and the bias "
                r"part as $2/(25\beta^2)$ times it" + (", both doubled by the ReLU readout." if relu else ".")
            )
    with left:
        parts = charts.parts_table(frame, width)
        show(
            Figure("second_moment_parts", ("initial.split",), lambda: charts.parts_chart(parts, width, largest), parts)
        )


def open_distribution(event: object, network: Network, wanted: Points) -> None:
    """Follows a click on a curve to the page Distribution."""
    picked = getattr(getattr(event, "selection", None), "pick", None)
    if not picked or not {"width", "depth"} <= set(picked[0]):
        return
    st.switch_page("distribution.py", query_params=address(network, picked[0], wanted))


def address(network: Network, picked: dict, wanted: Points) -> dict[str, str]:
    """The parameters of the page Distribution at this point (its `PREFIX` before each)."""
    point = {"width": f"{int(picked['width'])}", "depth": f"{int(picked['depth'])}"}
    query = point | network.query() | {"draws": f"{wanted.draws}", "seed": f"{wanted.seed}"}
    return {f"at_{name}": text for name, text in query.items()}


page()
