"""The conventions that numbers are given in, as LaTeX sentences with the present values. No Streamlit here.

Of docs/theory.md, section 1.
"""

from collections.abc import Mapping, Sequence

from engine.config import RunConfig
from engine.initialisation.law import InitialNetwork
from engine.networks.conv_config import ConvConfig
from engine.networks.kinds import AnyNetwork
from engine.networks.layered import LayeredConfig
from engine.networks.mlp_config import MLPConfig
from engine.networks.module.config import ModuleConfig
from engine.networks.resnet_config import ResNetConfig
from engine.regimes.config import SweepConfig
from pages.charts.markup import latex
from pages.charts.words import number, spread
from pages.views import network_words

KERNELS = {
    "conjugate": r"$K_t(x, x') = \langle\nabla_v f_t(x), \nabla_v f_t(x')\rangle$, $v$ the readout's weights (the "
    "conjugate kernel), without a factor $1/M$",
    "infinite_ntk": "$K$ is the neural tangent kernel of the infinitely wide network, without a factor $1/M$",
    "infinite_nngp": "$K$ is the covariance of the infinitely wide network's outputs (NNGP), without a factor $1/M$",
}
"""Those that a run may follow instead."""
KERNEL = r"$K_t(x, x') = \langle\nabla_\theta f_t(x), \nabla_\theta f_t(x')\rangle$, without a factor $1/M$"
LOSSES = {
    "half_mean": r"\frac{1}{2M}\sum_i |f(x_i) - y_i|^2",
    "mean": r"\frac{1}{M}\sum_i |f(x_i) - y_i|^2",
    "half_sum": r"\frac{1}{2}\sum_i |f(x_i) - y_i|^2",
    "logistic": r"\frac{1}{M}\sum_i \log(1 + e^{-y_i f(x_i)})",
    "squared_hinge": r"\frac{1}{2M}\sum_i \max(0, 1 - y_i f(x_i))^2",
    "hinge": r"\frac{1}{M}\sum_i \max(0, 1 - y_i f(x_i))",
}
RATES = dict.fromkeys(LOSSES, r"\eta/M") | {"mean": r"2\eta/M", "half_sum": r"\eta"}
"""eta_eff by loss."""
SEVERAL = {
    "logistic": r"-\frac{1}{M}\sum_i \log\frac{e^{f_{y_i}(x_i)}}{\sum_c e^{f_c(x_i)}}",
    "squared_hinge": r"\frac{1}{2M}\sum_{i,c} \max(0, 1 - y_{ic} f_c(x_i))^2",
    "hinge": r"\frac{1}{M}\sum_{i,c} \max(0, 1 - y_{ic} f_c(x_i))",
}
"""Of several outputs, where that is another formula."""
SPECIAL = {**{sign: f"\\{sign}" for sign in "%&#_{}$"}, "\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}"}
"""What means something in LaTeX, as text."""


def of_run(run: RunConfig, rates: Sequence[float] = ()) -> str:
    """Of a run.

    Args:
        rates: eta_eff of each seed, where they are known.
    """
    traced = f" Traced over its {run.data.output_dim} outputs." if run.data.output_dim > 1 else ""
    kernel = KERNELS.get(run.kernel, KERNEL)
    return f"Conventions: {kernel}.{traced} {_network(run.network)}; {_depth(run.network)} {_descent(run, rates)}"


def of_map(sweep: SweepConfig) -> str:
    """Of a map, whose cells differ in kind, depth, width, output scale or step only."""
    run = sweep.cells[0].run
    networks = {cell.run.network.kind: cell.run.network for cell in sweep.cells}
    layers = _in_a_row([networks[kind] for kind in sweep.architectures or networks])
    rate = RATES[run.training.loss]
    own = [r"$\beta = \sum_l 1/n_l$ over the hidden layers"] if "mlp" in networks else []
    others = [_measured(networks)] if set(networks) - {"mlp"} else []
    return (
        f"Conventions: {KERNEL}. {layers}; {'; '.join([*own, *others])}. {_loss(run)} "
        rf"$t = \eta_{{\mathrm{{eff}}}} \times$ step, $\eta_{{\mathrm{{eff}}}} = {rate}$."
    )


def _in_a_row(networks: Sequence[AnyNetwork]) -> str:
    """All kinds of a map, each by its name where there are several."""
    if len(networks) == 1:
        return _on_a_map(networks[0])
    told = [f"{'' if _kind(one) else 'a fully connected network; '}{_on_a_map(one)}" for one in networks]
    parts = "; ".join(f"({place}) {one[0].lower()}{one[1:]}" for place, one in enumerate(told, 1))
    return f"Networks: {parts}"


def _on_a_map(network: AnyNetwork) -> str:
    """One kind, of which depth and width vary."""
    tied = rf", ${scale(network)}$ with $s = {_exponent(network):.4g}$ in place of $\alpha$"
    return f"{_layers(network)}{tied if _exponent(network) else ''}"


def _measured(networks: Mapping[str, AnyNetwork]) -> str:
    """What stands in the place of beta."""
    who = "of the others" if "mlp" in networks else "of these networks"
    return (
        rf"$\beta$ is not defined {who}: $L/n$ is depth over width, and the measured $\beta$ that of the critical ReLU "
        r"network whose exact $E[K_0^2]/E[K_0]^2$ is theirs"
    )


def of_initialisation(network: InitialNetwork) -> str:
    """Of a network at initialisation, at one input."""
    ends = f"n_0 = {network.widths[0]}, |x|^2 = {network.norm_x_squared:.4g}"
    biases = "start at 0" if network.bias_init == "zero" else "start at N(0, 1)"
    trained = f"{biases} and are {'' if network.train_bias else 'not '}trained"
    sigmas = ", ".join(f"{sigma:.4g}" for sigma in dict.fromkeys(network.sigmas))
    return (
        r"Conventions: $K = K(x, x) = |\nabla_\theta f(x)|^2$ at initialisation, NTK parameterization "
        r"($z_l = \sigma_w n_{l-1}^{-1/2} W_l a_{l-1} + \sigma_b b_l$, $W_l$ standard normal), "
        rf"{network.activation}, {network.readout} readout, $\sigma_w = {sigmas}$, $\sigma_b = {network.sigma_b:.4g}$; "
        rf"biases {trained}; ${ends}$; $\beta = \sum_l 1/n_l$ over the hidden layers. In training the loss is "
        r"$\frac12 (f(x) - y)^2$, and $t$ that of its gradient flow."
    )


def _network(network: AnyNetwork) -> str:
    f = rf"f = {scale(network)} {'(h - h_0)' if network.centred else 'h'}"
    exponent = f", ${_letter(network)} = {_exponent(network):.4g}$" if _exponent(network) else ""
    part = {"readout": "; the readout alone trains", "hidden": "; the hidden layers alone train"}
    return (
        rf"{_layers(network)}, ${f}$ with "
        rf"$\alpha = {network.alpha:.4g}${exponent}{part.get(network.trained_part, '')}"
    )


def _layers(network: AnyNetwork) -> str:
    """What h is."""
    if isinstance(network, ModuleConfig):
        return _own(network)
    return f"{_kind(network)}{_parameterization(network)} parameterization, {network.activation}"


def _own(network: ModuleConfig) -> str:
    """What it is called, and what it is made of."""
    told = f"A network of one's own, {network_words.called(network)}: {network_words.sources(network)}"
    return "".join(SPECIAL.get(sign, sign) for sign in told)


def scale(network: AnyNetwork) -> str:
    """The output scale, in LaTeX."""
    return (
        rf"\alpha {network_words.WIDTHS[network.kind]}^{{-{_letter(network)}/2}}" if _exponent(network) else r"\alpha"
    )


def _letter(network: AnyNetwork) -> str:
    """Of the exponent: s, which of a residual network is the scale of its branches."""
    return r"s_\alpha" if network.kind == "resnet" else "s"


def _exponent(network: AnyNetwork) -> float:
    """s, where the output scale is tied to the width; else 0."""
    return network.alpha_exponent if isinstance(network, LayeredConfig) else 0.0


def _kind(network: AnyNetwork) -> str:
    """Nothing of the fully connected network."""
    match network:
        case ResNetConfig():
            scale = r"1/\sqrt{L}" if network.branch_scale == "1/sqrt(L)" else "1"
            return rf"A residual network, $a_l = a_{{l-1}} + s F_l(a_{{l-1}})$, $s = {scale}$; "
        case ConvConfig():
            norm = ", each with a layer norm" if network.norm == "layer" else ""
            pooling = "averaged over positions" if network.pooling == "average" else "flattened"
            return rf"A convolutional network, $3 \times 3$, {network.padding} padding{norm}, {pooling}; "
    return ""


def _parameterization(network: AnyNetwork) -> str:
    return network.parameterization.upper() if isinstance(network, MLPConfig) else "NTK"


def _depth(network: AnyNetwork) -> str:
    """beta, or depth and width where it has none."""
    match network:
        case ResNetConfig():
            return f"$L = {network.depth}$ blocks of width $n = {network.width}$."
        case ModuleConfig():
            return r"its $\beta$ is not defined."
        case ConvConfig():
            return f"$L = {network.depth}$ convolutions of $C = {network.width}$ channels."
    return f"$\\beta = \\sum_l 1/n_l = {network.beta:.4g}$ over $L = {network.depth}$ hidden layers."


def _loss(run: RunConfig) -> str:
    training, formula = run.training, LOSSES[run.training.loss]
    if run.data.output_dim > 1:
        formula = SEVERAL.get(training.loss, formula)
    classes = r", $y = \pm 1$" if training.loss in SEVERAL else ""
    decay = (
        rf" $+ \frac{{\lambda}}{{2}}|\theta|^2$, $\lambda = {training.weight_decay:.4g}$,"
        if training.weight_decay
        else ""
    )
    return rf"Loss ${formula}${decay} over $M = {run.data.size}$ points{classes}."


def _descent(run: RunConfig, rates: Sequence[float]) -> str:
    """Loss, eta_eff and t."""
    training, effective, rate = run.training, r"\eta_{\mathrm{eff}}", RATES[run.training.loss]
    if rates:
        value = f" = {latex(spread(rates, lambda one: number(one, 4)))}"
    elif training.stability_fraction is not None:
        value = rf" $= 2\varphi/{_steepness(run)}$, $\varphi = {training.stability_fraction:.4g}$"
    else:
        value = f" = {latex(number(training.effective_rate(run.data.size) * (training.learning_rate or 0.0), 4))}"
    flow = training.integrator == "rk4"
    time = f"$t$ is that of the gradient flow, in Runge--Kutta steps of ${effective}$" if flow else (
        rf"$t = {effective} \times$ step of gradient descent, ${effective} = {rate}$"
    )  # fmt: skip
    moves = (
        r" $f' = -K \partial\ell/\partial f$ in $t$." if training.loss in SEVERAL and not training.weight_decay else ""
    )
    by = "" if run.kernel == "ntk" else " Steps are set by the neural tangent kernel, not by the one that is followed."
    return f"{_loss(run)} {time}{value}.{moves}{by}"


def _steepness(run: RunConfig) -> str:
    """What eta_eff is set against (`engine.config.TrainingConfig`)."""
    curvature, decay = run.curvature, run.training.decay(run.data.size)
    top = r"\lambda_{\max}(K_0)"
    if curvature == 1 and not decay:
        return top
    return f"({'' if curvature == 1 else f'{curvature:.4g} '}{top}{f' + {decay:.4g}' if decay else ''})"
