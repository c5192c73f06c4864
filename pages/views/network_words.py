"""What is said of a network of each kind: its name, its shape, what is not known of it. No Streamlit here."""

from engine.config import RunConfig
from engine.networks.conv_config import ConvConfig
from engine.networks.kinds import AnyNetwork
from engine.networks.module.config import ModuleConfig, shortened
from engine.networks.resnet_config import ResNetConfig
from engine.quantities import QUANTITIES
from engine.training.result import RunResult
from pages.charts.words import Headline, listing, number, plain

BETA = r"$\beta=\sum_l 1/n_l$ over the hidden layers."
MOST_FILES = 5
"""That a sentence names."""
NO_BETA = "β is defined for fully connected networks."


def named(network: AnyNetwork) -> str:
    """What kind of network, as in "a ... network"."""
    names = {"mlp": "fully connected", "resnet": "residual", "conv": "convolutional", "module": "user's own"}
    return names[network.kind]


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
        files[MOST_FILES:] = [f"{len(files) - MOST_FILES} more files"]
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
