"""Convolutions in loops: lowered in the order of axes that a CPU computes fast, and still those of the definition."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.networks import convolution_lowering
from engine.networks.base import NetworkConfig
from engine.networks.model import apply, init

convolution_lowering.register()
FAST = "[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]"
CHANNELS_FIRST = ("NCHW", "OIHW", "NCHW")


def by_hand(x: np.ndarray, w: np.ndarray, stride: int, pad: int) -> np.ndarray:
    """z[n, o, p, q] = sum over c, i, j of x[n, c, s p + i - pad, s q + j - pad] w[o, c, i, j]."""
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    return np.einsum("ncpqij,ocij->nopq", windows, w)


@pytest.mark.parametrize(("stride", "pad", "length"), [(1, 1, 5), (2, 1, 6), (2, 0, 7), (3, 2, 5)])
def test_a_convolution_and_its_gradients_are_those_of_the_definition(stride: int, pad: int, length: int) -> None:
    """In a scan. Of a bilinear z the gradients of <z, c> are known by z of unit arrays."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 3, length, length)), rng.standard_normal((4, 3, 3, 3))
    z = by_hand(x, w, stride, pad)
    c = rng.standard_normal(z.shape)

    @jax.jit
    def looped(x: jax.Array, w: jax.Array) -> tuple:
        def size(x: jax.Array, w: jax.Array) -> tuple:
            edges = [(pad, pad)] * 2
            z = jax.lax.conv_general_dilated(x, w, (stride, stride), edges, dimension_numbers=CHANNELS_FIRST)
            return (z * c).sum(), z

        def body(_: None, __: None) -> tuple:
            return None, jax.value_and_grad(size, (0, 1), has_aux=True)(x, w)

        return jax.lax.scan(body, None, length=2)[1]

    (_, found), (by_x, by_w) = looped(x, w)
    np.testing.assert_allclose(found[1], z, rtol=1e-12)
    unit_w = np.eye(w.size).reshape(-1, *w.shape)
    unit_x = np.eye(x.size).reshape(-1, *x.shape)
    np.testing.assert_allclose(
        by_w[1].ravel(), [np.vdot(by_hand(x, one, stride, pad), c) for one in unit_w], atol=1e-11
    )
    np.testing.assert_allclose(
        by_x[1].ravel(), [np.vdot(by_hand(one, w, stride, pad), c) for one in unit_x], atol=1e-11
    )


@pytest.mark.parametrize("settings", [{}, {"stride": 2, "norm": "layer"}, {"padding": "circular"}])
def test_every_convolution_of_a_step_has_the_fast_order(settings: dict) -> None:
    """Of three layers forward, three for their weights and at least two for their inputs."""
    network = NetworkConfig.from_dict({"kind": "conv", "depth": 3, "width": 4, **settings}).on((8, 8, 1))
    params, x = init(network, 0, 64), jnp.ones((2, 64), jnp.float32)

    def body(params: dict, _: None) -> tuple:
        return jax.grad(lambda params: apply(network, params, x).sum())(params), None

    text = jax.jit(lambda params: jax.lax.scan(body, params, length=2)[0]).lower(params).as_text()
    orders = re.findall(r"stablehlo\.convolution.*?dim_numbers = (\S.*?),? window", text)
    assert len(orders) >= 5
    assert set(orders) == {FAST}
