"""The queue at work: who waits, who overtakes, and what a lost worker costs those that shared it."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from toy_jobs import ToyConfig

from cache import CachedEngine, Job, Store
from cache.batch import Batch
from cache.dispatch import Dispatch
from cache.job import LiveJob
from cache.policy import Limits, Policy
from cache.queue import Turn
from cache.turns import Place
from cache.worker import Turns
from engine import jobs
from engine.cost import Expected

Make = Callable[..., ToyConfig]
Count = Callable[[], int]


def until(engine: CachedEngine, kind: str, config: ToyConfig, viewer: str, right: Callable[[Job], bool]) -> Job:
    deadline = time.monotonic() + 60
    while not right(job := engine.request(kind, config, viewer)):
        assert time.monotonic() < deadline, job
        time.sleep(0.02)
    return job


def until_noted(engine: CachedEngine, key: str, status: str) -> None:
    """A thread of the queue notes what waits."""
    deadline = time.monotonic() + 20
    while (record := engine.store.index.get(key)) is None or record.status != status:
        assert time.monotonic() < deadline, record
        time.sleep(0.02)


def under_way(batch: Batch) -> None:
    """Steps the batch until its first job has some rows."""
    deadline = time.monotonic() + 60
    while not any(len(job.rows) > 3 for job in batch.flying):
        assert time.monotonic() < deadline
        batch.step()
        time.sleep(0.02)


def test_a_short_job_overtakes_a_batch_which_loses_nothing(engine: CachedEngine, config: Make) -> None:
    long, short = [config(number=i, steps=60, pause=0.05) for i in range(2)], config(number=9, steps=10, pause=0.05)
    batch = Batch(engine, "steady", [[one] for one in long], "sweeper")
    under_way(batch)
    asked = time.monotonic()
    job = engine.wait(until(engine, "steady", short, "me", lambda job: job.state == "running"), 60)
    assert job.state == "finished"
    assert time.monotonic() - asked < 5
    assert [row["step"] for row in job.rows] == list(range(10))
    assert engine.lookup("steady", long[0]) is None
    while not batch.done:
        batch.step()
        time.sleep(0.02)
    for one in long:
        result = batch.results[one.hash]
        np.testing.assert_array_equal(result["squares"], np.arange(60) ** 2 + one.number)
    rows = engine.job(engine.request("steady", long[0], "me").key)
    assert rows is not None
    assert [row["step"] for row in rows.rows] == list(range(60))


def test_who_waits_is_told_their_place(engine: CachedEngine, config: Make) -> None:
    until(engine, "steady", config(number=1, steps=40, pause=0.05), "me", lambda job: job.state == "running")
    waiting = [config(number=i) for i in (2, 3)]
    jobs = [engine.request("steady", one, "me") for one in waiting]
    first = until(engine, "steady", waiting[0], "me", lambda job: bool(job.message))
    assert first.message.startswith("next in the queue, expected to start within ")
    assert until(engine, "steady", waiting[1], "me", lambda job: bool(job.message)).message.startswith("number 2 in")
    assert [engine.wait(job, 60).state for job in jobs] == ["finished", "finished"]


def test_one_of_a_batch_that_is_asked_for_alone_comes_first(engine: CachedEngine, config: Make) -> None:
    cells = [config(number=i, steps=10, pause=0.05) for i in range(6)]
    batch = Batch(engine, "steady", [[one] for one in cells], "me")
    batch.step()
    job = engine.request("steady", cells[-1], "me")
    assert engine.wait(job, 60).state == "finished"
    assert engine.lookup("steady", cells[-2]) is None
    batch.cancel()


def test_a_worker_lost_under_two_costs_neither_that_is_not_to_blame(
    engine: CachedEngine, config: Make, computations: Count
) -> None:
    long = config(number=1, steps=60, pause=0.05)
    batch = Batch(engine, "steady", [[long], [config(number=2)]], "sweeper")
    under_way(batch)
    fatal = engine.request("exits_at_once", config(number=7), "me")
    fatal = engine.wait(fatal, 60)
    assert fatal.error is not None
    assert "was killed" in fatal.error.message
    while not batch.done:
        batch.step()
        time.sleep(0.02)
    assert batch.failures == {}
    assert computations() == 5  # each of the two on the lost worker once more


def test_a_job_that_goes_back_to_the_queue_during_a_look_waits_for_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its former ticket, seen in that look, is of no other server: it began at once, beside one that is to be alone."""
    started: list[LiveJob] = []
    computing = SimpleNamespace(places=lambda: [Place("tls://w", 4, 8e9)], name="")

    def nothing(*_: object) -> None: ...

    steps = nothing, started.append, nothing, nothing
    dispatch = Dispatch(tmp_path, threading.Condition(), computing, *steps)  # pyright: ignore[reportArgumentType]
    dispatch._threads = [threading.current_thread()]  # it looks when it is told to
    live = LiveJob("key", "steady", ToyConfig(), "result", "me")
    dispatch.enter(live, Limits())
    dispatch._turn()
    assert started == [live]
    look = dispatch.queue.turn

    def meanwhile(*given: Any) -> Turn:
        found = look(*given)
        dispatch.leave(live)
        dispatch.enter(live, Limits())
        return found

    with monkeypatch.context() as patch:
        patch.setattr(dispatch.queue, "turn", meanwhile)
        dispatch._turn()
    assert started == [live]
    dispatch._turn()
    assert started == [live, live]
    dispatch.queue.close()


def test_a_job_that_waits_is_offered_after_a_restart(engine: CachedEngine, config: Make) -> None:
    until(engine, "steady", config(number=1, steps=40, pause=0.05), "me", lambda job: job.state == "running")
    waiting = engine.request("steady", config(number=2), "me")
    until_noted(engine, waiting.key, "unfinished")
    engine.cancel(waiting.key, "me")
    until_noted(engine, waiting.key, "cancelled")


def test_a_job_that_is_asked_for_while_the_server_closes_is_offered_too(store: Store, config: Make) -> None:
    """Closing takes seconds where the machine has much to do, and pages go on asking."""
    engine = CachedEngine(store)
    engine._dispatch.close()
    key = engine.request("steady", config(), "me").key
    engine.close()
    with closing(Store(store.directory)) as again:
        record = again.index.get(key)
        assert record is not None
        assert record.status == "unfinished"


def test_what_is_cancelled_while_it_is_noted_is_not_offered_as_unfinished(
    engine: CachedEngine, config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    until(engine, "steady", config(number=1, steps=40, pause=0.05), "me", lambda job: job.state == "running")
    noted, add = threading.Event(), engine.store.index.add

    def slow(key: str, *rest: Any) -> Any:
        engine.cancel(key, "me")
        record = add(key, *rest)
        noted.set()
        return record

    monkeypatch.setattr(engine.store.index, "add", slow)
    waiting = engine.request("steady", config(number=2), "me")
    assert noted.wait(30)
    until_noted(engine, waiting.key, "cancelled")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def computed(turns: Turns, clock: Clock, left: dict[str, float], until: float) -> dict[str, float]:
    """When each task ends that needs so many more seconds, if those whose turn it is not stand still."""
    ended = {}
    while clock.now < until and left:
        running = [task for task in left if turns.mine(task)]
        assert len(running) == 1
        clock.now += 0.1
        left[running[0]] -= 0.1
        if left[running[0]] <= 0:
            del left[running[0]]
            turns.leave(running[0])
            ended[running[0]] = clock.now
    return ended


def test_on_one_worker_the_short_come_first_and_the_long_take_turns() -> None:
    clock = Clock()
    turns = Turns(10.0, clock)
    turns.enter("long")
    left = {"long": 100.0}
    computed(turns, clock, left, 20.0)
    turns.enter("short")
    turns.enter("longer")
    ended = computed(turns, clock, left | {"short": 4.0, "longer": 200.0}, 400.0)
    assert ended["short"] == pytest.approx(24.0, abs=0.2)
    assert 24 + 80 < ended["long"] < 24 + 80 + 100
    assert ended["longer"] == pytest.approx(304.0, abs=2.0)


def test_a_job_that_never_reports_keeps_no_other_waiting_for_long() -> None:
    clock = Clock()
    turns = Turns(10.0, clock)
    turns.enter("deaf")
    turns.enter("other")
    assert not turns.mine("other")
    clock.now = 10.5
    assert turns.mine("other")


@pytest.fixture
def lab(engine: CachedEngine, monkeypatch: pytest.MonkeyPatch) -> CachedEngine:
    rules = Policy.from_dict(
        {
            "people": {"guest@lab": "reader", "ann@lab": "member"},
            "roles": {"member": {"waiting": 2, "running": 1, "job_seconds": 30.0}},
        }
    )
    monkeypatch.setattr(engine, "policy", rules)
    return engine


def refused(job: Job) -> str:
    assert job.state == "failed"
    assert job.error is not None
    return job.error.message


def test_a_reader_and_who_is_not_on_the_list_start_nothing(lab: CachedEngine, config: Make) -> None:
    for viewer in ("guest@lab", "stranger@lab"):
        assert refused(lab.request("steady", config(), viewer)).startswith("You may look at results here")
    assert lab.wait(lab.request("steady", config(), "ann@lab"), 60).state == "finished"
    assert lab.request("steady", config(), "guest@lab").state == "finished"


def test_a_job_beyond_the_limit_says_how_large_it_is(
    lab: CachedEngine, config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "expected", lambda kind, config: Expected(7200.0))
    assert refused(lab.request("steady", config(), "ann@lab")).startswith("About 2 h of computing, and you may ask for")


def test_what_nobody_knows_the_cost_of_ends_with_what_its_person_may_ask_for(
    lab: CachedEngine, config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a network of one's own: no estimate refuses it."""
    rules = {"people": {"ann@lab": "member"}, "roles": {"member": {"job_seconds": 1.0}}}
    monkeypatch.setattr(lab, "policy", Policy.from_dict(rules))
    monkeypatch.setattr(jobs, "expected", lambda kind, config: Expected(0.1, 1e6, known=False))
    endless = config(steps=600, pause=0.05)
    job = until(lab, "steady", endless, "ann@lab", lambda job: job.done)  # as a page that goes on asking
    assert job.error is not None
    assert (job.state, job.error.reason) == ("failed", "limits")
    assert "as long as you may ask for at once" in job.error.message
    assert lab.request("steady", endless, "ann@lab").state == "failed"
    monkeypatch.setattr(jobs, "expected", lambda kind, config: Expected(0.1, 1e6))
    known = config(number=2, steps=60, pause=0.05)  # three times its limit, by a wrong estimate
    assert lab.wait(lab.request("steady", known, "ann@lab"), 60).state == "finished"


def test_too_many_that_wait_are_refused_one_by_one_and_a_batch_waits(lab: CachedEngine, config: Make) -> None:
    asked = [lab.request("steady", config(number=i, steps=20, pause=0.05), "ann@lab") for i in range(4)]
    assert "2 jobs of yours wait already" in refused(asked[3] if asked[2].state == "queued" else asked[2])
    batch = Batch(lab, "steady", [[config(number=10 + i)] for i in range(6)], "ann@lab")
    while not batch.done:
        batch.step()
        time.sleep(0.02)
    assert len(batch.results) == 6
    assert batch.failures == {}


def test_a_job_that_never_reports_is_charged_too() -> None:
    clock = Clock()
    turns = Turns(10.0, clock)
    turns.enter("quiet")
    clock.now = 3.0
    assert turns.leave("quiet") == 3.0


def test_who_asks_for_many_at_once_does_not_hold_up_the_entrance(
    engine: CachedEngine, config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter = engine.queue.enter
    monkeypatch.setattr(engine.queue, "enter", lambda ticket: time.sleep(0.02) or enter(ticket))
    for number in range(300):  # six seconds
        engine.request("steady", config(number=number, pause=0.05), "greedy")
    began = time.monotonic()
    engine.wait(engine.request("steady", config(number=1000), "me"), 60)
    took = time.monotonic() - began
    engine.call_off_all("greedy")  # or the tests that follow would share a minute of it
    assert took < 4


def test_what_is_asked_for_is_noted_while_the_compute_processes_start(
    engine: CachedEngine, config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is killed meanwhile offers it again."""
    go_on, places = threading.Event(), engine._computing.places
    monkeypatch.setattr(engine._computing, "places", lambda: go_on.wait(30) and places())
    engine.request("steady", config(number=1), "me")
    time.sleep(0.5)
    job = engine.request("steady", config(number=2), "me")
    until_noted(engine, job.key, "unfinished")
    go_on.set()
    assert engine.wait(job, 30).state == "finished"
