"""Distribution: the law of K(x, x) at one width and depth, with its tail."""

from functools import partial
from typing import Any

import streamlit as st

from pages.shell.form import Form
from pages.views.distribution import body
from pages.views.initial_network import network_controls, page
from pages.views.initial_points import BRUTE_FORCE, SAMPLER, point

PREFIX = "at_"
"""Of this page's parameters in the URL."""
MOST_NETWORKS = 10_000
"""Real networks that take the place of draws from a law that there is not."""


def controls(form: Form) -> tuple[Any, ...]:
    """One width and a depth, or a list of widths; the network; number of draws and seed."""
    st.markdown("**Point**")
    left, right = st.columns(2)
    with left:
        widths = form.wholes(
            "width", "hidden width n", "64", 1_000_000, 200, "One for all layers, or one per layer as 32, 64, 32."
        )
    with right:
        depth = form.whole("depth", "hidden layers L", 32, 1, 10_000, "Not used with a list of widths.")
    network = network_controls(form)
    st.markdown("**Draws**")
    source = form.choice("source", "drawn by", (SAMPLER, BRUTE_FORCE), "Brute force draws real networks.")
    left, right = st.columns(2)
    with left:
        draws = form.whole("draws", "draws", 200_000, 100, 10_000_000, "10⁵ to 10⁶ show the tail.")
    with right:
        seed = form.whole("seed", "seed", 0, 0, 2**31 - 1)
    if network is None or widths is None or depth is None or draws is None:
        return (None,)
    if source == SAMPLER and network.law is None:
        source, draws = BRUTE_FORCE, min(draws, MOST_NETWORKS)
    hidden = widths if len(widths) > 1 else widths * depth
    names = {"widths": "width", "setting": "width", "": "draws"}
    job = form.make(partial(point, first_step=False), source, network, hidden, draws, seed, names=names)
    return network, hidden, job


page("Distribution", Form("distribution", PREFIX), controls, body)
