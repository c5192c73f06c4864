"""One queue for several servers, on a disk that may fail."""

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cache import queue as queue_module
from cache.queue import Call, Queue
from cache.turns import Place, Ticket

PLACES = [Place("w", 1)]


def ticket(name: str, user: str = "me", seconds: float = 4.0) -> Ticket:
    return Ticket(name, name, "run", user, time.monotonic(), seconds)


@pytest.fixture
def two(tmp_path: Path):
    """Queues of two servers on one cache, and one scheduler."""
    found = Queue(tmp_path), Queue(tmp_path)
    for queue in found:
        queue.turn("cluster", PLACES)
    yield found
    for queue in found:
        queue.close()


def test_two_servers_have_one_order(two):
    one, other = two
    one.enter(ticket("first"))
    other.enter(ticket("second", "you"))
    assert other.turn("cluster", PLACES).starts == []  # it is the other's turn
    assert [started.id for started in one.turn("cluster", PLACES).starts] == ["first"]
    assert one.turn("cluster", PLACES).starts == []
    assert other.turn("cluster", PLACES).outlooks["second"].position == 1
    one.leave("first")
    assert [started.id for started in other.turn("cluster", PLACES).starts] == ["second"]
    assert {ticket.user for ticket in one.listed()} == {"you"}


def test_other_workers_are_another_queue_but_what_is_owed_is_one(two):
    one, other = two
    one.enter(ticket("first"))
    other.enter(ticket("second"))
    assert one.turn("here", PLACES).starts
    assert other.turn("there", PLACES).starts
    one.leave("first", 7.0)
    assert other.debts()["me"] == pytest.approx(7.0, abs=0.5)


def test_what_is_computed_is_charged_and_corrected_at_its_end(two):
    one, _ = two
    one.enter(ticket("first"))
    began = time.monotonic()
    one.turn("cluster", PLACES)
    time.sleep(0.3)
    one.turn("cluster", PLACES)
    assert 0.25 < one.debts()["me"] < time.monotonic() - began + 0.05
    one.leave("first", 2.0)
    assert one.debts()["me"] == pytest.approx(2.0)


def test_the_pace_of_a_kind_is_learned(two):
    one, _ = two
    for number in range(20):
        one.enter(ticket(str(number), seconds=100.0))
        one.leave(str(number), 10.0, 100.0)
    one.enter(ticket("next", seconds=100.0))
    assert one.listed()[0].seconds == pytest.approx(10.0, rel=0.05)


def test_the_jobs_of_a_server_that_died_leave_the_queue(tmp_path: Path, two):
    asks = "from cache.queue import Queue; from cache.turns import Ticket; import pathlib, sys, time\n"
    asks += "Queue(pathlib.Path(sys.argv[1])).enter(Ticket('of the dead', 'k', 'run', 'me', time.monotonic(), 4.0))"
    subprocess.run([sys.executable, "-c", asks, str(tmp_path)], cwd=Path(__file__).parents[2], check=True, timeout=60)
    one, _ = two
    assert one.listed() == []
    one.enter(ticket("mine"))
    assert [found.id for found in one.turn("", PLACES).tickets] == ["mine"]


def test_a_server_that_was_thought_dead_brings_its_jobs_back(two, monkeypatch):
    one, other = two
    one.enter(ticket("first"))
    other.enter(ticket("second"))
    monkeypatch.setattr(queue_module, "SILENT", -1.0)
    other.turn("cluster", PLACES)
    assert [found.id for found in other.listed()] == ["second"]
    monkeypatch.undo()
    one.turn("cluster", PLACES)
    assert {found.id for found in one.listed()} == {"first", "second"}


def test_what_one_calls_off_every_other_hears_once(tmp_path: Path, two):
    one, other = two
    third = Queue(tmp_path)
    one.call(Call("a job", "me"))
    one.call(Call("another", deleted=True))
    for queue in (other, third):
        assert [(call.key, call.viewer, call.deleted) for call in queue.heard()] == [
            ("a job", "me", False),
            ("another", None, True),
        ]
        assert queue.heard() == []
    assert one.heard() == []
    third.close()


def test_what_was_called_long_ago_is_forgotten(two, monkeypatch):
    one, other = two
    one.call(Call("a job"))
    monkeypatch.setattr(queue_module, "HEARD", -1.0)
    one.call(Call("another"))
    assert [call.key for call in other.heard()] == ["another"]


def test_a_damaged_file_is_set_aside_and_nothing_stops(tmp_path: Path):
    (tmp_path / "queue.db").write_bytes(b"no database" * 100)
    queue = Queue(tmp_path)
    queue.enter(ticket("first"))
    assert [started.id for started in queue.turn("cluster", PLACES).starts] == ["first"]
    (aside,) = tmp_path.glob("queue-damaged-*.db")
    assert aside.read_bytes().startswith(b"no database")
    queue.close()


def test_without_the_disk_it_goes_on_in_memory_and_comes_back(tmp_path: Path, monkeypatch):
    queue = Queue(tmp_path / "not yet")
    (tmp_path / "not yet").write_text("a file")
    queue.enter(ticket("first"))
    assert queue.turn("cluster", PLACES).starts
    (tmp_path / "not yet").unlink()
    monkeypatch.setattr(queue_module, "RETRY", 0.0)
    queue.turn("cluster", PLACES)
    with sqlite3.connect(tmp_path / "not yet" / "queue.db") as database:
        assert database.execute("SELECT id FROM tickets").fetchall() == [("first",)]
    database.close()
    queue.close()


def test_the_file_may_vanish(two, tmp_path: Path):
    one, _ = two
    one.enter(ticket("first"))
    (tmp_path / "queue.db").unlink()
    assert [started.id for started in one.turn("cluster", PLACES).starts] == ["first"]


def test_a_worker_that_is_drained_gets_nothing(two):
    one, other = two
    other.drain("w")
    one.enter(ticket("first"))
    assert one.turn("cluster", PLACES).starts == []
    assert one.draining() == {"w"}
    other.drain("w", False)
    assert one.turn("cluster", PLACES).starts
