"""Random numbers that stay the same from one NumPy version to the next.

NumPy promises the raw bits of PCG64 and the hashing of SeedSequence, but not the distributions of
`Generator` (NEP 19). The few distributions that the datasets need are therefore derived from the raw bits here.
"""

import zlib

import numpy as np
import scipy.special
from jaxtyping import Float, Int


class Stream:
    """Random numbers for one purpose. Streams of different purposes are independent.

    Args:
        seed: of the dataset.
        purpose: such as "train inputs". One stream per purpose keeps the training set the same when
            the test set grows, and the first points the same when the training set grows.
    """

    def __init__(self, seed: int, purpose: str):
        self._bits = np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(purpose.encode())]))

    def uniform(self, *shape: int) -> Float[np.ndarray, "..."]:
        """Uniform on the open interval (0, 1)."""
        raw = self._bits.random_raw(int(np.prod(shape))) >> np.uint64(12)
        return ((raw.astype(np.float64) + 0.5) * 2.0**-52).reshape(shape)

    def normal(self, *shape: int) -> Float[np.ndarray, "..."]:
        """Standard normal, by the inverse of its distribution function."""
        return self.normal_of(self.uniform(*shape))

    @staticmethod
    def normal_of(uniform: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Standard normal numbers made from uniform ones, one each."""
        return scipy.special.ndtri(uniform)

    def signs(self, *shape: int) -> Float[np.ndarray, "..."]:
        """-1 or 1 with equal probability."""
        return np.where(self.uniform(*shape) < 0.5, -1.0, 1.0)

    def permutation(self, size: int) -> Int[np.ndarray, " size"]:
        """0 .. size - 1 in random order."""
        return np.argsort(self.uniform(size), kind="stable")
