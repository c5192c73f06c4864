"""Logins that have ended before their time: every server on this cache turns them away."""

import hashlib
import os
import secrets
import time
from pathlib import Path

from cache.failure import tolerant
from cache.location import private

LONGEST = 10 * 365 * 86400.0
"""Seconds for which the end of a login is remembered: no cookie lives so long, and every file system knows the date."""

ASIDE = "part-"
ABANDONED = 3600.0
"""Seconds after which nobody still writes a file aside."""


class EndedLogins:
    """Each is an empty file, as old as the login would have become. Thread-safe.

    What the disk does not take, this server knows. Where it cannot be read, nobody is let in by a login: one that
    has ended must not come to life again.
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
            # Written aside: as long as it is as old as now, another server would take it for one that is over.
            part = self._folder / f"{ASIDE}{secrets.token_hex(8)}"
            part.touch(mode=0o600)
            os.utime(part, (expires, expires))
            part.replace(file)
            self._forget(time.time())

    def has(self, login: str) -> bool:
        """Whether it has ended so; where the disk does not say, it is taken to have."""
        file = self._file(login)
        if file.name in self._here:
            return True
        with tolerant("look whether a login has ended"):
            return file.exists()
        return True

    def _forget(self, now: float) -> None:
        """Those that are over, and what an end that was cut short left."""
        for older in self._folder.iterdir():
            over = now - ABANDONED if older.name.startswith(ASIDE) else now
            if older.stat().st_mtime < over:
                older.unlink(missing_ok=True)
                self._here.discard(older.name)

    def _file(self, login: str) -> Path:
        return self._folder / hashlib.sha256(login.encode()).hexdigest()
