"""Infinite width: NNGP, neural tangent and conjugate kernels, and the spectra of their integral operators. No JAX.

The recursion from one layer to the next (Jacot et al. 1806.07572), with the duals E and E' over Sigma:
    Sigma <- sigma^2 E + sigma_b^2 [biases random]
    Theta <- sigma^2 E + sigma_b^2 [biases trained] + sigma^2 Theta E'   [the last term alone of a layer that stays]
A bias that starts at zero and is trained is in Theta and not in Sigma; one that is random and fixed, the other way
round. The last layer has sigma_w_readout, and a bias only with `output_bias`. The conjugate kernel, of the readout's
weights alone, is the last sigma^2 E without a bias. All kernels carry alpha^2; no 1/M. Those of convolutions:
`engine.networks.infinite_conv`.

Three settings have no limit of use, and get the number that stands for it:
- `readout: relu`: the kernel stays random, 1{z > 0} 1{z' > 0} times the linear readout's (z, z' the output neuron's
  input). Returned is its mean, Theta (pi - angle)/(2 pi), which is half of Theta on the diagonal, and alike for the
  conjugate kernel; for the NNGP kernel the second moment E[f f'].
- `alpha_exponent` s > 0: both vanish as n_L^{-s}. Returned is alpha^2 n_L^{-s} times the limit, at the config's n_L.
- `parameterization: standard`: each hidden layer's term is multiplied by its fan-in and grows with width. Returned is
  the leading order at the widths of the config, exact up to a relative error of order 1/width.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from math import comb
from typing import Literal, NamedTuple

import numpy as np
import scipy.linalg
from jaxtyping import Float, Int

from engine.data import DatasetConfig
from engine.data.circle import CircleConfig
from engine.data.parity import ParityConfig
from engine.data.sphere import SphereConfig
from engine.data.targets import legendre_sequence, multiplicity
from engine.networks import infinite_conv
from engine.networks.activations import EPS, dual_of, relu_dual, snapped
from engine.networks.base import NetworkConfig, known_of
from engine.networks.conv_config import ConvConfig
from engine.networks.mlp_config import MLPConfig
from engine.networks.resnet_config import ResNetConfig
from engine.schema import ConfigError, Problem

Inputs = Float[np.ndarray, "n n_0"]
Kernel = Float[np.ndarray, "n1 n2"]
Pairs = Float[np.ndarray, " pairs"]

Name = Literal["ntk", "nngp", "conjugate"]


class Limits(NamedTuple):
    """The kernels of pairs of points."""

    ntk: Pairs
    nngp: Pairs
    conjugate: Pairs


def ntk(network: NetworkConfig, x1: Inputs, x2: Inputs | None = None) -> Kernel:
    """The infinite-width neural tangent kernel Theta(x1, x2) per output, with x2 = x1 when left out.

    Raises ConfigError when numbers overflow or a variance is beyond `hermite_dual`.
    """
    return kernel("ntk", network, x1, x2)


def nngp(network: NetworkConfig, x1: Inputs, x2: Inputs | None = None) -> Kernel:
    """Covariance of the outputs of an infinitely wide network at initialisation, alpha^2 included.

    This is of alpha h, also when the trained function alpha (h - h_0) is centred. Raises as `ntk`.
    """
    return kernel("nngp", network, x1, x2)


def kernel(
    name: Name,
    network: NetworkConfig,
    x1: Inputs,
    x2: Inputs | None = None,
    waiting: Callable[[], None] = infinite_conv.nothing,
) -> Kernel:
    """One of the kernels per output. Raises as `ntk`.

    Args:
        waiting: called now and then where it takes long; what it raises ends the work.
    """
    if not network.HAS_LIMIT:
        raise known_of("mlp, resnet and conv", "the kernel at infinite width")
    if isinstance(network, ConvConfig):
        return network.output_scale**2 * getattr(Limits(*infinite_conv.kernels(network, x1, x2, waiting)), name)
    points = np.asarray(x1 if x2 is None else np.concatenate([x1, x2]), np.float64)
    n1 = len(x1)
    i, j = np.triu_indices(n1) if x2 is None else (index.ravel() for index in np.indices((n1, len(x2))))
    if x2 is not None:
        j = j + n1
    with np.errstate(over="ignore", invalid="ignore"):  # seen by the recursion
        gram = points[:n1] @ points.T
        square = np.einsum("ni,ni->n", points, points)
    values = getattr(recursion(network, points.shape[1], square, i, j, gram[i, j]), name)
    if x2 is not None:
        return values.reshape(n1, len(x2))
    found = np.empty((n1, n1))
    found[i, j] = found[j, i] = values
    return found


MOST_BESIDE = 2e13
"""Operations: minutes, for a kernel that is shown beside a run without being asked for."""


def operations(network: NetworkConfig, n: int, m: int | None = None) -> float:
    """About so many for a kernel of (n, m) points, or of n among themselves; 0 where they are few beside a run's."""
    if not isinstance(network, ConvConfig):
        return 0.0
    return infinite_conv.operations(network, n * (n + 1) / 2 if m is None else n * m)


def memory(network: NetworkConfig) -> float:
    """Bytes held at once for a kernel, beside it and its points, where these are many."""
    return infinite_conv.memory(network) if isinstance(network, ConvConfig) else 0.0


def recursion(
    network: NetworkConfig,
    input_dim: int,
    square: Float[np.ndarray, " points"],
    i: Int[np.ndarray, " pairs"],
    j: Int[np.ndarray, " pairs"],
    product: Pairs,
) -> Limits:
    """The kernels of pairs (i, j) of points, given |x|^2 of the points and x_i . x_j of the pairs."""
    if isinstance(network, ResNetConfig):
        return _residual(network, input_dim, square, i, j, product)
    if not isinstance(network, MLPConfig):
        raise known_of("mlp and resnet", "a kernel at infinite width that depends on the angle between inputs alone")
    dual = dual_of(network.activation)
    standard = network.parameterization == "standard"
    random_bias = network.sigma_b**2 if network.bias_init == "normal" else 0.0
    trained_bias = (1.0 if standard else network.sigma_b**2) if network.train_bias else 0.0
    # Each point paired with itself comes last: its covariance is the variance that the next layer needs.
    pairs, itself = len(product), np.arange(len(square))
    i, j = np.concatenate([i, itself]), np.concatenate([j, itself])
    covariance = mean = np.concatenate([product, square]) / input_dim
    slope = theta = weights = np.zeros_like(mean)
    with np.errstate(over="ignore", invalid="ignore"):
        for layer, (sigma, fan_in) in enumerate(zip(network.sigmas, (input_dim, *network.widths), strict=True)):
            if layer > 0:
                variance = covariance[pairs:]
                mean, slope = dual(variance[i], variance[j], covariance)
            biased = layer < network.depth or network.output_bias
            weights = (fan_in if standard else sigma**2) * mean
            trains = network.trains("hidden" if layer < network.depth else "readout")
            theta = trains * (weights + biased * trained_bias) + sigma**2 * theta * slope
            covariance = sigma**2 * mean + biased * random_bias
            if not (np.isfinite(covariance).all() and np.isfinite(theta).all()):
                message = f"the signal overflows at layer {layer + 1} of {network.depth + 1}: lower sigma_w or depth"
                raise ConfigError([Problem("network", message)])
            covariance = snapped(covariance, covariance[pairs:][i], covariance[pairs:][j])
    if network.readout == "relu":
        variance = covariance[pairs:]
        covariance, slope = relu_dual(variance[i], variance[j], covariance)
        theta, weights = theta * slope, weights * slope
    return _limits(network, pairs, theta, covariance, weights)


def _residual(
    network: ResNetConfig, input_dim: int, square: np.ndarray, i: np.ndarray, j: np.ndarray, product: np.ndarray
) -> Limits:
    """`recursion` of a residual network: a block adds s^2 of what a layer would give, and leaves what there was."""
    dual, pairs, itself = dual_of(network.activation), len(product), np.arange(len(square))
    random_bias = network.sigma_b**2 if network.bias_init == "normal" else 0.0
    trained_bias = network.sigma_b**2 if network.train_bias else 0.0
    i, j = np.concatenate([i, itself]), np.concatenate([j, itself])
    mean = np.concatenate([product, square]) / input_dim
    hidden, last = network.trains("hidden"), network.trains("readout")
    covariance, theta = mean + random_bias, hidden * (mean + trained_bias)
    s, sigma = network.branch**2, network.sigma_w**2
    with np.errstate(over="ignore", invalid="ignore"):
        for block in range(network.depth):
            covariance = snapped(covariance, covariance[pairs:][i], covariance[pairs:][j])
            variance = covariance[pairs:]
            mean, slope = dual(variance[i], variance[j], covariance)
            theta = theta + s * (hidden * (sigma * mean + trained_bias) + sigma * slope * theta)
            covariance = covariance + s * (sigma * mean + random_bias)
            if not (np.isfinite(covariance).all() and np.isfinite(theta).all()):
                message = f"the signal overflows at block {block + 1} of {network.depth}: lower sigma_w or depth"
                raise ConfigError([Problem("network", message)])
    readout = network.sigma_w_readout**2
    weights = readout * covariance
    theta = last * (weights + network.output_bias * trained_bias) + readout * theta
    covariance = weights + network.output_bias * random_bias
    return _limits(network, pairs, theta, covariance, weights)


def _limits(network: NetworkConfig, pairs: int, *kernels: Pairs) -> Limits:
    """Those of f, at the first so many pairs, from those of h."""
    return Limits(*(network.output_scale**2 * values[:pairs] for values in kernels))


@dataclass(frozen=True, eq=False)
class OperatorSpectrum:
    """Eigenvalues of f -> E_x'[K(., x') f(x')], x' uniform on the domain, for degrees 0, 1, ....

    For M uniform points the eigenvalues of the kernel matrix over M tend to these.

    Attributes:
        domain: of the inputs.
        eigenvalues: one per degree: of the Fourier frequency on the circle, of spherical harmonics, of products of
            that many coordinates on the cube.
        multiplicities: how many eigenfunctions share it.
        noise: rounding error of each eigenvalue; those below are zero as far as can be told.
        trace: K(x, x), the sum of all eigenvalues with their multiplicities, also of degrees not listed.
    """

    domain: str
    eigenvalues: Float[np.ndarray, " degrees"]
    multiplicities: tuple[int, ...]
    noise: Float[np.ndarray, " degrees"]
    trace: float

    def largest(self, count: int) -> Float[np.ndarray, " at_most_count"]:
        """The `count` largest eigenvalues of the listed degrees, repeated by multiplicity, descending."""
        order = np.argsort(-self.eigenvalues, kind="stable")
        repeats = [min(self.multiplicities[degree], count) for degree in order]
        return np.repeat(self.eigenvalues[order], repeats)[:count]


def operator_spectrum(
    network: NetworkConfig, data: DatasetConfig, degrees: int = 64, name: Name = "ntk"
) -> OperatorSpectrum | None:
    """The spectrum of a kernel's integral operator on the domain of a dataset, degrees 0 .. `degrees` - 1.

    The kernel depends on the angle between inputs only, so on the circle and the sphere (Funk-Hecke) and on the cube
    {-1, 1}^n (Yang and Salman 1907.10599) the eigenfunctions are known and the eigenvalues are sums or integrals over
    the angle. None on other domains, and on a circle that is not uniform (`crowded_spectrum`).
    """
    match data:
        case CircleConfig(density=0):
            return _sphere_spectrum(network, 2, 1.0, data.domain, degrees, name)
        case SphereConfig():
            square = float(data.dim) if data.radius is None else data.radius**2
            return _sphere_spectrum(network, data.dim, square, data.domain, degrees, name)
        case ParityConfig():
            return _cube_spectrum(network, data.dim, data.domain, min(degrees, data.dim + 1), name)
    return None


def crowded_spectrum(
    network: NetworkConfig, density: float, count: int, name: Name = "ntk"
) -> Float[np.ndarray, " count"]:
    """The leading eigenvalues, descending, of the operator on the circle with x' of density (1 + a cos theta)/(2 pi).

    In Fourier's basis the density couples neighbouring frequencies only: Lambda^1/2 (1 + a cos) Lambda^1/2, Lambda the
    uniform eigenvalues, is a tridiagonal matrix for cosines and one for sines, cut off far above `count`. a = 0 is the
    uniform circle.
    """
    root = np.sqrt(np.maximum(_sphere_spectrum(network, 2, 1.0, "", 4 * count + 64, name).eigenvalues, 0.0))
    coupled = density / 2 * root[:-1] * root[1:]
    cosines = coupled * np.where(np.arange(len(coupled)) == 0, np.sqrt(2), 1.0)  # <1, cos^2> of the constant
    found = [
        scipy.linalg.eigvalsh_tridiagonal(diagonal, beside)
        for diagonal, beside in ((root**2, cosines), (root[1:] ** 2, coupled[1:]))
    ]
    return np.sort(np.concatenate(found))[::-1][:count]


def _profile(
    network: NetworkConfig, dim: int, square: float, cosine: Float[np.ndarray, " angles"], name: Name
) -> tuple[Float[np.ndarray, " angles"], float]:
    """The kernel at pairs of inputs of norm sqrt(square) with these cosines, and K(x, x)."""
    cosine = np.append(cosine, 1.0)
    first = np.zeros(len(cosine), dtype=np.int64)
    values = getattr(recursion(network, dim, np.array([square]), first, first, square * cosine), name)
    return values[:-1], float(values[-1])


def _sphere_spectrum(
    network: NetworkConfig, dim: int, square: float, domain: str, degrees: int, name: Name
) -> OperatorSpectrum:
    """Funk-Hecke: the mean of K P_k over the sphere, by Clenshaw-Curtis quadrature in the angle.

    The kernel's only kinks in the angle are at the ends, 0 and pi, so the quadrature converges exponentially.
    """
    nodes, weights = _clenshaw_curtis(256 + 4 * degrees + 16 * int(np.sqrt(dim)))
    angle = np.pi / 2 * (1 - nodes)
    weights = weights * np.sin(angle) ** (dim - 2)
    weights /= weights.sum()
    profile, trace = _profile(network, dim, square, np.cos(angle), name)
    harmonics = islice(legendre_sequence(dim, np.cos(angle)), degrees)
    eigenvalues = np.array([weights @ (profile * harmonic) for harmonic in harmonics])
    return _spectrum(domain, eigenvalues, tuple(multiplicity(degree, dim) for degree in range(degrees)), trace)


def _clenshaw_curtis(intervals: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [-1, 1] for an even number of intervals (weights to 1e-16; SciPy's Gauss ones: 1e-13)."""
    node = np.pi * np.arange(intervals + 1) / intervals
    m = np.arange(1, intervals // 2 + 1)
    terms = np.where(m == intervals // 2, 1, 2) / (4 * m**2 - 1)
    weights = 2 / intervals * (1 - np.cos(2 * np.outer(node, m)) @ terms)
    weights[[0, -1]] /= 2
    return np.cos(node), weights


def _cube_spectrum(network: NetworkConfig, dim: int, domain: str, degrees: int, name: Name) -> OperatorSpectrum:
    """Sums over the Hamming distance h: 2^-n sum_h C(n, h) K(1 - 2h/n) K_k(h)/C(n, k), K_k Krawtchouk polynomials.

    The weights are exact integers until their one division; the polynomials' recurrence loses digits otherwise.
    """
    profile, trace = _profile(network, dim, float(dim), 1 - 2 * np.arange(dim + 1) / dim, name)
    ways = [comb(dim, h) for h in range(dim + 1)]
    before, now = [0] * (dim + 1), [1] * (dim + 1)
    eigenvalues = []
    for k in range(degrees):
        divisor = 2**dim * comb(dim, k)
        eigenvalues.append(
            float(profile @ np.array([way * value / divisor for way, value in zip(ways, now, strict=True)]))
        )
        before, now = (
            now,
            [
                ((dim - 2 * h) * value - (dim - k + 1) * previous) // (k + 1)
                for h, (value, previous) in enumerate(zip(now, before, strict=True))
            ],
        )
    return _spectrum(domain, np.array(eigenvalues), tuple(comb(dim, k) for k in range(degrees)), trace)


def _spectrum(domain: str, eigenvalues: np.ndarray, multiplicities: tuple[int, ...], trace: float) -> OperatorSpectrum:
    # The eigenfunctions that are integrated against have mean square 1/multiplicity.
    noise = 32 * EPS * trace / np.sqrt([float(min(number, 10**300)) for number in multiplicities])
    return OperatorSpectrum(domain, eigenvalues, multiplicities, noise, trace)
