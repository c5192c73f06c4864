import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from cache.archive import CorruptEntryError, decode, encode

DTYPES = st.one_of(
    npst.floating_dtypes(endianness="="), npst.integer_dtypes(endianness="="), npst.unicode_string_dtypes()
)


@given(st.dictionaries(st.text("abc/_ é", min_size=1), npst.arrays(DTYPES, npst.array_shapes(min_dims=0)), max_size=3))
def test_arrays_come_back_as_they_were(arrays: dict[str, np.ndarray]) -> None:
    back = decode(encode(arrays, "key/result"), "key/result")
    assert list(back) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(back[name], array)
        assert back[name].dtype == array.dtype
        assert not back[name].flags.writeable


def test_equal_arrays_give_equal_bytes() -> None:
    assert encode({"a": np.ones(3)}, "k") == encode({"a": np.ones(3)}, "k")


@pytest.mark.parametrize(
    "value",
    [np.array([object()]), np.array([{"a": 1}, None]), np.zeros(2, dtype=[("x", float)]), np.zeros(2, dtype="V4")],
)
def test_what_would_need_a_pickle_is_refused(value: np.ndarray) -> None:
    with pytest.raises(TypeError, match="convert it to numbers or text"):
        encode({"thing": value}, "key/result")


def test_any_changed_or_missing_byte_is_noticed() -> None:
    good = encode({"a": np.arange(5.0)}, "key/result")
    for position in range(0, len(good), 7):
        changed = bytearray(good)
        changed[position] ^= 1
        with pytest.raises(CorruptEntryError):
            decode(bytes(changed), "key/result")
        with pytest.raises(CorruptEntryError):
            decode(good[:position], "key/result")


def test_an_entry_moved_to_another_run_is_noticed() -> None:
    with pytest.raises(CorruptEntryError):
        decode(encode({"a": np.ones(1)}, "one/result"), "two/result")


def test_a_pickle_is_not_an_entry() -> None:
    with pytest.raises(CorruptEntryError):
        decode(pickle.dumps({"a": 1}), "key/result")
