import time
from collections.abc import Callable

import pytest
from toy_jobs import ToyConfig

from cache import CachedEngine, Job
from cache import job as job_module
from cache.batch import Batch
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
    toy = config(steps=40, pause=0.05)
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
    assert ended(engine, job, 8.0).state == "cancelled"


def test_a_batch_that_is_looked_at_keeps_what_others_give_up(
    engine: CachedEngine, config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "VIEWER_SECONDS", 0.2)
    toy = config(steps=300, pause=0.01)
    job = running(engine, "steady", toy)
    batches = [Batch(engine, "steady", [[toy]], viewer) for viewer in ("me", "you")]
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        for batch in batches:
            batch.step()
        time.sleep(0.02)
    mine, yours = batches
    yours.cancel()
    mine.step()
    assert [(one.state, one.message == "stopping") for one in mine.flying] == [("running", False)]
    assert ended(engine, job, 20).state == "finished"
    mine.step()
    assert mine.done
    assert mine.computed == {0}


def test_a_batch_tries_again_what_its_viewer_had_cancelled(engine: CachedEngine, config: Make) -> None:
    toy = config(steps=30, pause=0.01)
    job = running(engine, "steady", toy)
    engine.cancel(job.key, "me")
    assert ended(engine, job, 8.0).state == "cancelled"
    batch = Batch(engine, "steady", [[toy]], "me", tries=1)
    batch.step()
    assert [one.state for one in batch.flying] == ["queued"]
    assert ended(engine, job, 10).state == "finished"
    batch.step()
    assert (batch.done, len(batch.results), batch.failures) == (True, 1, {})


def test_a_batch_says_why_it_was_refused(engine: CachedEngine, config: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(engine.store), "full", property(lambda store: True))
    batch = Batch(engine, "steady", [[config()]], "me")
    batch.step()
    assert batch.done
    assert batch.failures[0].startswith("No new run is begun")


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
    while job.message != "not listening":  # until then it could still be told to wait, or to stop
        job = engine.request("deaf", job.config, "me")
        time.sleep(0.02)
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
