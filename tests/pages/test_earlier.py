"""A result of an earlier version of the definitions is found, and never given as the present one."""

from pathlib import Path

import numpy as np

from cache import CachedEngine, Store
from cache.archive import address, encode
from engine.config import RunConfig
from engine.jobs import key_of
from engine.versions import VERSIONS


def test_the_newest_earlier_result_is_named_but_not_given(tmp_path: Path) -> None:
    store = Store(tmp_path)
    engine, run = CachedEngine(store), RunConfig.from_dict({"data": {"name": "circle"}})
    other = RunConfig.from_dict({"data": {"name": "sphere"}})
    assert engine.earlier("run", run) is None
    for back in (2, 1):
        key = key_of("run", run.canonical(), VERSIONS["run"] - back)
        store.index.add(key, "run", run)
        store.put(key, {"result": encode({"x": np.zeros(2)}, address(key, "result"))})
        found = engine.earlier("run", run)
        assert found is not None
        assert found.key == key
    assert engine.lookup("run", run) is None
    assert engine.earlier("run", other) is None
    store.close()
