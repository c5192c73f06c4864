"""Arrays of numbers and texts in somebody's npz file: no pickle is read, no more memory taken than allowed."""

import io
import math
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np

from engine.problems import clipped

SAVE = "np.savez(path, x=x, y=y)"
MOST_DIRECTORY = 64_000
"""Bytes of the list of arrays."""
END, END_BYTES, LONGEST_COMMENT = b"PK\5\6", 22, 1 << 16
LARGE = b"PK\6\7"
"""Before the end of an archive of more than 4 GB."""


@dataclass(frozen=True, eq=False)
class Found:
    """The arrays asked for that are there, and the names of the others in words."""

    arrays: dict[str, np.ndarray]
    names: tuple[str, ...]

    @property
    def listed(self) -> str:
        return _listed(self.names) or "none"

    @property
    def others(self) -> str:
        return _listed([name for name in self.names if name not in self.arrays])


def arrays_in(content: bytes, names: Sequence[str], most: int) -> Found:
    """The arrays of these names, of `most` bytes together. Raises `ValueError` in one line."""
    try:
        _check_directory(content)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            stored = tuple(name.removesuffix(".npy") for name in archive.namelist())
            arrays: dict[str, np.ndarray] = {}
            for name in names:
                if name in stored:
                    arrays[name] = _array(archive, name, most - sum(array.nbytes for array in arrays.values()))
            return Found(arrays, stored)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, KeyError) as error:
        raise ValueError(f"cannot be read as npz, cut short or damaged: {error}") from None


def _check_directory(content: bytes) -> None:
    """Refuses a list of arrays that would itself take much memory."""
    end = content.rfind(END, max(0, len(content) - END_BYTES - LONGEST_COMMENT))
    if end < 0:
        raise zipfile.BadZipFile("its end is missing")
    size = int.from_bytes(content[end + 12 : end + 16], "little")
    if size > MOST_DIRECTORY or LARGE in content[max(0, end - 20) : end]:
        raise ValueError(f"holds too many arrays for an npz of points and targets: save x and y alone, by {SAVE}")


def _array(archive: zipfile.ZipFile, name: str, most: int) -> np.ndarray:
    info = archive.getinfo(f"{name}.npy") if f"{name}.npy" in archive.namelist() else archive.getinfo(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
        raise ValueError(f"{name} is packed or locked in a way that NumPy does not write: save it by {SAVE}")
    with archive.open(info) as member:
        shape, fortran, dtype = _header(name, member)
        if dtype.hasobject:
            raise ValueError(
                f"{name} holds Python objects, a pickle, which can run code when it is opened: not read. "
                f"Convert it to an array of numbers ({name}.astype(float))"
            )
        if dtype.kind not in "biufSU":
            raise ValueError(f"{name} holds {clipped(str(dtype))}: numbers and texts are read")
        size = math.prod(shape) * dtype.itemsize
        if not 0 <= size <= most or min(shape, default=0) < 0:
            sizes = clipped(" x ".join(map(str, shape)))
            raise ValueError(
                f"{name} has {sizes} values, more than the {most:,} bytes that are read: keep fewer points"
            )
        data = member.read(size + 1)
    if len(data) != size:
        raise zipfile.BadZipFile(f"{name} has not as many bytes as its shape says")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


def _header(name: str, member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    try:
        version = np.lib.format.read_magic(member)
        if version == (1, 0):
            return np.lib.format.read_array_header_1_0(member)
    except (ValueError, OverflowError, RecursionError, MemoryError, SyntaxError, TypeError):
        raise ValueError(f"{name} in it is no array of NumPy: save it by {SAVE}") from None
    raise ValueError(f"{name} is written in version {version[0]} of NumPy's format: save it by {SAVE}")


def _listed(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > 6 else ""
    return ", ".join("".join(c for c in clipped(name, 30) if c.isprintable()) for name in names[:6]) + more
