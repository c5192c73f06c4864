"""Beyond the first step: E[Delta K_t] over initialisations at a few times, on the page First step."""

import numpy as np
import streamlit as st

from engine.initialisation.config import DriftConfig
from engine.initialisation.result import DriftResult
from engine.schema import ConfigError
from pages.charts.initial_drift import beyond_chart, beyond_table, parting
from pages.shell.figure import Figure, say, show
from pages.shell.form import Form
from pages.shell.jobs import gather
from pages.views import initial_words
from pages.views.initial_network import Network, Points
from pages.views.initial_points import FLOW, JOBS, Point

TIMES = 8


def flow_controls(form: Form) -> tuple[int | None, float | None]:
    """Depth of the networks that train, and until when."""
    st.markdown("**Beyond the first step**")
    left, right = st.columns(2)
    with left:
        depth = form.whole("flow_depth", "hidden layers", 2, 1, 64, "At the narrowest width of the curves.")
    with right:
        until = form.number("flow_until", "until $t$", 1.0, 1e-3, 1e4, r"$t = \eta_{\rm eff}\times$ step.")
    return depth, until


def section(form: Form, network: Network, width: int, depth: int, until: float, wanted: Points, target: float) -> None:
    """Button, chart and words."""
    st.subheader("Beyond the first step")
    times = [float(f"{t:.3g}") for t in np.geomspace(until / 1000, until, TIMES)]
    try:
        setting = network.setting((width,) * depth)
        values = {"setting": setting, "draws": wanted.brute_draws, "seed": wanted.seed, "target": target}
        config = DriftConfig.from_dict({**values, "times": times})
    except ConfigError as error:
        form.blame_all(error.problems, {"times": "flow_until", "draws": "brute_draws"})
        return
    job = JOBS[FLOW]
    asked = Point(job.kind, config, job.seconds(setting, wanted.brute_draws), FLOW, width, depth)
    label = f"Train {wanted.brute_draws:,} networks, n = {width:,}, L = {depth}"
    found = gather("flow", label, [asked], "Gradient flow on the one example, each from its own initialisation.")
    if asked not in found:
        return
    result = DriftResult.from_arrays(found[asked])
    table = beyond_table(result)
    show(Figure("beyond_first_step", ("initial.beyond",), lambda: beyond_chart(table), table))
    say([parting(table), initial_words.stiff(int(result.stiff), wanted.brute_draws)])
