"""The long list of runs: searched, tagged, noted, with metrics and maps; from the table alone, and made again from the
folders."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
import pytest
from toy_jobs import ToyConfig

from benchmarks.storage import crowd
from cache import CachedEngine, NotAllowed, Store, cached_compute, maps, result_metrics
from cache.archive import encode
from cache.listing import RunFilter
from cache.maps import Whole
from cache.ownership import LONGEST_NOTE, MOST_TAGS, note, tags
from cache.policy import Policy
from cache.run_folders import RunFolders
from engine import jobs, metrics

ANN, BOB, HEAD = (f"{name}@lab.example" for name in ("ann", "bob", "head"))
RULES = Policy.from_dict({"domains": {"lab.example": "member"}, "people": {HEAD: "admin"}})
EVERY = RunFilter()
MADE_LATER = ("metrics", "parts", "link")
"""Fields that records of before do not have."""


@pytest.fixture
def engine(store: Store) -> Iterator[CachedEngine]:
    """On a server where people sign in, without processes."""
    made = CachedEngine(store, rules=RULES)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A toy has one number."""

    def of(kind: str, arrays: dict) -> dict[str, float]:
        return {"loss": float(arrays["x"][0])}

    monkeypatch.setitem(metrics.METRICS, "steady", ("nothing", dict))
    monkeypatch.setattr("cache.result_metrics.measured", of)


def keep(store: Store, number: int, *people: str, **changes: object) -> str:
    """A result as it was kept before there were metrics, unless they are given."""
    config = ToyConfig(number=number)
    key = jobs.key("steady", config)
    record = store.index.add(key, "steady", config, created=float(number))
    store.put(key, {"result": encode({"x": np.full(3, number / 2)}, f"{key}/result")}, record)
    for person in people:
        store.claims.add(key, person)
    store.index.settle(key, "finished", entries=("result",), **changes)
    return key


def numbered(runs) -> list[int]:
    return [run.values["number"] for run in runs]


def made_again(store: Store) -> Store:
    """The same folders under an index that was lost."""
    store.close()
    for file in store.directory.glob("index*"):
        file.unlink()
    return Store(store.directory, store.size_limit)


def test_a_search_looks_through_settings_names_tags_and_people(engine, store):
    keys = [keep(store, number, ANN if number % 2 else BOB) for number in range(6)]
    engine.ownership.rename(keys[3], ANN, "The wide one")
    engine.ownership.tag(keys[1], ANN, ["paper", "100%_sure"])
    engine.ownership.note(keys[1], ANN, "drifts a lot")
    engine.ownership.pin(keys[4], BOB)

    def found(**which) -> list[int]:
        listed = engine.listed(RunFilter(**which), 100)
        assert store.index.how_many(RunFilter(**which)) == len(listed)
        return numbered(listed)

    assert found() == [5, 4, 3, 2, 1, 0]
    assert found(text="number=4") == [4]
    assert found(text="WIDE the") == [3]
    assert found(text="100%_") == [1]
    assert found(text="100_") == []
    assert found(text="lot") == [1]
    assert found(tags=("paper",)) == [1]
    assert found(tags=("pap",)) == []
    assert found(tags=("paper", "other")) == []
    assert found(person=ANN) == [5, 3, 1]
    assert found(person="ann") == []
    assert found(kept=True) == [4]
    assert found(kinds=("steady",), person=BOB, text="number=2") == [2]
    assert found(kinds=("deaf",)) == []
    assert numbered(engine.listed(EVERY, 2, 3)) == [2, 1]


def test_tags_and_notes_are_the_persons_and_outlive_the_index(engine, store):
    key = keep(store, 1, ANN, BOB)
    engine.ownership.tag(key, ANN, ["#wide  net", "paper", " "])
    engine.ownership.tag(key, BOB, ["old"])
    engine.ownership.tag(key, ANN, ["new"], ["paper"])
    engine.ownership.note(key, ANN, "  first\nsecond\x00 \n")
    (run,) = engine.listed(EVERY, 10)
    assert tags(run.claims) == ["new", "old", "wide-net"]
    assert note(run.claims, ANN) == note(run.claims, BOB) == "first\nsecond"
    again = made_again(store)
    assert [line.claims for line in again.index.listed(EVERY, 10)] == [run.claims]
    assert [line.record.key for line in again.index.listed(RunFilter(text="second"), 10)] == [key]
    again.close()


def test_only_who_asked_tags_and_notes_and_not_without_end(engine, store):
    key = keep(store, 1, ANN)
    for act in (lambda: engine.ownership.tag(key, BOB, ["x"]), lambda: engine.ownership.note(key, BOB, "x")):
        with pytest.raises(NotAllowed, match="Only who asked for it"):
            act()
    with pytest.raises(NotAllowed, match="at most 40 letters, not 41"):
        engine.ownership.tag(key, ANN, ["x" * 41])
    with pytest.raises(NotAllowed, match=f"at most {MOST_TAGS} tags, not {MOST_TAGS + 1}"):
        engine.ownership.tag(key, ANN, [str(number) for number in range(MOST_TAGS + 1)])
    with pytest.raises(NotAllowed, match="at most 2,000 letters, not 2,001"):
        engine.ownership.note(key, ANN, "x" * (LONGEST_NOTE + 1))
    (run,) = engine.listed(EVERY, 10)
    assert (tags(run.claims), note(run.claims, ANN)) == ([], "")
    engine.ownership.tag(key, HEAD, ["seen"])
    engine.ownership.note(key, HEAD, "by the head")
    (claim,) = store.claims.of(key)
    assert (claim.person, claim.tags, claim.note) == (ANN, ("seen",), "by the head")


def test_results_of_before_are_measured_once_and_the_record_keeps_it(store):
    keys = [keep(store, number) for number in range(3)]
    keep(store, 3, metrics={"loss": 7.0})
    used = {key: store._folders.used(key, "result") for key in keys}
    assert [line.record.metrics for line in store.index.listed(EVERY, 10)] == [{"loss": 7.0}, None, None, None]
    assert result_metrics.fill(store) == 3
    assert result_metrics.fill(store) == 0
    assert {key: store._folders.used(key, "result") for key in keys} == used, "reading them is no use of them"
    again = made_again(store)
    found = {line.record.values["number"]: line.record.metrics for line in again.index.listed(EVERY, 10)}
    assert found == {0: {"loss": 0.0}, 1: {"loss": 0.5}, 2: {"loss": 1.0}, 3: {"loss": 7.0}}
    assert result_metrics.fill(again) == 0
    again.close()


def test_what_is_computed_here_is_measured_when_it_is_kept(store, monkeypatch):
    monkeypatch.setattr("cache.result_metrics.measured", lambda kind, arrays: {"loss": float(arrays["squares"][1])})
    cached_compute(store, "steady", ToyConfig(number=4))
    (line,) = store.index.listed(EVERY, 10)
    assert line.record.metrics == {"loss": 5.0}
    assert line.size > 0


def test_a_long_list_opens_no_folder(store, monkeypatch):
    keys = [keep(store, number, ANN) for number in range(5)]

    def opened(*_: object) -> None:
        raise AssertionError("a folder was opened")

    for name in ("record", "claims", "read", "contents"):
        monkeypatch.setattr(RunFolders, name, opened)
    assert [line.record.key for line in store.index.listed(EVERY, 10)] == keys[::-1]


def test_long_texts_of_a_config_stay_in_its_folder(store):
    config = ToyConfig(trace="x" * 100_000)
    key = jobs.key("steady", config)
    store.index.add(key, "steady", config)
    (line,) = store.index.listed(EVERY, 10)
    assert len(line.record.values["trace"]) == 201
    assert store.index.get(key).values["trace"] == config.trace


def test_a_list_survives_a_lost_table_and_a_disk_that_takes_nothing(store, monkeypatch):
    keep(store, 1)

    def broken(*_: object) -> None:
        raise OSError(5, "no")

    with monkeypatch.context() as patch:
        patch.setattr(store._table, "select", broken)
        assert [line.record.values["number"] for line in store.index.listed(EVERY, 10)] == [1]
        assert store.index.how_many(EVERY) == 1
    monkeypatch.setattr(store._folders, "write_record", broken)
    store.index.add("new", "steady", ToyConfig(number=9))
    assert [line.record.values["number"] for line in store.index.listed(EVERY, 10)] == [9, 1]


def a_map(monkeypatch, *cells: int) -> Whole:
    monkeypatch.setitem(jobs.WHOLES, "sweep", "steady")
    return Whole("sweep", ToyConfig(number=sum(cells), steps=99), [(ToyConfig(number=cell),) for cell in cells])


def test_a_map_is_one_line_as_far_as_its_cells_are(engine, store, monkeypatch):
    monkeypatch.setitem(metrics.METRICS, "sweep", ("nothing", dict))
    key = maps.note(engine, a_map(monkeypatch, 1, 2, 3), ANN, "/regimes?x=1")

    def line():
        (run,) = engine.listed(RunFilter(kinds=("sweep",)), 10)
        return run

    assert (line().state, line().fraction, line().stored, line().link) == ("unfinished", 0.0, False, "/regimes?x=1")
    keep(store, 1)
    keep(store, 2)
    keep(store, 8)
    result_metrics.fill(store)
    assert (line().state, line().fraction, line().metrics) == ("unfinished", 2 / 3, None)
    keep(store, 3)
    result_metrics.fill(store)
    result_metrics.fill(store)
    assert (line().state, line().fraction, line().metrics) == ("finished", 1.0, {"loss": 1.0})
    assert numbered(engine.listed(RunFilter(whole=key), 10)) == [3, 2, 1]
    assert line().size > sum(run.size for run in engine.listed(RunFilter(whole=key), 10))
    assert maps.note(engine, a_map(monkeypatch, 1, 2, 3), ANN) == key
    assert engine.listed(EVERY, 10)[0].key == key
    assert made_again(store).index.listed(RunFilter(whole=key), 10)


def test_a_map_is_kept_and_deleted_with_the_cells_that_are_its_own(engine, store, monkeypatch):
    one, other = (maps.note(engine, a_map(monkeypatch, *cells), ANN) for cells in ((1, 2, 3), (3, 4)))
    keys = {number: keep(store, number, ANN) for number in (1, 2, 3, 4)}
    store.claims.add(keys[2], BOB)

    def pinned() -> list[int]:
        return [number for number, key in keys.items() if store.pinned(key)]

    engine.ownership.pin(one, ANN)
    engine.ownership.pin(other, ANN)
    assert pinned() == [1, 2, 3, 4]
    engine.ownership.unpin(other, ANN)
    assert pinned() == [1, 2, 3], "the third is kept by the other map"
    engine.ownership.delete(one, ANN)
    assert [number for number, key in keys.items() if store.has(key)] == [2, 3, 4], "Bob's, and the other map's"
    assert [claim.person for claim in store.claims.of(keys[2])] == [BOB]
    assert [run.key for run in engine.listed(RunFilter(kinds=("sweep",)), 10)] == [other]
    store.claims.add(keys[4], BOB)
    engine.ownership.delete(other, ANN, everyone=True)
    assert [number for number, key in keys.items() if store.has(key)] == [2, 4], "everyone who asked for the map"
    assert [claim.person for claim in store.claims.of(keys[4])] == [BOB]


@pytest.mark.long
def test_five_thousand_are_listed_within_a_second(tmp_path):
    """Of computing, as a page lists them. The page itself: `python -m benchmarks.storage --page`."""
    crowd(tmp_path / "store", 5000)
    with_engine = CachedEngine(Store(tmp_path / "store", 10**12))
    assert with_engine.store.index.how_many(EVERY) == 5000
    runs, took = [], []
    for _ in range(3):
        began = time.process_time()
        runs = with_engine.listed(EVERY, 5000)
        took.append(time.process_time() - began)
    assert len({run.key for run in runs}) == 5000
    assert runs[0].metrics == {"drift": 4999 / 5000, "loss": 1.0}
    assert max(took) < 1.0, took
    assert min(took) < 0.5, took
    with_engine.close()


def test_claims_and_records_of_an_older_program_are_read(store):
    key = keep(store, 1)
    folder = store.directory / "runs" / key[:2] / key
    record = {name: value for name, value in asdict(store.index.get(key)).items() if name not in MADE_LATER}
    (folder / "run.json").write_text(json.dumps(record))
    (folder / f"{'a' * 32}.claim").write_text(
        '{"person": "ann@lab.example", "time": 1.0, "name": "n", "pinned": false}'
    )
    again = made_again(store)
    (line,) = again.index.listed(EVERY, 10)
    assert (line.record.metrics, line.record.parts, line.record.link) == (None, (), "")
    assert (line.claims[0].name, line.claims[0].tags, line.claims[0].note) == ("n", (), "")
    assert result_metrics.fill(again) == 1
    again.close()
