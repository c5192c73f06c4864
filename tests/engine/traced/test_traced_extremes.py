"""Maxima and minima: their derivatives are right in a compiled program, where JAX's own may not be."""

import os
import subprocess
import sys
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import engine as kd
from engine.networks.traced.extremes import mend, steady

X = np.random.default_rng(0).standard_normal((5, 4))
P = {"w": np.random.default_rng(1).standard_normal((4, 6)), "v": np.random.default_rng(2).standard_normal((6, 2))}


def looped(p: dict, x: jax.Array) -> jax.Array:
    def turn(h: jax.Array, _: None) -> tuple[jax.Array, None]:
        return lax.cond(True, lambda h: jnp.maximum(h, 0.1 * h), jnp.negative, h), None

    return lax.scan(turn, x @ p["w"], length=3)[0] @ p["v"]


FUNCTIONS: list[Callable] = [
    lambda p, x: jnp.maximum(x @ p["w"], 0) @ p["v"],
    lambda p, x: jnp.clip(x @ p["w"], -0.5, 0.5) @ p["v"],
    lambda p, x: (x[:, :, None] * p["w"]).max(1) @ p["v"],
    lambda p, x: (x[:, :, None] * p["w"])[..., None].min((1, 3)) @ p["v"],
    jax.jit(lambda p, x: jnp.minimum(x @ p["w"], jnp.max(p["w"])) @ p["v"]),
    jax.checkpoint(lambda p, x: jnp.maximum(x @ p["w"], 0.2) @ p["v"]),  # pyright: ignore[reportPrivateImportUsage]
    looped,
]


@pytest.mark.parametrize("f", FUNCTIONS)
def test_outputs_and_derivatives_are_those_of_the_function(f: Callable) -> None:
    np.testing.assert_allclose(steady(f)(P, X), f(P, jnp.asarray(X)), rtol=1e-13, atol=1e-14)
    found, expected = jax.jacrev(steady(f))(P, X), jax.jacrev(f)(P, X)
    for name in P:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12, atol=1e-14)
    J = np.concatenate([np.asarray(expected[name]).reshape(5, 2, -1) for name in P], -1)
    np.testing.assert_allclose(kd.ntk(f, P, X), np.einsum("iop,jop->ij", J, J) / 2, rtol=1e-12)


@pytest.mark.parametrize("of", [jnp.max, jnp.min, lambda x: jnp.maximum(x[0], x[1]), lambda x: jnp.minimum(x[0], x[1])])
def test_equal_entries_share_the_derivative(of: Callable) -> None:
    np.testing.assert_array_equal(jax.grad(steady(of))(jnp.array([2.0, 2.0])), [0.5, 0.5])


def test_of_no_rows_there_is_no_derivative() -> None:
    assert jax.jacrev(steady(lambda x: x.max(1)))(jnp.zeros((0, 3))).shape == (0, 0, 3)


def test_a_program_without_extremes_stays_as_it_is() -> None:
    closed = jax.make_jaxpr(lambda x: jax.nn.relu(x) + jnp.argmax(x))(X)
    assert mend(closed) is closed


COMPILED = """
import jax
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp, numpy as np
from flax import nnx
import engine as kd

class Pooled(nnx.Module):
    def __init__(self, norm):
        self.conv = nnx.Conv(2, 4, (3, 3), rngs=nnx.Rngs(0))
        self.up = nnx.ConvTranspose(4, 3, (2, 2), 2, rngs=nnx.Rngs(1))
        self.norm, self.out = norm(3, rngs=nnx.Rngs(2)), nnx.Linear(3, 2, rngs=nnx.Rngs(3))

    def __call__(self, x):
        h = nnx.gelu(self.up(nnx.gelu(self.conv(x))))
        return self.out(self.norm(h**2 if isinstance(self.norm, nnx.InstanceNorm) else h).max((1, 2)))

x, random = np.random.default_rng(0).standard_normal((6, 8, 8, 2)), np.random.default_rng(7)
wide = lambda leaf: jnp.asarray(leaf + 0.2 * random.standard_normal(leaf.shape))
for norm in (nnx.LayerNorm, nnx.InstanceNorm):
    graph, params, rest = nnx.split(Pooled(norm), nnx.Param, ...)
    params = jax.tree.map(wide, params)
    f = lambda params, x: nnx.merge(graph, params, rest)(x)
    J = jax.jacfwd(f)(params, x)
    J = np.concatenate([np.asarray(leaf).reshape(6, 2, -1) for leaf in jax.tree.leaves(J)], -1)
    K = np.einsum("iop,jop->ij", J, J) / 2
    far = np.abs(kd.ntk(f, params, x) - K).max() / np.abs(K).max()
    compiled = jax.jit(jax.jacrev(f))
    own = np.concatenate([np.concatenate([np.asarray(leaf).reshape(1, 2, -1) for leaf in
                          jax.tree.leaves(compiled(params, x[i : i + 1]))], -1) for i in range(6)])
    print(norm.__name__, far, np.abs(own - J).max() / np.abs(J).max())
    assert far < 1e-12
"""
"""Kernels beside Jacobians by forward differentiation, op by op; and how far JAX's compiled ones are off."""


@pytest.mark.whole
def test_a_maximum_after_a_norm_has_its_kernel_where_programs_are_optimised() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XLA_", "JAX_"))}
    done = subprocess.run(
        [sys.executable, "-c", COMPILED], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    print(done.stdout)
