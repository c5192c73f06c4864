"""Networks of many kinds in linen and nnx."""

from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from flax import nnx


class Dense(nn.Module):
    outputs: int = 1

    @nn.compact
    def __call__(self, x):
        for width in (9, 7):
            x = nn.tanh(nn.Dense(width)(x))
        return nn.Dense(self.outputs)(x)


class Convolutional(nn.Module):
    norm: Any = None

    @nn.compact
    def __call__(self, x):
        x = nn.relu(nn.Conv(6, (3, 3), strides=1)(x))
        x = self.norm()(x) if self.norm else x
        x = nn.relu(nn.Conv(5, (3, 2), strides=(2, 1), padding=((1, 0), (2, 1)))(x))
        return nn.Dense(3)(x.mean((1, 2)))


class Odd(nn.Module):
    """Dilated, grouped, transposed and circular convolutions, and pooling."""

    @nn.compact
    def __call__(self, x):
        x = nn.gelu(nn.Conv(4, (3, 3), kernel_dilation=2)(x))
        x = nn.gelu(nn.Conv(6, (3, 3), feature_group_count=2)(x))
        x = nn.gelu(nn.Conv(5, (3, 3), padding="CIRCULAR")(x))
        x = nn.max_pool(x, (2, 2), (2, 2))
        x = nn.gelu(nn.ConvTranspose(3, (2, 3), strides=(2, 2))(x))
        return nn.Dense(2)(x.reshape(x.shape[0], -1))


class Local(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(1)(nn.tanh(nn.ConvLocal(3, (3, 3), strides=2)(x)).mean((1, 2)))


class Residual(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.Dense(6)(x)
        for _ in range(4):
            x = x + nn.Dense(6)(nn.relu(nn.Dense(6)(x))) / 2
        return nn.Dense(2)(x)


class Transformer(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.Embed(11, 8)(x)
        x = x + nn.MultiHeadDotProductAttention(num_heads=2)(nn.LayerNorm()(x))
        x = x + nn.Dense(8)(nn.gelu(nn.Dense(16)(nn.RMSNorm()(x))))
        return nn.Dense(3)(nn.LayerNorm()(x).mean(1))


class Tied(nn.Module):
    @nn.compact
    def __call__(self, x):
        table = nn.Embed(11, 6)
        return table.attend(nn.tanh(nn.Dense(6)(table(x)))).mean(1)


class Twice(nn.Module):
    """The same layer at two depths."""

    @nn.compact
    def __call__(self, x):
        layer = nn.Dense(5)
        x = nn.tanh(nn.Dense(5)(x))
        return nn.Dense(1)(nn.tanh(layer(nn.tanh(layer(x)))))


class Block(nn.Module):
    @nn.compact
    def __call__(self, x, _):
        return nn.tanh(nn.Dense(6)(x)) + x, None


class Scanned(nn.Module):
    """Layers stacked and scanned; with `remat` recomputed; with `nested` scanned within a scan."""

    remat: bool = False
    nested: bool = False

    @nn.compact
    def __call__(self, x):
        block = nn.remat(Block) if self.remat else Block
        over = {"variable_axes": {"params": 0}, "split_rngs": {"params": True}}
        layers = nn.scan(block, **over, length=3)
        if self.nested:
            layers = nn.scan(layers, **over, length=2)
        x, _ = layers()(nn.Dense(6)(x), None)
        return nn.Dense(2)(x)


class Recurrent(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(2)(nn.RNN(nn.OptimizedLSTMCell(5, param_dtype=jnp.float64))(x)[:, -1])


class Ensemble(nn.Module):
    """Three networks side by side, their parameters on one axis."""

    @nn.compact
    def __call__(self, x):
        members = nn.vmap(Dense, variable_axes={"params": 0}, split_rngs={"params": True}, in_axes=None, axis_size=3)
        return members(outputs=2)(x).mean(0)


class Normalised(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(1)(nn.tanh(nn.WeightNorm(nn.Dense(6))(x)))


class BatchNormalised(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.relu(nn.BatchNorm(use_running_average=True)(nn.Dense(6)(x)))
        return nn.Dense(1)(nn.Dropout(0.5, deterministic=True)(x))


class ModernConvolution(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.conv = nnx.Conv(2, 4, (3, 3), rngs=rngs)
        self.norm = nnx.BatchNorm(4, use_running_average=True, rngs=rngs)
        self.same = nnx.Linear(4, 4, rngs=rngs)
        self.out = nnx.Linear(4, 2, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.norm(self.conv(x))).mean((1, 2))
        return self.out(nnx.tanh(self.same(nnx.tanh(self.same(x)))))


class ModernAttention(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.embed = nnx.Embed(11, 6, rngs=rngs)
        self.attention = nnx.MultiHeadAttention(2, 6, decode=False, rngs=rngs)
        self.out = nnx.Linear(6, 1, rngs=rngs)

    def __call__(self, x):
        return self.out(self.attention(self.embed(x)).mean(1))
