"""Whole Gram matrices of p inputs at initialisation, exactly, without drawing a weight matrix: O(L n p^2) per draw.

Given the activations A = Q R of a layer (thin QR, Q orthonormal), a Gaussian W enters forwards only through
G = W Q, Gaussian itself: Z = c G R. Backwards, W^T delta = Q (G^T delta) + (1 - Q Q^T) E^T delta with an
independent Gaussian E, and E^T delta has rows N(0, delta^T delta): two thin factors replace an n x n matrix
(theory.md 3). Nothing here needs homogeneity, so unlike the scalar laws it is exact for every activation and for
N(0,1) biases; when n < p it draws no more than the network itself would.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.initialisation.law import InitialNetwork
from engine.networks.activations import ACTIVATIONS, NUMPY
from engine.schema import ConfigError, Problem

MAX_BYTES = 2_000_000_000
CHUNK_BYTES = 64_000_000


@dataclass(frozen=True)
class _Layer:
    """What the way back needs of layer l: inputs' factor Q, G = W Q, c, Gram of inputs, slopes act'(z)."""

    Q: Float[np.ndarray, "draws n_in rank"]
    G: Float[np.ndarray, "draws n_out rank"]
    c: float
    gram: Float[np.ndarray, "draws p p"]
    slope: Float[np.ndarray, "draws n_out p"]


def bytes_per_draw(setting: InitialNetwork, p: int) -> int:
    """Memory of one draw in flight."""
    return 8 * sum(3 * n * min(n, p) + 3 * n * p + 2 * p * p for n in setting.widths)


def gram_chunks(
    setting: InitialNetwork, x: Float[np.ndarray, "p n_0"], draws: int, rng: np.random.Generator
) -> Iterator[Float[np.ndarray, "draws p p"]]:
    """Independent draws of the kernel matrix of the inputs `x` (which replace the setting's |x|^2), a few at a time.

    Raises:
        ConfigError: `x` does not fit n_0, or one draw needs more than 2 GB.
    """
    x = np.asarray(x, dtype=float)
    if x.ndim != 2 or x.shape[1] != setting.widths[0]:
        raise ConfigError([Problem("x", f"shape {x.shape} given; inputs are (p, n_0) with n_0 = {setting.widths[0]}")])
    each = bytes_per_draw(setting, len(x))
    if each > MAX_BYTES:
        message = (
            f"one draw needs {each / 1e9:.1f} GB for {len(x)} inputs, at most {MAX_BYTES / 1e9:g}: lower width or depth"
        )
        raise ConfigError([Problem("widths", message)])
    chunk = max(1, CHUNK_BYTES // each)
    for start in range(0, draws, chunk):
        yield _draw(setting, x, min(chunk, draws - start), rng)


def _draw(
    setting: InitialNetwork, x: np.ndarray, draws: int, rng: np.random.Generator
) -> Float[np.ndarray, "draws p p"]:
    layers, sigmas = [], setting.sigmas
    activation = ACTIVATIONS[setting.activation]
    A = np.broadcast_to(x.T, (draws, *x.T.shape))
    for i, (sigma, n_in, n_out) in enumerate(zip(sigmas, setting.widths[:-1], setting.widths[1:], strict=True)):
        last = i == len(sigmas) - 1
        c = sigma / np.sqrt(n_in)
        Q, R = np.linalg.qr(A[:1] if i == 0 else A)
        G = rng.standard_normal((draws, n_out, Q.shape[2]))
        Z = (c * G) @ R
        if setting.bias_init == "normal" and (setting.output_bias or not last):
            Z += setting.sigma_b * rng.standard_normal((draws, n_out, 1))
        act = ACTIVATIONS[setting.readout] if last else activation
        gram = np.swapaxes(R, 1, 2) @ R
        layers.append(_Layer(Q, G, c, c * c * gram, act.derivative(Z, NUMPY)))
        A = act.value(Z, NUMPY)
    return _backward(setting, layers, rng)


def _backward(
    setting: InitialNetwork, layers: list[_Layer], rng: np.random.Generator
) -> Float[np.ndarray, "draws p p"]:
    standard = setting.parameterization == "standard"
    bias = (1.0 if standard else setting.sigma_b**2) if setting.train_bias else 0.0
    delta = layers[-1].slope
    K = 0.0
    for i in range(len(layers) - 1, -1, -1):
        layer = layers[i]
        products = np.swapaxes(delta, 1, 2) @ delta
        last = i == len(layers) - 1
        own_bias = bias if setting.output_bias or not last else 0.0
        if setting.train == "all" or (setting.train == "readout") == last:
            K = K + (layer.gram / (layer.c**2 if standard else 1.0) + own_bias) * products
        if i:
            # delta = q r: E^T delta = (E^T q) r needs only as many Gaussian columns as delta has rows or inputs.
            r: np.ndarray = np.linalg.qr(delta, mode="r")  # type: ignore[assignment] - an array in this mode
            noise = rng.standard_normal((*layer.Q.shape[:2], r.shape[1])) @ r
            along = np.swapaxes(layer.G, 1, 2) @ delta - np.swapaxes(layer.Q, 1, 2) @ noise
            delta = layer.c * layers[i - 1].slope * (noise + layer.Q @ along)
    return setting.alpha**2 * np.asarray(K)
