"""The pages at initialisation: their shape, and the controls of network, curves and points."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from engine.initialisation.curves import CurvesConfig
from engine.initialisation.law import InitialNetwork, Law, exact_law, reasons_without_law
from engine.networks.activations import ACTIVATIONS
from pages.charts.words import sentence
from pages.run import named_run
from pages.shell.answer import answer, ask
from pages.shell.form import Form
from pages.shell.gathering import sidebar_bar
from pages.shell.texts import value_of
from pages.views import latex_conventions
from pages.views.initial_curves import DEEPEST, Span, curve_depths

# Controls of the curves and points: widths, how deep, how many draws.

MOST_WIDTHS = 5
WIDEST, FURTHEST = 1_000_000, 50.0
"""The largest width, and beta, that a control takes."""
OTHER_RANGE = ("beta_max", "depth_max")
"""Controls of which one is drawn."""


@dataclass(frozen=True)
class Points:
    """Which Monte Carlo points are wanted.

    Attributes:
        count: per curve.
        draws, brute_draws: per point of the sampler and of real networks.
        seed: of all of them.
    """

    count: int
    draws: int
    brute_draws: int
    seed: int


@dataclass(frozen=True)
class Curves:
    """Which exact curves are drawn.

    Attributes:
        widths: of the hidden layers, one curve each.
        span: how far they go.
    """

    network: "Network"
    widths: tuple[int, ...]
    span: Span

    @property
    def narrowest(self) -> int:
        return min(self.widths)

    @property
    def deepest(self) -> int:
        """Most hidden layers of any curve."""
        return max(self.span.depth(width) for width in self.widths)

    @property
    def last(self) -> InitialNetwork:
        """The network at the end of the narrowest curve."""
        return self.network.setting((self.narrowest,) * self.span.depth(self.narrowest))

    def config(self, target: float = 0.0) -> CurvesConfig:
        """The curves as the engine computes them, to be computed again."""
        depths = [curve_depths(width, self.span) for width in self.widths]
        values = {"setting": self.network.one, "widths": self.widths, "depths": depths, "target": target}
        return CurvesConfig.from_dict(values)

    @property
    def end(self) -> float:
        """Largest beta on the axis."""
        if self.span.by == "beta":
            return max(self.span.largest, 1 / self.narrowest)
        return max(self.span.depth(width) / width for width in self.widths)


def page(
    title: str,
    question: str,
    more: str,
    form: Form,
    controls: Callable[[Form], tuple[Any, ...]],
    body: Callable[..., None],
    elsewhere: Sequence[str] = (),
) -> None:
    """A page: its controls, then `body` of the form and of what they ask for, once nothing of that is None.

    Args:
        question, more: what it answers, and how, as Markdown.
        elsewhere: controls that are drawn later, or for other settings.
    """
    ask(title, question, more)
    if form.missing:
        named_run.refuse(form.missing, "draws")
        st.button("Open the page as at first", icon=":material/undo:", on_click=form.start_over)
        return
    form.bar = sidebar_bar()
    with st.sidebar:
        asked = controls(form)
    form.say_left_out(elsewhere)
    if form.fine() and None not in asked:
        body(form, *asked)


def curve_controls(form: Form) -> Curves | None:
    """Hidden widths, the range of beta or depth, and the network."""
    st.markdown("**Curves**")
    alike = "One curve each, all hidden layers equally wide."
    chosen = form.wholes("widths", "hidden widths n", "16, 64, 256", WIDEST, MOST_WIDTHS, alike)
    if chosen is not None and len(set(chosen)) < len(chosen):
        form.blame("widths", "a width is given twice")
        chosen = None
    by = form.choice("range", "range of", ("beta", "depth"), "Range over β, or over hidden layers L.")
    if by == "beta":
        largest = form.number("beta_max", "up to β", 2.0, 0.01, FURTHEST, r"$\beta = \sum_l 1/n_l$.")
    else:
        largest = form.whole("depth_max", "up to depth L", 64, 1, DEEPEST, "Hidden layers.")
    return form.make(Curves, network_controls(form), chosen, form.make(Span, by, largest))


def point_controls(form: Form) -> Points | None:
    """How many points, draws, and the seed."""
    st.markdown("**Monte Carlo points**")
    (left, right), (below, beside) = st.columns(2), st.columns(2)
    with left:
        count = form.whole("points", "per curve", 4, 1, 12)
    with right:
        seed = form.whole("seed", "seed", 0, 0, 2**31 - 1)
    with below:
        draws = form.whole("draws", "draws, sampler", 100_000, 2, 10_000_000, "Per point, from the exact law.")
    with beside:
        brute = form.whole("brute_draws", "draws, networks", 1000, 2, 1_000_000, "Per point, real networks.")
    return form.make(Points, count, draws, brute, seed)


# The network of a page but for its hidden widths: controls, and what they come to.

EPS = 1e-9


@dataclass(frozen=True)
class Network:
    """Everything of a `InitialNetwork` but the hidden widths.

    Attributes:
        n_0: input width.
        fields: of `InitialNetwork`, without `widths`.
    """

    n_0: int
    fields: tuple[tuple[str, Any], ...]

    def setting(self, hidden: tuple[int, ...]) -> InitialNetwork:
        """The setting with these hidden widths. Raises `ConfigError`."""
        return InitialNetwork.from_dict({**dict(self.fields), "widths": [self.n_0, *hidden, 1]})

    @property
    def one(self) -> InitialNetwork:
        """With one hidden neuron: for what does not depend on the widths."""
        return self.setting((1,))

    @property
    def law(self) -> Law | None:
        """The exact law, widths left open; None where there is none."""
        return None if reasons_without_law(self.one) else exact_law(self.one)

    def query(self) -> dict[str, str]:
        """The controls' parameters in the URL that give this network."""
        one = self.one
        query = {
            "n_0": f"{self.n_0}",
            "norm": f"{one.norm_x_squared!r}",
            "readout": one.readout,
            "activation": one.activation,
            "sigma_b": f"{one.sigma_b!r}",
            "train_bias": str(one.train_bias).lower(),
            "output_bias": str(one.output_bias).lower(),
        }
        sigmas = {"sigma_w": one.sigma_w, "sigma_w_readout": one.sigma_w_readout}
        return query | {name: f"{value!r}" for name, value in sigmas.items() if isinstance(value, float)}

    @property
    def critical(self) -> bool:
        """Whether every layer has the critical sigma."""
        return all(abs(sigma / ACTIVATIONS[self.one.activation].critical - 1) < EPS for sigma in self.one.sigmas)

    @property
    def has_scaling_limit(self) -> bool:
        """Whether theory.md's limit is that of this network: critical ReLU, trained zero biases of scale 1."""
        one = self.one
        biases = one.sigma_b == 1 and one.train_bias and one.output_bias
        return self.law is not None and self.critical and biases

    @property
    def s1(self) -> float:
        """2 |x|^2/n_0."""
        return 2 * self.one.norm_x_squared / self.n_0


def network_controls(form: Form, trap: bool = True) -> Network | None:
    """The controls of the network; None where they cannot be read.

    Args:
        trap: whether one click leads into the trap of sigma_w = 1.
    """
    st.markdown("**Network**")
    left, right = st.columns(2)
    with left:
        inputs = form.whole("n_0", "input width n₀", 10, 1, WIDEST, "The dimension of $x$.")
    with right:
        norm = form.number("norm", "squared norm |x|²", 1.0, 1e-9, 1e9, "Of the input $x$.")
    fields: dict[str, Any] = {"norm_x_squared": norm}
    fields["readout"] = form.choice(
        "readout", "readout", ("linear", "relu"), "Whether a ReLU sits on the output neuron."
    )
    fields["activation"] = form.choice(
        "activation",
        "activation",
        ("relu", *(name for name in ACTIVATIONS if name != "relu")),
        "The exact law is that of ReLU. Others are drawn and differentiated: brute force only.",
        wide=True,
    )
    left, right = st.columns(2)
    with left:
        fields["sigma_w"] = _sigma(form, "sigma_w", "weight scale σ_w", "critical", "critical")
    with right:
        fields["sigma_w_readout"] = _sigma(form, "sigma_w_readout", "readout scale σ_w", "as sigma_w", None)
    with st.expander("Biases"):
        fields["sigma_b"] = form.number("sigma_b", "bias scale σ_b", 1.0, 0.0, 100.0, "Their standard deviation.")
        fields["train_bias"] = form.flag("train_bias", "train biases", True)
        fields["output_bias"] = form.flag("output_bias", "output bias", True)
    if form.problems or inputs is None:
        return None
    network = Network(inputs, tuple(fields.items()))
    if form.make(network.setting, (1,), names={"norm_x_squared": "norm", "widths": "n_0"}) is None:
        return None
    if trap:
        trap_buttons(form, network)
    return network


def _sigma(form: Form, name: str, label: str, placeholder: str, empty: str | None) -> float | str | None:
    text = form.text(name, label, "", "A number; left empty, it stands as shown.", placeholder)
    if not text or text == "critical":
        return "critical" if text else empty
    value = value_of(text, "number")
    if not isinstance(value, int | float) or not 0 < value <= 100:
        form.blame(name, f"{text[:40]!r} given; a number above 0, at most 100, or critical")
        return None
    return float(value)


SIGMA, NORM, BETA = (0.5, 2.5, 0.01), (0.1, 20.0, 0.1), (0.1, 4.0, 0.05)
"""Ends and step of the sliders."""


def sliders(form: Form, network: Network, largest_beta: float | None = None) -> None:
    """Hands on sigma_w, |x|^2 and how far in beta, beside the fields, which hold the same values and take any other."""
    critical = ACTIVATIONS[network.one.activation].critical

    def sigma(value: float) -> str:
        """Empty for the critical value itself, which lies between two steps."""
        return "" if abs(value - critical) < SIGMA[2] else f"{value:.4g}"

    def plain(value: float) -> str:
        return f"{value:.4g}"

    with st.container(horizontal=True):
        form.slide("sigma_w", "σ_w", SIGMA, network.one.sigmas[0], sigma)
        form.slide("norm", "|x|²", NORM, network.one.norm_x_squared, plain, "1")
        if largest_beta is not None:
            form.slide("beta_max", "up to β", BETA, largest_beta, plain, "2")


def set_sigma(form: Form, value: str) -> None:
    """One click: sigma_w in all layers."""
    form.set("sigma_w", value)
    form.set("sigma_w_readout", "")


def trap_buttons(form: Form, network: Network) -> None:
    """One click into the trap of sigma_w = 1, and one out of it."""
    one = network.one
    if one.activation != "relu":
        return
    if network.critical:
        st.button(
            "The trap: σ_w = 1",
            icon=":material/report:",
            key="trap",
            on_click=set_sigma,
            args=(form, "1"),
            help="Off critical the signal dies, and the kernel looks deterministic at any depth.",
        )
    else:
        st.button("Back to critical σ_w", icon=":material/undo:", key="untrap", on_click=set_sigma, args=(form, ""))


def say_answer(said: str, setting: InitialNetwork, key: str = "") -> None:
    """A sentence about a network at initialisation; `key` as of `pages.shell.answer.answer`."""
    answer(said, lambda: latex_conventions.of_initialisation(setting), setting.hash, key)


def say_no_law(network: Network) -> None:
    """Says why there is no exact curve, where there is none."""
    if reasons := reasons_without_law(network.one):
        st.info(" ".join(sentence(reason, with_field=False) + "." for reason in reasons), icon=":material/info:")
