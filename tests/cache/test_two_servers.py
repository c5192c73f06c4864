"""Two server processes on one cache and one scheduler: one queue, one order, one account of who owes what."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cold_start import ColdStart
from second_server import answer
from toy_jobs import ToyConfig

from benchmarks.serving import scheduler
from cache import CachedEngine, Store, cluster

pytestmark = pytest.mark.whole

HERE = Path(__file__).parent
ANN, BOB = "ann@example.org", "bob@example.org"

Server = Callable[..., Any]
"""Does what `second_server.answer` does, in one of the two processes."""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    folder = tmp_path_factory.mktemp("lab")
    with (
        (folder / "log").open("w") as log,
        scheduler(folder, log, threads=1, path=str(HERE)) as address,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("KERNEL_DRIFT_SCHEDULER", address)
        patch.setenv("KERNEL_DRIFT_PLAIN_TCP", "1")
        patch.setattr(cluster, "WarmUp", ColdStart)
        command = [sys.executable, str(HERE / "second_server.py"), str(folder / "cache")]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), str(HERE)])}
        with (
            subprocess.Popen(command, env=environment, stderr=log, **pipes) as process,
            CachedEngine(Store(folder / "cache")) as engine,
        ):

            def second(*asked: Any) -> Any:
                process.stdin.write(json.dumps(asked) + "\n")
                process.stdin.flush()
                return json.loads(process.stdout.readline())

            def first(*asked: Any) -> Any:
                return json.loads(json.dumps(answer(engine, *asked)))

            yield first, second
            process.stdin.close()


@pytest.fixture
def toy(tmp_path: Path) -> Callable[..., dict]:
    """Settings that nobody has asked for: each carries its own trace file."""
    return lambda **settings: ToyConfig.from_dict({"trace": str(tmp_path / "trace"), **settings}).to_dict()


def until(right: Callable[[], Any], seconds: float = 30.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := right()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def begun(server: Server, config: dict, who: str) -> str:
    """The key of a job that runs."""
    until(lambda: server("request", config, who)["state"] == "running")
    return server("request", config, who)["key"]


def ended(server: Server, key: str, seconds: float = 30.0) -> str:
    return until(lambda: (job := server("job", key))["state"] not in ("queued", "running") and job["state"], seconds)


def test_both_see_one_queue_in_one_order_and_who_owes_what(servers, toy):
    first, second = servers
    long = begun(first, toy(number=1, steps=100, pause=0.05), ANN)
    mine = first("request", toy(number=2), ANN)["key"]
    yours = second("request", toy(number=3), BOB)["key"]
    # Ann was given a turn: it is Bob's, who asked later and on another server.
    order = [[yours, BOB, 1], [mine, ANN, 2]]
    seen = until(lambda: (work := first("work"))["waiting"] == order and work)
    assert seen["running"] == [[long, ANN]]
    other = second("work")
    assert (other["running"], other["waiting"]) == (seen["running"], order)
    until(lambda: second("job", yours)["message"].startswith("next in the queue"))
    until(lambda: first("job", mine)["message"].startswith("number 2 in the queue"))
    assert first("runs") == second("runs")
    assert first("runs")[yours] == ["queued", BOB]
    assert second("runs")[long] == ["running", ANN]
    assert ended(second, yours) == ended(first, mine) == ended(first, long) == "finished"
    assert first("work")["debts"] == second("work")["debts"]
    assert first("work")["debts"][ANN] > 4


def test_what_runs_or_waits_is_cancelled_from_the_other_server(servers, toy, tmp_path):
    first, second = servers
    runs = begun(first, toy(number=1, steps=1000, pause=0.05), "a browser")
    waits = first("request", toy(number=2), "a browser")["key"]
    until(lambda: second("work")["waiting"])
    assert second("cancel", waits, "another browser") is None
    assert ended(first, waits, 5.0) == "cancelled"
    second("cancel", runs, "another browser")
    assert ended(first, runs, 10.0) == "cancelled"
    assert until(lambda: second("runs")[runs][0] == "cancelled")
    assert second("work")["waiting"] == []
    # Asked for again, it is a new wish.
    assert first("request", toy(number=2), "a third")["state"] == "queued"
    assert ended(first, waits) == "finished"
    assert len((tmp_path / "trace").read_text().splitlines()) == 2


def test_what_one_computes_the_other_looks_on_at_whatever_waits(servers, toy, tmp_path):
    first, second = servers
    config = toy(number=1, steps=60, pause=0.05)
    key = begun(first, config, ANN)
    waits = second("request", toy(number=2, steps=60, pause=0.05), BOB)["key"]
    assert begun(second, config, BOB) == key
    assert ended(second, key) == ended(first, key) == "finished"
    assert second("job", waits)["state"] != "finished"
    assert ended(second, waits) == "finished"
    assert len((tmp_path / "trace").read_text().splitlines()) == 2


def test_cancelled_for_all_it_does_not_go_on_at_the_server_that_looked_on(servers, toy, tmp_path):
    first, second = servers
    config = toy(number=1, steps=1000, pause=0.05)
    key = begun(first, config, "a browser")
    until(lambda: second("request", config, "another")["state"] == "running")
    first("cancel", key, "a browser")
    assert ended(first, key, 10.0) == ended(second, key, 10.0) == "cancelled"
    time.sleep(1.0)
    assert second("work")["running"] == []
    assert len((tmp_path / "trace").read_text().splitlines()) == 1


def test_deleted_on_one_server_it_is_not_kept_by_the_other(servers, toy):
    first, second = servers
    config = toy(number=1, steps=60, pause=0.05)
    key = begun(first, config, "a browser")
    assert second("delete", key, "another browser")
    assert ended(first, key, 10.0) == "cancelled"
    assert key not in first("runs")
    assert key not in second("runs")


def test_what_was_deleted_on_one_server_is_in_no_others_memory(servers, toy, tmp_path):
    first, second = servers
    config = toy(number=1)
    key = first("request", config, "a browser")["key"]
    assert ended(first, key) == "finished"
    assert first("known", config)
    assert second("delete", key, "another browser")
    until(lambda: not first("known", config), 10.0)
    first("request", config, "a browser")
    assert ended(first, key) == "finished"
    assert len((tmp_path / "trace").read_text().splitlines()) == 2


def test_all_of_a_viewer_ends_at_every_server_and_nobody_elses(servers, toy):
    first, second = servers
    others = begun(second, toy(number=70, steps=400, pause=0.05), BOB)
    second("start", ANN, [toy(number=71 + place, steps=400, pause=0.05) for place in range(20)])
    key = first("request", toy(number=69, steps=400, pause=0.05), ANN)["key"]
    until(lambda: sum(user == ANN for _, user, _ in first("work")["waiting"]) > 15)
    first("cancel_all", ANN, "an administrator's browser")
    assert ended(first, key) == "cancelled"
    until(lambda: all(second("batches", ANN)))
    until(lambda: not [user for _, user, _ in first("work")["waiting"] if user == ANN])
    assert second("job", others)["state"] == "running"
    second("cancel", others, BOB)
    assert ended(second, others) == "cancelled"


def test_what_waits_at_one_server_counts_at_the_other(servers, toy):
    first, second = servers
    holder = begun(second, toy(number=80, steps=400, pause=0.05), BOB)
    waiting = [second("request", toy(number=81 + place), ANN)["key"] for place in range(3)]
    until(lambda: first("waiting", ANN) == 3)
    assert first("waiting", BOB) == 0
    for key, who in [(holder, BOB), *((key, ANN) for key in waiting)]:
        second("cancel", key, who)
