import errno
import os
import stat
import time
from pathlib import Path

import pytest

from cache.logins import EndedLogins

SOON = time.time() + 3600


def test_every_server_on_the_cache_knows_and_so_does_one_that_starts_later(tmp_path: Path) -> None:
    one, other = EndedLogins(tmp_path), EndedLogins(tmp_path)
    assert not other.has("a nonce")
    one.end("a nonce", SOON)
    assert one.has("a nonce")
    assert other.has("a nonce")
    assert EndedLogins(tmp_path).has("a nonce")
    assert not other.has("another")


def test_nothing_that_lets_in_is_written_and_what_is_worth_nothing_goes(tmp_path: Path) -> None:
    logins = EndedLogins(tmp_path)
    logins.end("long ago", time.time() - 1)
    logins.end("a nonce", SOON)
    (file,) = (tmp_path / "ended-logins").iterdir()
    assert "nonce" not in file.name
    assert file.read_bytes() == b""
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert not logins.has("long ago")


@pytest.mark.parametrize("expires", [1e300, float("inf")])
def test_a_login_for_ever_ends_too(tmp_path: Path, expires: float) -> None:
    EndedLogins(tmp_path).end("a nonce", expires)
    assert EndedLogins(tmp_path).has("a nonce")


def test_a_disk_that_takes_nothing_keeps_it_in_this_server(tmp_path: Path) -> None:
    (tmp_path / "ended-logins").write_text("in the way")
    logins = EndedLogins(tmp_path)
    logins.end("a nonce", SOON)
    assert logins.has("a nonce")
    assert not logins.has("another")


def test_a_disk_that_cannot_be_read_lets_nobody_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Path) -> bool:
        raise OSError(errno.EIO, "Input/output error")

    logins = EndedLogins(tmp_path)
    monkeypatch.setattr(Path, "exists", broken)
    assert logins.has("a nonce")


def test_another_server_that_clears_up_meanwhile_takes_no_end_away(tmp_path: Path, monkeypatch) -> None:
    """Between the file and its time: it looked like the end of a login that is over."""
    one, other = EndedLogins(tmp_path), EndedLogins(tmp_path)
    utime, cleared = os.utime, []

    def meanwhile(path: Path, times: tuple[float, float] | None) -> None:
        if times and not cleared:
            cleared.append(path)
            time.sleep(0.02)
            other.end("another", SOON)
        utime(path, times)

    monkeypatch.setattr(os, "utime", meanwhile)
    one.end("a nonce", SOON)
    assert cleared
    assert other.has("a nonce")
    assert EndedLogins(tmp_path).has("a nonce")


def test_what_an_end_that_was_cut_short_left_goes(tmp_path: Path) -> None:
    (tmp_path / "ended-logins").mkdir()
    left = tmp_path / "ended-logins" / "part-1-1"
    left.touch()
    os.utime(left, (0, 0))
    EndedLogins(tmp_path).end("a nonce", SOON)
    assert not left.exists()
