"""The top of a spectrum without its matrix, against the matrix."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from engine.networks.mlp_config import MLPConfig
from engine.networks.model import init, ntk
from engine.rkhs.stored import top_spectrum


@pytest.mark.parametrize(("points", "outputs", "count"), [(2048, 1, 8), (60, 3, 8)])
def test_the_leading_eigenvalues_are_those_of_the_dense_kernel(points: int, outputs: int, count: int) -> None:
    network = MLPConfig.from_dict({"depth": 2, "width": 8, "activation": "erf", "alpha": 0.7})
    x = np.random.default_rng(0).standard_normal((points, 4))
    params = init(network, 0, 4, outputs)
    found = top_spectrum(network, params, x, count)
    K = np.asarray(ntk(network, params, jnp.asarray(x)))
    dense = scipy.linalg.eigh(K, eigvals_only=True, subset_by_index=[points - count, points - 1])
    np.testing.assert_allclose(found, dense[::-1], rtol=1e-9)
