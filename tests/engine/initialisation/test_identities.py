"""The identities behind the law, network by network (theory.md 3)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from initialisation_oracles import dot


def layers(widths, seed):
    rng = np.random.default_rng(seed)
    shapes = zip(widths[1:], widths[:-1], strict=True)
    return [(rng.standard_normal((n_out, n_in)), np.zeros(n_out)) for n_out, n_in in shapes]


def forward(params, x, sigmas, shifts):
    """f, with shifts added to every z_l so that df/dshift_l = delta_l; and all z, a."""
    a, zs, activations = x, [], [x]
    for i, (W, b) in enumerate(params):
        z = sigmas[i] / jnp.sqrt(W.shape[1]) * W @ a + b + shifts[i]
        a = z if i == len(params) - 1 else jax.nn.relu(z)
        zs.append(z)
        activations.append(a)
    return a[0], (zs, activations)


def pieces(widths, sigmas, x, params):
    """f, z_l . delta_l, K, sum (S_l + 1) D_l, g^T H g, and 2 sum_{l<d} (S_l + 1) delta_l . q_l."""
    shifts = [jnp.zeros(n) for n in widths[1:]]

    def function(params):
        return forward(params, x, sigmas, shifts)[0]

    def with_parts(shifts):
        return forward(params, x, sigmas, shifts)

    (f, (zs, activations)), deltas = jax.value_and_grad(with_parts, has_aux=True)(shifts)
    c2 = [s**2 / n for s, n in zip(sigmas, widths[:-1], strict=True)]
    S = [c * dot(a, a) for c, a in zip(c2, activations[:-1], strict=True)]
    D = [dot(delta, delta) for delta in deltas]

    def reach(shifts):
        """Its gradient by shift l < m gathers q_l = sum_{m>l} c_m^2 D_m J_{l->m-1}^T a_{m-1}: no term m <= l moves."""
        moved = with_parts(shifts)[1][1]
        return sum(c2[m] * D[m] * dot(moved[m], activations[m]) for m in range(1, len(D)))

    q = jax.grad(reach)(shifts)
    formula = 2 * sum((S[i] + 1) * dot(deltas[i], q[i]) for i in range(len(D) - 1))
    g = jax.grad(function)(params)
    gHg = dot(g, jax.jvp(jax.grad(function), (params,), (g,))[1])
    homogeneity = jnp.stack([dot(z, delta) for z, delta in zip(zs, deltas, strict=True)])
    return f, homogeneity, dot(g, g), sum((s + 1) * d for s, d in zip(S, D, strict=True)), gHg, formula


@pytest.mark.parametrize("widths", [(4, 6, 1), (2, 3, 5, 3, 4, 1)], ids=str)
def test_identities_of_each_network(widths):
    sigmas = [1.1, 0.8, 1.7, 1.3, 0.9][: len(widths) - 1]
    x = jnp.arange(1.0, widths[0] + 1) / 3
    of = jax.jit(lambda params: pieces(widths, sigmas, x, params))
    for seed in range(20):
        f, homogeneity, K, sum_, gHg, formula = of(layers(widths, seed))
        assert np.asarray(homogeneity) == pytest.approx(float(f), rel=1e-11, abs=1e-13)
        assert float(K) == pytest.approx(float(sum_), rel=1e-12)
        assert float(gHg) == pytest.approx(float(formula), rel=1e-10, abs=1e-12)
