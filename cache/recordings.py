"""Recordings under way: a file for each loop that writes one, until it has become a result of the cache.

What a loop has written stays until that result is kept: nothing here is deleted for being old, cut short or unreadable.
"""

import contextlib
import json
import platform
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cache.archive import packed
from cache.lease import boot, gone, process
from cache.run_folders import RunFolders, described, nameable

# recordings/my-run-1a2b3c4d.npz     what its loop has recorded so far
# recordings/my-run-1a2b3c4d.json    which loop that is; or the key of the result that it became

DATA, ABOUT = ".npz", ".json"
LONGEST = 60


@dataclass(frozen=True)
class Recorded:
    """A recording by its own name, which no other has.

    Attributes:
        name: what its loop called it.
        path: of its file.
        written: when, in nanoseconds of Unix time; 0 where there is no file.
        alive: whether its loop still runs; None where that cannot be known from here, as on another machine.
        key: of the result that it became; empty where it has not.
    """

    id: str
    name: str
    path: Path
    written: int
    alive: bool | None
    key: str


class Recordings:
    """The recordings of a store."""

    def __init__(self, directory: Path, folders: RunFolders):
        self._home, self._folders = directory / "recordings", folders

    def begin(self, name: str) -> "Loop":
        """A recording of a loop of this process, whatever others are called. Writes nothing yet."""
        plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:LONGEST] or "recording"
        return Loop(self, f"{plain}-{uuid.uuid4().hex[:8]}", name)

    def listed(self) -> list[Recorded]:
        """Those of which there is a file, the one written last first."""
        found = [self.find(path.stem) for path in self._home.glob(f"*{DATA}")]
        there = [one for one in found if one is not None and one.written]
        return sorted(there, key=lambda one: one.written, reverse=True)

    def find(self, id: str) -> Recorded | None:
        """None where there is none, or nothing can be said of it."""
        if not nameable(id):
            return None
        path, about = self._home / f"{id}{DATA}", described(self._home / f"{id}{ABOUT}")
        with contextlib.suppress(OSError):
            written = path.stat().st_mtime_ns if path.exists() else 0
            key = str(about.get("key", ""))
            if written or key:
                return Recorded(id, str(about.get("name", id)), path, written, _alive(about), key)
        return None

    def became(self, id: str, key: str, written: int) -> None:
        """Notes the result that keeps all that was `written`, and lets the file go, unless a loop has gone on with it
        meanwhile. Raises `OSError`."""
        path, beside = self._home / f"{id}{DATA}", self._home / f"{id}{ABOUT}"
        self._folders.write_file(beside, [json.dumps(described(beside) | {"key": key}).encode()], durable=True)
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime_ns == written:
                path.unlink()

    def save(self, id: str, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Writes the file whole: whoever reads it meanwhile has the one before. Raises `OSError`."""
        if not (self._home / f"{id}{ABOUT}").exists():
            about = {"name": name, "machine": _machine(), "boot": boot(), "process": process()}
            self._folders.write_file(self._home / f"{id}{ABOUT}", [json.dumps(about).encode()])
        self._folders.write_file(self._home / f"{id}{DATA}", [bytes(packed(arrays))])


@dataclass(frozen=True)
class Loop:
    """One that records."""

    recordings: Recordings
    id: str
    name: str

    @property
    def path(self) -> Path:
        """Of its file, once something is saved."""
        return self.recordings._home / f"{self.id}{DATA}"

    def save(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Writes it whole. Raises `OSError`."""
        self.recordings.save(self.id, self.name, arrays)

    def became(self, key: str) -> None:
        """The result that keeps all of it is there. Raises `OSError`."""
        self.recordings.became(self.id, key, self.path.stat().st_mtime_ns)


def _machine() -> str:
    """Names this machine among those that share a folder."""
    return f"{platform.node()} {uuid.getnode():x}"


def _alive(about: Mapping[str, Any]) -> bool | None:
    """`Recorded.alive` of the loop that a recording was begun by."""
    if about.get("machine") != _machine():
        return None
    return about.get("boot") == boot() and not gone(str(about.get("process")))
