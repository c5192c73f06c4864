"""A convolutional network of flax on digits, trained with Adam on cross-entropy, and its kernel on the way.

python docs/recordings/flax_cnn.py
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.datasets import load_digits

import engine as kd

TRAINED, PROBED, HELD_OUT = 256, 48, 48


class CNN(nn.Module):
    @nn.compact
    def __call__(self, x):
        for width in (8, 16):
            x = nn.relu(nn.Conv(width, (3, 3), strides=2)(x))
        return nn.Dense(10)(x.mean(axis=(1, 2)))


def main(steps: int = 200):
    """The recording (`engine.recording.result.RecordedRun`)."""
    digits = load_digits()
    images, classes = digits.images[..., None].astype(np.float32) / 16, digits.target
    network, adam = CNN(), optax.adam(1e-2)
    params = network.init(jax.random.key(0), images[:1])
    state, x, y = adam.init(params), jnp.asarray(images[:TRAINED]), jnp.asarray(classes[:TRAINED])

    @jax.jit
    def update(params, state):
        def loss(params):
            return optax.softmax_cross_entropy_with_integer_labels(network.apply(params, x), y).mean()

        value, slope = jax.value_and_grad(loss)(params)
        change, state = adam.update(slope, state)
        return optax.apply_updates(params, change), state, value

    # Some of the points that it trains on, then others.
    probed = np.r_[:PROBED, TRAINED : TRAINED + HELD_OUT]
    asked = {"held_out": HELD_OUT, "params": params, "loss": "logistic"}
    with kd.watch("digits, flax", network.apply, images[probed], classes[probed], **asked) as watch:
        for step in range(steps):
            before = params
            params, state, loss = update(params, state)
            watch(step, before, loss=loss)
    return watch.result


if __name__ == "__main__":
    print(main().numbers())
