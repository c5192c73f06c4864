"""Files of points as they come: NumPy's npz, MNIST's idx, CIFAR's binary records. Nothing in them is executed, and what
they claim is checked before memory is taken for it.
"""

import gzip
import io
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from engine.data.csv_table import MAX_ABS
from engine.data.dataset import MAX_DIM
from engine.data.npz import SAVE, arrays_in
from engine.problems import clipped

MOST_BYTES = 200_000_000
"""Of one file as it comes."""
MOST_UNPACKED = 160_000_000
"""Bytes of the arrays in it."""
MOST_ROWS = 100_000
"""Points in a file; a dataset draws at most `engine.data.dataset.MAX_POINTS` of them."""
MOST_CLASSES = 100
MOST_OUTPUTS = 100
LONGEST_CLASS = 40
"""Characters of a class's name."""

CIFAR_10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR_RECORDS = {"CIFAR-10": (3073, 1), "CIFAR-100": (3074, 2)}
"""Bytes of a record, and of the labels before its 3 x 32 x 32 pixels; the last of them counts."""
IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
PICKLE = (
    "is a pickle, which can run code when it is opened: not read. Save arrays by np.savez(path, x=x, y=y); CIFAR comes "
    "as a binary version too"
)
KNOWN = f"npz ({SAVE}), MNIST's idx (.gz or not), CIFAR's binary version (.bin)"


@dataclass(frozen=True, eq=False)
class Points:
    """What a file holds.

    Attributes:
        format: "npz", "idx", "CIFAR-10" or "CIFAR-100".
        x: one point each, flat, in the numbers of the file.
        shape: of one point, as (height, width, channels) for images.
        labels: places in `classes`; None where targets are numbers.
        classes: names, of numbers in their order, of texts in that of the alphabet; empty where targets are numbers.
        y: targets that are numbers; None where there are classes.
        remarks: on how it was read.
    """

    format: str
    x: Shaped[np.ndarray, "points n_0"]
    shape: tuple[int, ...]
    labels: Int[np.ndarray, " points"] | None
    classes: tuple[str, ...]
    y: Float[np.ndarray, "points k"] | None
    remarks: tuple[str, ...] = ()

    @property
    def counts(self) -> tuple[int, ...]:
        """Points of each class."""
        return () if self.labels is None else tuple(np.bincount(self.labels, minlength=len(self.classes)).tolist())


def images_first(files: Sequence[bytes]) -> list[bytes]:
    """Of two idx files, that of images before that of labels. Raises `ValueError` for other pairs."""
    return sorted(files, key=lambda content: _idx_of_two(content).ndim == 1) if len(files) == 2 else list(files)


def read(files: Sequence[bytes]) -> Points:
    """The points of a file, or of one of images and one of labels.

    Raises `ValueError`, in one line that says what to do.
    """
    if not 1 <= len(files) <= 2:
        raise ValueError(f"{len(files)} files given: give one, or MNIST's images and labels")
    if len(files) == 2:
        return _images_and_labels(*map(_idx_of_two, files))
    content = files[0]
    _refuse_others(content)
    if content.startswith(b"PK"):
        return _npz(content)
    if _is_idx(content := _unzipped(content)):
        found = _idx(content)
        missing = "labels" if found.ndim > 1 else "images"
        raise ValueError(f"is an idx file without {missing}: give the file of {missing} with it")
    return _cifar(content)


def _refuse_others(content: bytes) -> None:
    """What is known and not read."""
    if len(content) > MOST_BYTES:
        raise ValueError(f"{len(content):,} bytes given, at most {MOST_BYTES:,} are read: keep fewer points")
    if not content:
        raise ValueError("is empty")
    if content[:1] == b"\x80" and content[1:2] in b"\x01\x02\x03\x04\x05":
        raise ValueError(PICKLE)
    if content.startswith(b"\x93NUMPY"):
        raise ValueError(f"is one array of NumPy (npy): give points and targets in one file, by {SAVE}")


def _unzipped(content: bytes) -> bytes:
    """The content of a gzip file; what is none as it is."""
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            found = file.read(MOST_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"is a gzip file that cannot be unpacked, cut short or damaged: {error}") from None
    if len(found) > MOST_UNPACKED:
        raise ValueError(f"unpacks to more than {MOST_UNPACKED:,} bytes, at most so many are read: keep fewer points")
    if found[257:262] == b"ustar":
        raise ValueError("is a tar archive: unpack it, and give one of the files in it")
    _refuse_others(found)
    return found


# MNIST's idx: two zero bytes, the type of numbers, the number of axes, their lengths, the numbers.


def _is_idx(content: bytes) -> bool:
    return len(content) > 3 and content[:2] == b"\0\0" and content[2] in IDX_TYPES and 1 <= content[3] <= 4


def _idx_of_two(content: bytes) -> np.ndarray:
    _refuse_others(content)
    if not _is_idx(content := _unzipped(content)):
        raise ValueError("two files are read together only where both are idx (MNIST's images and labels): give one")
    return _idx(content)


def _idx(content: bytes) -> np.ndarray:
    dtype, axes = np.dtype(IDX_TYPES[content[2]]), content[3]
    start = 4 + 4 * axes
    lengths = tuple(int(n) for n in np.frombuffer(content[4:start].ljust(4 * axes, b"\0"), ">u4"))
    needed, given = math.prod(lengths) * dtype.itemsize, max(0, len(content) - start)
    if needed != given:
        wrong = "cut short" if given < needed else "longer than it says"
        sizes = " x ".join(f"{n:,}" for n in lengths)
        raise ValueError(f"is idx and {wrong}: {sizes} numbers take {needed:,} bytes, {given:,} are there")
    return np.frombuffer(content, dtype, offset=start).reshape(lengths).astype(dtype.newbyteorder("="))


def _images_and_labels(one: np.ndarray, other: np.ndarray) -> Points:
    if (one.ndim == 1) == (other.ndim == 1):
        what = "labels" if one.ndim == 1 else "images"
        raise ValueError(f"both files hold {what}: give one of images and one of labels")
    x, labels = (other, one) if one.ndim == 1 else (one, other)
    return _points("idx", x, labels, None)


# CIFAR's binary version: one or two labels of a byte, then 32 x 32 pixels of red, of green, of blue.


def _cifar(content: bytes) -> Points:
    for name, (size, before) in CIFAR_RECORDS.items():
        if len(content) % size:
            continue
        records = np.frombuffer(content, np.uint8).reshape(-1, size)
        highest = (9,) if before == 1 else (19, 99)
        if np.all(records[:, :before] <= highest):
            images = records[:, before:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            labels = records[:, before - 1]
            if before == 2:
                return _points(name, images, labels, None)
            return _points(name, images, np.array(CIFAR_10)[labels], None)
    raise ValueError(_no_cifar(content))


def _no_cifar(content: bytes) -> str:
    """Why bytes that begin like nothing known are no CIFAR either."""
    given = f"{len(content):,} bytes"
    if all(len(content) % size for size, _ in CIFAR_RECORDS.values()):
        return (
            f"is of no format that is read: {KNOWN}. CIFAR's records have 3,073 or 3,074 bytes, and {given} are no "
            "whole number of them: if it is CIFAR, it was cut short"
        )
    return f"is of no format that is read: {KNOWN}. Its length is CIFAR's, but the labels of its records are not"


# NumPy's npz: `x`, and `y` or `labels`.


def _npz(content: bytes) -> Points:
    found = arrays_in(content, ("x", "y", "labels"), MOST_UNPACKED)
    if "x" not in found.arrays or not {"y", "labels"} & set(found.arrays):
        raise ValueError(f"needs the arrays x and y, or x and labels; it holds {found.listed}: save it by {SAVE}")
    if "y" in found.arrays and "labels" in found.arrays:
        raise ValueError("holds both y and labels: keep one")
    x, labels, y = found.arrays["x"], found.arrays.get("labels"), found.arrays.get("y")
    remarks = (f"left out: {found.others}",) if found.others else ()
    if y is not None and y.dtype.kind in "biuSU" and y.ndim == 1 and len(np.unique(y)) <= MOST_CLASSES:
        if y.dtype.kind in "biu":
            remarks += ("y holds whole numbers: taken as classes; save it as floats if they are values to learn",)
        labels, y = y, None
    return _points("npz", x, labels, y, remarks=remarks)


# What all have in common.


def _points(
    name: str,
    x: np.ndarray,
    labels: np.ndarray | None,
    y: np.ndarray | None,
    remarks: tuple[str, ...] = (),
) -> Points:
    """Checked."""
    shape = _shape(x)
    what = "labels" if y is None else "y"
    targets = labels if y is None else y
    if targets is None or targets.ndim < 1 or len(targets) != len(x):
        count = 0 if targets is None or targets.ndim < 1 else len(targets)
        raise ValueError(f"x has {len(x):,} points, {what} has {count:,}: give one for each point")
    flat = x.reshape(len(x), -1)
    _check_numbers("x", flat)
    if y is not None:
        return Points(name, flat, shape, None, (), _numbers(y), remarks)
    classes, places = _classes(targets)
    return Points(name, flat, shape, places, classes, None, remarks)


def _shape(x: np.ndarray) -> tuple[int, ...]:
    """Of one point: of a grey image with its one channel."""
    if x.dtype.kind not in "biuf":
        raise ValueError(f"x holds {x.dtype}, no real numbers: convert it")
    if x.ndim < 2:
        raise ValueError(f"x has {x.ndim} axes: give it one row for each point, x.reshape(len(x), -1)")
    if not 4 <= len(x) <= MOST_ROWS:
        raise ValueError(f"x has {len(x):,} points: between 4 and {MOST_ROWS:,} are read")
    if x.ndim > 5:
        raise ValueError(f"x has {x.ndim} axes: at most 5 are read")
    size = math.prod(x.shape[1:])
    if not 1 <= size <= MAX_DIM:
        raise ValueError(f"points of {size:,} numbers given, between 1 and {MAX_DIM:,} are read: make them smaller")
    return (*x.shape[1:], 1) if x.ndim == 3 else x.shape[1:]


def _check_numbers(what: str, values: np.ndarray) -> None:
    if values.dtype.kind == "b" or values.itemsize == 1:
        return
    most = min(MAX_ABS, float(np.finfo(values.dtype).max)) if values.dtype.kind == "f" else MAX_ABS
    bad = np.flatnonzero(~np.all((values >= -most) & (values <= most), axis=1))
    if len(bad):
        rows = ", ".join(map(str, bad[:3])) + (", ..." if len(bad) > 3 else "")
        given = (
            f"{what} has values that are NaN, infinite or beyond {MAX_ABS:g} at {len(bad):,} points (from 0: {rows})"
        )
        raise ValueError(f"{given}: leave these points out or mend them")


def _numbers(y: np.ndarray) -> Float[np.ndarray, "points k"]:
    if y.dtype.kind not in "biuf" or y.ndim > 2:
        raise ValueError(f"y holds {y.dtype} on {y.ndim} axes: give numbers (points,) or (points, outputs), or labels")
    y = y.reshape(len(y), -1)
    if not 1 <= y.shape[1] <= MOST_OUTPUTS:
        raise ValueError(f"y has {y.shape[1]} columns: between 1 and {MOST_OUTPUTS} outputs are read")
    _check_numbers("y", y)
    return y.astype(np.float64)


def _classes(labels: np.ndarray) -> tuple[tuple[str, ...], Int[np.ndarray, " points"]]:
    """Names of the classes, and the place of each label among them."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(f"labels have {labels.ndim} axes: give one class for each point (of one-hot: argmax(axis=1))")
    if labels.dtype.kind == "f":
        if not np.all(np.abs(labels) <= MAX_ABS) or np.any(labels % 1):
            raise ValueError("labels are no whole numbers: call values to learn y, and classes labels")
        labels = labels.astype(np.int64)
    if labels.dtype.kind == "b":
        labels = labels.astype(np.int64)
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8", "replace")
    if labels.dtype.kind not in "iuU":
        raise ValueError(f"labels hold {labels.dtype}: give whole numbers or texts")
    found, places = np.unique(labels, return_inverse=True)
    names = [_name(label) for label in found.tolist()]
    if not 2 <= len(names) <= MOST_CLASSES or len(set(names)) < len(names):
        raise ValueError(f"{len(set(names))} different labels given: between 2 and {MOST_CLASSES} classes are read")
    return tuple(names), places.ravel()


def _name(label: object) -> str:
    """A class in print: nothing that steers a terminal, nothing long."""
    text = "".join(letter if letter.isprintable() else "?" for letter in str(label)).strip()
    return clipped(text, LONGEST_CLASS) or "?"
