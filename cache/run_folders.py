"""What is known of a run, and the folders of files in which it is kept. Everything else here is made from them."""

import contextlib
import json
import os
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import FiniteFloat, TypeAdapter

from cache import location
from cache.failure import log
from engine.schema import Config

# What is known of a run besides its result.

Ending = Literal["finished", "failed", "cancelled"]
Status = Literal["unfinished", Ending]


@dataclass(frozen=True)
class Record:
    """One run that was asked for.

    Attributes:
        values: the config as plain values; `engine.jobs.parse(kind, values)` gives it back.
        label: the settings that differ from the defaults, short.
        created, seconds: when it was asked for (Unix time), and how long it computed.
        entries: names of what it produced, once finished.
        error: one sentence, when failed.
        version: of the numbers of its kind, as in `engine.versions`; 0 where that was not noted yet.
        metrics: a few numbers of its result by name (`engine.metrics`); None where they were not read yet.
        parts: keys of the jobs that it is made of, such as the cells of a map.
        link: of the page that shows it, where only that can say.
    """

    key: str
    kind: str
    values: Mapping[str, Any]
    label: str
    status: Status = "unfinished"
    created: FiniteFloat = 0.0
    seconds: FiniteFloat = 0.0
    entries: tuple[str, ...] = ()
    error: str = ""
    version: int = 0
    metrics: Mapping[str, FiniteFloat] | None = None
    parts: tuple[str, ...] = ()
    link: str = ""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Record | None":
        """The record, or None for text that is not one (of another program, or cut short)."""
        try:
            return _RECORD.validate_json(text, strict=True)
        except ValueError:
            return None

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Record | None":
        """The same from plain values. Those of no field are left out."""
        return cls.from_json(json.dumps(values))


_RECORD = TypeAdapter(Record)

LONGEST_LABEL = 80


def label(config: Config) -> str:
    """The settings that differ from the defaults, as `width=64, depth=3`."""
    changed = config.model_dump(mode="json", exclude_defaults=True)
    text = ", ".join(f"{name}={value}" for name, value in _leaves(changed)) or "defaults"
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"


def _leaves(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    leaves = []
    for name, value in values.items():
        leaves.extend(_leaves(value) if isinstance(value, dict) else [(name, value)])
    return leaves


# Runs as folders: whatever a run left, in files that say what they are. Everything else here is made from them.
#
# runs/ab/ab3f.../run.json      the record
# result.entry  arrays, behind a label that repeats the record
# pin           there while the run is pinned
# ....claim     who asked for it, a file for each
# aside/                        what was no good, with its date

RECORD, PIN, ENTRY, CLAIM = "run.json", "pin", ".entry", ".claim"
PART = ".part-"
"""Begins the name of a file that is being written; it gets its own name when it is whole."""

PROBE = 4096
"""Bytes: an empty file fits on a full disk."""

PART_SECONDS = 86_400.0
"""After which an unfinished file is nobody's any more."""

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class Contents:
    """Of a run folder: its entries with size and time of last use, the size of its record in bytes, and its pin."""

    entries: Mapping[str, os.stat_result]
    record_size: int
    pinned: bool


class RunFolders:
    """The files of a store. Methods raise `OSError`; a file that is not there is None, or False."""

    def __init__(self, directory: Path):
        self._home = directory
        self._runs = directory / "runs"

    def entry(self, key: str, name: str) -> Path:
        """Where an entry lies. Raises `ValueError` for names that are no file names."""
        return self._run(key) / (_checked(name) + ENTRY)

    def read(self, key: str, name: str) -> bytes | None:
        return _read(self.entry(key, name))

    def has(self, key: str, name: str) -> bool:
        return self.entry(key, name).exists()

    def write(self, key: str, name: str, parts: Iterable[bytes]) -> None:
        """Whole and on the disk when it returns, or not at all."""
        self.write_file(self.entry(key, name), parts, durable=True)

    def remove(self, key: str, name: str) -> None:
        self.entry(key, name).unlink(missing_ok=True)

    def used(self, key: str, name: str) -> float:
        """When the entry was written or read last (Unix time)."""
        return self.entry(key, name).stat().st_mtime

    def touch(self, key: str, name: str) -> None:
        os.utime(self.entry(key, name))

    def contents(self, key: str) -> Contents:
        """What there is of a run, without opening a file."""
        files = {file.name: file.stat() for file in _scan(self._run(key)) if not file.name.startswith(PART)}
        entries = {name.removesuffix(ENTRY): found for name, found in files.items() if name.endswith(ENTRY)}
        return Contents(entries, files[RECORD].st_size if RECORD in files else 0, PIN in files)

    def sizes(self, key: str) -> dict[str, int]:
        """Bytes of each entry, and of the record under the name ""; empty where nothing is there, pin or not."""
        if not nameable(key):
            return {}
        there = self.contents(key)
        found = {name: status.st_size for name, status in there.entries.items()}
        return found | ({"": there.record_size} if there.record_size else {})

    def run_keys(self) -> Iterator[str]:
        """Every run of which there is anything."""
        for shard in _scan(self._runs):
            yield from (run.name for run in _scan(Path(shard.path)) if nameable(run.name))

    def record(self, key: str) -> Record | None:
        """The record; None where there is none, or none that makes sense."""
        text = _read(self._run(key) / RECORD)
        record = None if text is None else Record.from_json(text.decode(errors="replace"))
        return record if record is None or record.key == key else None

    def write_record(self, record: Record) -> None:
        """A power cut may lose it: the label of the result repeats it."""
        self.write_file(self._run(record.key) / RECORD, [record.to_json().encode()])

    def remove_record(self, key: str) -> None:
        """With who asked for it and the folder, unless something else is in it."""
        self._remove(key, lambda name: name == RECORD or name.endswith(CLAIM))

    def remove_run(self, key: str) -> None:
        """All of it. Who asked for it goes last: where the disk stops halfway, it is still theirs to delete."""
        self._remove(key, lambda name: not name.startswith(PART) and not name.endswith(CLAIM))
        self._remove(key, lambda name: name.endswith(CLAIM))

    def claims(self, key: str) -> list[bytes]:
        """What the files say of who asked for the run, in no order."""
        files = [Path(file.path) for file in _scan(self._run(key)) if file.name.endswith(CLAIM)]
        return [text for file in files if (text := _read(file)) is not None]

    def has_claim(self, key: str, name: str) -> bool:
        return self._claim(key, name).exists()

    def write_claim(self, key: str, name: str, text: bytes) -> None:
        self.write_file(self._claim(key, name), [text])

    def remove_claim(self, key: str, name: str) -> None:
        self._claim(key, name).unlink(missing_ok=True)

    def pin(self, key: str) -> None:
        self.write_file(self._run(key) / PIN, [b""])

    def unpin(self, key: str) -> None:
        (self._run(key) / PIN).unlink(missing_ok=True)

    def pinned(self, key: str) -> bool:
        try:
            (self._run(key) / PIN).stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True  # what cannot be looked at raises: a doubt unpins nothing

    def probe(self) -> None:
        """Writes a block, and removes it again."""
        path = location.private(self._home) / f"{PART}{uuid.uuid4().hex}"
        self.write_file(path, [bytes(PROBE)])
        path.unlink(missing_ok=True)

    def set_aside(self, path: Path, name: str) -> Path:
        """Moves a file that is no good out of the way and keeps it, named by the day and minute."""
        aside = location.private(self._home / "aside")
        target = aside / f"{time.strftime('%Y-%m-%d-%H%M%S')}-{name}-{uuid.uuid4().hex[:6]}"
        path.rename(target)
        return target

    def remove_unfinished(self) -> int:
        """Removes what writers that were killed left more than a day ago, known by its name; gives their number.

        It looks into every folder of the store, so only once a day.
        """
        looked, removed = self._home / "looked-for-unfinished", 0
        if looked.exists() and time.time() - looked.stat().st_mtime < PART_SECONDS:
            return 0
        for folder, _, names in os.walk(self._home):
            for part in (Path(folder, name) for name in names if name.startswith(PART)):
                with contextlib.suppress(FileNotFoundError):  # its writer has ended just now
                    if time.time() - part.stat().st_mtime > PART_SECONDS:
                        part.unlink()
                        removed += 1
        location.private(self._home)
        looked.touch()
        if removed:
            log.info("removed %d unfinished files of writers that were killed", removed)
        return removed

    def _claim(self, key: str, name: str) -> Path:
        return self._run(key) / (_checked(name) + CLAIM)

    def _remove(self, key: str, matches: Callable[[str], bool]) -> None:
        for file in _scan(self._run(key)):
            if matches(file.name):
                Path(file.path).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._run(key).rmdir()

    def _run(self, key: str) -> Path:
        return self._runs / _checked(key)[:2] / key

    def write_file(self, path: Path, parts: Iterable[bytes], durable: bool = False) -> None:
        """Whole or not at all: written aside, then renamed."""
        part = path.with_name(f"{PART}{uuid.uuid4().hex}")
        if not path.parent.is_dir():
            location.private(self._home)
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("xb") as file:
                file.writelines(parts)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            part.rename(path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise


def nameable(*names: object) -> bool:
    """Whether these can name a run and its entry."""
    return all(isinstance(name, str) and NAME.fullmatch(name) for name in names)


def _checked(name: str) -> str:
    if not nameable(name):
        raise ValueError(f"{name!r} cannot name a file of the cache")
    return name


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def described(path: Path) -> dict[str, Any]:
    """What a small file says in JSON of what lies beside it; nothing where it is not there, or makes no sense."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_text())
        return found if isinstance(found, dict) else {}
    return {}


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except (FileNotFoundError, NotADirectoryError):
        return []
