"""Who asked for which result, and what they may do with it."""

import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from toy_jobs import ToyConfig

from cache import CachedEngine, CacheFault, NotAllowed, Store
from cache import job as job_module
from cache.archive import encode
from cache.batches import Order
from cache.claims import UNREADABLE, Claim
from cache.computing import Computing
from cache.dispatch import Dispatch
from cache.job import run_key
from cache.ownership import title
from cache.policy import NOBODY, VARIABLE, Policy
from cache.task import Outcome
from engine.jobs import key_of

ANN, BOB, EVE, HEAD, READER = (f"{name}@lab.example" for name in ("ann", "bob", "eve", "head", "reader"))
COOKIE = "Zm9ydHktdHdvLWNvb2tpZXM"
RULES = {"domains": {"lab.example": "member"}, "people": {HEAD: "admin", READER: "reader"}}
TOY = ToyConfig(number=1)
KEY = key_of("steady", TOY.canonical(), 1)


@pytest.fixture
def lab(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., CachedEngine]]:
    """Engines that begin nothing, on a server where people sign in."""
    made = []

    def make(**limits: float) -> CachedEngine:
        rules = Policy.from_dict({**RULES, "roles": {"member": limits}})
        made.append(CachedEngine(store, rules=rules))
        return made[-1]

    monkeypatch.setattr(Dispatch, "enter", lambda *_: None)
    yield make
    for engine in made:
        engine.close()


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


def test_asking_is_owning_and_the_result_goes_with_the_last_claim(lab, store):
    engine = lab()
    keep(store)
    for person in (ANN, BOB, ANN):
        assert engine.request("steady", TOY, person).state == "finished"
    assert people(engine) == [ANN, BOB]
    assert engine.ownership.delete(KEY, ANN) is False
    assert people(engine) == [BOB]
    assert engine.lookup("steady", TOY) is not None
    assert engine.ownership.delete(KEY, BOB) is True
    assert engine.lookup("steady", TOY) is None
    assert engine.recent() == []
    assert not [*store.directory.rglob(f"*{KEY}*")]
    assert audited(engine) == [(ANN, "request"), (BOB, "request"), (ANN, "delete"), (BOB, "delete")]


@pytest.mark.parametrize("who", [EVE, READER, "stranger@other.example", COOKIE])
def test_who_did_not_ask_changes_nothing(lab, store, who):
    engine = lab()
    keep(store)
    engine.request("steady", TOY, ANN)
    acts = [engine.ownership.delete, engine.ownership.pin, engine.ownership.unpin, engine.ownership.cancel]
    for act in (*acts, lambda key, person: engine.ownership.rename(key, person, "mine")):
        with pytest.raises(NotAllowed, match="Only who asked for it, or an administrator, may do that"):
            act(KEY, who)
    (run,) = engine.recent()
    assert (run.stored, run.pinned, [claim.name for claim in run.claims]) == (True, False, [""])
    assert [action for _, action in audited(engine)] == ["request"] + ["refused"] * 5
    assert COOKIE not in (store.directory / "audit.log").read_text()


def test_a_reader_looks_on_and_a_pin_of_nobody_stays(lab, store):
    engine = lab()
    store.pin(keep(store))
    for person in (ANN, BOB, READER):
        engine.request("steady", TOY, person)
    assert people(engine) == [ANN, BOB]
    engine.ownership.delete(KEY, ANN)
    assert store.pinned(KEY)


def test_what_nobody_asked_for_is_the_administrators(lab, store):
    engine = lab()
    keep(store)
    with pytest.raises(NotAllowed):
        engine.ownership.delete(KEY, ANN)
    assert engine.ownership.delete(KEY, HEAD) is True
    assert not store.has(KEY)


def test_an_administrator_deletes_for_everyone_only_if_told_so(lab, store):
    engine = lab()
    keep(store)
    engine.request("steady", TOY, ANN)
    engine.request("steady", TOY, BOB)
    with pytest.raises(NotAllowed, match="only an administrator may delete it for them"):
        engine.ownership.delete(KEY, ANN, everyone=True)
    with pytest.raises(NotAllowed, match="You did not ask for it"):
        engine.ownership.delete(KEY, HEAD)
    assert people(engine) == [ANN, BOB]
    assert engine.ownership.delete(KEY, HEAD, everyone=True) is True
    assert not store.has(KEY)


def test_a_pin_is_not_undone_by_another(lab, store):
    engine = lab()
    keep(store)
    for person in (ANN, BOB):
        engine.request("steady", TOY, person)
        engine.ownership.pin(KEY, person)
    engine.ownership.unpin(KEY, ANN)
    assert store.pinned(KEY)
    engine.ownership.unpin(KEY, BOB)
    assert not store.pinned(KEY)
    engine.ownership.pin(KEY, BOB)
    engine.ownership.delete(KEY, BOB)
    assert not store.pinned(KEY)
    engine.ownership.pin(KEY, ANN)
    engine.ownership.unpin(KEY, HEAD)
    assert not store.pinned(KEY)
    engine.ownership.pin(KEY, ANN)
    engine.ownership.delete(KEY, ANN)
    assert not store.pinned(KEY)


def test_a_title_is_ones_own_and_others_see_it_who_gave_none(lab, store):
    engine = lab()
    keep(store)
    engine.request("steady", TOY, ANN)
    engine.request("steady", TOY, BOB)
    engine.ownership.rename(KEY, BOB, "  the\nwide one ")
    (run,) = engine.recent()
    assert [title(run.claims, who) for who in (ANN, BOB, EVE)] == ["the wide one"] * 3
    engine.ownership.rename(KEY, ANN, "first try")
    (run,) = engine.recent()
    assert [title(run.claims, who) for who in (ANN, BOB)] == ["first try", "the wide one"]
    engine.ownership.rename(KEY, HEAD, "")
    assert {claim.name for claim in store.claims.of(KEY)} == {""}
    with pytest.raises(NotAllowed, match="at most 80 letters, not 81"):
        engine.ownership.rename(KEY, ANN, "x" * 81)


def test_without_sign_in_everybody_owns_everything_and_no_cookie_is_kept(store, monkeypatch):
    monkeypatch.setattr(Dispatch, "enter", lambda *_: None)
    keep(store)
    engine = CachedEngine(store)
    engine.request("steady", TOY, COOKIE)
    engine.ownership.pin(KEY, "another-browser-altogether")
    engine.request("steady", ToyConfig(number=2), COOKIE)
    assert people(engine) == [""]
    for path in store.directory.rglob("*"):
        if path.is_file() and path.suffix in (".claim", ".json", ".log"):
            assert COOKIE.encode() not in path.read_bytes(), path
    assert engine.ownership.delete(KEY, "a-third-browser-that-came") is True
    engine.close()


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
    assert store.index.taken_by(ANN) > 24_000
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
    assert store.index.taken_by(BOB) == 0
    taken = store.index.taken()
    assert taken == {ANN: store.index.taken_by(ANN), "": taken[""]}
    assert sum(taken.values()) == store.volume()


def test_a_lost_table_is_made_again_with_whose_is_what(lab, store):
    engine = lab()
    keep(store)
    engine.request("steady", TOY, ANN)
    taken = store.index.taken_by(ANN)
    store.close()
    for path in store.directory.glob("index-2.db*"):
        path.unlink()
    again = Store(store.directory)
    assert again.index.taken_by(ANN) == taken > 0
    again.close()


def test_a_claim_that_cannot_be_read_is_somebodys(lab, store):
    engine = lab()
    keep(store)
    engine.request("steady", TOY, ANN)
    engine.request("steady", TOY, BOB)
    (file, *_) = (path for path in store.directory.rglob("*.claim") if b"bob" in path.read_bytes())
    file.write_bytes(b"\0\0 cut")
    assert people(engine) == [UNREADABLE, ANN]
    assert engine.ownership.delete(KEY, ANN) is False
    assert store.has(KEY)
    assert file.read_bytes() == b"\0\0 cut"
    assert engine.ownership.delete(KEY, HEAD, everyone=True) is True


def test_a_full_disk_loses_no_claim_and_a_pin_says_so(lab, store, monkeypatch):
    engine = lab()
    keep(store)

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(store._folders, "write_claim", full)
        assert engine.request("steady", TOY, ANN).state == "finished"
        assert engine.request("steady", TOY, ANN).state == "finished"
        assert people(engine) == [ANN]
        assert "the disk is full" in store.fault
        with pytest.raises(CacheFault, match="the disk is full"):
            engine.ownership.pin(KEY, ANN)
    store.flush()
    assert store.fault == ""
    assert [*store.directory.rglob("*.claim")]
    assert store.index.taken_by(ANN) > 0


def test_eviction_takes_the_claims_of_what_is_gone_altogether(tmp_path: Path):
    small = Store(tmp_path / "cache", size_limit=3_000)
    keys = [keep(small, ToyConfig(number=number), size=100) for number in range(6)]
    for key in keys:
        small.claims.add(key, ANN)
    key = keys[-1]
    small.put(key, {"result": encode({"x": np.zeros(300)}, f"{key}/result")}, small.index.get(key))
    small.close()
    runs = {path.parent for path in small.directory.rglob("*.claim")}
    assert runs == {path.parent for path in small.directory.rglob("run.json")}


def test_claims_survive_and_come_in_the_order_of_asking(store):
    store.claims.put(KEY, Claim(BOB, 2.0, "later", pinned=True))
    store.claims.put(KEY, Claim(ANN, 1.0))
    again = Store(store.directory)
    assert again.claims.of(KEY) == (Claim(ANN, 1.0), Claim(BOB, 2.0, "later", pinned=True))
    assert again.claims.of("never") == ()
    again.close()


@pytest.mark.parametrize("who", [READER, NOBODY])
def test_who_may_start_nothing_keeps_nothing_going(lab, who):
    engine = lab()
    engine.request("steady", TOY, ANN)
    engine.batches.start(Order(who, "ask", "toy", "steady", ((TOY,),)), joined=True)
    engine.batches.step()
    assert people(engine) == [ANN]
    engine.cancel(KEY, ANN)
    assert engine._live[KEY].stopping


def test_who_became_a_reader_changes_nothing_any_more(lab, store):
    engine = lab()
    store.claims.add(keep(store), READER)
    does = engine.ownership
    for act in (does.delete, does.pin, does.unpin, does.cancel, lambda key, who: does.rename(key, who, "mine")):
        with pytest.raises(NotAllowed, match="You may look at results here, and change none"):
            act(KEY, READER)
    assert store.has(KEY)
    assert store.claims.of(KEY)[0].name == ""
    assert does.delete(KEY, HEAD, everyone=True) is True


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
