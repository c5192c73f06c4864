"""Initialisation: exact laws against autodiff, as ratios within one run. `python -m benchmarks.initialisation`.

Rows: a draw of (f, K_w, K_b) and of g^T H g from the exact law against a vmapped autodiff draw at n = 256, 32 weight
layers (target 3000); a whole Gram matrix against autodiff (Jacobians contracted; target 10) and against the engine's
own structured kernel; exact moments of 10,000 shapes up to depth 512 (target 2 s on two cores).
Autodiff draws and differentiates in float32, its fastest; the exact laws are float64.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.timing import seconds
from engine.initialisation.brute_force import draw_network, key_chunks
from engine.initialisation.gram import gram_chunks
from engine.initialisation.law import InitialNetwork, exact_law, law_of, network_of
from engine.initialisation.layer_sums import Shapes
from engine.initialisation.moments import moments_of_shapes
from engine.initialisation.sampler import draw_chunks
from engine.networks.model import apply, ntk

SETTING = InitialNetwork.from_dict({"widths": [10, *[256] * 31, 1]})
NETWORK = network_of(SETTING)
REPEATS = 5


def best(call: Callable[[], object]) -> float:
    """Seconds of the fastest of a few calls."""
    return min(seconds(call, REPEATS))


def exact_draw(first_step: bool, draws: int = 1 << 15) -> float:
    """Seconds per draw."""
    law = exact_law(SETTING)
    return best(lambda: [chunk.K for chunk in draw_chunks(law, draws, 0, first_step=first_step)]) / draws


def autodiff_draw(first_step: bool) -> float:
    """Seconds per draw, at the best of a few batch sizes."""
    x = jnp.ones((1, 10))

    @jax.jit
    @jax.vmap
    def one(key: jax.Array) -> tuple[jax.Array, ...]:
        params = draw_network(NETWORK, key, 10)

        def f(params: dict) -> jax.Array:
            return apply(NETWORK, params, x)[0, 0]

        value, gradient = jax.value_and_grad(f)(params)
        square = jax.tree.map(lambda g: jnp.sum(g * g), gradient)
        if not first_step:
            return value, *jax.tree.leaves(square)
        curved = jax.jvp(jax.grad(f), (params,), (gradient,))[1]
        along = jax.tree.map(lambda u, v: jnp.sum(u * v), gradient, curved)
        return value, *jax.tree.leaves(square), *jax.tree.leaves(along)

    found = []
    for batch in (4, 16):
        keys, _ = next(key_chunks(0, batch, batch))
        found.append(best(partial(one, keys)) / batch)
    return min(found)


def gram(points: int) -> tuple[float, float, float]:
    """Seconds per Gram matrix: exact law, contracted Jacobians, the engine's structured kernel; drawing included."""
    x = np.random.default_rng(0).standard_normal((points, 10))
    exact = best(lambda: list(gram_chunks(SETTING, x, 5, np.random.default_rng(0)))) / 5
    key = jax.random.key(0)
    inputs = jnp.asarray(x, jnp.float32)

    @jax.jit
    def contracted(key: jax.Array) -> jax.Array:
        params = draw_network(NETWORK, key, 10)
        rows = jax.vmap(lambda row: jax.grad(lambda params: apply(NETWORK, params, row[None])[0, 0])(params))(inputs)
        flat = [leaf.reshape(points, -1) for leaf in jax.tree.leaves(rows)]
        return sum((leaf @ leaf.T for leaf in flat), jnp.zeros((points, points)))

    @jax.jit
    def structured(key: jax.Array) -> jax.Array:
        return ntk(NETWORK, draw_network(NETWORK, key, 10), inputs, precision="float32")

    return exact, best(partial(contracted, key)), best(partial(structured, key))


def many_shapes() -> dict[str, float]:
    """Seconds for 10,000 shapes: all of depth 512, general widths; and of every depth up to 512, equal widths."""
    rng = np.random.default_rng(0)
    general = [(10, *row, 1) for row in rng.integers(1, 2000, (10_000, 512)).tolist()]
    ragged = Shapes.equal(rng.integers(1, 513, 10_000), rng.integers(1, 2000, 10_000), 10)
    found = {}
    for readout in ("linear", "relu"):
        law = law_of([10, 8, 1], readout=readout)
        found[f"general, {readout}"] = best(partial(lambda law: moments_of_shapes(law, Shapes.of(general)), law))
        found[f"equal, {readout}"] = best(partial(moments_of_shapes, law, ragged))
    return found


def main() -> None:
    print(f"NumPy {np.__version__}, JAX {jax.__version__}, {jax.devices()[0].device_kind}; n = 256, 32 weight layers")
    for first_step, what in ((False, "(f, K_w, K_b)"), (True, "(f, K_w, K_b, g^T H g)")):
        exact, autodiff = exact_draw(first_step), autodiff_draw(first_step)
        print(f"{what}: exact {exact * 1e6:.1f} us, autodiff {autodiff * 1e3:.1f} ms a draw: {autodiff / exact:,.0f} x")
    for points in (8, 16, 32):
        exact, contracted, structured = gram(points)
        print(
            f"Gram of {points}: exact {exact * 1e3:.1f} ms; Jacobians {contracted * 1e3:.0f} ms: "
            f"{contracted / exact:.0f} x; structured kernel {structured * 1e3:.0f} ms: {structured / exact:.1f} x"
        )
    for what, took in many_shapes().items():
        print(f"moments of 10,000 shapes, {what}: {took:.2f} s")


if __name__ == "__main__":
    main()
