"""Files that configs name by their digest, and their bytes: the engine reads no disk, so whoever has them gives them.

A file that somebody names is given by who read it, those of a task come with it to a worker, and a store says where it
looks. A digest decides the bytes, so it does not matter who gives them. Thread-safe.
"""

import hashlib
import re
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from typing import Annotated, Any, Protocol

from pydantic import StringConstraints

from engine.problems import clipped
from engine.schema import Config

MOST_HELD = 1_000_000_000
"""Bytes held in memory; those used longest ago go first, the newest never."""

DIGESTS = ("digest", "labels")
"""Of the fields of `engine.data.file.Source`, of a table's and of a recording's (`engine.recording.config`)."""
NAMING = ("file", "csv")
"""Datasets whose `source` is a file."""


class Place(Protocol):
    """Where files are kept."""

    def find(self, digest: str) -> bytes | None: ...
    def has(self, digest: str) -> bool: ...


_held: OrderedDict[str, bytes] = OrderedDict()
_places: list[weakref.ref[Place]] = []
_lock = threading.Lock()


def is_digest(text: str) -> bool:
    return re.fullmatch("[0-9a-f]{64}", text) is not None


def digest_of(content: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def give(content: bytes) -> str:
    """Holds the bytes; returns their digest."""
    digest = digest_of(content)
    with _lock:
        _held[digest] = content
        _held.move_to_end(digest)
        while len(_held) > 1 and sum(map(len, _held.values())) > MOST_HELD:
            _held.popitem(last=False)
    return digest


def look_in(place: Place) -> None:
    """Asks there too, as long as it lives."""
    with _lock:
        _places[:] = [known for known in _places if known() is not None]
        _places.append(weakref.ref(place))


def find(digest: str) -> bytes | None:
    """The bytes of this digest; None where nobody has them."""
    with _lock:
        if digest in _held:
            _held.move_to_end(digest)
            return _held[digest]
    return next((found for place in _living() if (found := place.find(digest)) is not None), None)


def has(digest: str) -> bool:
    """Whether somebody has them, without reading them."""
    return digest in _held or any(place.has(digest) for place in _living())


def _living() -> list[Place]:
    with _lock:
        return [place for known in _places if (place := known()) is not None]


def named_in(values: Any) -> dict[str, str]:
    """The digests of files that a config names, given as plain values, with the name of each file."""
    return dict(_named(values))


def _named(values: Any) -> Iterator[tuple[str, str]]:
    if isinstance(values, list | tuple):
        for value in values:
            yield from _named(value)
    elif isinstance(values, dict):
        source = values.get("source")
        if ("recording" in values or values.get("name") in NAMING) and isinstance(source, dict):
            yield from (
                (source[name], str(source.get("file"))) for name in DIGESTS if isinstance(source.get(name), str)
            )
        for value in values.values():
            yield from _named(value)


# A file that a config names by its digest.

LONGEST_NAME = 100
"""Characters of a file's name."""

Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class NamedFile(Config):
    """A file.

    Attributes:
        file: its name, of several under one digest the first.
        digest: SHA-256 of its bytes.
    """

    file: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME)]
    digest: Digest

    @property
    def digests(self) -> tuple[str, ...]:
        """Of all its files."""
        return (self.digest,)

    @property
    def not_here(self) -> str:
        """That nobody here has its bytes, and what to do."""
        return (
            f"{self.file} (sha256 {self.digest[:12]}...) is not in the cache here: upload it again, or name it by "
            "data.path on the command line"
        )


def name_of(file: str) -> str:
    """What a config calls a file: without its folder, in print, not long."""
    name = "".join(letter if letter.isprintable() else "?" for letter in file.replace("\\", "/").split("/")[-1])
    return clipped(name or "file", LONGEST_NAME)
