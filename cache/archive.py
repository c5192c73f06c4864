"""Named arrays as bytes: a checksum, then an npz. Nothing here can be executed by reading it."""

import hashlib
import io
import zipfile

import numpy as np

from engine.progress import Arrays

MAGIC = b"kernel-drift-1\n"
DIGEST_BYTES = 32


def address(key: str, name: str) -> str:
    """Where an entry of a run is stored; its checksum is bound to it."""
    return f"{key}/{name}"


class CorruptEntryError(Exception):
    """Bytes that are not what was written: truncated, altered, or moved from another entry."""


def encode(arrays: Arrays, address: str) -> bytes:
    """The arrays as bytes, bound to `address` (run key and entry name) by the checksum.

    Raises `TypeError` for what numpy could only store as a pickle or would read back as raw bytes.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, value in arrays.items():
            array = np.asarray(value)
            if array.dtype.kind not in "biufcSU":
                raise TypeError(f"array {name!r} has dtype {array.dtype}: convert it to numbers or text")
            # A ZipInfo carries a fixed date, so that equal arrays give equal bytes.
            with archive.open(zipfile.ZipInfo(name + ".npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    content = buffer.getbuffer()
    return b"".join((MAGIC, _digest(content, address), content))


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


def _read(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(name) as member:
        array = np.lib.format.read_array(member, allow_pickle=False)
    array.flags.writeable = False  # One decoded copy is shared by every viewer.
    return array


def _digest(content: memoryview, address: str) -> bytes:
    digest = hashlib.sha256(address.encode() + b"\n")
    digest.update(content)
    return digest.digest()
