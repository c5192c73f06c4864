"""The kernel of a case by Jacobians of JAX's own, which know nothing of its products."""

from collections.abc import Callable

import jax
import numpy as np
from architectures import Case


def jacobian(case: Case, by: Callable = jax.jacrev) -> np.ndarray:
    """(n, k, parameters)."""
    leaves = jax.tree.leaves(jax.jit(by(lambda params: case.apply(params, case.x)))(case.params))
    return np.concatenate([np.asarray(leaf).reshape(*leaf.shape[:2], -1) for leaf in leaves], axis=-1)


def expected(case: Case, by: Callable = jax.jacrev) -> tuple[np.ndarray, np.ndarray]:
    """The traced and the full kernel; `by` gives the Jacobian."""
    J = jacobian(case, by)
    rows = J.reshape(-1, J.shape[2])
    return np.einsum("ihp,jhp->ij", J, J) / J.shape[1], rows @ rows.T


def close(found: jax.Array, wanted: np.ndarray) -> bool:
    return bool(np.max(np.abs(np.asarray(found) - wanted)) <= 1e-12 * np.max(np.abs(wanted)))
