"""Modules in the compute processes of a server: found as here, run as they are now, ended where they never return."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from cache import CachedEngine, Job, Store
from engine.config import RunConfig
from engine.networks.module import listed
from engine.training.result import RunResult

pytestmark = pytest.mark.whole

GOOD = """
    import jax, jax.numpy as jnp

    def net(width: int = 4):
        def init(key, x):
            return {"w": jax.random.normal(key, (x.shape[1], width)), "v": jnp.ones((width, 1))}

        def apply(params, x):
            return SCALE * jnp.tanh(x @ params["w"]) @ params["v"]

        return init, apply

    SCALE = 1.0
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(folder), *sys.path])
        patch.setenv("KERNEL_DRIFT_MODULE_SECONDS", "20")
        yield folder


@pytest.fixture(scope="module")
def engine(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CachedEngine]:
    with CachedEngine(Store(tmp_path_factory.mktemp("cache"), size_limit=100_000_000)) as engine:
        yield engine


def plant(project: Path, text: str, name: str = "worker_nets") -> RunConfig:
    (project / f"{name}.py").write_text(dedent(text))
    training = {"max_steps": 4, "checkpoints": 2}
    data = {"name": "circle", "size": 6, "test_size": 6, "frequencies": [1]}
    network = {"kind": "module", "name": f"{name}:net"}
    return RunConfig.from_dict({"data": data, "network": network, "training": training})


def ended(engine: CachedEngine, config: RunConfig, within: float = 100) -> Job:
    job = engine.wait(engine.request("run", config, "me"), within)
    assert job.done
    return job


def strength(engine: CachedEngine, config: RunConfig) -> float:
    arrays = engine.lookup("run", config)
    assert arrays is not None
    return float(RunResult.from_arrays(arrays).seeds[0]["lambda_max"][0])


def test_a_worker_that_lives_runs_the_files_as_they_are_now(engine: CachedEngine, project: Path) -> None:
    first = plant(project, GOOD)
    assert ended(engine, first).state == "finished"
    second = plant(project, GOOD.replace("1.0", "2.0"))
    assert second != first
    assert ended(engine, second).state == "finished"
    assert strength(engine, second) == pytest.approx(4 * strength(engine, first), rel=1e-5)
    (project / "worker_nets.py").unlink()
    assert strength(engine, first) > 0  # what is stored is read without it


def test_a_worker_that_has_other_files_refuses(engine: CachedEngine, project: Path) -> None:
    config = plant(project, GOOD, "other_nets")
    plant(project, GOOD.replace("1.0", "3.0"), "other_nets")
    job = ended(engine, config)
    assert job.state == "failed"
    assert job.error is not None
    assert job.error.reason == "config"
    assert "other_nets:net is here another than the one asked for (other_nets.py is " in job.error.message


def test_one_that_raises_fails_in_words(engine: CachedEngine, project: Path) -> None:
    job = ended(
        engine, plant(project, "net = None\nprint('hello')\nraise RuntimeError('no such luck')", "raising_nets")
    )
    assert job.error is not None
    said = "network.name: raising_nets:net raised RuntimeError: no such luck (raising_nets.py, line 3)"
    assert (job.state, job.error.message) == ("failed", said)


def test_one_that_ends_the_process_fails_and_the_next_is_computed(engine: CachedEngine, project: Path) -> None:
    job = ended(engine, plant(project, "net = None\nimport os\nos._exit(3)", "leaving_nets"))
    assert job.error is not None
    assert (job.state, job.error.reason) == ("failed", "worker")
    assert ended(engine, plant(project, GOOD.replace("1.0", "1.5"))).state == "finished"


@pytest.mark.long
def test_one_that_never_returns_fails_and_its_worker_is_replaced(engine: CachedEngine, project: Path) -> None:
    trace = project / "pids"
    text = f"net = None\nimport os, time\nopen({str(trace)!r}, 'a').write(str(os.getpid()))\ntime.sleep(1000)"
    job = ended(engine, plant(project, text, "sleeping_nets"))
    assert job.error is not None
    assert job.state == "failed"
    assert "sleeping_nets:net did not return within 20 s" in job.error.message
    pid, until = int(trace.read_text()), time.monotonic() + 60
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.2)
    assert not Path(f"/proc/{pid}").exists()
    assert pid != os.getpid()
    assert ended(engine, plant(project, GOOD, "sleeping_nets")).state == "finished"  # mended


def test_one_that_never_returns_can_be_cancelled(engine: CachedEngine, project: Path) -> None:
    config = plant(project, "net = None\nimport time\ntime.sleep(1000)", "cancelled_nets")
    job = engine.request("run", config, "me")
    until = time.monotonic() + 60
    while "tries" not in (engine.job(job.key) or job).message and time.monotonic() < until:
        time.sleep(0.1)
    engine.cancel(job.key, "me")
    assert engine.wait(job, 10).state == "cancelled"


def test_a_server_computes_what_is_listed_alone(
    engine: CachedEngine, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = plant(project, GOOD.replace("1.0", "0.5"), "listed_nets")
    monkeypatch.setattr(listed, "_serving", True)
    monkeypatch.setenv("KERNEL_DRIFT_MODULES", "listed_nets:other")
    job = engine.request("run", config, "me")
    assert job.error is not None
    assert (job.state, job.error.reason) == ("failed", "limits")
    assert "listed_nets:net is not among the modules that this server runs" in job.error.message
    monkeypatch.setenv("KERNEL_DRIFT_MODULES", "listed_nets:net")
    assert ended(engine, config).state == "finished"
