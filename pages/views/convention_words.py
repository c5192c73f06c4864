"""The conventions of a run as formulas with its numbers, what another convention would change, and warnings with a
cure. No Streamlit here."""

from dataclasses import dataclass
from typing import cast

import numpy as np

from engine.config import RunConfig
from engine.networks.activations import ACTIVATIONS
from engine.networks.mlp_config import MLPConfig
from engine.networks.module.config import ModuleConfig
from engine.problems import several
from engine.training.result import RunResult
from pages.charts.words import number, percent, spread
from pages.run.controls import off_critical
from pages.views import evolution_words, network_words
from pages.views.latex_conventions import RATES, scale

LOSSES = {
    "half_mean": r"\frac{1}{2M}\sum_i\lVert f_i-y_i\rVert^2",
    "mean": r"\frac1M\sum_i\lVert f_i-y_i\rVert^2",
    "half_sum": r"\frac12\sum_i\lVert f_i-y_i\rVert^2",
}
OF_CLASSES = {
    "logistic": r"\frac1M\sum_i\log(1+e^{-y_if_i})",
    "squared_hinge": r"\frac{1}{2M}\sum_i\max(0,1-y_if_i)^2",
    "hinge": r"\frac1M\sum_i\max(0,1-y_if_i)",
}
SOFTMAX = r"-\frac1M\sum_i\log\frac{e^{f_i(y_i)}}{\sum_c e^{f_i(c)}}"
KERNELS = {
    "ntk": r"$K_t(x,x')=\langle\nabla f_t(x),\nabla f_t(x')\rangle$",
    "conjugate": r"$K_t(x,x')=\langle\nabla_v f_t(x),\nabla_v f_t(x')\rangle$, $v=W_{L+1}$",
    "infinite_ntk": r"$K=\lim_{n\to\infty}\langle\nabla f_0(x),\nabla f_0(x')\rangle$",
    "infinite_nngp": r"$K=\lim_{n\to\infty}E[\alpha h_0(x)\,\alpha h_0(x')]$",
}
ENOUGH = 8
"""Seeds from which on their range says something of others (theory.md 6)."""
APART = 1.05
"""Stops whose times differ by a larger factor are not at equal t."""
SWITCHES = ("loss", "parameterization", "layers counted")

Rows = list[tuple[str, ...]]


def table(rows: Rows) -> str:
    """Markdown; the first row is the head."""
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, "|---" * len(rows[0]) + "|", *body])


def conventions(result: RunResult) -> Rows:
    """What is meant, as formulas, and what it is in this run."""
    config = result.config
    network, training, M = config.network, config.training, config.data.size
    rate, stop = spread(seed.effective_rate for seed in result.seeds), spread(seed.t_stop for seed in result.seeds)
    f = rf"f={scale(network)}{'(h-h_0)' if network.centred else ' h'}"
    step = (
        f"step {number(training.learning_rate)} = η"
        if training.learning_rate is not None
        else rf"{_fraction(config)} with $\varphi$ = {number(training.stability_fraction)}"
    )
    time = "flow time of Runge-Kutta, whose step is" if training.integrator == "rk4" else "gradient descent with"
    by = _residual(config)
    by += "" if config.kernel == "ntk" else "; $K$ in step and stability is the neural tangent kernel"
    return [
        ("of", "convention", "here"),
        ("network", f"{network_words.layers_of(network)}, ${f}$", network_words.as_given(config)),
        ("initialisation", *_start(config)),
        ("loss", f"${_loss(config)}$", f"M = {M:,}, {training.loss}{_decay(training.weight_decay)}"),
        ("step", rf"$\eta_\mathrm{{eff}}={RATES[training.loss]}$, $f\to f-\eta_\mathrm{{eff}}Kr${by}",
            f"{rate}; {step}"),
        ("time", r"$t=\eta_\mathrm{eff}\cdot$ step", f"{time} η_eff; stops at t = {stop}"),
        ("beta", r"$\beta=\sum_{l=1}^L1/n_l$ over the hidden layers", network_words.beta(network)),
        ("kernel", f"{KERNELS[config.kernel]}, no $1/M$", _kernel(config)),
        ("stability", *_stability(result)),
    ]  # fmt: skip


def _start(config: RunConfig) -> tuple[str, str]:
    """How a network is drawn, as formulas, and with its numbers."""
    network = config.network
    if isinstance(network, ModuleConfig):
        return "as its own `init` draws it, with the seed's key", "float32"
    standard = isinstance(network, MLPConfig) and network.parameterization == "standard"
    weights = r"W_l\sim N(0,\sigma_l^2/n_{l-1})" if standard else r"W_l\sim N(0,1)"
    return f"${weights}$; biases {network_words.bias_start(network)}", network_words.sigmas(network)


def _loss(config: RunConfig) -> str:
    """As LaTeX."""
    training, several = config.training, config.data.output_dim > 1
    own = (LOSSES | OF_CLASSES)[training.loss]
    if training.loss == "logistic" and several:
        own = SOFTMAX
    elif training.loss in OF_CLASSES and several:
        own = own.replace(r"\sum_i", r"\sum_{i,c}").replace("y_if_i", "y_{ic}f_{ic}")
    return own + (r"+\frac{\lambda}{2}\lVert\theta\rVert^2" if training.weight_decay else "")


def _decay(weight_decay: float) -> str:
    return f", λ = {number(weight_decay)} on what trains" if weight_decay else ""


def _residual(config: RunConfig) -> str:
    """What r is where it is no difference from a target, and what weight decay adds."""
    r = r", $r=\partial\ell/\partial f$" if config.training.loss in OF_CLASSES else ""
    return f"{r}; weight decay moves $f$ beside that" if config.training.weight_decay else r


def _stability(result: RunResult) -> tuple[str, str]:
    """Formula and numbers."""
    limit = result.config.training.stability_limit
    if not np.isfinite(limit):
        return "none: the hinge has no curvature", f"λ_max(K_0) η_eff = {_sharpness(result)}"
    return f"${evolution_words.steepness(result.config)}<{number(limit)}$", f"{_sharpness(result)} at the start"


def _fraction(config: RunConfig) -> str:
    """eta_eff by phi, as LaTeX in dollars."""
    steep = evolution_words.steepness(config).removeprefix(r"\eta_\mathrm{eff}")
    return rf"$2\varphi/({steep.strip('()')})$ at t = 0" if not config.training.is_linear else (
        r"$2\varphi/\lambda_{\max}(K_0)$"
    )  # fmt: skip


def _kernel(config: RunConfig) -> str:
    of = {"all": "", "readout": "; of the readout alone", "hidden": "; of the hidden layers alone"}
    return f"{several(config.data.size, 'training point')}, {config.kernel_precision}{of[config.network.trained_part]}"


def _sharpness(result: RunResult) -> str:
    steep = [result.config.steepness(float(seed["lambda_max"][0])) for seed in result.seeds]
    return spread([seed.effective_rate * one for seed, one in zip(result.seeds, steep, strict=True)])


# What another convention changes, and what it does not.


def switches(result: RunResult) -> tuple[str, ...]:
    """Those of `SWITCHES` that mean something for its network: all but the first are of the fully connected one."""
    return SWITCHES if isinstance(result.config.network, MLPConfig) else SWITCHES[:1]


def switched(result: RunResult, switch: str) -> tuple[Rows, str]:
    """A table of one of `switches`, a column for each convention, and what stays."""
    return {"loss": _losses, "parameterization": _parameterizations, "layers counted": _layers}[switch](result)


def _losses(result: RunResult) -> tuple[Rows, str]:
    """At the same eta_eff. No loss of classes is another one in other units."""
    training, M = result.config.training, result.config.data.size
    if not training.is_linear:
        return _one_loss(result)
    scale = {"half_mean": 1 / M, "mean": 2 / M, "half_sum": 1.0}
    own = scale[training.loss]
    loss = [float(seed["loss"][0]) for seed in result.seeds if "loss" in seed]
    rows: Rows = [("of", *LOSSES)]
    rows.append(("loss", *(f"${formula}$" for formula in LOSSES.values())))
    rows.append(("$\\eta_\\mathrm{eff}/\\eta$", *(number(scale[name]) for name in LOSSES)))
    rows.append(("η of this run", *(spread([s.effective_rate / scale[name] for s in result.seeds]) for name in LOSSES)))
    rows.append(("its loss at t = 0", *(spread([one * scale[name] / own for one in loss]) for name in LOSSES)))
    stays = (
        r"With the step set by $\varphi$ (or $\eta$ as above) nothing else changes: $f_t$, $K_t$, $r$, $t$ "
        r"and $\lambda_{\max}$ are those of this run. With $\eta$ kept, $\eta_\mathrm{eff}$, and so $t$ per step, "
        "changes by these factors."
    )
    return rows, stays


def _one_loss(result: RunResult) -> tuple[Rows, str]:
    training = result.config.training
    rows: Rows = [("of", training.loss), ("loss", f"${_loss(result.config)}$")]
    rows.append(("η of this run", spread([seed.learning_rate for seed in result.seeds])))
    stays = "Another loss, or another weight decay, is another run: no factor on $\\eta$ turns one into the other."
    return rows, stays


def _parameterizations(result: RunResult) -> tuple[Rows, str]:
    network = cast(MLPConfig, result.config.network)
    fan_in = (result.config.data.input_dim, *network.widths)
    factors = [n / sigma**2 for n, sigma in zip(fan_in, network.sigmas, strict=True)]
    shown = ", ".join(number(one) for one in factors[:3]) + (", ..." if len(factors) > 3 else "")
    bias = number(1 / network.sigma_b**2) if network.sigma_b else "none: in ntk it has no term"
    followed = result.config.kernel
    rows: Rows = [("of", "ntk", "standard"), ("weights start as", "$N(0,1)$", r"$N(0,\sigma_l^2/n_{l-1})$")]
    if followed == "conjugate":
        rows.append(("K", "1", rf"times $n_L/\sigma_{{L+1}}^2$: {number(factors[-1])}"))
    elif followed == "infinite_nngp":
        rows.append(("K", "1", "the same"))
    else:
        rows.append(("weight term of layer l in K", "1", rf"times $n_{{l-1}}/\sigma_l^2$: {shown}"))
        rows.append(("bias term in K", "1", rf"times $1/\sigma_b^2$: {bias}"))
    stays = (
        r"The function at the start, its law, $\beta$ and the number of parameters stay. The neural tangent kernel, "
        r"its spectrum, $\lambda_{\max}$, with it $\eta_\mathrm{eff}$ at equal $\varphi$, and the path change; times "
        "$t$ of the two are not comparable."
    )
    return rows, stays


def _layers(result: RunResult) -> tuple[Rows, str]:
    network = cast(MLPConfig, result.config.network)
    mean = network.depth / network.beta
    rows: Rows = [
        ("of", "hidden layers (here)", "weight layers"),
        ("depth", f"L = {network.depth}", f"d = L + 1 = {network.depth + 1}"),
        ("depth/width", f"β = {number(network.beta, 4)}", f"{number((network.depth + 1) / mean, 4)}"),
    ]
    stays = (
        "Only what is called depth changes, by one: the network, its kernel and its run are the same. Width is the "
        "harmonic mean of the hidden widths."
    )
    return rows, stays


# Warnings, each with a cure. Findings that stand elsewhere are collected, not written again.


@dataclass(frozen=True)
class Warned:
    """What is wrong, and what to do."""

    said: str
    cure: str


def warnings(result: RunResult) -> list[Warned]:
    """Those that this run calls for."""
    found = []
    if said := _signal(result.config):
        found.append(Warned(said, "set `sigma_w` to critical"))
    if evolution_words.beyond_edge(result):
        said = " ".join(evolution_words.stability(result))
        found.append(Warned(said, "lower the step φ, or follow the flow with rk4"))
    if said := _float32(result):
        found.append(Warned(said, "train in float64 (`training.precision`), or stop at a larger residual"))
    if said := _unequal(result):
        found.append(Warned(said, "compare curves at one t, not at the stops"))
    if said := _few(result):
        found.append(Warned(said, f"give {ENOUGH} seeds or more"))
    if lines := evolution_words.floor(result):
        found.append(Warned(" ".join(lines), "use fewer points, train biases, or read regression with a ridge"))
    if said := _outside(result.config):
        part = "biases" if result.config.network.trained_part != "hidden" else "readout"
        more = "" if isinstance(result.config.network, ModuleConfig) else f", or train the {part}"
        found.append(Warned(said, f"centre the function{more}"))
    return found


def _signal(config: RunConfig) -> str:
    """A signal that dies or explodes, with its factor per layer."""
    said, network = off_critical(config), config.network
    if not said or not isinstance(network, MLPConfig):
        return ""
    factor = network.sigma_w / ACTIVATIONS[network.activation].critical
    return f"{said} Per layer the factor is {number(factor, 4)}."


def _float32(result: RunResult) -> str:
    """A residual at the stop that float32 no longer resolves."""
    reached = [
        seed
        for seed in result.seeds
        if seed.precision == "float32" and seed.noise is not None and 0 < float(seed["residual"][-1]) <= seed.noise
    ]
    if not reached:
        return ""
    noise = spread([seed.noise for seed in reached], percent)
    whose = f"In {len(reached)} of {len(result.seeds)} seeds"
    return f"{whose} the residual at the stop is under what float32 resolves, {noise} of that at the start."


def _outside(config: RunConfig) -> str:
    """A start that need not be a function of H_0."""
    network, said = config.network, "$f_0$ lies outside $H_0$ unless constants lie in it."
    if config.kernel == "conjugate" and network.random_output_bias and not network.centred:
        return f"The readout's bias is random and has no part in this kernel: {said}"
    if network.spans_start or config.kernel != "ntk":
        return ""
    if isinstance(network, ModuleConfig):
        return "Of a network of one's own $f_0$ need not lie in $H_0$."
    if network.trained_part == "hidden":
        return "The readout does not train: $f_0$ need not lie in $H_0$."
    return f"The readout's bias is random and does not train: {said}"


def _unequal(result: RunResult) -> str:
    """Seeds that stopped at different t."""
    t = [seed.t_stop for seed in result.seeds if seed.t_stop > 0]
    if len(t) < 2 or max(t) <= APART * min(t):
        return ""
    ends = f"t = {number(min(t))} to {number(max(t))}"
    return f"Seeds stopped at different times, {ends}: what is said of the stop is not at equal t."


def _few(result: RunResult) -> str:
    """A range over a few seeds."""
    count = len(result.seeds)
    if not 1 < count < ENOUGH:
        return ""
    inside = number((count - 1) / (count + 1), 2)
    return f"A range over {count} seeds is no interval to trust: one more seed falls inside with probability {inside}."
