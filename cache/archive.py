"""Named arrays as bytes with a checksum, and the diskcache `Disk` that holds bytes and never unpickles."""

import contextlib
import hashlib
import io
import json
import os
import sqlite3
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diskcache
import numpy as np
from diskcache.core import MODE_BINARY, MODE_RAW, UNKNOWN

from engine.progress import Arrays

# A diskcache `Disk` that never unpickles (CVE-2025-69872: who can write the directory could run code).


class UnsafeEntryError(ValueError):
    """An entry that is neither bytes, text nor a number: not written by this program."""


class BytesDisk(diskcache.Disk):
    """Keys are text; values are bytes, text or numbers. Everything else is refused, both ways."""

    def put(self, key: Any) -> Any:
        if type(key) is not str:
            raise TypeError(f"a cache key is text, got {type(key).__name__}")
        return key, True

    def get(self, key: Any, raw: bool) -> str:
        if not raw or type(key) is not str:
            raise UnsafeEntryError("a key in the cache is not text: refused to unpickle it")
        return key

    def store(self, value: Any, read: bool, key: Any = UNKNOWN) -> Any:
        if type(value) in (str, int, float) and not read:
            return 0, MODE_RAW, None, value
        if type(value) is not bytes or read:
            raise TypeError(f"a cache value is bytes, text or a number, got {type(value).__name__}")
        if len(value) < self.min_file_size:
            return 0, MODE_RAW, None, sqlite3.Binary(value)
        filename, path = self.filename()
        try:
            self._write(path, [value], "xb")
        except OSError:
            # diskcache would leave the part that fitted, on a disk which is already full.
            with contextlib.suppress(OSError):
                os.remove(path)
            raise
        return len(value), MODE_BINARY, filename, None

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        if mode == MODE_BINARY and filename is not None and not read:
            return Path(self._directory, filename).read_bytes()
        if mode == MODE_RAW:
            return bytes(value) if isinstance(value, bytes | memoryview) else value
        raise UnsafeEntryError(f"an entry is stored in mode {mode}: refused to unpickle it")


# Named arrays as bytes: a checksum, then an npz; in a file, behind a label that says what they are.
#
# Nothing here can be executed by reading it.

MAGIC = b"kernel-drift-1\n"
DIGEST_BYTES = 32

LABEL_MAGIC = b"kernel-drift-2\n"
LENGTH_BYTES = 8
LABEL_LIMIT = 64_000_000
"""Bytes of a label: a config may carry a whole table."""


def address(key: str, name: str) -> str:
    """Where an entry of a run is stored; its checksum is bound to it."""
    return f"{key}/{name}"


class CorruptEntryError(Exception):
    """Bytes that are not what was written: truncated, altered, or moved from another entry."""


def encode(arrays: Arrays, address: str) -> bytes:
    """The arrays as bytes, bound to `address` (run key and entry name) by the checksum.

    Raises `TypeError` for what numpy could only store as a pickle or would read back as raw bytes.
    """
    content = packed(arrays)
    return b"".join((MAGIC, _digest(content, address), content))


def packed(arrays: Arrays) -> memoryview:
    """The arrays as an npz; equal arrays give equal bytes. Raises `TypeError` as `encode`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, value in arrays.items():
            array = np.asarray(value)
            if array.dtype.kind not in "biufcSU":
                raise TypeError(f"array {name!r} has dtype {array.dtype}: convert it to numbers or text")
            # A ZipInfo carries a fixed date.
            with archive.open(zipfile.ZipInfo(name + ".npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return buffer.getbuffer()


def decode(data: bytes, address: str) -> Arrays:
    """The arrays, read-only. Raises `CorruptEntryError`."""
    header = len(MAGIC) + DIGEST_BYTES
    content = memoryview(data)[header:]
    if not data.startswith(MAGIC) or data[len(MAGIC) : header] != _digest(content, address):
        raise CorruptEntryError(f"{address}: the checksum does not match")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name.removesuffix(".npy"): _read(archive, name) for name in archive.namelist()}
    except (zipfile.BadZipFile, ValueError, OSError, EOFError) as error:
        raise CorruptEntryError(f"{address}: {error}") from error


def labelled(data: bytes, address: str, facts: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """The parts of a file: its label (address and facts as JSON, with a checksum of their own), the encoded arrays."""
    text = json.dumps({"address": address, **facts}, sort_keys=True).encode()
    head = LABEL_MAGIC + len(text).to_bytes(LENGTH_BYTES, "big")
    return b"".join((head, hashlib.sha256(text).digest(), text)), data


def unlabelled(data: bytes) -> bytes:
    """The encoded arrays of a file, which may have no label (written before there were any)."""
    if not data.startswith(LABEL_MAGIC):
        return data
    return data[len(LABEL_MAGIC) + LENGTH_BYTES + DIGEST_BYTES + _label_length(data) :]


def label_of(path: Path) -> dict[str, Any]:
    """What a file says it holds, empty where it says nothing. Raises `OSError`, `CorruptEntryError`."""
    with path.open("rb") as file:
        head = file.read(len(LABEL_MAGIC) + LENGTH_BYTES + DIGEST_BYTES)
        if not head.startswith(LABEL_MAGIC):
            return {}
        text = file.read(_label_length(head))
    if hashlib.sha256(text).digest() != head[-DIGEST_BYTES:]:
        raise CorruptEntryError(f"{path.name}: the checksum of the label does not match")
    facts = json.loads(text)
    if not isinstance(facts, dict):
        raise CorruptEntryError(f"{path.name}: the label says nothing")
    return facts


def _label_length(head: bytes) -> int:
    length = int.from_bytes(head[len(LABEL_MAGIC) : len(LABEL_MAGIC) + LENGTH_BYTES], "big")
    if length > LABEL_LIMIT:
        raise CorruptEntryError(f"a label of {length} bytes")
    return length


def _read(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(name) as member:
        array = np.lib.format.read_array(member, allow_pickle=False)
    array.flags.writeable = False  # One decoded copy is shared by every viewer.
    return array


def _digest(content: memoryview, address: str) -> bytes:
    digest = hashlib.sha256(address.encode() + b"\n")
    digest.update(content)
    return digest.digest()
