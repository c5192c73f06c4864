"""How an `Outcome` travels: plain values in a header, its entries as they are. A serialisation family of Dask's own.

Importing this registers it; workers and the server do. A scheduler passes the bytes on and need not know it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from distributed.protocol.serialize import register_serialization_family

from cache.failure import Failure
from cache.task import Outcome

FAMILY = "kernel-drift"

READABLE = ("msgpack", FAMILY)
"""The families in which a worker may answer: plain values, and outcomes."""


def dumps(value: Any) -> tuple[dict[str, Any], list[bytes]]:
    """Header and frames of an `Outcome`. Raises `NotImplementedError` for anything else, as Dask wants it."""
    if not isinstance(value, Outcome):
        raise NotImplementedError(type(value))
    header = {
        "names": list(value.entries),
        "failure": asdict(value.failure) if value.failure else None,
        "cancelled": value.cancelled,
        "seconds": value.seconds,
    }
    return header, list(value.entries.values())


def loads(header: Mapping[str, Any], frames: Sequence[bytes | bytearray | memoryview]) -> Outcome:
    """The `Outcome`. Raises `KeyError`, `TypeError` or `ValueError` unless header and frames are what `dumps` gives."""
    failure = header["failure"]
    if failure is not None:
        failure = Failure(**{name: str(value) for name, value in failure.items()})  # pyright: ignore[reportArgumentType]
    entries = {str(name): bytes(frame) for name, frame in zip(header["names"], frames, strict=True)}
    return Outcome(entries, failure, bool(header["cancelled"]), float(header["seconds"]))


register_serialization_family(FAMILY, dumps, loads)
