"""Five minutes of users and faults; and that what is lost, wrong, hung or grown would be seen."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_dispatch import Clock
from toy_jobs import ToyConfig

from benchmarks.chaos.compare import matter, unreadable
from benchmarks.chaos.ledger import Ledger, Told
from benchmarks.chaos.report import Report
from benchmarks.chaos.users import digest
from benchmarks.chaos.vitals import Vital, growths
from benchmarks.chaos.wishes import Wish
from cache import Store, cached_compute
from cache.archive import address, encode
from cache.claims import Claim
from cache.logs import Audit

ROOT = Path(__file__).resolve().parents[2]
HER = "she@lab.example"


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_five_minutes_lose_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.chaos", "--minutes", "5", "--every", "13", "--keep", tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    made = [line.split(" | ") for line in done.stdout.partition("\n\n")[0].splitlines()[2:]]
    assert len(made) == 13
    assert [fault for fault, _, times in made if times == "0 |"] == []


def told(ledger: Ledger, what: str, wish: Wish, **facts: str) -> None:
    """About the one job of a wish of hers."""
    (key,) = wish.keys
    also = {"keys": [key], "wish": wish.plain()} if what == "asked" else {"key": key}
    ledger.take({"what": what, "user": HER, **also, **facts})


@pytest.fixture
def wish(config: Callable[..., ToyConfig]) -> Wish:
    return Wish("steady", (config(trace="").to_dict(),))


def test_a_result_that_is_gone_or_another_is_seen(store: Store, wish: Wish) -> None:
    (key,), (toy,) = wish.keys, wish.configs
    assert matter(store, key, Told(wish)) is None
    assert matter(store, key, Told(wish, {"shown"})) == "lost: the index does not know it"
    told = Told(wish, {digest(cached_compute(store, "steady", toy))})
    assert matter(store, key, told) == ""
    assert matter(store, key, Told(wish, {*told.digests, ""})) == "lost: it was said to be finished, and not shown"
    assert matter(store, key, Told(wish, {*told.digests, "other"})) == "wrong: what was shown is not what is computed"
    other = {"squares": np.arange(3) ** 2 + 1e-16, "note": np.array("naïve")}
    store.put(key, {"result": encode(other, address(key, "result"))}, store.index.get(key))
    assert matter(store, key, told) == "wrong: what is kept is not what is computed"
    next(store.directory.rglob("result*")).unlink()
    assert matter(store, key, told) == "lost: its result is gone, the index says finished"


def test_who_asked_and_who_keeps_it_are_not_forgotten(store: Store, wish: Wish) -> None:
    (key,), (toy,) = wish.keys, wish.configs
    told = Told(wish, {digest(cached_compute(store, "steady", toy))}, {HER})
    assert matter(store, key, told) == "lost: that somebody asked for it"
    store.claims.add(key, HER)
    assert matter(store, key, told) == ""
    kept = replace(told, pins={HER})
    assert matter(store, key, Told.of(kept.plain())) == "lost: that somebody keeps it"
    store.pin(key)
    store.claims.put(key, Claim(HER, pinned=True))
    assert matter(store, key, kept) == ""


def test_half_a_line_of_the_audit_log_is_seen(tmp_path: Path) -> None:
    audit = Audit(tmp_path)
    audit(HER, "pin", key="k")
    audit.close()
    assert unreadable(tmp_path) == []
    (tmp_path / "audit.log.1").write_text('{"time": "20')
    assert unreadable(tmp_path) == ['{"time": "20']


def test_what_users_wait_for_is_handed_on_and_missed(wish: Wish) -> None:
    clock = Clock()
    ledger = Ledger(clock)
    told(ledger, "asked", wish)
    clock.now = 7.0
    told(ledger, "seen", wish, state="running")
    assert ledger.silence == 7.0
    assert ledger.hung() == wish.keys
    ledger.server_ended()
    assert ledger.left(HER) == [wish.plain()]
    told(ledger, "offered", wish, status="unfinished")
    assert ledger.forgotten == []
    told(ledger, "offered", wish, status="")
    assert ledger.forgotten == wish.keys
    told(ledger, "asked", wish)
    told(ledger, "ended", wish, state="finished", digest="of it", words="")
    told(ledger, "pinned", wish)
    assert ledger.hung() == ledger.left(HER) == []
    assert ledger.jobs[wish.keys[0]] == Told(wish, {"of it"}, {HER}, {HER})


def test_a_job_that_fails_says_why(wish: Wish) -> None:
    ledger = Ledger()
    for words, reason in ("The worker was killed at 12%.", "worker"), ("", "worker"), ("ZeroDivisionError", "error"):
        told(ledger, "asked", wish)
        told(ledger, "ended", wish, state="failed", words=words, reason=reason)
    assert ledger.words["The worker was killed at #%."] == 1
    assert len(ledger.broken) == 2


def test_a_leak_is_seen_also_where_servers_are_killed() -> None:
    flat = [Vital(when, 1 + when // 100, when % 100, 200_000_000, 50, 20) for when in range(400)]
    leaks = [replace(vital, rss=vital.rss + int(vital.age) * 2_000_000) for vital in flat]
    files = [replace(vital, files=50 + int(vital.age)) for vital in flat]
    assert [growth.grown for growth in growths(flat)] == [False] * 5
    assert [growth.grown for growth in growths(leaks)] == [False, *[True] * 4]
    assert [growth.grown for growth in growths(files)] == [False, *[True] * 4]


def test_nothing_that_is_wrong_is_passed_over(wish: Wish) -> None:
    ledger = Ledger()
    report = Report(ledger, [], {}, {"fine": "", "failed": None}, [], 1, 0, [], [], [], 0)
    assert report.wrong() == []
    assert report.lines()[-1] == "nothing lost, wrong, hung or grown"
    told(ledger, "asked", wish)
    wrong = replace(report, found={"gone": "lost"}, orphans=["python"], died=1, unreadable=["{"]).wrong()
    assert len(wrong) == 5
