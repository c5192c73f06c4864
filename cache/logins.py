"""Logins that have ended before their time: every server on this cache turns them away."""

import hashlib
import os
import time
from pathlib import Path

from cache.failure import tolerant
from cache.location import private

LONGEST = 10 * 365 * 86400.0
"""Seconds for which the end of a login is remembered: no cookie lives so long, and every file system knows the date."""


class EndedLogins:
    """Each is an empty file, as old as the login would have become. Thread-safe.

    Where the disk cannot be used, those that ended in this server are known to it.
    """

    def __init__(self, directory: Path):
        self._folder = directory / "ended-logins"
        self._here: set[str] = set()

    def end(self, login: str, expires: float) -> None:
        """Turns the login away from now on.

        Args:
            login: what names it; a hash of it is written.
            expires: Unix time from which it is worth nothing anyway.
        """
        file, expires = self._file(login), min(expires, time.time() + LONGEST)
        self._here.add(file.name)
        with tolerant("note that a login has ended"):
            private(self._folder)
            file.touch(mode=0o600)
            os.utime(file, (expires, expires))
            for older in self._folder.iterdir():
                if older.stat().st_mtime < time.time():
                    older.unlink(missing_ok=True)
                    self._here.discard(older.name)

    def has(self, login: str) -> bool:
        """Whether it has ended so."""
        file = self._file(login)
        if file.name in self._here:
            return True
        with tolerant("look whether a login has ended"):
            return file.exists()
        return False

    def _file(self, login: str) -> Path:
        return self._folder / hashlib.sha256(login.encode()).hexdigest()
