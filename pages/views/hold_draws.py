"""Hold, of draws at initialisation: what other jobs drew stays beneath the charts, their answers beside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cache
from engine import jobs
from engine.initialisation.config import BruteForceConfig, GramSpectrumConfig, SampleConfig
from engine.progress import Arrays
from pages.shell.figure import Figure
from pages.shell.gathering import Computation, gather
from pages.shell.held import Named
from pages.views.hold_settings import FIELDS, settings_of, take_network
from pages.views.initial_network import Network
from pages.views.initial_points import BRUTE_FORCE, SAMPLER, SOURCES, Point

GRAM = "gram_spectrum"
KINDS = {name: SOURCES[name].kind for name in (SAMPLER, BRUTE_FORCE)}
"""Of one kernel, by who draws it."""
OWN = ("draws", "seed", "points", "inputs", "input_seed")
"""Fields of a config beside its network."""
DEEPEST = 10_000
"""Hidden layers."""


@dataclass(frozen=True)
class Draws:
    """A job that draws; `kind` is the job's."""

    kind: str
    config: SampleConfig | BruteForceConfig | GramSpectrumConfig

    @classmethod
    def of_point(cls, point: Point) -> "Draws":
        """That of a point."""
        config: Any = point.config
        return cls(point.kind, config)

    @property
    def network(self) -> Network:
        setting = self.config.setting
        return Network(setting.widths[0], tuple((name, getattr(setting, name)) for name in FIELDS))

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return self.config.setting.widths[1:-1]

    @property
    def source(self) -> str:
        """Who draws one kernel; empty of whole kernels."""
        return next((name for name, kind in KINDS.items() if kind == self.kind), "")

    def settings(self) -> dict[str, Any]:
        """By name, as the link has them."""
        hidden = self.hidden
        shape = {"width": hidden[0], "depth": len(hidden)} if len({*hidden}) == 1 else {"widths": [*hidden]}
        own = {name: getattr(self.config, name) for name in OWN if hasattr(self.config, name)}
        drawn = {"drawn_by": self.source} if self.source else {}
        return {**shape, **settings_of(self.network), **drawn, **own}

    @classmethod
    def one_kernel(cls, values: dict[str, Any]) -> "Draws":
        """From `settings`, of K(x, x). Raises `ConfigError`, or `ValueError` and its kin where they make no sense."""
        return cls._of(KINDS[values.pop("drawn_by")], values, {"first_step": False})

    @classmethod
    def whole_kernel(cls, values: dict[str, Any]) -> "Draws":
        """The same of whole kernels."""
        return cls._of(GRAM, values, {})

    @classmethod
    def _of(cls, kind: str, values: dict[str, Any], fixed: dict[str, Any]) -> "Draws":
        width, depth = values.pop("width", None), values.pop("depth", 0)
        if depth > DEEPEST:
            raise ValueError("depth")
        hidden = tuple(values.pop("widths")) if width is None else (width,) * depth
        setting = take_network(values).setting(hidden)
        own = {name: values.pop(name) for name in OWN if name in values}
        if values:
            raise ValueError("unknown")
        config: Any = jobs.parse(kind, {**own, **fixed, "setting": setting})
        return cls(kind, config)


Held = Sequence[tuple[Named, Draws]]


def drawn(named: Named, one: Draws) -> Arrays | None:
    """What a held job gave, or the button that asks for it."""
    job = Computation(one.kind, one.config, one.config.seconds)
    return gather(f"held {named.place}", "Compute it", [job], "This page has no result of it yet.").get(job)


def known(one: Draws) -> Arrays | None:
    """The same, without a button."""
    return cache.current().lookup(one.kind, one.config)


def over(figures: Sequence[Figure], ghosts: Sequence[tuple[Named, Sequence[Figure]]]) -> list[Figure]:
    """The figures over those of what is held, in the same order."""
    return [figure.over([(named, own[place]) for named, own in ghosts]) for place, figure in enumerate(figures)]
