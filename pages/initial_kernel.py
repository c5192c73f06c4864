"""Whole kernel at initialisation: the spectrum of K_0 over draws, for any width."""

from typing import Any

import streamlit as st

from engine.initialisation.config import GramSpectrumConfig
from pages.shell.form import Form
from pages.views.initial_kernel import body
from pages.views.initial_network import network_controls, page


def controls(form: Form) -> tuple[Any, ...]:
    """Shape, network, inputs and draws."""
    st.markdown("**Shape**")
    left, right = st.columns(2)
    with left:
        width = form.whole("width", "hidden width n", 10_000, 1, 1_000_000)
    with right:
        depth = form.whole("depth", "hidden layers L", 3, 1, 256)
    network = network_controls(form, trap=False)
    st.markdown("**Inputs and draws**")
    inputs = form.choice("inputs", "inputs", ("sphere", "circle"), "Random directions, or evenly spaced on a circle.")
    left, right = st.columns(2)
    with left:
        p = form.whole("p", "points p", 32, 1, 512)
        seed = form.whole("seed", "seed", 0, 0, 2**31 - 1)
    with right:
        draws = form.whole("draws", "draws", 100, 2, 100_000)
        input_seed = form.whole("input_seed", "seed of inputs", 0, 0, 2**31 - 1)
    if network is None or width is None or depth is None or form.problems:
        return (None,)
    if inputs == "circle" and network.n_0 != 2:
        form.blame("n_0", f"{network.n_0} given; inputs on a circle have n_0 = 2")
        return (None,)

    def config() -> GramSpectrumConfig:
        values = {"points": p, "inputs": inputs, "input_seed": input_seed, "draws": draws, "seed": seed}
        return GramSpectrumConfig.from_dict(values | {"setting": network.setting((width,) * depth)})

    names = {"setting": "width", "widths": "width", "": "draws"}
    return network, form.make(config, names=names)


page("Whole kernel at initialisation", Form("initial_kernel"), controls, body)
