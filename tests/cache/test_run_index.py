import json
import sqlite3

import pytest
from toy_jobs import ToyConfig

from cache import Store
from cache.listing import RunFilter
from cache.run_folders import label
from engine.schema import Config


class Nested(Config):
    toy: ToyConfig = ToyConfig()
    size: int = 3


def test_newest_first_and_settled_in_place(store: Store) -> None:
    for number in range(3):
        store.index.add(str(number), "steady", ToyConfig(number=number))
    store.index.settle("1", "finished", seconds=2.5, entries=("result",))
    store.index.settle("gone", "failed")
    records = store.index.recent()
    assert [record.key for record in records] == ["2", "1", "0"]
    assert [record.status for record in records] == ["unfinished", "finished", "unfinished"]
    assert records[1].entries == ("result",)
    assert ToyConfig.from_dict(dict(records[1].values)) == ToyConfig(number=1)


def test_asked_again_keeps_its_place(store: Store) -> None:
    store.index.add("a", "steady", ToyConfig(number=1))
    store.index.add("b", "steady", ToyConfig(number=2))
    store.index.add("a", "steady", ToyConfig(number=1))
    assert [record.key for record in store.index.recent()] == ["b", "a"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        json.dumps({"entries": [], "of": "another version"}),
        *(
            json.dumps({"key": "bad", "kind": "steady", "values": {}, "label": "", "entries": []} | changed)
            for changed in (
                {"created": "yesterday"},
                {"created": None},
                {"created": float("nan")},
                {"created": 10**400},
                {"kind": {"a": 1}},
                {"label": [1]},
                {"error": "\ud800"},
                {"status": "paused"},
                {"values": []},
            )
        ),
    ],
)
def test_a_record_that_makes_no_sense_is_left_out(store: Store, text: str) -> None:
    store.index.add("good", "steady", ToyConfig())
    store.index.add("bad", "steady", ToyConfig())
    (store.directory / "runs" / "ba" / "bad" / "run.json").write_text(text)
    assert [record.key for record in store.index.recent()] == ["good"]
    store.close()
    (store.directory / "index-2.db").unlink()
    again = Store(store.directory)
    assert [record.key for record in again.index.recent()] == ["good"]
    assert again.fault == ""
    again.close()


def test_label_names_what_differs_from_the_defaults() -> None:
    assert label(Nested()) == "defaults"
    assert label(Nested(toy=ToyConfig(number=4), size=5)) == "number=4, size=5"
    assert len(label(ToyConfig(trace="x" * 200))) == 80


def test_every_run_is_listed_a_page_at_a_time(store: Store) -> None:
    for number in range(700):
        store.index.add(f"cell{number}", "cell", ToyConfig())
    store.index.add("mine", "run", ToyConfig())
    assert [record.key for record in store.index.recent("run", limit=50)] == ["mine"]
    cells = RunFilter(kinds=("cell",))
    pages = [store.index.listed(cells, limit=50, offset=start) for start in range(0, 750, 50)]
    assert [len(page) for page in pages] == [50] * 14 + [0]
    assert len({run.record.key for page in pages for run in page}) == 700
    assert store.index.how_many(cells) == 700


def test_pinned_runs_are_listed_alone(store: Store) -> None:
    for number in range(5):
        store.index.add(str(number), "steady", ToyConfig())
    store.pin("1")
    assert [run.record.key for run in store.index.listed(RunFilter(kept=True), -1)] == ["1"]


def test_what_no_disk_took_is_listed_also_where_the_table_cannot_be_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.index.add("kept", "steady", ToyConfig(number=1))

    def full(*_: object) -> None:
        raise OSError("full")

    def locked(*_: object) -> None:
        raise sqlite3.OperationalError("locked")

    monkeypatch.setattr(store._folders, "write_record", full)
    store.index.add("held", "steady", ToyConfig(number=2))
    monkeypatch.setattr(store._table, "select", locked)
    assert [run.record.key for run in store.index.listed(RunFilter(), -1)] == ["held", "kept"]
    assert [record.key for record in store.index.recent()] == ["held", "kept"]
