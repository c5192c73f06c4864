"""Networks as people write them: of flax linen, of nnx, and in plain JAX."""

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import nnx


class Linen(nn.Module):
    width: int = 8
    activation: str = "relu"

    @nn.compact
    def __call__(self, x):
        x = getattr(nn, self.activation)(nn.Dense(self.width)(x))
        return nn.Dense(1)(nn.LayerNorm()(x))


class Averaged(nn.Module):
    """With batch normalisation as it is used after training."""

    @nn.compact
    def __call__(self, x):
        return nn.Dense(1)(nn.tanh(nn.BatchNorm(use_running_average=True)(nn.Dense(8)(x))))


class Images(nn.Module):
    """Of images without a channel axis, to as many outputs as there are digits."""

    @nn.compact
    def __call__(self, x):
        x = nn.relu(nn.Conv(4, (3, 3), strides=2)(x.reshape(*x.shape[:3], 1)))
        return nn.Dense(10)(x.mean((1, 2)))


class Modern(nnx.Module):
    def __init__(self, width: int, rngs: nnx.Rngs):
        self.layers = nnx.List([nnx.Linear(2, width, rngs=rngs), nnx.Linear(width, 1, rngs=rngs)])
        self.norm = nnx.BatchNorm(width, use_running_average=True, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, deterministic=True, rngs=rngs)

    def __call__(self, x):
        return self.layers[1](jnp.tanh(self.dropout(self.norm(self.layers[0](x)))))


def plain(width: int = 8):
    def init(key, x):
        first, second = jax.random.split(key)
        w = jax.random.normal(first, (x.shape[-1], width))
        return [{"w": w, "b": jnp.zeros(width)}, (jax.random.normal(second, (width, 1)),)]

    def apply(params, x):
        first, (readout,) = params
        return jnp.sin(x @ first["w"] + first["b"]) @ readout / width**0.5

    return init, apply


def critical(depth: int = 2, width: int = 32, outputs: int = 1):
    """The fully connected ReLU network of NTK parameterization, without biases."""

    def init(key, x):
        sizes = [x[0].size, *[width] * depth, outputs]
        keys = jax.random.split(key, depth + 1)
        return [jax.random.normal(k, (n, m)) for k, n, m in zip(keys, sizes, sizes[1:], strict=False)]

    def apply(params, x):
        a = x.reshape(x.shape[0], -1)
        for w in params[:-1]:
            a = jax.nn.relu(a @ w * (2 / a.shape[1]) ** 0.5)
        return a @ params[-1] / a.shape[1] ** 0.5

    return init, apply


PAIR = plain(4)
