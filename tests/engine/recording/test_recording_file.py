"""A recording from elsewhere: what is no good is refused in one line, what is good comes back as it was."""

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.recording.config import RecordedSpacesConfig, RecordingConfig
from engine.recording.file import MOST_BYTES, About, Recording, read
from engine.schema import ConfigError

M, M_TEST, K, T = 6, 5, 2, 3


def recorded(**changes: Any) -> Recording:
    """Kernels of random features, so that they are positive semi-definite by construction."""
    random = np.random.default_rng(0)
    features = random.standard_normal((T, M + M_TEST, 20))
    found = Recording(
        About(name="a loop", held_out=M_TEST),
        np.array([0, 1, 8]),
        np.array([0.0, 0.5, 4.0]),
        features @ features.transpose(0, 2, 1),
        random.standard_normal((T, M + M_TEST, K)),
        random.standard_normal((M + M_TEST, K)),
    )
    return replace(found, **changes)


def content(arrays: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_it_comes_back_as_it_was() -> None:
    asked = recorded(loss=np.array([3.0, 2.0, 1.0]), labels=np.zeros(M + M_TEST, int))
    found = read(content(asked.to_arrays()))
    assert found.about == asked.about
    assert found.train == M
    for name, array in asked.to_arrays().items():
        np.testing.assert_array_equal(found.to_arrays()[name], array)


def test_its_identity_is_its_bytes() -> None:
    whole = content(recorded().to_arrays())
    one, other = recorded().config(whole, "a.npz"), recorded().config(whole + b" ", "a.npz")
    assert (one.train, one.held_out, one.outputs, one.checkpoints) == (M, M_TEST, K, T)
    assert one.hash != other.hash
    assert RecordingConfig.from_dict(one.to_dict()) == one


def spoilt(name: str, change: Any) -> dict[str, Any]:
    """One array of a good recording, changed."""
    arrays = recorded().to_arrays()
    return arrays | {name: change(arrays[name].copy())}


def put(place: tuple[int, ...], value: float):
    def change(array: np.ndarray) -> np.ndarray:
        array[place] = value
        return array

    return change


def negative(kernel: np.ndarray) -> np.ndarray:
    """Off by twice its smallest eigenvalue along that eigenvector."""
    values, vectors = np.linalg.eigh(kernel[1])
    kernel[1] -= 2 * values[0] * np.outer(vectors[:, 0], vectors[:, 0])
    return kernel


BAD = {
    "no kernel": ({n: a for n, a in recorded().to_arrays().items() if n != "kernel"}, "has no kernel"),
    "asymmetric": (spoilt("kernel", put((1, 2, 3), 50.0)), "kernel at step 1 is not symmetric"),
    "negative": (spoilt("kernel", negative), "kernel at step 1 is no kernel"),
    "not finite": (spoilt("kernel", put((2, 1, 1), np.nan)), "kernel has an entry that is not finite"),
    "outputs": (spoilt("outputs", lambda f: f[:, :-1]), r"outputs is of shape \(3, 10, 2\); \(3, 11, 2\) is needed"),
    "steps": (spoilt("step", lambda step: step[::-1]), "step does not ascend"),
    "times": (spoilt("t", lambda t: -t), "t does not ascend"),
    "fractions": (spoilt("step", lambda step: step + 0.5), "step holds float64; whole numbers are needed"),
    "texts": (spoilt("kernel", lambda kernel: kernel.astype(str)), "kernel holds .*; real numbers are needed"),
    "about": (spoilt("about", lambda _: np.array("{}")), "about.*: name: is missing"),
    "about no JSON": (spoilt("about", lambda _: np.array("{")), "does not say what it is"),
    "another version": (spoilt("about", lambda _: np.array('{"format": 2, "name": "a", "held_out": 5}')), "format"),
    "labels": (recorded(labels=np.full(M + M_TEST, 7)).to_arrays(), "labels run from 7 to 7: 0 to 1 are needed"),
    "none trained on": (
        spoilt("about", lambda _: np.array('{"name": "a", "held_out": 10}')), "at least 2 trained on are needed"),
    "one checkpoint too few": (spoilt("t", lambda t: t[:-1]), r"t is of shape \(2,\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_good_is_refused_in_one_line(name: str) -> None:
    arrays, said = BAD[name]
    with pytest.raises(ValueError, match=said) as refused:
        read(content(arrays))
    assert "\n" not in str(refused.value)


def test_a_pickle_is_not_read() -> None:
    with pytest.raises(ValueError, match="a pickle, which can run code"):
        read(content(recorded().to_arrays() | {"labels": np.array([{}] * (M + M_TEST))}))


@pytest.mark.parametrize("size", [0, 100, 2000])
def test_what_is_cut_short_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="cannot be read as npz"):
        read(content(recorded().to_arrays())[:size])


def test_a_kernel_that_declares_more_bytes_than_are_read_is_refused() -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10, 9000, 9000)})
    with pytest.raises(ValueError, match="more than the"):
        read(_with_member(content(recorded().to_arrays()), "kernel.npy", header.getvalue()))
    assert MOST_BYTES < 10 * 9000**2 * 8


def _with_member(whole: bytes, name: str, data: bytes) -> bytes:
    import zipfile

    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive, zipfile.ZipFile(target, "w") as changed:
        for member in archive.namelist():
            changed.writestr(member, data if member == name else archive.read(member))
    return target.getvalue()


def test_rounding_of_its_precision_is_no_asymmetry() -> None:
    kernel = recorded().kernel
    kernel[:, 0, 1] *= 1 + 1e-6
    with pytest.raises(ValueError, match="not symmetric"):
        read(content(recorded(kernel=kernel).to_arrays()))
    single = About(name="a loop", held_out=M_TEST, precision="float32")
    assert read(content(recorded(kernel=kernel, about=single).to_arrays())).about.precision == "float32"


def test_spaces_need_16_points_held_out() -> None:
    config = recorded().config(b"", "a.npz")
    with pytest.raises(ConfigError, match="5 held-out points are too few"):
        RecordedSpacesConfig.of(config)
