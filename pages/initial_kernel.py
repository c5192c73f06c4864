"""Whole kernel at initialisation: the spectrum of K_0 over draws, for any width."""

import streamlit as st

from engine.initialisation.config import GramSpectrumConfig, parameters_of
from engine.initialisation.result import GramResult
from engine.schema import ConfigError
from pages.charts import initial_law as charts
from pages.charts.words import number, size
from pages.shell.figure import Figure, say, show
from pages.shell.form import Form
from pages.shell.jobs import gather
from pages.shell.result import warn
from pages.views import initial_words
from pages.views.initial_network import Network, controls
from pages.views.initial_points import Point


def page() -> None:
    """The page, top to bottom."""
    st.title("Whole kernel at initialisation")
    form = Form("initial_kernel")
    with st.sidebar:
        st.markdown("**Shape**")
        left, right = st.columns(2)
        with left:
            width = form.whole("width", "hidden width n", 10_000, 1, 1_000_000)
        with right:
            depth = form.whole("depth", "hidden layers L", 3, 1, 256)
        network = controls(form)
        wanted = job(form, network, width, depth)
    form.say_left_out()
    if not form.fine() or network is None or width is None or depth is None or wanted is None:
        return
    warn(initial_words.off_critical(network, depth))
    setting = network.setting((width,) * depth)
    found = gather("gram", f"Draw {wanted.config.draws:,} kernels", [wanted])  # pyright: ignore[reportAttributeAccessIssue]
    st.caption(
        f"n = {width:,}, L = {depth}, β = {number(setting.beta)}. One such network has "
        f"{number(parameters_of(setting))} parameters, {size(8 * parameters_of(setting))} in double precision: "
        "the exact Gram sampler draws its kernel without drawing a weight matrix."
    )
    if wanted in found:
        draw(GramResult.from_arrays(found[wanted]))


def job(form: Form, network: Network | None, width: int | None, depth: int | None) -> Point | None:
    """Inputs and draws, and the job that they make."""
    st.markdown("**Inputs and draws**")
    inputs = form.choice("inputs", "inputs", ("sphere", "circle"), "Random directions, or evenly spaced on a circle.")
    left, right = st.columns(2)
    with left:
        p = form.whole("p", "points p", 32, 1, 512)
        seed = form.whole("seed", "seed", 0, 0, 2**31 - 1)
    with right:
        draws = form.whole("draws", "draws", 100, 2, 100_000)
        input_seed = form.whole("input_seed", "seed of inputs", 0, 0, 2**31 - 1)
    values = (width, depth, p, draws, seed, input_seed)
    if network is None or None in values or width is None or depth is None or p is None or draws is None:
        return None
    if inputs == "circle" and network.n_0 != 2:
        form.blame("n_0", f"{network.n_0} given; inputs on a circle have n_0 = 2")
        return None
    try:
        config = GramSpectrumConfig.from_dict(
            {
                "setting": network.setting((width,) * depth),
                "points": p,
                "inputs": inputs,
                "input_seed": input_seed,
                "draws": draws,
                "seed": seed,
            }
        )
    except ConfigError as error:
        form.blame_all(error.problems, {"setting": "width", "widths": "width", "": "draws"})
        return None
    widths = sum(config.setting.widths)
    seconds = draws * (1e-4 * len(config.setting.widths) + 4e-9 * widths * p * (p + 8))
    return Point("gram_spectrum", config, seconds, "exact Gram sampler", width, depth)


def draw(result: GramResult) -> None:
    """Spectrum and its distance from infinite width."""
    table = charts.spectrum_table(result)
    frame = table.frame
    draws = len(result.spectra)
    has_limit = bool(frame["limit"].notna().any())
    left, right = st.columns([3, 2], gap="large") if has_limit else (st.container(), None)
    with left:
        show(
            Figure(
                "initial_spectrum",
                ("initial.gram", "initial.infinite"),
                lambda: charts.spectrum_chart(frame, f"{draws:,} draws"),
                frame,
            )
        )
    if right is not None:
        with right:
            show(
                Figure(
                    "initial_spectrum_ratio",
                    ("initial.gram_ratio", "initial.gram", "initial.infinite"),
                    lambda: charts.relative_chart(frame),
                    frame,
                )
            )
    say(table.notes)
    if not has_limit:
        say(["The infinite-width limit of these settings is not computed."])
    else:
        st.markdown(
            initial_words.largest_eigenvalue({str(name): float(value) for name, value in frame.iloc[0].items()}, draws)
        )


page()
