"""Infinite width of convolutional networks: the kernels in the limit of many channels. No JAX.

Between two images the covariance of a layer is one number for each pair (p, p') of positions, alike in all channels
(Novak et al. 1810.05148, Garriga-Alonso et al. 1808.05587; the neural tangent kernel: Arora et al. 1904.11955). With
<.> the mean over the nine taps o of what lies at (s p + o, s p' + o), beyond a zero-padded edge nothing, from one layer
to the next:
    Sigma <- sigma_w^2 <E> + sigma_b^2 [biases random]
    Theta <- sigma_w^2 <E + Theta E'> + sigma_b^2 [biases trained]    [Theta E' alone of layers that stay]
with E = x.x'/C_0, position by position, before the first. The readout takes the mean of both over pairs: of all, under
"average" pooling, of p = p' alone when it is flattened. Only pairs that some later layer asks for are computed: those
whose distance is a multiple of the strides to come, and p = p' where nothing else is read.

`norm: layer` divides z by the root of v(x), the mean of Sigma(x, x) over positions p = p', to which the mean of z^2
over positions and channels tends, while its mean tends to 0: Sigma <- Sigma/sqrt(v v'), Theta <- Theta/sqrt(v v') + 1,
for the shifts. The gains add E[u act'(u) v act'(v)] to Theta E', u and v of the Sigma so divided: a gain meets act' of
its own channel, so that this is no product of Sigma and E'. What else the derivative of a norm has, delta less its mean
and less its part along z, changes each of the C entries of delta, of size C^-1/2, by an amount of size 1/C, and
vanishes.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import NamedTuple, Self

import numpy as np
from jaxtyping import Float

from engine.networks.activations import ACTIVATIONS, dual_of, gain_dual, snapped
from engine.networks.conv_config import ConvConfig
from engine.networks.convolution import NORM_EPS, Axis, Places, Step, axis
from engine.schema import ConfigError, Problem

TILE = 2**16
"""Numbers in each array held at once by a thread, or a row of pairs of positions where that has more."""
ARRAYS = 16
"""So many of them."""
MOST_BYTES = 2**31
"""Of the arrays of all threads, where one thread takes no more."""
THREADS = 8
OPERATIONS = {True: 800.0, False: 8000.0}
"""For each number: whether the activation's dual has a closed form, or is a series."""

Inputs = Float[np.ndarray, "n n_0"]
Images = Float[np.ndarray, "n height width channels"]
Paired = Float[np.ndarray, "n m rows columns"]
"""Of pairs of images, at pairs of their rows and of their columns."""


class PositionPairs(NamedTuple):
    """Pairs of positions: pairs of rows with pairs of columns."""

    rows: Axis
    columns: Axis

    @property
    def counts(self) -> list[int]:
        """Of the input, and after each convolution."""
        return [a * b for a, b in zip(self.rows.counts, self.columns.counts, strict=True)]


def nothing() -> None:
    """What is called by whoever has nothing to do meanwhile."""


def kernels(
    network: ConvConfig, x1: Inputs, x2: Inputs | None = None, waiting: Callable[[], None] = nothing
) -> Float[np.ndarray, "3 n m"]:
    """Theta, the outputs' covariance and the conjugate kernel, without alpha; of x1 and itself where x2 is None.

    Args:
        waiting: called now and then, and may raise.

    Raises:
        ConfigError: numbers overflow, or a variance is beyond `engine.networks.activations.hermite_dual`.
    """
    first, second = (np.asarray(x, np.float64).reshape(-1, *network.image) for x in (x1, x1 if x2 is None else x2))
    found = np.empty((3, len(first), len(second)))
    side = max(1, int((TILE / max(_pairs(network).counts)) ** 0.5))
    starts = product(range(0, len(first), side), range(0, len(second), side))

    def fill(start: tuple[int, int]) -> None:
        i, j = (slice(at, at + side) for at in start)
        found[:, i, j] = _tile(network, first[i], second[j])

    with ThreadPoolExecutor(_threads(network)) as pool:
        try:
            for _ in pool.map(fill, (start for start in starts if x2 is not None or start[1] >= start[0])):
                waiting()
        finally:
            pool.shutdown(cancel_futures=True)
    if x2 is None:
        i, j = np.tril_indices(len(first), -1)
        found[:, i, j] = found[:, j, i]
    return found


def operations(network: ConvConfig, points: float) -> float:
    """About so many floating-point operations for the kernels of so many pairs of points."""
    row = ACTIVATIONS[network.activation]
    each = OPERATIONS[row.dual is not None]
    if network.norm == "layer" and not row.homogeneous:
        each += OPERATIONS[False]
    return points * each * sum(_pairs(network).counts[1:])


def memory(network: ConvConfig) -> float:
    """Bytes held at once, beside the points and their kernels, by as many threads as may be."""
    return float(min(THREADS * _thread_bytes(network), max(MOST_BYTES, _thread_bytes(network))))


def _threads(network: ConvConfig) -> int:
    return max(1, min(THREADS, os.cpu_count() or 1, MOST_BYTES // _thread_bytes(network)))


def _thread_bytes(network: ConvConfig) -> int:
    return 8 * ARRAYS * max(TILE, max(_pairs(network).counts) // _parts(network))


def _parts(network: ConvConfig) -> int:
    """Into so many the pairs of rows are parted, at most one for each distance between rows."""
    if network.pooling == "flatten":
        return 1
    return min(network.sizes[-1][0], -(-max(_pairs(network).counts) // TILE))


def _pairs(network: ConvConfig, part: int = 0, parts: int = 1) -> PositionPairs:
    """Those that the readout needs, or a part of them."""
    return _both(network, network.pooling == "flatten", part, parts)


def _both(network: ConvConfig, same: bool, part: int = 0, parts: int = 1) -> PositionPairs:
    (height, width, _), of = network.image, (network.strides, network.padding == "circular", same)
    return PositionPairs(axis(height, *of, part, parts), axis(width, *of))


class Constants(NamedTuple):
    """What a layer adds: sigma^2 of its weights, of biases that are random, of those that train; whether it trains."""

    weights: float
    random: float
    trained: float
    trains: bool

    @classmethod
    def of(cls, network: ConvConfig) -> Self:
        bias, trains = network.sigma_b**2, network.trains("hidden")
        trained = bias * network.trains("hidden", "b")
        return cls(network.sigma_w**2, bias * (network.bias_init == "normal"), trained, trains)


class Variances(NamedTuple):
    """Of a layer, at every position of some images.

    Attributes:
        values: after its norm.
        divisor: what the norm divided them by; 1 without.
    """

    values: Float[np.ndarray, "n height width"]
    divisor: Float[np.ndarray, " n"]

    def at(self, rows: Places, columns: Places) -> Float[np.ndarray, "n rows columns"]:
        return np.ascontiguousarray(self.values[:, rows[:, None], columns])


def _variances(network: ConvConfig, images: Images) -> list[Variances]:
    of, dual, both = Constants.of(network), dual_of(network.activation), _both(network, same=True)
    mean, found = (images**2).mean(axis=-1), []
    for row, column in zip(both.rows.steps, both.columns.steps, strict=True):
        values, divisor = of.weights * _mean(row, column, mean) + of.random, np.ones(len(images))
        if network.norm == "layer":
            divisor = values.mean((1, 2)) + NORM_EPS
            values = values / divisor[:, None, None]
        _check(network, len(found), values)
        mean, _ = dual(values, values, values)
        found.append(Variances(values, divisor))
    return found


def _tile(network: ConvConfig, first: Images, second: Images) -> Float[np.ndarray, "3 n m"]:
    """`kernels` of a few images with a few others."""
    with np.errstate(over="ignore", invalid="ignore"):  # seen by `_check`
        variances, parts = (_variances(network, first), _variances(network, second)), _parts(network)
        read = [_read(network, _pairs(network, part, parts), first, second, variances) for part in range(parts)]
        mean, through = network.sigma_w_readout**2 * np.sum(read, axis=0) / _pairs(network).counts[-1]
        random = network.output_bias * Constants.of(network).random
        trained = network.output_bias * network.sigma_b**2 * network.trains("readout", "b")
        return np.stack([network.trains("readout") * mean + trained + through, mean + random, mean])


def _read(
    network: ConvConfig,
    pairs: PositionPairs,
    first: Images,
    second: Images,
    variances: tuple[list[Variances], list[Variances]],
) -> Float[np.ndarray, "2 n m"]:
    """The sums over pairs of positions, after the last convolution, of E and of Theta E'."""
    rows, columns = pairs
    one, other = first[:, rows.first[:, None], columns.first], second[:, rows.second[:, None], columns.second]
    mean = np.einsum("nrck,mrck->nmrc", one, other) / first.shape[-1]
    through = np.zeros_like(mean)
    for layer, of_layer in enumerate(zip(rows.steps, columns.steps, *variances, strict=True)):
        mean, through = _convolved(network, layer, *of_layer, mean, through)
    return np.stack([mean.sum((2, 3)), through.sum((2, 3))])


def _convolved(
    network: ConvConfig,
    layer: int,
    row: Step,
    column: Step,
    one: Variances,
    other: Variances,
    mean: Paired,
    through: Paired,
) -> tuple[Paired, Paired]:
    """E and Theta E' after a convolution and its activation, from those before it."""
    of = Constants.of(network)
    covariance = of.weights * _mean(row, column, mean) + of.random
    theta = of.weights * _mean(row, column, of.trains * mean + through) + of.trained
    if network.norm == "layer":
        size = (np.sqrt(one.divisor)[:, None] * np.sqrt(other.divisor))[..., None, None]
        covariance = covariance / size
        theta = theta / size + of.trains
    _check(network, layer, covariance, theta)
    a, b = one.at(row.first, column.first)[:, None], other.at(row.second, column.second)[None]
    covariance = snapped(covariance, a, b)
    mean, slope = dual_of(network.activation)(a, b, covariance)
    gains = mean
    if network.norm != "layer" or not of.trains:
        gains = 0.0
    elif not ACTIVATIONS[network.activation].homogeneous:
        gains = gain_dual(network.activation)(a, b, covariance)
    return mean, theta * slope + gains


def _mean(row: Step, column: Step, values: Paired) -> Paired:
    """Over the nine taps, of what lies below each pair."""
    *images, rows, columns = values.shape
    turned = np.ascontiguousarray(values.reshape(-1, rows * columns).T)
    along = (row.mean @ turned.reshape(rows, -1)).reshape(-1, columns, turned.shape[1])
    across = column.mean @ np.ascontiguousarray(along.swapaxes(0, 1)).reshape(columns, -1)
    found = across.reshape(-1, len(row.first), turned.shape[1]).transpose(2, 1, 0)
    return np.ascontiguousarray(found).reshape(*images, *found.shape[1:])


def _check(network: ConvConfig, layer: int, *arrays: np.ndarray) -> None:
    if not all(np.isfinite(array).all() for array in arrays):
        message = f"the signal overflows at convolution {layer + 1} of {network.depth}: lower sigma_w or depth"
        raise ConfigError([Problem("network", message)])
