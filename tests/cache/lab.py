"""People on a server where they sign in, a result, and what is on record of both."""

import json

import numpy as np
from toy_jobs import ToyConfig

from cache import CachedEngine, Store
from cache.archive import encode
from cache.job import run_key
from engine.jobs import key_of

ANN, BOB, EVE, HEAD, READER = (f"{name}@lab.example" for name in ("ann", "bob", "eve", "head", "reader"))
RULES = {"domains": {"lab.example": "member"}, "people": {HEAD: "admin", READER: "reader"}}
TOY = ToyConfig(number=1)
KEY = key_of("steady", TOY.canonical(), 1)


def keep(store: Store, config: ToyConfig = TOY, size: int = 10) -> str:
    """A result on disk that nobody asked for."""
    key = run_key("steady", config)
    record = store.index.add(key, "steady", config)
    store.put(key, {"result": encode({"x": np.zeros(size)}, f"{key}/result")}, record)
    store.index.settle(key, "finished", entries=("result",))
    return key


def people(engine: CachedEngine, key: str = KEY) -> list[str]:
    return [claim.person for claim in engine.store.claims.of(key)]


def audited(engine: CachedEngine) -> list[tuple[str, str]]:
    lines = (engine.store.directory / "audit.log").read_text().splitlines()
    return [(line["who"], line["action"]) for line in map(json.loads, lines)]
