"""What users ask for: jobs so small that all of them can be computed again at the end."""

import json
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from engine import jobs
from engine.schema import Config

DATA = {"name": "sphere", "size": 10, "test_size": 12}
NETWORK = {"depth": 2, "width": [8, 6]}
QUICK = {"max_steps": 30, "checkpoints": 5}
LONGER = {"max_steps": 4000, "checkpoints": 5, "stop_residual": None}
"""A tenth of a second, and about one."""

SETTING = {"widths": [3, 5, 4, 1]}
SEEDS = 1000
"""Few enough for two users to want the same now and then."""

RUN = {"data": DATA, "network": NETWORK, "training": QUICK, "store_parameters": False}


@dataclass(frozen=True)
class Wish:
    """Configs of one kind, as plain values; more than one are a sweep.

    Attributes:
        stays: whether the sweep goes on when its server ends.
    """

    kind: str
    values: tuple[Mapping[str, Any], ...]
    stays: bool = False

    @property
    def configs(self) -> list[Config]:
        return [jobs.parse(self.kind, dict(values)) for values in self.values]

    @property
    def keys(self) -> list[str]:
        return [jobs.key(self.kind, config) for config in self.configs]

    @property
    def name(self) -> str:
        """The same for the same."""
        return json.dumps(self.plain(), sort_keys=True)

    def plain(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        return cls(plain["kind"], tuple(plain["values"]), plain["stays"])


def drawn(chance: random.Random) -> Wish:
    """What a user wants next."""
    seed = chance.randrange(SEEDS)
    draw = chance.random()
    if draw < 0.2:
        return Wish("run", ({**RUN, "seeds": [seed]},))
    if draw < 0.5:
        return Wish("run", ({**RUN, "training": LONGER, "seeds": [seed]},))
    if draw < 0.65:
        return Wish("initial_sample", ({"setting": SETTING, "draws": 200, "seed": seed},))
    if draw < 0.8:
        return Wish("gram_spectrum", ({"setting": SETTING, "draws": 50, "points": 8, "seed": seed},))
    cells = tuple({**RUN, "seeds": [seed + number]} for number in range(chance.randint(3, 6)))
    return Wish("cell", cells, stays=chance.random() < 0.5)
