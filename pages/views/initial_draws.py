"""A job that draws at initialisation, as the settings that links have, and as the result that a short link names."""

from dataclasses import dataclass
from typing import Any

import cache
from engine import jobs
from engine.initialisation.config import BruteForceConfig, GramSpectrumConfig, SampleConfig
from engine.progress import Arrays
from engine.schema import ConfigError
from pages.run import named_run
from pages.shell.gathering import Computation, gather
from pages.shell.held import Named
from pages.shell.texts import text_of
from pages.views.hold_settings import FIELDS, settings_of, take_network
from pages.views.initial_network import Network
from pages.views.initial_points import BRUTE_FORCE, SAMPLER, SOURCES, Point, seconds_of

GRAM = "gram_spectrum"
KINDS = {name: SOURCES[name].kind for name in (SAMPLER, BRUTE_FORCE)}
"""Of one kernel, by who draws it."""
OWN = ("draws", "seed", "points", "inputs", "input_seed")
"""Fields of a config beside its network."""
CONTROLS = {"points": "p"}
"""Names of controls that are not those of the fields."""
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

    @property
    def key(self) -> str:
        """Of the job."""
        return jobs.key(self.kind, self.config)

    def known(self) -> Arrays | None:
        """Its result, where there is one."""
        return cache.current().lookup(self.kind, self.config)

    def beneath(self, held: Named) -> Arrays | None:
        """Its result where it is held, or the button that asks for it."""
        job = Computation(self.kind, self.config, seconds_of(self.kind, self.config))
        return gather(f"held {held.place}", "Compute it", [job], "This page has no result of it yet.").get(job)

    def texts(self, prefix: str = "") -> dict[str, str]:
        """What the controls of the page have for it, by name."""
        hidden, own = self.hidden, {name: getattr(self.config, name) for name in OWN if hasattr(self.config, name)}
        alike = len({*hidden}) == 1
        shape = {"width": hidden[:1] if alike else hidden, "depth": len(hidden)}
        source = {"source": self.source} if self.source else {}
        values = {**shape, **source, **{CONTROLS.get(name, name): value for name, value in own.items()}}
        every = {name: text_of(value) for name, value in values.items()} | self.network.query()
        return {f"{prefix}{name}": text for name, text in every.items()}

    @classmethod
    def one_kernel(cls, values: dict[str, Any]) -> "Draws":
        """From `settings`, of K(x, x). Raises `ConfigError`, or `ValueError` and its kin where they make no sense."""
        return cls._of(KINDS[values.pop("drawn_by")], values, {"first_step": False})

    @classmethod
    def whole_kernel(cls, values: dict[str, Any]) -> "Draws":
        """The same of whole kernels, whose hidden layers are equally wide on their page."""
        if "widths" in values:
            raise ValueError("widths")
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


def named(text: str, whole: bool, prefix: str = "") -> dict[str, str] | str:
    """The controls of the draws that a link names, or why there are none, as Markdown.

    Args:
        whole: whether of whole kernels, else of one K(x, x).
        prefix: of their names.
    """
    record = named_run.find(text)
    if isinstance(record, str):
        return record
    if record.kind not in ((GRAM,) if whole else KINDS.values()):
        return named_run.Elsewhere.of(record, "nothing that this page draws")
    try:
        config: Any = jobs.parse(record.kind, dict(record.values))
        draws = Draws(record.kind, config)
        read = Draws.whole_kernel if whole else Draws.one_kernel
        if read(draws.settings()) == draws:
            return draws.texts(prefix)
    except (ConfigError, ValueError):
        pass
    return f"`{text[: named_run.DIGITS]}` was drawn with options that no page has: only the command line shows it."
