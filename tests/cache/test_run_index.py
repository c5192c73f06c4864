import json

import pytest
from toy_jobs import ToyConfig

from cache import Store, run_index
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


def test_old_records_are_pruned(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_index, "KEEP", 2)
    for number in range(4):
        store.index.add(str(number), "steady", ToyConfig(number=number))
    assert [record.key for record in store.index.recent()] == ["3", "2"]


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"entries": [], "of": "another version"})])
def test_a_record_that_makes_no_sense_is_left_out(store: Store, text: str) -> None:
    store.index.add("good", "steady", ToyConfig())
    store.cache.set("run/bad", text)
    assert [record.key for record in store.index.recent()] == ["good"]


def test_label_names_what_differs_from_the_defaults() -> None:
    assert run_index.label(Nested()) == "defaults"
    assert run_index.label(Nested(toy=ToyConfig(number=4), size=5)) == "number=4, size=5"
    assert len(run_index.label(ToyConfig(trace="x" * 200))) == 80


def test_many_of_one_kind_do_not_crowd_out_another(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_index, "KEEP", 2)
    store.index.add("mine", "run", ToyConfig())
    for i in range(5):
        store.index.add(f"cell{i}", "cell", ToyConfig())
    assert [record.key for record in store.index.recent("run")] == ["mine"]
    assert [record.key for record in store.index.recent("cell")] == ["cell4", "cell3"]
