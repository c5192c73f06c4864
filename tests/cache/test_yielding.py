"""A run that yields to a short one ends as if nothing had come between."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import jax
import pytest
from toy_jobs import ToyConfig

from benchmarks.chaos.users import digest
from cache import CachedEngine, Store, cached_compute
from engine import jobs
from engine.config import RunConfig

pytestmark = pytest.mark.long

RUN = jobs.KINDS["run"]
NETWORKS = [
    {"kind": "mlp", "depth": 3, "width": 64},
    {"kind": "resnet", "depth": 3, "width": 64},
]


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    """As the workers have it, for the run that nothing disturbs."""
    before = jax.config.read("jax_enable_x64")
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network["kind"])
def test_a_run_that_yields_is_the_same_to_the_last_bit(
    engine: CachedEngine,
    config: Callable[..., ToyConfig],
    network: dict,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setitem(jobs.KINDS, "run", RUN)
    run = RunConfig.from_dict(
        {
            "data": {"name": "digits", "classes": [3, 8], "size": 12, "test_size": 8},
            "network": network,
            "training": {"max_steps": 400, "stop_residual": 1e-4},
            "seeds": [7, 8],
        }
    )
    said, deadline = set(), time.monotonic() + 200
    while not (job := engine.request("run", run, "sweeper", background=True)).done:
        assert time.monotonic() < deadline
        if job.state == "running" and job.fraction > 0:
            engine.request("steady", config(steps=10, pause=0.05), "me")  # in the middle of it, once
        said.add(job.message)
        time.sleep(0.02)
    assert job.error is None
    assert "paused for another job" in said
    found = engine.lookup("run", run)
    assert found is not None
    with closing(Store(tmp_path / "alone")) as alone:
        assert digest(found) == digest(cached_compute(alone, "run", run))
