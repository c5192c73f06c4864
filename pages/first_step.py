"""First step: how fast the kernel moves at the start of training, against beta."""

from typing import Any

import streamlit as st

from pages.shell.form import Form
from pages.views.first_step import body
from pages.views.initial_network import OTHER_RANGE, curve_controls, page, point_controls


def controls(form: Form) -> tuple[Any, ...]:
    """Curves, step, points, and how long to train beyond."""
    curves = curve_controls(form)
    st.markdown("**Step**")
    turns = "For a ReLU readout a large enough target turns the sign: the kernel grows."
    target = form.slider("y", "target $y$", -10.0, 10.0, 0.0, 0.25, turns)
    eta = form.number("eta", r"step size $\eta$", 0.001, 1e-9, 1e3, "Of the finite step.")
    points = point_controls(form)
    st.markdown("**Beyond the first step**")
    left, right = st.columns(2)
    with left:
        depth = form.whole("flow_depth", "hidden layers", 2, 1, 64, "At the narrowest width of the curves.")
    with right:
        until = form.number("flow_until", "until $t$", 1.0, 1e-3, 1e4, r"$t = \eta_{\rm eff}\times$ step.")
    return curves, target, eta, points, depth, until


page("First step", Form("first_step"), controls, body, OTHER_RANGE)
