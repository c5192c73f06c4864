"""Files of points that configs name by digest: kept once, as they came, and never deleted while a record names them."""

import contextlib
import json
import os
import time
from collections.abc import Callable, Collection
from functools import partial
from math import inf
from pathlib import Path

from cache import location
from cache.failure import CacheFault, log, words
from cache.run_folders import RunFolders, described, nameable
from engine.data import contents
from engine.schema import Config

# files/ab/ab3f...      the bytes, named by their SHA-256
# files/ab/ab3f....json the name under which they came first, and the person who brought them

NAME = ".json"
SHARE = 0.5
"""Of the cache's size limit, what uploads may take: beyond it none is taken in."""

UNNAMED_SECONDS = 86_400.0
"""For which a file that no record names stays after its last use."""
UNNAMED_AT_LEAST = 3_600.0
"""The same where room is short."""


class DataFiles:
    """The files of a store. `keep_for` raises `OSError`.

    Attributes:
        named: which of some digests a record names; all of them when in doubt.
    """

    def __init__(self, directory: Path, folders: RunFolders, most: float):
        """At most so many bytes of uploads are taken in."""
        self._home, self._folders, self._most = directory, folders, most
        self.named: Callable[[Collection[str]], set[str]] = set
        self._tidied = time.monotonic()
        contents.look_in(self)

    def take(self, content: bytes, name: str, person: str = "", share: float = inf) -> str:
        """Keeps an upload, in memory where the disk does not take it; returns the name under which it came first.

        Args:
            person: who brings it.
            share: bytes that all files which the person brought first may take.

        Raises `CacheFault` where there is no room for it.
        """
        if not self.has(contents.digest_of(content)):
            self._check_room(len(content), person, share)
        try:
            return self._keep(content, name, person)
        except OSError as error:
            log.warning("%s is held in memory, the disk does not take it: %s", name, words(error))
            contents.give(content)
            return name

    def keep_for(self, config: Config) -> None:
        """Keeps every file that the config names and this process has."""
        for digest, name in contents.named_in(config.to_dict()).items():
            if not self.has(digest) and (content := contents.find(digest)) is not None:
                self._keep(content, name)

    def _keep(self, content: bytes, name: str, person: str = "") -> str:
        digest = contents.digest_of(content)
        path = self._path(digest)
        if not self.has(digest):
            self._folders.write_file(path, [content], durable=True)
        described = path.with_name(digest + NAME)
        if not described.exists():  # one that cannot be read may say whose it is
            said = {"name": name} | ({"person": person} if person else {})
            self._folders.write_file(described, [json.dumps(said).encode()])
        return self._name(digest) or name

    def _check_room(self, size: int, person: str, share: float) -> None:
        """Raises `CacheFault` where so many bytes more are not allowed; makes room first where need be."""
        own = partial(self.brought_by, person) if person else int
        if self.volume() + size > self._most or own() + size > share:
            self.remove_unnamed(UNNAMED_AT_LEAST)
        if (taken := self.volume()) + size > self._most:
            given = f"files of points take {taken / 1e6:.3g} MB, of {self._most / 1e6:.3g} MB that are for them"
            raise CacheFault(f"{given}: delete results that use some, or raise {location.SIZE_VARIABLE}")
        if (taken := own()) + size > share:
            given = f"files that you brought take {taken / 1e6:.3g} MB, of {share / 1e6:.3g} MB that you may bring"
            raise CacheFault(f"{given}: delete results of yours that use some")

    def brought_by(self, person: str) -> int:
        """Bytes of the files that the person brought first."""
        return sum(size for digest, size, _ in self._all() if self._said(digest).get("person") == person)

    def tidy(self) -> None:
        """`remove_unnamed`, once a day."""
        if time.monotonic() - self._tidied >= UNNAMED_SECONDS:
            self._tidied = time.monotonic()
            with contextlib.suppress(OSError):
                self.remove_unnamed()

    def find(self, digest: str) -> bytes | None:
        """The bytes; None where they are not there, or cannot be read. What is damaged is set aside."""
        try:
            path = self._path(digest)
            content = path.read_bytes()
        except (OSError, ValueError):
            return None
        if contents.digest_of(content) == digest:
            with contextlib.suppress(OSError):
                os.utime(path)
            return content
        with contextlib.suppress(OSError, CacheFault):
            log.warning("a damaged file of points is set aside: %s", self._folders.set_aside(path, digest[:16]).name)
        return None

    def has(self, digest: str) -> bool:
        """Whether they are there; asking counts as a use."""
        try:
            path = self._path(digest)
            there = path.is_file()
        except (OSError, ValueError):
            return False
        with contextlib.suppress(OSError):  # a disk that is read-only
            os.utime(path)
        return there

    def volume(self) -> int:
        """Bytes of all."""
        return sum(size for _, size, _ in self._all())

    def remove_unnamed(self, unused: float = UNNAMED_SECONDS) -> int:
        """Removes what no record names and nobody used for so many seconds; gives the number of files."""
        old = [digest for digest, _, used in self._all() if time.time() - used > unused]
        removed, named = 0, self.named(old) if old else set()
        for digest in set(old) - named:
            path = self._path(digest)
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > unused:  # nobody came meanwhile
                    path.unlink()
                    path.with_name(digest + NAME).unlink(missing_ok=True)
                    removed += 1
        if removed:
            log.info("removed %d files of points that no result names", removed)
        return removed

    def _all(self) -> list[tuple[str, int, float]]:
        """Digest, bytes and time of last use of every file."""
        found = []
        for path in self._home.glob("files/*/*"):
            with contextlib.suppress(OSError):
                if nameable(path.name) and len(path.name) == 64:
                    status = path.stat()
                    found.append((path.name, status.st_size, status.st_mtime))
        return found

    def _name(self, digest: str) -> str | None:
        return self._said(digest).get("name")

    def _said(self, digest: str) -> dict[str, str]:
        """What is known of a file beside its bytes."""
        found = described(self._path(digest).with_name(digest + NAME))
        return {name: str(text) for name, text in found.items()}

    def _path(self, digest: str) -> Path:
        if not nameable(digest):
            raise ValueError(f"{digest!r} names no file of the cache")
        return self._home / "files" / digest[:2] / digest
