"""What is said of a network of each kind: its name, its shape, what is not known of it, and its formulas with their
numbers. No Streamlit here."""

from collections.abc import Sequence

from engine.config import RunConfig
from engine.networks.conv_config import ConvConfig
from engine.networks.kinds import AnyNetwork
from engine.networks.layered import LayeredConfig
from engine.networks.mlp_config import MLPConfig
from engine.networks.module.config import ModuleConfig, shortened
from engine.networks.resnet_config import ResNetConfig
from engine.problems import several
from engine.quantities import QUANTITIES
from engine.training.result import RunResult
from pages.charts.map_names import KIND_NAMES
from pages.charts.words import Headline, listing, number, plain

BETA = r"$\beta=\sum_l 1/n_l$ over the hidden layers."
MOST_FILES = 5
"""That a sentence names."""
NO_BETA = "β is defined for fully connected networks."


def named(network: AnyNetwork) -> str:
    """What kind of network, as in "a ... network"."""
    return KIND_NAMES.get(network.kind, "user's own")


def shape(network: AnyNetwork) -> str:
    """Depth and width, by the names that they have there."""
    match network:
        case ResNetConfig():
            return f"{network.depth} blocks, width {network.width}"
        case ConvConfig():
            return f"{network.depth} convolutions, {network.width} channels"
        case ModuleConfig():
            return called(network)
    return f"depth {network.depth}, β = {number(network.beta)}"


def called(network: ModuleConfig) -> str:
    """As it is called in Python: Transformer(width=32), of my_nets."""
    module, _, name = network.name.partition(":")
    arguments = ", ".join(f"{argument}={value!r}" for argument, value in network.arguments.items())
    return f"{name}{f'({arguments})' if arguments else ''}, of {module}"


def sources(network: ModuleConfig) -> str:
    """The files that it is made of, by the beginnings of their digests, and the packages that these import."""
    files = [f"{path} ({shortened(digest)})" for path, digest in network.sources.items()]
    if len(files) > MOST_FILES:
        files[MOST_FILES:] = [several(len(files) - MOST_FILES, "more file")]
    return listing([*files, *(f"{name} {version}" for name, version in network.versions.items())])


def short(network: AnyNetwork) -> str:
    """Activation and shape."""
    if isinstance(network, ModuleConfig):
        return called(network)
    kind = "" if network.kind == "mlp" else f"{named(network)}, "
    return f"{kind}{network.activation}, {shape(network)}"


def headline(run: RunConfig) -> Headline:
    """beta, or depth and width where it has none."""
    network = run.network
    if network.beta is not None:
        return Headline("β", number(network.beta), BETA)
    if isinstance(network, ModuleConfig):
        return Headline("network", network.name.partition(":")[2], f"{plain(called(network))}. {NO_BETA}")
    return Headline("depth × width", f"{network.depth} × {network.width}", NO_BETA)


def measured_beta(result: RunResult) -> list[Headline]:
    """The measured beta of a network that has none of its own, with its interval."""
    network, about = result.config.network, QUANTITIES["measured_beta"]
    if isinstance(network, ModuleConfig) and network.counted_depth is None:
        why = (
            "Not determined: how many hidden layers this network counts as is not said, under the settings of networks."
        )
        return [Headline(about.label, "—", f"{why} {about.definition}", "depth not given")]
    if network.beta is not None or "initial_cv2" not in result:
        return []
    found = result.measured_beta
    if found is None:
        return [Headline(about.label, "—", f"Not determined. {about.definition}", "not determined")]
    at, low, high = map(number, found)
    return [Headline(about.label, at, about.definition, f"{low} to {high}")]


def missing(run: RunConfig, limit: bool = True) -> str:
    """What the page of a run cannot show of a network of this kind, to follow its facts; empty of the fully connected.

    Args:
        limit: whether the page has what infinite width gives, or no use for it.
    """
    if run.network.kind == "mlp":
        return ""
    more = ", and its kernel at infinite width is not computed" if not limit and run.kernel_moves else ""
    return f". Of a {named(run.network)} network β is not defined{more}"


# A network as formulas with its numbers, as the conventions of a run have them. No Streamlit here.

WIDTHS = {"mlp": "n_L", "resnet": "n", "conv": "C"}
"""What a scale that is tied to the width stands on."""


def layers_of(network: AnyNetwork) -> str:
    """From x to h, as formulas."""
    bias = r"+\sigma_bb_l"
    match network:
        case ModuleConfig():
            return f"$h$ of `{network.name}`"
        case ResNetConfig():
            return (
                r"$a_0=W_0x/\sqrt{n_0}+\sigma_bb_0$, "
                rf"$a_l=a_{{l-1}}+s(\sigma_wW_l\phi(a_{{l-1}})/\sqrt n{bias})$, $h=\sigma_rWa_L/\sqrt n+\sigma_bb$"
            )
        case ConvConfig():
            over = r"\sqrt{C}" if network.pooling == "average" else r"\sqrt{C\,\mathrm{positions}}"
            normed = r"\phi(\mathrm{norm}(z_l))" if network.norm == "layer" else r"\phi(z_l)"
            return (
                rf"$z_l=\sigma_wW_l*a_{{l-1}}/\sqrt{{9C_{{l-1}}}}{bias}$, $a_l={normed}$, $a_0=x$, "
                rf"$h=\sigma_rW\,\mathrm{{pool}}(a_L)/{over}+\sigma_bb$"
            )
    standard = network.parameterization == "standard"
    layer = r"W_la_{l-1}+b_l" if standard else rf"\frac{{\sigma_l}}{{\sqrt{{n_{{l-1}}}}}}W_la_{{l-1}}{bias}"
    return rf"$z_l={layer}$, $a_l=\phi(z_l)$, $a_0=x$, $h=z_{{L+1}}$"


def beta(network: AnyNetwork) -> str:
    return number(network.beta) if network.beta is not None else f"none for a {named(network)} network"


def as_given(config: RunConfig) -> str:
    network, alpha = config.network, f"α = {number(config.network.alpha)}"
    if isinstance(network, ModuleConfig):
        size = " × ".join(map(str, network.shape))
        return f"x: {size}; {plain(called(network))}; {plain(sources(network))}; {alpha}"
    ends = f"φ = {network.activation}"
    match network:
        case ResNetConfig():
            return (
                f"n_0 = {config.data.input_dim}; blocks L = {network.depth}, width n = {network.width}; "
                f"s = {network.branch_scale}; {ends}; {alpha}{scaled(network)}"
            )
        case ConvConfig():
            size = " × ".join(map(str, network.image))
            return (
                f"x: {size}; L = {network.depth} convolutions of {network.width} channels, strides "
                f"{listed(network.strides)}, {network.padding} padding; pooling: {network.pooling}; norm: "
                f"{network.norm}; {ends}; {alpha}{scaled(network)}"
            )
    widths = f"{network.depth} × {network.width}" if isinstance(network.width, int) else listed(network.widths)
    return (
        f"n_0 = {config.data.input_dim}; hidden layers L = {network.depth}, widths {widths}; {ends}; "
        f"readout {network.readout}; {alpha}{scaled(network)}"
    )


def scaled(network: LayeredConfig) -> str:
    """What alpha comes to at this width; empty where it does not depend on it."""
    if not network.alpha_exponent:
        return ""
    n, s = WIDTHS[network.kind], "s_α" if network.kind == "resnet" else "s"
    return f", {s} = {number(network.alpha_exponent)}: α {n}^(-{s}/2) = {number(network.output_scale)}"


def sigmas(network: LayeredConfig) -> str:
    parameterization = network.parameterization if isinstance(network, MLPConfig) else "ntk"
    return (
        f"σ_w = {number(network.sigma_w, 4)}, readout {number(network.sigma_w_readout, 4)}, "
        f"σ_b = {number(network.sigma_b, 4)}; {parameterization}"
    )


def bias_start(network: LayeredConfig) -> str:
    """How biases start, which layers have them, and of which they train."""
    start = "start at zero" if network.bias_init == "zero" else r"$\sim N(0,1)$, times $\sigma_b$"
    trains = network.train_bias and (network.output_bias or network.train != "readout")
    where = {"readout": " in the readout alone", "hidden": " in the hidden layers alone"}.get(network.train, "")
    trained = f"trained{where}" if trains else "not trained"
    return f"{start}, {'also' if network.output_bias else 'not'} on the output; {trained}"


def listed(values: Sequence[int]) -> str:
    """Numbers one after another; the first and the last of many."""
    return ", ".join(map(str, values)) if len(values) < 9 else f"{values[0]}, {values[1]}, ..., {values[-1]}"
