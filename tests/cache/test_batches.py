"""Batches go on without a page as long as somebody wants them, and over a restart."""

import errno
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from toy_jobs import ToyConfig

from cache import CachedEngine, Store
from cache import batches as batches_module
from cache import job as job_module
from cache.batches import Batches, Order

Make = Callable[..., ToyConfig]


def order(config: Make, who: str = "me", count: int = 4, pause: float = 0.0, alone: bool = False) -> Order:
    groups = tuple((config(number=number, pause=pause),) for number in range(count))
    return Order(who, "button", f"{count} {pause}", "steady", groups, "cell", "/regimes?map_widths=8", alone)


def until(right: Callable[[], object], within: float = 30.0) -> None:
    deadline = time.monotonic() + within
    while not right():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.usefixtures("cold")
def test_one_that_is_to_stay_ends_though_its_page_and_its_server_are_gone(store: Store, config: Make) -> None:
    with CachedEngine(store) as first:
        asked = order(config, pause=0.2)
        first.batches.start(asked)
        first.batches.stay(asked.key, True)
        until(lambda: first.batches.of(asked.key).batch.results)  # type: ignore[union-attr]
    folder = store.directory / "batches"
    assert len([*folder.iterdir()]) == 1
    (folder / "other.json").write_text('{"kind": "steady", "groups": "none"}')
    with CachedEngine(Store(store.directory, store.size_limit)) as second:
        until(lambda: second.batches.listed("me"))
        (found,) = second.batches.listed("me")
        assert found.stays
        assert found.order == asked
        until(lambda: found.batch.done)
        assert len(found.batch.results) == 4
        until(lambda: [path.name for path in folder.iterdir()] == ["other.json"])


def test_one_that_nobody_looks_at_stops_and_one_that_is_to_stay_does_not(
    engine: CachedEngine, config: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(job_module, "VIEWER_SECONDS", 0.3)
    batches = Batches(engine, tmp_path)
    left, kept = order(config, pause=0.5), order(config, "you", 3, 0.1)
    batches.start(left)
    batches.start(kept)
    batches.stay(kept.key, True)
    time.sleep(0.4)
    batches.step()
    mine, yours = (batches.listed(who)[0].batch for who in ("me", "you"))
    assert mine.done
    assert len(mine.results) < 4
    assert not yours.done

    def ended() -> bool:
        batches.step()
        return yours.done

    until(ended)
    assert len(yours.results) == 3
    assert not [*(tmp_path / "batches").iterdir()]


def test_another_by_the_same_button_takes_its_place(engine: CachedEngine, config: Make, tmp_path: Path) -> None:
    batches = Batches(engine, tmp_path)
    first, second = order(config, pause=0.5, alone=True), order(config, count=2, alone=True)
    batches.start(first)
    batches.start(second, joined=True)
    assert len(batches.listed("me")) == 2
    batches.start(second)
    assert [found.order for found in batches.listed("me")] == [second]
    batches.cancel(second.key)
    assert batches.listed("me")[0].batch.done
    batches.forget(second.key)
    assert batches.listed() == []


def test_what_the_disk_refused_of_a_batch_is_made_up_for(
    engine: CachedEngine, config: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(batches_module, "RETRY_EVERY", 0.0)
    batches, asked = Batches(engine, tmp_path), order(config, pause=0.5)
    folder, away = tmp_path / "batches", tmp_path / "away"
    folder.touch()  # no folder, and none can be made
    batches.start(asked)
    batches.stay(asked.key, True)
    folder.unlink()
    batches.step()
    assert [path.suffix for path in folder.iterdir()] == [".json"]
    folder.rename(away)
    folder.touch()
    batches.cancel(asked.key)
    folder.unlink()
    away.rename(folder)
    batches.step()
    assert [*folder.iterdir()] == []


def test_one_whose_results_are_there_leaves_no_file(engine: CachedEngine, config: Make, tmp_path: Path) -> None:
    batches, asked = Batches(engine, tmp_path), order(config, count=1)
    batches.start(asked)
    until(lambda: batches.step() or batches.listed("me")[0].batch.done)
    batches.start(asked)
    batches.stay(asked.key, True)
    assert not [*tmp_path.rglob("*.json")]


def test_what_goes_on_is_never_forgotten_for_what_others_ask(
    engine: CachedEngine, config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches_module, "MOST_KEPT", 4)
    monkeypatch.setattr(batches_module, "MOST_OF_ONE", 2)
    batches, watched = Batches(engine, tmp_path), order(config, "ann", pause=0.5)
    batches.start(watched)
    known = [replace(order(config, who, 1), name=f"{place}") for who in "bcd" for place in range(5)]
    until(lambda: batches.start(known[0]) or batches.of(known[0].key).batch.done)  # type: ignore[union-attr]
    for one in known:
        batches.start(one)
        batches.stay(one.key, True)
        until(lambda: batches.step() or batches.of(one.key) is None or batches.of(one.key).batch.done)  # type: ignore[union-attr]  # noqa: B023
    assert batches.of(watched.key) is not None
    assert len(batches.listed("d")) <= 3
    assert len(batches.listed()) <= 6
    batches.cancel(watched.key)


def test_one_more_than_a_viewer_may_have_is_refused_in_words(
    engine: CachedEngine, config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches_module, "MOST_UNDER_WAY", 1)
    batches, first, second = Batches(engine, tmp_path), order(config, pause=0.5), order(config, count=2, pause=0.4)
    batches.start(first)
    batches.start(second)
    refused = batches.of(second.key)
    assert refused is not None
    assert refused.batch.done
    assert refused.batch.failures == {0: batches_module.TOO_MANY, 1: batches_module.TOO_MANY}
    assert not batches.of(first.key).batch.done  # type: ignore[union-attr]
    batches.start(first)  # the same, from another tab
    assert not batches.of(first.key).batch.done  # type: ignore[union-attr]
    batches.cancel(first.key)


def test_all_that_were_to_stay_go_on_after_a_restart(
    engine: CachedEngine, config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several servers they may be more than one viewer may start."""
    before, asked = Batches(engine, tmp_path), [order(config, count=count, pause=0.5) for count in (1, 2, 3)]
    for one in asked:
        before.start(one)
        before.stay(one.key, True)
    monkeypatch.setattr(batches_module, "MOST_UNDER_WAY", 1)
    after = Batches(engine, tmp_path)
    after.go_on()
    assert not [found for found in after.listed() if found.batch.done]
    assert len([*(tmp_path / "batches").iterdir()]) == 3
    for one in asked:
        after.cancel(one.key)


def test_a_disk_that_takes_no_order_is_asked_again_and_left_clean(
    engine: CachedEngine, config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches, asked, renamed = Batches(engine, tmp_path), order(config, pause=0.5), os.rename
    monkeypatch.setattr(batches_module, "RETRY_EVERY", -1.0)
    batches.start(asked)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    for name in ("rename", "replace"):
        monkeypatch.setattr(os, name, full)
    batches.stay(asked.key, True)
    batches.step()
    assert [*(tmp_path / "batches").iterdir()] == []
    monkeypatch.setattr(os, "rename", renamed)
    batches.step()
    assert [path.suffix for path in (tmp_path / "batches").iterdir()] == [".json"]
    batches.cancel(asked.key)


@pytest.mark.parametrize(
    "text",
    [
        '{"who": ["a"], "button": "b", "name": "n", "kind": "steady", "groups": [[{"number": 1}]]}',
        '{"who": "a", "button": "b", "name": "n", "kind": "steady", "groups": []}',
        '{"who": "a", "button": "b", "name": "n", "kind": "steady", "groups": [[]]}',
        "[" * 100_000,
    ],
)
def test_a_file_that_makes_no_sense_stops_no_other(text: str, engine: CachedEngine, config: Make, tmp_path: Path):
    first, asked = Batches(engine, tmp_path), order(config, pause=0.5)
    first.start(asked)
    first.stay(asked.key, True)
    (tmp_path / "batches" / "0.json").write_text(text)
    second = Batches(engine, tmp_path)
    second.go_on()
    assert [found.order for found in second.listed()] == [asked]
    assert (tmp_path / "batches" / "0.json").read_text() == text
    first.cancel(asked.key)
    second.cancel(asked.key)
