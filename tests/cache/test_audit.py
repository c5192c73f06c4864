"""Who did what, a line each."""

import json
import logging
from datetime import datetime
from pathlib import Path

import pytest

from cache.logs import Audit, named
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
