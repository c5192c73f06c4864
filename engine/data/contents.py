"""The bytes of files that configs name by their digest: the engine reads no disk, so whoever has them gives them.

A file that somebody names is given by who read it, those of a task come with it to a worker, and a store says where it
looks. A digest decides the bytes, so it does not matter who gives them. Thread-safe.
"""

import hashlib
import re
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Protocol

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
