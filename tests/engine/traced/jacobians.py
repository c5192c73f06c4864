"""The kernel of a case by Jacobians of reverse differentiation, which know nothing of its products."""

import jax
import numpy as np
from architectures import Case


def jacobian(case: Case) -> np.ndarray:
    """(n, k, parameters)."""
    leaves = jax.tree.leaves(jax.jit(jax.jacrev(lambda params: case.apply(params, case.x)))(case.params))
    return np.concatenate([np.asarray(leaf).reshape(*leaf.shape[:2], -1) for leaf in leaves], axis=-1)


def expected(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """The traced and the full kernel."""
    J = jacobian(case)
    rows = J.reshape(-1, J.shape[2])
    return np.einsum("ihp,jhp->ij", J, J) / J.shape[1], rows @ rows.T


def close(found: jax.Array, wanted: np.ndarray) -> bool:
    return bool(np.max(np.abs(np.asarray(found) - wanted)) <= 1e-12 * np.max(np.abs(wanted)))
