"""The cache as one file, written while servers use it; and back.

A tar archive: results and records as they are, databases as SQLite's own backup gives them, and last what there should
be. Results are the truth: what the index says of them is brought up to date when a server opens the restored cache.
"""

import contextlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from cache import location
from cache.database import SIDES
from cache.failure import DISK_FAULTS, CacheFault, words
from cache.run_folders import ENTRY, PART, nameable

CONTENTS = "kernel-drift-backup.json"
"""The last file of an archive: what came before it, without which it was cut short."""

PASSING = ("leases", "compiled", "looked-for-unfinished")
"""What is not kept: who computes what right now, and what is made again."""

FILES = "files"
"""The folder of what records name: read last."""

DATABASE = ".db"


@dataclass(frozen=True)
class Contents:
    """Of an archive: files, their bytes, and how many of them are entries of results."""

    files: int = 0
    size: int = 0
    entries: int = 0

    def with_(self, name: str, size: int) -> "Contents":
        return Contents(self.files + 1, self.size + size, self.entries + name.endswith(ENTRY))

    def __str__(self) -> str:
        return f"results {self.entries}, files {self.files}, {self.size / 1e6:.1f} MB"


def backup(store: Path, to: Path) -> Contents:
    """Writes the store into a file that was not there before: whole, or not at all.

    What is evicted meanwhile may be missing; what was finished and kept before is there. Raises `CacheFault`.
    """
    if not store.is_dir():
        raise CacheFault(f"{store} is no cache: name the folder that holds it")
    if to.exists() or store.resolve() in to.resolve().parents:
        raise CacheFault(f"{to} is there already or in the cache itself: name another file")
    part = to.with_name(f"{PART}{uuid.uuid4().hex}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            contents = _write(store, file)
            file.flush()
            os.fsync(file.fileno())
        part.rename(to)
    except DISK_FAULTS as error:
        raise CacheFault(f"the backup cannot be written to {to}: {words(error)}") from error
    finally:
        part.unlink(missing_ok=True)
    return contents


def restore(file: Path, store: Path) -> Contents:
    """Makes a store from a backup, with the times of last use. Raises `CacheFault`; nothing is left then.

    There must be none yet: what is there is never mixed with what was.
    """
    if store.exists():
        raise CacheFault(f"{store} is there already: move it away, or name another folder")
    part = store.with_name(f"{PART}{uuid.uuid4().hex}")
    try:
        contents = _read(file, location.private(part))
        part.rename(store)
    except (*DISK_FAULTS, tarfile.TarError, EOFError, ValueError) as error:
        raise CacheFault(f"{file} cannot be restored: {words(error)}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return contents


def _write(store: Path, file: IO[bytes]) -> Contents:
    contents = Contents()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in _kept(store):
            name = path.relative_to(store).as_posix()
            with contextlib.suppress(FileNotFoundError), _readable(path) as content:  # evicted just now
                size = os.fstat(content.fileno()).st_size
                _add(archive, name, size, os.fstat(content.fileno()).st_mtime, content)
                contents = contents.with_(name, size)
        said = json.dumps(asdict(contents)).encode()
        _add(archive, CONTENTS, len(said), 0.0, io.BytesIO(said))
    return contents


def _kept(store: Path) -> Iterator[Path]:
    """Every file that is worth keeping, whole ones only. A recording becomes a result and a result names files: in this
    order what does so meanwhile falls between no two of them."""
    for folder, below, names in os.walk(store):
        kept = [name for name in below if nameable(name) and not name.startswith(PASSING)]
        below[:] = sorted(kept, key=lambda name: (name == FILES, name))
        for name in sorted(names):
            if nameable(name) and name not in PASSING and not name.endswith(tuple(DATABASE + side for side in SIDES)):
                yield Path(folder, name)


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[io.BufferedReader]:
    """A file to read; of a database a copy as of one moment, whoever writes."""
    if path.suffix != DATABASE:
        with path.open("rb") as file:
            yield file
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, path.name)
        source = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        with contextlib.closing(source), contextlib.closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        with copy.open("rb") as file:
            yield file


def _add(archive: tarfile.TarFile, name: str, size: int, changed: float, content: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size, changed, 0o600
    archive.addfile(member, content)


def _read(file: Path, folder: Path) -> Contents:
    """Unpacks files of plain names, and nothing else. Raises `ValueError` for what is no whole backup."""
    found, said = Contents(), None
    with tarfile.open(file, "r:") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            if content is None or not nameable(*PurePosixPath(member.name).parts) or said is not None:
                raise ValueError(f"{member.name[:80]!r} in it is not of a backup")
            if member.name == CONTENTS:
                said = Contents(**json.load(content))
                continue
            _unpack(content, folder / member.name, member.mtime)
            found = found.with_(member.name, member.size)
    if said != found:
        raise ValueError(f"it was cut short after {found}")
    return found


def _unpack(content: IO[bytes], path: Path, changed: float) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        shutil.copyfileobj(content, file)
    os.utime(path, (changed, changed))
