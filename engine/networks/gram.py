"""Sums of Grams into a kernel: what the layerwise kernel and that of any traced function share.

k outputs: "trace" is (1/k) sum over heads, shape (n, n'); "full" has entry [i k + h, j k + g] for heads h, g.
"""

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from engine.networks.base import PANEL

Heads = Literal["trace", "full"]
Precision = Literal["float64", "mixed", "float32"]


class Gram:
    """Sums A A'^T o D D'^T over layers into panels of rows, then assembles the kernel.

    Without `other`, panel i holds its rows against all rows up to its own end: a little over half the products.
    """

    def __init__(self, size: int, other: int | None, heads: Heads, dtype: jnp.dtype):
        self.size, self.heads, self.dtype = size, heads, dtype
        if other is None:
            self.panels = [(i, min(i + PANEL, size), 0, min(i + PANEL, size)) for i in range(0, size, PANEL)]
        else:
            self.panels = [(0, size, size, size + other)]
        self.symmetric = other is None
        areas = [(i1 - i0) * (j1 - j0) for i0, i1, j0, j1 in self.panels]
        self.area, self.largest = sum(areas), max(areas)

    def zeros(self, k: int) -> list[Array]:
        factor = k if self.heads == "full" else 1
        return [jnp.zeros(((i1 - i0) * factor, (j1 - j0) * factor), self.dtype) for i0, i1, j0, j1 in self.panels]

    def add(
        self,
        kernel: list[Array],
        A: Float[Array, "p n_in"] | None,
        D: Float[Array, "p k n_out"],
        *,
        weight: float = 1.0,
        bias: float = 0.0,
    ) -> list[Array]:
        """`kernel` plus (weight A A^T + bias) o D D^T, of inputs A and backpropagated signals D at all points p."""
        k = D.shape[1]
        D = D.astype(self.dtype)
        A = None if A is None else A.astype(self.dtype)
        D = D.reshape(-1, D.shape[2]) if self.heads == "full" else D.reshape(D.shape[0], -1)
        factor = k if self.heads == "full" else 1
        terms = []
        for i0, i1, j0, j1 in self.panels:
            signals = jnp.matmul(D[i0 * factor : i1 * factor], D[j0 * factor : j1 * factor].T, precision="highest")
            if A is None:
                terms.append(bias * signals)
                continue
            weights = weight * jnp.matmul(A[i0:i1], A[j0:j1].T, precision="highest") + bias
            terms.append(jnp.repeat(jnp.repeat(weights, k, 0), k, 1) * signals if factor > 1 else weights * signals)
        return [panel + term for panel, term in zip(kernel, terms, strict=True)]

    def add_pairs(
        self, kernel: list[Array], A: Float[Array, "p t n_in"], D: Float[Array, "p k t n_out"], weight: float
    ) -> list[Array]:
        """`kernel` plus weight sum_tt' (a_t.a'_t') (d_t.d'_t') over all pairs of positions."""
        t = D.shape[2]
        A, D = A.astype(self.dtype), D.astype(self.dtype)
        D = D if self.heads == "full" else jnp.moveaxis(D, 1, 2).reshape(D.shape[0], 1, t, -1)
        heads, terms = D.shape[1], []
        for i0, i1, j0, j1 in self.panels:
            weights = weight * jnp.einsum("itp,jsp->itjs", A[i0:i1], A[j0:j1], precision="highest")
            signals = jnp.einsum("ihtq,jgsq->ihtjgs", D[i0:i1], D[j0:j1], precision="highest")
            term = (weights[:, None, :, :, None, :] * signals).sum((2, 5))
            terms.append(term.reshape((i1 - i0) * heads, (j1 - j0) * heads))
        return [panel + term for panel, term in zip(kernel, terms, strict=True)]

    def assemble(self, kernel: list[Array], k: int) -> Array:
        if not self.symmetric:
            return kernel[0] if self.heads == "full" else kernel[0] / k
        factor = k if self.heads == "full" else 1
        edges = [(i0 * factor, i1 * factor) for i0, i1, _, _ in self.panels]
        rows = []
        for at, (i0, i1) in enumerate(edges):
            square = kernel[at][:, i0:]
            right = [panel[:, i0:i1].T for panel in kernel[at + 1 :]]
            rows.append(jnp.concatenate([kernel[at][:, :i0], jnp.tril(square) + jnp.tril(square, -1).T, *right], 1))
        # Not as the lower half and its transpose: XLA makes one loop of those and of what the panels come from, which
        # reads beyond them, and may crash the process (CPU, jaxlib 0.10.2).
        full = jnp.concatenate(rows)
        return full if self.heads == "full" else full / k


def need_64_bits(precision: Precision) -> None:
    """Raises `RuntimeError` where float64 is asked for while `jax_enable_x64` is off."""
    if precision != "float32" and not jax.config.read("jax_enable_x64"):
        raise RuntimeError(f"kernel precision {precision!r} needs 64-bit JAX: set jax_enable_x64 first")


def dtypes(precision: Precision) -> tuple[jnp.dtype, jnp.dtype]:
    """Of the signals, and of the Gram."""
    signal = jnp.dtype(jnp.float64 if precision == "float64" else jnp.float32)
    return signal, jnp.dtype(jnp.float32 if precision == "float32" else jnp.float64)


def by_rows(kernel: Callable[[Array, Array | None], Array], x: Array, other: Array | None, rows: int | None) -> Array:
    """The kernel of all points from kernels of at most `rows` points; None for all at once."""
    size = max(x.shape[0], 0 if other is None else other.shape[0])
    if rows is None or size <= rows:
        return kernel(x, other)
    starts = range(0, x.shape[0], rows)
    if other is not None:
        columns = range(0, other.shape[0], rows)
        return jnp.block([[kernel(x[i : i + rows], other[j : j + rows]) for j in columns] for i in starts])
    below = {
        (i, j): kernel(x[i : i + rows], None if i == j else x[j : j + rows]) for i in starts for j in starts if j <= i
    }
    return jnp.block([[below[i, j] if j <= i else below[j, i].T for j in starts] for i in starts])
