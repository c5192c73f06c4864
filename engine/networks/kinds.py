"""The kinds of network: what a config may name, told apart by `kind`, which is mlp where it is left out. No JAX."""

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from engine.networks.base import NetworkConfig, known_of
from engine.networks.conv_config import ConvConfig
from engine.networks.mlp_config import MLPConfig
from engine.networks.module.config import ModuleConfig
from engine.networks.resnet_config import ResNetConfig
from engine.schema import Config


def _kind(values: Any) -> Any:
    """What is no table is left for one of the kinds to refuse."""
    plain = NetworkConfig.UNTAGGED
    return values.get("kind", plain) if isinstance(values, dict) else getattr(values, "kind", plain)


BuiltIn = MLPConfig | ResNetConfig | ConvConfig

AnyNetwork = Annotated[
    Annotated[MLPConfig, Tag("mlp")]
    | Annotated[ResNetConfig, Tag("resnet")]
    | Annotated[ConvConfig, Tag("conv")]
    | Annotated[ModuleConfig, Tag("module")],
    Discriminator(_kind),
]

NETWORKS: dict[str, type[NetworkConfig]] = {
    "mlp": MLPConfig,
    "resnet": ResNetConfig,
    "conv": ConvConfig,
    "module": ModuleConfig,
}
"""Kind -> config class, in the order in which a page lists them."""


def depth_per_width(network: AnyNetwork) -> float:
    """beta; where it has none depth/width, as numbers of the config alone."""
    own = built_in(network)
    return own.depth / own.mean_width if own.beta is None else own.beta


def built_in(network: AnyNetwork) -> BuiltIn:
    """The network, which is none of one's own and has depth and width. Raises `ConfigError`."""
    if isinstance(network, ModuleConfig):
        raise known_of("networks that are built in", "what is asked for")
    return network


class _Holder(Config):
    network: AnyNetwork


def of_kind(values: Any) -> NetworkConfig:
    """The network of these settings. Raises `ConfigError`."""
    return _Holder.from_dict({"network": values}).network
