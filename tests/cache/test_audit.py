"""Who did what, a line each."""

import json
import logging
from datetime import datetime
from pathlib import Path

import pytest

from cache import logs
from cache.logs import MOST_REFUSED, SELDOM, Audit, named
from cache.policy import NOBODY

COOKIE = "Zm9ydHktdHdvLWNvb2tpZXM"


def lines(folder: Path, name: str = "audit.log") -> list[dict]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def test_a_line_for_each_action_which_only_we_may_read(tmp_path):
    audit = Audit(tmp_path / "cache")
    audit("ann@lab.example", "delete", key="ab12", kind="run")
    audit("", "sign-in", why="two\nlines")
    audit.close()
    first, second = lines(tmp_path / "cache")
    assert datetime.fromisoformat(first.pop("time")).utcoffset() is not None
    assert first == {"who": "ann@lab.example", "action": "delete", "key": "ab12", "kind": "run"}
    assert second["why"] == "two\nlines"
    assert (tmp_path / "cache" / "audit.log").stat().st_mode & 0o777 == 0o600


def test_a_browser_is_told_from_others_and_its_cookie_is_not_written(tmp_path):
    audit = Audit(tmp_path)
    for who in (COOKIE, COOKIE, COOKIE + "x", "command line"):
        audit(who, "request")
    audit.close()
    text = (tmp_path / "audit.log").read_text()
    assert COOKIE not in text
    one, again, other, program = (line["who"] for line in lines(tmp_path))
    assert one == again != other
    assert one.startswith("browser ")
    assert program == "command line"


def test_what_is_refused_again_and_again_fills_no_log(tmp_path, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(logs.time, "monotonic", lambda: now)
    audit = Audit(tmp_path)
    for number in range(50):
        audit("eve@lab.example", "refused", what="request", key=f"k{number}", kind="run")
        audit("eve@lab.example", "refused", what="delete", key="k", kind="run")
        audit("bob@lab.example", "refused", what="request", key="k", kind="run")
        audit("eve@elsewhere.example", "refused sign-in", why="on no list")
        audit("ann@lab.example", "pin", key="k")
    now += SELDOM
    audit("bob@lab.example", "refused", what="request", key="k", kind="run")
    audit.close()
    found = [(line["who"].split("@")[0], line["action"]) for line in lines(tmp_path)]
    assert found.count(("ann", "pin")) == 50
    assert found.count(("eve", "refused")) == 2
    assert found.count(("bob", "refused")) == 2
    assert found.count(("eve", "refused sign-in")) == 1


def test_it_remembers_only_so_many_refusals(tmp_path):
    audit = Audit(tmp_path)
    for number in range(MOST_REFUSED + 10):
        audit(f"{number}@elsewhere.example", "refused sign-in")
    assert len(audit._refused) == MOST_REFUSED
    audit.close()


def test_a_login_that_has_expired_is_called_nobody():
    assert named(NOBODY) == NOBODY


def test_two_servers_lose_no_line_when_the_file_is_full(tmp_path):
    one, two = Audit(tmp_path, most_bytes=600), Audit(tmp_path, most_bytes=600)
    for number in range(24):
        (one if number % 2 else two)("ann@lab.example", "pin", key=str(number))
    one.close()
    two.close()
    found = [line["key"] for path in tmp_path.iterdir() for line in lines(tmp_path, path.name)]
    assert sorted(found, key=int) == [str(number) for number in range(24)]
    assert len([*tmp_path.iterdir()]) > 2
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.iterdir())


def test_a_disk_that_fails_costs_no_action_and_the_line_is_logged(tmp_path, caplog: pytest.LogCaptureFixture):
    audit = Audit(tmp_path / "cache")
    (tmp_path / "cache").touch()
    with caplog.at_level(logging.WARNING, "kernel_drift.cache"):
        audit("ann@lab.example", "pin", key="ab12")
    assert "the audit log cannot be written" in caplog.text
    assert '"action": "pin"' in caplog.text
    (tmp_path / "cache").unlink()
    audit("ann@lab.example", "unpin", key="ab12")
    audit.close()
    assert [line["action"] for line in lines(tmp_path / "cache")] == ["unpin"]
