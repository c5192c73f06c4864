import threading
import time

import pytest

from cache import Store, lease


def test_one_at_a_time_and_news_for_who_waits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "HEARTBEAT", 0.05)
    order: list[str] = []
    seen: list[float] = []

    def second() -> None:
        with store.lease("k") as mine:
            assert mine.acquire(lambda other: seen.append(other.fraction) or True)
            order.append("second")

    with store.lease("k") as mine:
        assert mine.acquire(lambda other: True)
        thread = threading.Thread(target=second)
        thread.start()
        mine.note(0.5, "half way")
        time.sleep(0.5)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert seen[-1] == 0.5
    assert store.holder("k") is None


def test_who_waits_may_give_up(store: Store) -> None:
    with store.lease("k") as first, store.lease("k") as second:
        assert first.acquire(lambda other: True)
        assert not second.acquire(lambda other: False)
    assert store.holder("k") is None


def test_a_silent_holder_is_replaced(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "EXPIRY", 0.5)
    store.lease("k")._try()  # and dies: no heartbeat
    with store.lease("k") as mine:
        start = time.monotonic()
        assert mine.acquire(lambda other: True)
        assert time.monotonic() - start < 2


def test_other_runs_are_free(store: Store) -> None:
    with store.lease("a") as first, store.lease("b") as second:
        assert first.acquire(lambda other: False)
        assert second.acquire(lambda other: False)
