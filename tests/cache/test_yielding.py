"""A run of any kind of network that yields to a short one ends as if nothing had come between."""

import os
import time
from contextlib import closing
from pathlib import Path

import pytest
from toy_jobs import ToyConfig

from benchmarks.chaos.users import digest
from cache import CachedEngine, Store
from engine import jobs
from engine.config import RunConfig

pytestmark = pytest.mark.long

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "docs" / "examples"
RUN = jobs.KINDS["run"]
NETWORKS = [
    {"kind": "mlp", "depth": 3, "width": 64},
    {"kind": "resnet", "depth": 3, "width": 64},
    {"kind": "conv", "depth": 2, "width": 12},
    {"kind": "module", "name": "my_nets:Transformer", "arguments": {"width": 12}},
]


def ended(folder: Path, run: RunConfig, short: ToyConfig | None) -> tuple[str, set[str]]:
    """The digest of the run by a worker of its own, and what was said on the way; the short one comes in its middle."""
    said, deadline = set(), time.monotonic() + 200
    with closing(Store(folder)) as store, CachedEngine(store) as engine:
        while not (job := engine.request("run", run, "sweeper", background=True)).done:
            assert time.monotonic() < deadline
            if short and job.state == "running" and job.fraction > 0:
                engine.request("steady", short, "me")
            said.add(job.message)
            time.sleep(0.02)
        assert job.error is None
        found = engine.lookup("run", run)
    assert found is not None
    return digest(found), said


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network["kind"])
def test_a_run_that_yields_is_the_same_to_the_last_bit(
    network: dict, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(jobs.KINDS, "run", RUN)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (HERE, EXAMPLES))))
    monkeypatch.syspath_prepend(EXAMPLES)
    run = RunConfig.from_dict(
        {
            "data": {"name": "digits", "classes": [3, 8], "size": 12, "test_size": 8},
            "network": network,
            "training": {"max_steps": 400, "stop_residual": 1e-4},
            "seeds": [7, 8],
        }
    )
    alone, never = ended(tmp_path / "alone", run, None)
    beside, said = ended(tmp_path / "beside", run, ToyConfig(steps=10, pause=0.05))
    paused = "paused for another job"
    assert (paused in said, paused in never) == (True, False)
    assert beside == alone
