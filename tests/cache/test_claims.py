"""Who asked for which result, and what they may do with it."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lab import ANN, BOB, EVE, HEAD, KEY, READER, TOY, audited, keep, people
from toy_jobs import ToyConfig

from cache import CachedEngine, CacheFault, NotAllowed, Store
from cache.archive import encode
from cache.claims import UNREADABLE, Claim
from cache.dispatch import Dispatch
from cache.ownership import title

COOKIE = "Zm9ydHktdHdvLWNvb2tpZXM"


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


def acts(engine: CachedEngine) -> list[Callable[[str, str], object]]:
    """All that changes a result, by key and person."""
    own = engine.ownership
    words = (
        lambda key, who: own.rename(key, who, "mine"),
        lambda key, who: own.tag(key, who, ["mine"]),
        lambda key, who: own.note(key, who, "mine"),
    )
    return [own.delete, own.pin, own.unpin, own.cancel, *words]


@pytest.mark.parametrize("who", [EVE, READER, "stranger@other.example", COOKIE])
def test_who_did_not_ask_changes_nothing(lab, store, who):
    engine = lab()
    keep(store)
    engine.request("steady", TOY, ANN)
    before = store.claims.of(KEY)
    for act in acts(engine):
        with pytest.raises(NotAllowed, match="Only who asked for it, or an administrator, may do that"):
            act(KEY, who)
    (run,) = engine.recent()
    assert (run.stored, run.pinned, run.claims) == (True, False, before)
    assert [action for _, action in audited(engine)] == ["request"] + ["refused"] * len(acts(engine))
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


def test_a_lost_table_is_made_again_with_whose_is_what(lab, store):
    engine = lab()
    keep(store)
    engine.request("steady", TOY, ANN)
    taken = store.index.bytes_of(ANN)
    store.close()
    for path in store.directory.glob("index-2.db*"):
        path.unlink()
    again = Store(store.directory)
    assert again.index.bytes_of(ANN) == taken > 0
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
    assert store.index.bytes_of(ANN) > 0


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


def test_who_became_a_reader_changes_nothing_any_more(lab, store):
    engine = lab()
    store.claims.add(keep(store), READER)
    before = store.claims.of(KEY)
    for act in acts(engine):
        with pytest.raises(NotAllowed, match="You may look at results here, and change none"):
            act(KEY, READER)
    assert store.has(KEY)
    assert store.claims.of(KEY) == before
    assert engine.ownership.delete(KEY, HEAD, everyone=True) is True


# Recordings, which no one asks for: their loop left them here.


def test_a_recording_is_theirs_who_claim_it(store, lab) -> None:
    own, key = lab().ownership, "ab" * 32
    store.index.add(key, "recording", TOY)
    store.pin(key)
    with pytest.raises(NotAllowed, match="Only who asked for it, or an administrator"):
        own.delete(key, ANN)
    own.claim(key, ANN)
    own.claim(key, BOB)
    own.claim(key, ANN)
    assert sorted((claim.person, claim.pinned) for claim in store.claims.of(key)) == [(ANN, True), (BOB, True)]
    own.rename(key, ANN, "my loop")
    assert not own.delete(key, ANN)
    assert [claim.person for claim in store.claims.of(key)] == [BOB]


def test_a_recording_outlives_the_claims_on_it(store, lab) -> None:
    """Who claims one has not shown that it was theirs, and nothing computes it again."""
    own, key = lab().ownership, "ab" * 32
    store.index.add(key, "recording", TOY)
    store.pin(key)
    own.claim(key, ANN)
    own.unpin(key, ANN)
    assert store.pinned(key)
    assert not own.delete(key, ANN)
    own.claim(key, BOB)
    assert not own.delete(key, BOB)
    assert not store.claims.of(key)
    assert store.pinned(key)
    assert store.index.get(key) is not None
    assert own.delete(key, HEAD)
    assert store.index.get(key) is None


def test_a_recording_that_was_brought_in_as_theirs_is_theirs_to_delete(store, lab) -> None:
    own, key = lab().ownership, "ab" * 32
    store.index.add(key, "recording", TOY)
    store.pin(key)
    store.claims.put(key, Claim(ANN, pinned=True, brought=True))
    own.claim(key, BOB)
    assert not own.delete(key, BOB)
    own.claim(key, ANN)
    assert own.delete(key, ANN)
    assert store.index.get(key) is None


def test_a_reader_claims_none_and_nobody_claims_a_run(store, lab) -> None:
    own = lab().ownership
    store.index.add("ab" * 32, "recording", TOY)
    store.index.add(KEY, "steady", TOY)
    for key, person in (("ab" * 32, READER), (KEY, ANN), ("cd" * 32, ANN)):
        with pytest.raises(NotAllowed, match="Only a recording is claimed"):
            own.claim(key, person)
    assert not store.claims.of("ab" * 32)
