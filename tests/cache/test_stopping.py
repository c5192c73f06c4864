import time
from collections.abc import Callable

import pytest
from toy_jobs import ToyConfig

from cache import CachedEngine, Job
from cache import job as job_module
from engine import jobs

Make = Callable[..., ToyConfig]
Count = Callable[[], int]


def running(engine: CachedEngine, kind: str, config: ToyConfig, viewer: str = "me") -> Job:
    """The job once it runs."""
    deadline = time.monotonic() + 60
    while (job := engine.request(kind, config, viewer)).state == "queued" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert job.state == "running"
    return job


def ended(engine: CachedEngine, job: Job, within: float) -> Job:
    job = engine.wait(job, within)
    assert job.done
    return job


def test_cooperative_soon(engine: CachedEngine, config: Make) -> None:
    """Within a second where nothing else runs; it would take 30 s of its own."""
    toy = config(steps=3000, pause=0.01)
    job = running(engine, "steady", toy)
    time.sleep(0.3)
    engine.cancel(job.key, "me")
    assert ended(engine, job, 8.0).state == "cancelled"
    assert engine.request("steady", toy, "me").state == "cancelled"  # a page that polls does not start it again
    assert engine.lookup("steady", toy) is None
    # For somebody else it is a new wish, and so it is for me when I say so.
    assert engine.request("steady", toy, "you").state == "queued"
    engine.cancel(job.key, "you")
    assert engine.retry("steady", toy, "me").state in ("queued", "running")
    engine.cancel(job.key, "me")
    ended(engine, job, 8.0)


def test_goes_on_for_the_other_viewer(engine: CachedEngine, config: Make, computations: Count) -> None:
    toy = config(steps=20, pause=0.05)
    job = running(engine, "steady", toy, "me")
    engine.request("steady", toy, "you")
    left = engine.cancel(job.key, "me")
    assert left is not None
    assert left.state == "cancelled"
    assert engine.request("steady", toy, "me").state == "cancelled"
    assert engine.request("steady", toy, "you").state == "running"
    assert engine.retry("steady", toy, "me").state == "running"  # back again
    assert ended(engine, job, 60).state == "finished"
    assert computations() == 1


def test_a_viewer_who_went_silent_does_not_keep_it_going(
    engine: CachedEngine, config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "VIEWER_SECONDS", 0.2)
    toy = config(steps=1000, pause=0.01)
    job = running(engine, "steady", toy, "tab that was closed")
    time.sleep(0.3)
    engine.request("steady", toy, "me")
    engine.cancel(job.key, "me")
    assert ended(engine, job, 2.0).state == "cancelled"


def test_a_queued_job_is_cancelled_at_once_and_never_runs(
    engine: CachedEngine, config: Make, computations: Count
) -> None:
    first = running(engine, "steady", config(number=1, steps=20, pause=0.05))
    waiting = engine.request("steady", config(number=2), "me")
    assert engine.job(waiting.key).state == "queued"  # type: ignore[union-attr]
    engine.cancel(waiting.key, "me")
    assert engine.job(waiting.key).state == "cancelled"  # type: ignore[union-attr]
    assert ended(engine, first, 60).state == "finished"
    assert ended(engine, engine.request("steady", config(number=3), "me"), 60).state == "finished"
    assert computations() == 2


def test_by_force_when_it_does_not_listen_and_the_next_job_runs(engine: CachedEngine, config: Make) -> None:
    job = running(engine, "deaf", config())
    waiting = engine.request("steady", config(), "me")  # its turn comes on the restarted worker
    time.sleep(0.2)
    start = time.monotonic()
    engine.cancel(job.key, "me")
    assert ended(engine, job, 5.0).state == "cancelled"
    assert time.monotonic() - start > 2
    assert ended(engine, waiting, 60).state == "finished"


def test_cancelling_what_is_over_or_unknown_changes_nothing(engine: CachedEngine, config: Make) -> None:
    assert engine.cancel(jobs.key("steady", config()), "me") is None
    job = engine.request("steady", config(), "me")
    ended(engine, job, 60)
    assert engine.cancel(job.key, "me").state == "finished"  # type: ignore[union-attr]
