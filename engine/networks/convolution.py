"""Where a convolution reads along one axis of an image, and which pairs of places of two images meet in it. No JAX."""

from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from scipy.sparse import csr_array

NORM_EPS = 1e-6
"""Added to the variance that a norm divides by."""

Places = Int[np.ndarray, " pairs"]


def padding(length: int, stride: int) -> tuple[int, int]:
    """Before and after an axis, so that the output has a stride-th of its length, rounded up."""
    total = max((-(-length // stride) - 1) * stride + 3 - length, 0)
    return total // 2, total - total // 2


def taps(length: int, stride: int, circular: bool) -> Int[np.ndarray, "places 3"]:
    """The places that each place of the output reads; -1 beyond a zero-padded edge."""
    start = np.arange(-(-length // stride)) * stride - padding(length, stride)[0]
    read = start[:, None] + np.arange(3)
    return read % length if circular else np.where((read >= 0) & (read < length), read, -1)


class Step(NamedTuple):
    """One convolution, of pairs of places.

    Attributes:
        first, second: the two places of each pair, after it.
        mean: over its three taps, of the pairs before it.
    """

    first: Places
    second: Places
    mean: csr_array


class Axis(NamedTuple):
    """Pairs of places: those of the input, and what each convolution makes of them."""

    first: Places
    second: Places
    steps: tuple[Step, ...]

    @property
    def counts(self) -> list[int]:
        """Of pairs: of the input, and after each convolution."""
        return [len(self.first), *(len(step.first) for step in self.steps)]


@lru_cache(maxsize=256)
def axis(length: int, strides: tuple[int, ...], circular: bool, same: bool, part: int = 0, parts: int = 1) -> Axis:
    """The pairs that a readout of every pair of places needs, found from there back to the input.

    Args:
        same: each place with itself alone; all of them, whether a later convolution reads them or not.
        part, parts: which of so many parts of the readout's pairs. They are parted by the distance of their places,
            which a convolution of stride 1 leaves as it is.
    """
    lengths = list(accumulate(strides, lambda left, stride: -(-left // stride), initial=length))
    last = lengths[-1]
    first, second = np.indices((last, last)).reshape(2, -1)
    if same:
        first = second = np.arange(last)
    nearness = np.argsort((second - first) % last, kind="stable")
    first, second = (np.array_split(places[nearness], parts)[part] for places in (first, second))
    steps = []
    for size, stride in zip(lengths[-2::-1], reversed(strides), strict=True):
        read = taps(size, stride, circular)
        inside = (read[first] >= 0) & (read[second] >= 0)
        codes = (read[first] * size + read[second])[inside]
        asked = np.arange(size) * (size + 1) if same else np.unique(codes)
        ends = np.append(0, np.cumsum(inside.sum(axis=1)))
        entries = np.full(len(codes), 1 / 3), np.searchsorted(asked, codes), ends
        steps.append(Step(first, second, csr_array(entries, shape=(len(first), len(asked)))))
        first, second = np.divmod(asked, size)
    return Axis(first, second, tuple(reversed(steps)))
