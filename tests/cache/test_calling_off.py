"""Who may start jobs and end them, and whose."""

import json
import re
import threading
from functools import partial

import numpy as np
import pytest
from lab import ANN, BOB, HEAD, KEY, READER, TOY, audited, keep, people
from toy_jobs import ToyConfig

from cache import CachedEngine, NotAllowed
from cache import job as job_module
from cache.archive import encode
from cache.batches import Order
from cache.computing import Computing
from cache.dispatch import Dispatch
from cache.policy import NOBODY, VARIABLE
from cache.task import Outcome


def test_a_running_job_stops_for_who_deletes_its_result_and_for_all_when_the_administrator_cancels(lab):
    engine = lab()
    for person in (ANN, BOB):
        engine.request("steady", TOY, person)
    engine._live[KEY].started("worker", "")
    engine.ownership.delete(KEY, ANN)
    states = [engine.request("steady", TOY, person).state for person in (ANN, BOB)]
    assert states == ["cancelled", "running"]
    assert people(engine) == [BOB]  # looking again is not asking again
    engine.ownership.cancel(KEY, HEAD)
    assert engine._live[KEY].stopping
    assert engine.request("steady", TOY, BOB).state == "cancelled"


def test_cancelling_ends_what_one_alone_asked_for(lab):
    engine = lab()
    for person in (ANN, BOB):
        engine.request("steady", TOY, person)
    assert engine.recent() == []  # the queue notes what waits
    engine.ownership.cancel(KEY, ANN)
    assert [engine.job(KEY, person).state for person in (ANN, BOB)] == ["cancelled", "queued"]
    engine.ownership.cancel(KEY, BOB)
    engine.call_off(KEY)
    job = engine.job(KEY)
    assert job is not None
    assert (job.state, job.user) == ("cancelled", ANN)


def test_who_keeps_too_much_starts_nothing(lab, store):
    engine = lab(cache_bytes=60_000)
    rest = [ToyConfig(number=number) for number in (2, 3)]
    for config in (TOY, *rest):
        keep(store, config, size=3000)
    engine.request("steady", TOY, ANN)
    assert store.index.bytes_of(ANN) > 24_000
    assert engine.request("steady", ToyConfig(number=9), ANN).state == "queued"
    for config in rest:
        engine.request("steady", config, ANN)
    job = engine.request("steady", ToyConfig(number=10), ANN)
    assert job.error is not None
    assert (job.error.reason, job.state) == ("limits", "failed")
    assert re.fullmatch(r"Your results take 0\.07\d* of 0\.06 MB: delete some on the Runs page\.", job.error.message)
    assert people(engine, job.key) == []
    assert audited(engine)[-1] == (ANN, "refused")
    # What another asks for too is not theirs alone.
    engine.request("steady", TOY, BOB)
    assert engine.request("steady", ToyConfig(number=10), ANN).state == "queued"
    assert store.index.bytes_of(BOB) == 0
    taken = store.index.bytes_by_owner()
    assert taken == {ANN: store.index.bytes_of(ANN), "": taken[""]}
    assert sum(taken.values()) == store.volume()


@pytest.mark.parametrize("who", [READER, NOBODY])
def test_who_may_start_nothing_keeps_nothing_going(lab, who):
    engine = lab()
    engine.request("steady", TOY, ANN)
    engine.batches.start(Order(who, "ask", "toy", "steady", ((TOY,),)), joined=True)
    engine.batches.step()
    assert people(engine) == [ANN]
    engine.cancel(KEY, ANN)
    assert engine._live[KEY].stopping


def test_who_was_taken_off_the_list_starts_nothing_more(store, tmp_path, monkeypatch):
    """Not with the click that comes before the page is drawn again, nor by a batch that goes on without one."""
    file = tmp_path / "policy.toml"
    file.write_text(f'[people]\n"{BOB}" = "member"\n')
    monkeypatch.setenv(VARIABLE, str(file))
    monkeypatch.setattr(Dispatch, "enter", lambda *_: None)
    engine = CachedEngine(store)
    order = Order(BOB, "ask", "toys", "steady", [(ToyConfig(number=number),) for number in range(40)])
    engine.batches.start(order)
    engine.batches.stay(order.key, True)
    file.write_text(f'[people]\n"{ANN}" = "member"\n')
    begun = [*engine._live]
    for live in [*engine._live.values()]:
        engine._settle(live, "cancelled")
    engine.batches.step()
    engine.batches.start(Order(BOB, "ask", "one", "steady", ((ToyConfig(number=50),),)))
    assert {*engine._live} <= {*begun}
    engine.close()


def test_a_run_that_ends_as_it_is_deleted_does_not_come_back(lab, monkeypatch):
    """Its worker was done before it heard of that."""
    engine, begun, go = lab(), threading.Event(), threading.Event()

    def run(*_: object) -> Outcome:
        begun.set()
        assert go.wait(10)
        return Outcome(entries={"result": encode({"x": np.zeros(3)}, f"{KEY}/result")}, seconds=1.0)

    monkeypatch.setattr(Computing, "run", run)
    monkeypatch.setattr(Dispatch, "enter", lambda _, live, limits: engine._start(live))
    engine.request("steady", TOY, ANN)
    assert begun.wait(10)
    followers = [*engine._followers]
    assert engine.ownership.delete(KEY, ANN) is True
    go.set()
    for follower in followers:
        follower.join(10)
    assert engine.lookup("steady", TOY) is None
    assert engine.recent() == []


def test_an_administrator_drains_workers_and_ends_all_of_a_person(lab, store):
    engine = lab()
    engine.request("steady", TOY, ANN)
    for who in (BOB, READER, NOBODY):
        for act in (partial(engine.ownership.cancel_all, ANN), partial(engine.ownership.drain, "w", draining=True)):
            with pytest.raises(NotAllowed, match="Only an administrator"):
                act(viewer=who)
    with pytest.raises(NotAllowed):
        engine.ownership.drain("w", ANN, True)
    assert engine.queue.draining() == set()
    assert not engine.job(KEY).done
    engine.ownership.drain("w", HEAD, True)
    assert engine.queue.draining() == {"w"}
    engine.ownership.cancel_all(ANN, HEAD)
    assert engine.job(KEY).state == "cancelled"
    engine.retry("steady", TOY, ANN)
    engine.ownership.cancel_all(ANN, ANN)
    assert engine.job(KEY).state == "cancelled"
    noted = [json.loads(line) for line in (store.directory / "audit.log").read_text().splitlines()]
    acts = [(line["who"], line["action"]) for line in noted if line["action"] != "refused"]
    assert acts == [(ANN, "request"), (HEAD, "drain"), (HEAD, "cancel all"), (ANN, "request"), (ANN, "cancel all")]
    assert sum(line["action"] == "refused" for line in noted) == 7


def test_who_only_looks_takes_nobodys_error_away(lab):
    engine = lab()
    engine.request("steady", TOY, ANN)
    engine.ownership.cancel(KEY, ANN)
    engine.retry("steady", TOY, READER)
    assert engine.job(KEY).state == "cancelled"


def test_who_leaves_everything_leaves_no_job_of_anothers(lab, monkeypatch):
    """Which would stop it where its page has not looked for half a minute."""
    engine = lab()
    engine.request("steady", TOY, BOB)
    monkeypatch.setattr(job_module, "VIEWER_SECONDS", 0.0)
    engine.ownership.cancel_all(ANN, HEAD)
    assert engine.job(KEY, ANN).state == "queued"
    engine.ownership.cancel_all(BOB, HEAD)
    assert engine.job(KEY, BOB).state == "cancelled"
