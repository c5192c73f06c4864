"""The kinds of network: what a config may name, told apart by `kind`, which is mlp where it is left out. No JAX."""

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from engine.networks.base import NetworkConfig
from engine.networks.config import MLPConfig
from engine.schema import Config


def _kind(values: Any) -> Any:
    return values.get("kind", "mlp") if isinstance(values, dict) else getattr(values, "kind", "mlp")


AnyNetwork = Annotated[Annotated[MLPConfig, Tag("mlp")], Discriminator(_kind)]

NETWORKS: dict[str, type[NetworkConfig]] = {"mlp": MLPConfig}
"""Kind -> config class, in the order in which a page lists them."""


class _Holder(Config):
    network: AnyNetwork


def of_kind(values: Any) -> NetworkConfig:
    """The network of these settings. Raises `ConfigError`."""
    return _Holder.from_dict({"network": values}).network
