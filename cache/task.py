"""What travels between the server and a worker."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Self

from cache.failure import Failure
from engine import jobs
from engine.data import contents
from engine.schema import Config


@dataclass(frozen=True)
class Task:
    """A job on its way to a worker: names and text only, so that any worker with this code can run it.

    Attributes:
        name: unique per submission. Also the name of its cancel flag.
        key: of the run.
        config: import path of the config's class.
        function: import path of `(config, report) -> Entries`.
        values: the config as JSON.
        background: whether it leaves its worker to others for as long as they need it at first.
    """

    name: str
    key: str
    config: str
    function: str
    values: str
    background: bool = False

    @classmethod
    def of(cls, name: str, key: str, kind: str, config: Config, background: bool = False) -> Self:
        """A job of this kind. Raises `KeyError` for an unknown one."""
        of = jobs.KINDS[kind]
        config_class = f"{of.config.__module__}:{of.config.__qualname__}"
        return cls(name, key, config_class, of.function, config.canonical(), background)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**json.loads(text))

    def files(self) -> tuple[bytes, ...]:
        """Those that the config names and this process has: a worker may have no disk in common with the server."""
        found = map(contents.find, contents.named_in(json.loads(self.values)))
        return tuple(content for content in found if content is not None)

    def parse(self) -> Config:
        """The config. Raises `ConfigError`, and what importing its class raises."""
        return jobs.named(self.config).from_dict(json.loads(self.values))


@dataclass(frozen=True)
class Rehearsal:
    """A job that a new worker computes and throws away, so that the first real one finds everything compiled."""

    kind: str
    config: Config


@dataclass(frozen=True)
class Outcome:
    """How a task ended: encoded entries, or a failure, or cancelled."""

    entries: Mapping[str, bytes] = field(default_factory=dict)
    failure: Failure | None = None
    cancelled: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Device:
    """What computes.

    Attributes:
        name: of the GPU, or of the CPU.
        platform: "gpu", "cpu", ... as JAX calls it.
        memory: bytes a run may use.
        host: name of the machine.
    """

    name: str
    platform: str
    memory: int
    host: str
