"""A network of one's own for Kernel Drift (docs/modules.md): a small transformer over the rows of an image."""

from flax import linen as nn


class Transformer(nn.Module):
    """Takes images, (n, rows, columns, ...), and gives (n, outputs)."""

    width: int = 32
    heads: int = 2
    depth: int = 1
    outputs: int = 1

    @nn.compact
    def __call__(self, x):
        x = x.reshape(x.shape[0], x.shape[1], -1)
        places = self.param("places", nn.initializers.normal(0.1), (x.shape[1], self.width))
        a = nn.Dense(self.width)(x) + places
        for _ in range(self.depth):
            b = nn.LayerNorm()(a)
            a = a + nn.MultiHeadDotProductAttention(self.heads)(b, b)
            b = nn.gelu(nn.Dense(4 * self.width)(nn.LayerNorm()(a)))
            a = a + nn.Dense(self.width)(b)
        return nn.Dense(self.outputs)(nn.LayerNorm()(a).mean(1))
