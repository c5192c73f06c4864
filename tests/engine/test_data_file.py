"""Files of points: what NumPy, the idx format and CIFAR's records hold comes out as it went in; the rest is refused."""

import gzip
import io
import pickle
import struct
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data import contents, formats
from engine.data.file import FileConfig, taken_in
from engine.data.formats import CIFAR_10, images_first, read
from engine.data.npz import arrays_in

RNG = np.random.default_rng(16)
IMAGES = RNG.integers(0, 256, (30, 5, 4), dtype=np.uint8)
DIGITS = np.tile(np.array([7, 1, 4], np.uint8), 10)
ROWS = RNG.normal(size=(40, 3))


def npz(compressed=False, **arrays):
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays)
    return buffer.getvalue()


def idx(array, code=0x08, kind="u1"):
    head = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return head + array.astype(kind).tobytes()


def cifar(labels, pixels):
    return b"".join(bytes(label) + image.tobytes() for label, image in zip(labels, pixels, strict=True))


PIXELS = RNG.integers(0, 256, (6, 3, 32, 32), dtype=np.uint8)
CIFAR = cifar([(label,) for label in (3, 5, 3, 0, 5, 0)], PIXELS)


def config(content, name="mine.npz", **values):
    files = [content] if isinstance(content, bytes) else content
    source = taken_in([(name, one) for one in files]).source
    for one in files:
        contents.give(one)
    return FileConfig.from_dict({"source": source.to_dict(), **values})


def refused(*files):
    with pytest.raises(ValueError, match=r".+") as refusal:
        read(images_first(files))
    said = str(refusal.value)
    assert "\n" not in said
    return said


# What comes out.


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "i2", "<i8", ">f4", "f8", "f2", "?"])
def test_npz_gives_what_numpy_wrote(compressed, dtype):
    x = (10 * ROWS).astype(dtype)
    found = read([npz(compressed, x=x, labels=np.arange(40) % 4 + 5)])
    np.testing.assert_array_equal(found.x, x)
    assert (found.shape, found.classes, found.counts) == ((3,), ("5", "6", "7", "8"), (10, 10, 10, 10))
    np.testing.assert_array_equal(found.labels, np.arange(40) % 4)


def test_npz_in_the_order_of_fortran_and_of_images():
    images = np.asfortranarray(RNG.normal(size=(9, 4, 5, 2)))
    found = read([npz(x=images, y=RNG.normal(size=(9, 2)))])
    np.testing.assert_array_equal(found.x, images.reshape(9, 40))
    assert found.shape == (4, 5, 2)
    assert read([npz(x=images[..., 0], y=np.ones(9) * 0.5)]).shape == (4, 5, 1)


@pytest.mark.parametrize(
    ("arrays", "classes", "numbers"),
    [
        ({"labels": np.array(["b", "a"] * 20)}, ("a", "b"), False),
        ({"labels": np.array([b"b", b"a"] * 20)}, ("a", "b"), False),
        ({"labels": np.array([2.0, 10.0] * 20)}, ("2", "10"), False),
        ({"labels": np.array([[True], [False]] * 20)}, ("0", "1"), False),
        ({"y": np.array([-1, 1] * 20)}, ("-1", "1"), False),
        ({"y": np.array(["x", "y"] * 20)}, ("x", "y"), False),
        ({"y": np.array([2.0, 10.0] * 20)}, (), True),
        ({"y": np.arange(80).reshape(40, 2)}, (), True),
    ],
)
def test_labels_are_classes_and_floats_of_y_are_values(arrays, classes, numbers):
    found = read([npz(x=ROWS, **arrays)])
    assert (found.classes, found.labels is None, found.y is None) == (classes, numbers, not numbers)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gz"])
@pytest.mark.parametrize("turned", [False, True])
def test_mnist_in_two_files_in_either_order(pack, turned):
    files = [pack(idx(IMAGES)), pack(idx(DIGITS))]
    found = read(images_first(files[::-1] if turned else files))
    np.testing.assert_array_equal(found.x, IMAGES.reshape(30, 20))
    assert (found.format, found.shape, found.classes) == ("idx", (5, 4, 1), ("1", "4", "7"))
    np.testing.assert_array_equal(np.array([1, 4, 7])[found.labels], DIGITS)


@pytest.mark.parametrize(("code", "kind"), [(0x09, "i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")])
def test_idx_of_every_type_of_number(code, kind):
    values = (IMAGES.astype(float) - 100) / 2
    expected = values.astype(kind)
    found = read([idx(values, code, kind), idx(DIGITS)])
    np.testing.assert_array_equal(found.x, expected.reshape(30, 20))


def test_cifar_is_red_green_blue_by_pixel_in_the_order_of_its_classes():
    found = read([CIFAR])
    assert (found.format, found.shape, found.classes) == ("CIFAR-10", (32, 32, 3), ("airplane", "cat", "dog"))
    np.testing.assert_array_equal(found.x.reshape(6, 32, 32, 3)[2, 4, 9], PIXELS[2, :, 4, 9])
    assert [CIFAR_10.index(found.classes[label]) for label in found.labels] == [3, 5, 3, 0, 5, 0]
    hundred = read([cifar([(19, 99), (0, 3), (2, 99), (1, 3)], PIXELS[:4])])
    assert (hundred.format, hundred.classes, hundred.labels.tolist()) == ("CIFAR-100", ("3", "99"), [1, 0, 1, 0])


# What is refused, in words.


class Evil:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was opened",))


def test_a_pickle_is_not_opened():
    assert "is a pickle, which can run code" in refused(pickle.dumps(Evil()))
    assert "is a pickle, which can run code" in refused(gzip.compress(pickle.dumps({"data": 1}, protocol=2)))
    held = npz(x=np.array([Evil()] * 6, dtype=object), labels=DIGITS[:6])
    assert refused(held).startswith("x holds Python objects, a pickle")


def by_words(value: bytes | str) -> str:
    """Names a test by its words alone: gzip writes the time into what it packs."""
    return value if isinstance(value, str) else "content"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"a,b\n1,2\n", "is of no format that is read: npz (np.savez(path, x=x, y=y)), MNIST's idx"),
        (b"PK\x03\x04 a workbook", "cannot be read as npz, cut short or damaged"),
        (npz(x=ROWS, y=ROWS)[:-40], "cannot be read as npz, cut short or damaged"),
        (npz(a=ROWS, x_train=ROWS), "needs the arrays x and y, or x and labels; it holds a, x_train"),
        (npz(x=ROWS), "needs the arrays x and y"),
        (npz(x=ROWS, y=ROWS, labels=ROWS), "holds both y and labels"),
        (npz(x=ROWS, y=ROWS[:39]), "x has 40 points, y has 39: give one for each point"),
        (npz(x=ROWS[0], y=ROWS[0]), "x has 1 axes: give it one row for each point"),
        (npz(x=ROWS[:3], y=ROWS[:3]), "x has 3 points: between 4 and 100,000 are read"),
        (npz(x=np.zeros((4, 4097), "u1"), y=np.ones(4)), "points of 4,097 numbers given, between 1 and 4,096 are read"),
        (npz(x=ROWS + 0j, y=ROWS), "x holds complex128: numbers and texts are read"),
        (npz(x=ROWS.astype(str), y=ROWS), "x holds <U32, no real numbers"),
        (npz(x=np.where(ROWS > 2.2, np.nan, ROWS), y=ROWS), "x has values that are NaN, infinite or beyond 1e+12"),
        (npz(x=ROWS, y=np.full(40, np.inf)), "y has values that are NaN"),
        (npz(x=ROWS, labels=np.full(40, 3)), "1 different labels given: between 2 and 100 classes are read"),
        (npz(x=ROWS, labels=ROWS[:, 0]), "labels are no whole numbers: call values to learn y"),
        (npz(x=ROWS, labels=np.eye(40)), "labels have 2 axes"),
        (npz(x=ROWS, y=np.zeros((40, 101))), "y has 101 columns: between 1 and 100 outputs are read"),
        (idx(IMAGES), "is an idx file without labels: give the file of labels with it"),
        (idx(DIGITS), "is an idx file without images: give the file of images with it"),
        (gzip.compress(idx(IMAGES))[:-9], "is a gzip file that cannot be unpacked, cut short or damaged"),
        (CIFAR[:-1], "18,437 bytes are no whole number of them: if it is CIFAR, it was cut short"),
        (b"\x0a" + CIFAR[1:], "Its length is CIFAR's, but the labels of its records are not"),
        (b"\x93NUMPY\x01\x00", "is one array of NumPy (npy)"),
        (gzip.compress(b"\0" * 257 + b"ustar"), "is a tar archive: unpack it"),
    ],
    ids=by_words,
)
def test_what_is_wrong_is_said(content, said):
    assert said in refused(content)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ((idx(IMAGES)[:-1], idx(DIGITS)), "is idx and cut short: 30 x 5 x 4 numbers take 600 bytes, 599 are there"),
        ((idx(IMAGES), idx(DIGITS) + b"\0"), "is idx and longer than it says"),
        ((idx(IMAGES), idx(DIGITS[:-1])), "x has 30 points, labels has 29"),
        ((idx(DIGITS), idx(DIGITS)), "both files hold labels"),
        ((idx(IMAGES), CIFAR), "two files are read together only where both are idx"),
        ((idx(IMAGES), idx(DIGITS), idx(DIGITS)), "3 files given"),
    ],
)
def test_what_is_wrong_with_two_files_is_said(files, said):
    assert said in refused(*files)


def archive(method=zipfile.ZIP_DEFLATED, **members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def header(shape, dtype="u1"):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": dtype, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def test_bombs_take_no_memory(monkeypatch):
    """What a file claims is checked before it is unpacked; what it holds is read no further than allowed."""
    monkeypatch.setattr(formats, "MOST_UNPACKED", 10_000)
    zeros = bytes(1_000_000)
    assert "unpacks to more than 10,000 bytes" in refused(gzip.compress(zeros))
    assert "x has 1000 x 1000 values, more than the 10,000 bytes" in refused(
        archive(x=header((1000, 1000)) + zeros, y=header((1000,)))
    )
    assert "not as many bytes as its shape says" in refused(archive(x=header((4, 4)) + zeros, y=header((4,))))
    assert "x has -4 x 4 values" in refused(archive(x=header((-4, 4)), y=header((4,))))
    assert "packed or locked" in refused(archive(zipfile.ZIP_LZMA, x=header((4, 4)) + bytes(16), y=header((4,))))
    assert "no array of NumPy" in refused(archive(x=b"no array", y=b""))
    assert "version 2" in refused(archive(x=b"\x93NUMPY\x02\x00\xff\xff\xff\xff", y=b""))


def test_an_archive_of_too_many_arrays_is_not_listed():
    assert "holds too many arrays" in refused(archive(**{f"a{number}": b"" for number in range(2_000)}))


@given(st.binary(max_size=300) | st.sampled_from([CIFAR, idx(IMAGES), npz(x=ROWS, y=ROWS)]).flatmap(
    lambda good: st.tuples(st.integers(0, len(good) - 1), st.integers(0, 255)).map(
        lambda change: good[: change[0]] + bytes([change[1]]) + good[change[0] + 1 :]
    )
))  # fmt: skip
def test_any_bytes_are_points_or_a_message(content):
    said = ""
    try:
        assert len(read([content]).x) >= 4
    except ValueError as refusal:
        said = str(refusal) or "nothing said"
    assert said != "nothing said"
    assert len(said) < 600


def test_crc_of_a_damaged_npz():
    content = bytearray(npz(x=ROWS, y=ROWS))
    content[400] ^= 1
    assert "cut short or damaged" in refused(bytes(content))
    assert zlib.crc32(bytes(content)) != zlib.crc32(npz(x=ROWS, y=ROWS))


def test_what_is_not_asked_for_is_not_read():
    """A loop that was killed leaves more than its recording in its file."""
    found = arrays_in(npz(x=np.ones(3), more=np.zeros(10_000)), ("x", "y"), 1_000)
    assert (found.arrays.keys(), found.others) == ({"x"}, "more")
