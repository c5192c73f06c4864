"""What is said of a network of each kind: its name, its shape, what is not known of it. No Streamlit here."""

from engine.config import RunConfig
from engine.networks.kinds import AnyNetwork
from engine.networks.layered import ConvConfig, ResNetConfig
from engine.quantities import QUANTITIES
from engine.training.result import RunResult
from pages.charts.words import Headline, number

BETA = r"$\beta=\sum_l 1/n_l$ over the hidden layers."
NO_BETA = "β is defined for fully connected networks."


def named(network: AnyNetwork) -> str:
    """What kind of network, as in "a ... network"."""
    return {"mlp": "fully connected", "resnet": "residual", "conv": "convolutional"}[network.kind]


def shape(network: AnyNetwork) -> str:
    """Depth and width, by the names that they have there."""
    match network:
        case ResNetConfig():
            return f"{network.depth} blocks, width {network.width}"
        case ConvConfig():
            return f"{network.depth} convolutions, {network.width} channels"
    return f"depth {network.depth}, β = {number(network.beta)}"


def short(network: AnyNetwork) -> str:
    """Activation and shape."""
    kind = "" if network.kind == "mlp" else f"{named(network)}, "
    return f"{kind}{network.activation}, {shape(network)}"


def headline(run: RunConfig) -> Headline:
    """beta, or depth and width where it has none."""
    network = run.network
    if network.beta is not None:
        return Headline("β", number(network.beta), BETA)
    return Headline("depth × width", f"{network.depth} × {network.width}", NO_BETA)


def measured_beta(result: RunResult) -> list[Headline]:
    """The measured beta of a network that has none of its own, with its interval."""
    if result.config.network.beta is not None or "initial_cv2" not in result:
        return []
    found, about = result.measured_beta, QUANTITIES["measured_beta"]
    if found is None:
        return [Headline(about.label, "—", f"Not determined. {about.definition}", "not determined")]
    at, low, high = map(number, found)
    return [Headline(about.label, at, about.definition, f"{low} to {high}")]


def missing(run: RunConfig, limit: bool = True) -> str:
    """What the pages of a run cannot show of a network of this kind, to follow its facts; empty of the fully connected.

    Args:
        limit: whether the page shows what infinite width gives.
    """
    if run.network.kind == "mlp":
        return ""
    more = ", and its kernel at infinite width is not computed" if limit and run.network.kind == "conv" else ""
    return f". Of a {named(run.network)} network β is not defined{more}"
