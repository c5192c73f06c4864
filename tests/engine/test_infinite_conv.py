"""Kernels of convolutional networks with many channels: by hand, pixel by pixel, by stax, and of wide networks."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf
from scipy.stats import norm

from engine.networks import infinite, model
from engine.networks.conv_config import ConvConfig
from engine.networks.convolution import padding
from engine.networks.infinite import nngp, ntk
from engine.networks.mlp_config import MLPConfig

IMAGES = np.random.default_rng(7).normal(size=(3, 5, 6, 2))
X1, X2 = IMAGES[:2].reshape(2, -1), IMAGES[1:].reshape(2, -1)
COMMON = {"shape": (5, 6, 2), "depth": 2, "sigma_w": 1.3, "sigma_w_readout": 0.9, "sigma_b": 0.5}


def network(**values) -> ConvConfig:
    return ConvConfig.from_dict({"kind": "conv", **COMMON, **values})


# By hand


def test_two_pixels_by_hand():
    """x = (a, b) and (c, d) beside nothing, one convolution, ReLU, mean over both, no biases: a pixel sees itself and
    the other, so that Sigma(p, p) = s (a c + b d), Sigma(0, 1) = s a d and Sigma(1, 0) = s b c, s = sigma_w^2/9."""
    (a, b), (c, d), s, r = (0.7, -1.1), (0.4, 0.9), 1.3**2 / 9, 0.9**2
    net = network(shape=(1, 2, 1), depth=1, train_bias=False)
    own = s * np.array([a * a + b * b, c * c + d * d])
    values, slopes = [], []
    for covariance in (s * (a * c + b * d), s * a * d, s * b * c, s * (a * c + b * d)):
        angle = np.arccos(covariance / np.sqrt(own.prod()))
        values.append(np.sqrt(own.prod()) * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi))
        slopes.append(covariance * (np.pi - angle) / (2 * np.pi))
    x, other = np.array([[a, b]]), np.array([[c, d]])
    assert nngp(net, x, other)[0, 0] == pytest.approx(r * np.mean(values), rel=1e-14)
    assert ntk(net, x, other)[0, 0] == pytest.approx(r * np.mean(np.add(values, slopes)), rel=1e-14)
    flat = network(shape=(1, 2, 1), depth=1, train_bias=False, pooling="flatten")
    assert ntk(flat, x, other)[0, 0] == pytest.approx(r * (values[0] + slopes[0]), rel=1e-14)


@pytest.mark.parametrize("pooling", ["average", "flatten"])
@pytest.mark.parametrize("depth", [1, 4])
def test_of_even_images_every_pixel_is_that_of_a_fully_connected_network(depth, pooling):
    """Around a circle nothing tells the pixels of an even image apart: the network is the one of its colour alone."""
    net = network(shape=(4, 3, 2), depth=depth, padding="circular", pooling=pooling, bias_init="normal")
    colours = np.array([[0.3, -0.8], [1.1, 0.4], [-0.2, 0.9]])
    even = np.tile(colours[:, None], (1, 12, 1)).reshape(3, -1)
    names = ("depth", "sigma_w", "sigma_w_readout", "sigma_b", "bias_init")
    plain = MLPConfig.from_dict({name: getattr(net, name) for name in names})
    np.testing.assert_allclose(ntk(net, even), ntk(plain, colours), rtol=1e-13)
    np.testing.assert_allclose(nngp(net, even), nngp(plain, colours), rtol=1e-13)


def test_gains_and_shifts_of_a_norm_by_hand():
    """One pixel, linear, no biases: z'z = s x.x'/2, divided by the root of both. Theta is the weights', of the
    convolution and of the readout, with the gains', each the cosine, and the shifts' 1."""
    net = network(shape=(1, 1, 2), depth=1, activation="linear", norm="layer", train_bias=False, sigma_w_readout=1.0)
    x = np.array([[0.3, -0.8], [1.1, 0.4]])
    sigma = 1.3**2 / 9 * x @ x.T / 2
    cosine = sigma / np.sqrt(np.outer(np.diag(sigma) + 1e-6, np.diag(sigma) + 1e-6))
    np.testing.assert_allclose(nngp(net, x), cosine, rtol=1e-13)
    np.testing.assert_allclose(ntk(net, x), 3 * cosine + 1, rtol=1e-13)


# stax of neural-tangents 0.6.5 in float64, whose biases are random and train: Conv((3, 3), "SAME" or "CIRCULAR"),
# LayerNorm(axis=(1, 2, 3), eps=1e-6), the activation, GlobalAvgPool or Flatten, Dense. Its norm has no gain or shift.

STAX = [
    ({}, [[0.5243310460507289, 0.5363768223386789], [0.5143057987118316, 0.5210988340551101]],
        [[0.6965858758225905, 0.7167107546610233], [0.6924412319153136, 0.6889849789468252]]),
    ({"pooling": "flatten"}, [[0.5540252936302001, 0.5514197465161235], [0.6916269951446752, 0.5569243728687427]],
        [[0.7722470462821385, 0.7421622418599303], [1.4736309854340255, 0.7909271268043472]]),
    ({"padding": "circular", "activation": "erf"},
        [[0.3760150355222154, 0.3782707050483192], [0.37928753414466854, 0.3758265989003707]],
        [[0.555779205779644, 0.5642636096866487], [0.5738574123871925, 0.5557401129868321]]),
    ({"depth": 3, "stride": [1, 2, 1], "activation": "gelu"},
        [[0.3830132967186175, 0.3865611936477683], [0.38458708976313627, 0.3806802062893663]],
        [[0.5274168813391487, 0.533730455315556], [0.5584811335133288, 0.5216575087570517]]),
    ({"depth": 3, "stride": [2, 1, 2], "padding": "circular", "pooling": "flatten"},
        [[0.702532776117357, 0.7172811466439086], [0.8195276840294778, 0.7218287908535559]],
        [[1.193737783174593, 1.1745957784822494], [2.240054486117911, 1.2694972027723428]]),
    ({"activation": "leaky_relu", "sigma_b": 0.0},
        [[0.13105352905970583, 0.14327897662200553], [0.12122894873645455, 0.12830316264330405]],
        [[0.1810504900729766, 0.20088868081035025], [0.1759009495147247, 0.17476353591923738]]),
    ({"activation": "abs", "output_bias": False},
        [[1.2154583322816879, 1.2808997758518545], [1.153188914023576, 1.20425843619884]],
        [[1.6248374273528021, 1.7124841917231326], [1.6143302144949676, 1.6085510774908056]]),
    ({"activation": "sin", "padding": "circular", "stride": [2, 1]},
        [[0.3633275409432793, 0.35528936563281605], [0.40369518095640156, 0.36715432389375807]],
        [[0.5281996823750505, 0.504068808636559], [0.6955879605095543, 0.5436071796974389]]),
    ({"norm": "layer"}, [[0.4970623316763878, 0.49859641174626324], [0.49933253824071877, 0.49701715758903686]],
        [[0.6566317167237603, 0.6604043271731632], [0.6700141379448572, 0.6546239205575275]]),
    ({"norm": "layer", "stride": [1, 2], "pooling": "flatten", "activation": "erf"},
        [[0.4146654838515078, 0.3879679239411121], [0.622281205726249, 0.4176013308734595]],
        [[0.6413730626703793, 0.5590155634529317], [1.4669971101448713, 0.6545962875084841]]),
]  # fmt: skip


def named(values) -> str:
    return "-".join(map(str, values.values())) if isinstance(values, dict) else ""


@pytest.mark.parametrize(("values", "covariance", "theta"), STAX, ids=named)
def test_as_stax_has_it(values, covariance, theta):
    net = network(bias_init="normal", **values)
    np.testing.assert_allclose(nngp(net, X1, X2), covariance, rtol=1e-12)
    if net.norm == "none":
        np.testing.assert_allclose(ntk(net, X1, X2), theta, rtol=1e-12)


# Pixel by pixel


NODES = 0.1 * np.arange(-90, 91)
WEIGHTS = np.exp(-(NODES**2) / 2) / np.exp(-(NODES**2) / 2).sum()


def expectations(activation, a, b, c):
    """E[act(u) act(v)], E[act'(u) act'(v)] and E[u act'(u) v act'(v)]: ReLU, for which the last is the first, by its
    angle; others by quadrature over u and what v has beside it."""
    if activation == "relu":
        cosine = np.clip(c / np.sqrt(a * b), -1, 1)
        left = np.pi - np.arccos(cosine)
        value = np.sqrt(a * b) * (np.sqrt(1 - cosine**2) + left * cosine) / (2 * np.pi)
        return value, left / (2 * np.pi), value
    u = np.sqrt(a) * NODES[:, None]
    v = c / np.sqrt(a) * NODES[:, None] + np.sqrt(max(b - c * c / a, 0.0)) * NODES
    act, slope = {
        "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
        "erf": (erf, lambda z: 2 / np.sqrt(np.pi) * np.exp(-(z**2))),
        "gelu": (lambda z: z * norm.cdf(z), lambda z: norm.cdf(z) + z * norm.pdf(z)),
    }[activation]
    slopes = slope(u) * slope(v)
    return tuple(WEIGHTS @ one @ WEIGHTS for one in (act(u) * act(v), slopes, u * v * slopes))


def by_pixels(net, x, other, gains=True):
    """Covariance and Theta of two images, each (height, width, channels), in loops over pixels, pairs and taps."""
    random = net.sigma_b**2 if net.bias_init == "normal" else 0.0
    trained = net.sigma_b**2 if net.train_bias else 0.0

    def reads(p, size, stride):
        found = []
        for tap in product(range(3), range(3)):
            at = [stride * p[k] + tap[k] - padding(size[k], stride)[0] for k in (0, 1)]
            if net.padding == "circular":
                found.append(tuple(at[k] % size[k] for k in (0, 1)))
            else:
                found.append(tuple(at) if all(0 <= at[k] < size[k] for k in (0, 1)) else None)
        return found

    def positions(size):
        return list(product(range(size[0]), range(size[1])))

    images, sizes = (x, other), net.sizes
    ends = [(0, 0), (1, 1), (0, 1)]
    mean = {(i, j, p, q): images[i][p] @ images[j][q] / net.image[2]
        for i, j in ends for p in positions(sizes[0]) for q in positions(sizes[0])}  # fmt: skip
    through = dict.fromkeys(mean, 0.0)
    for size, stride, after in zip(sizes[:-1], net.strides, sizes[1:], strict=True):
        covariance, theta = {}, {}
        for i, j in ends:
            for p, q in product(positions(after), repeat=2):
                taps = [
                    (i, j, one, two)
                    for one, two in zip(reads(p, size, stride), reads(q, size, stride), strict=True)
                    if one and two
                ]
                covariance[i, j, p, q] = net.sigma_w**2 / 9 * sum(mean[tap] for tap in taps) + random
                theta[i, j, p, q] = net.sigma_w**2 / 9 * sum(mean[tap] + through[tap] for tap in taps) + trained
        if net.norm == "layer":
            size_of = [np.sqrt(np.mean([covariance[i, i, p, p] for p in positions(after)]) + 1e-6) for i in (0, 1)]
            for i, j, p, q in covariance:
                covariance[i, j, p, q] /= size_of[i] * size_of[j]
                theta[i, j, p, q] = theta[i, j, p, q] / (size_of[i] * size_of[j])
                theta[i, j, p, q] += gains
        for i, j, p, q in covariance:
            a, b = covariance[i, i, p, p], covariance[j, j, q, q]
            value, slope, gain = expectations(net.activation, a, b, covariance[i, j, p, q])
            gain *= gains and net.norm == "layer"
            mean[i, j, p, q], through[i, j, p, q] = value, theta[i, j, p, q] * slope + gain
    last = positions(sizes[-1])
    pairs = list(product(last, last)) if net.pooling == "average" else [(p, p) for p in last]
    read = net.sigma_w_readout**2 * np.mean([(mean[0, 1, p, q], through[0, 1, p, q]) for p, q in pairs], axis=0)
    return read[0] + net.output_bias * random, read.sum() + net.output_bias * trained


PIXELS = [
    {"shape": (4, 3, 2)},
    {"shape": (4, 3, 2), "padding": "circular", "pooling": "flatten", "bias_init": "normal", "train_bias": False},
    {"shape": (5, 4, 1), "stride": (2, 1), "padding": "circular", "train_bias": False, "output_bias": False},
    {"shape": (9, 2, 1), "stride": (4, 2), "pooling": "flatten", "bias_init": "normal"},
    {"shape": (9, 2, 1), "stride": (5, 1), "padding": "circular", "norm": "layer", "bias_init": "normal"},
    {"shape": (3, 3, 2), "norm": "layer", "output_bias": False},
    {"shape": (3, 2, 1), "activation": "tanh", "norm": "layer", "stride": (2, 1)},
    {"shape": (3, 2, 1), "activation": "tanh", "bias_init": "normal"},
    {"shape": (3, 2, 1), "activation": "erf", "norm": "layer", "pooling": "flatten"},
    {"shape": (3, 2, 1), "activation": "gelu", "norm": "layer"},
]


@pytest.mark.parametrize("values", PIXELS, ids=named)
def test_pixel_by_pixel(values):
    net = network(**values)
    images = np.random.default_rng(3).normal(size=(2, *net.image))
    covariance, theta = by_pixels(net, *images)
    x, other = images.reshape(2, 1, -1)
    rel = 1e-13 if net.activation == "relu" else 1e-11
    assert nngp(net, x, other)[0, 0] == pytest.approx(covariance, rel=rel)
    assert ntk(net, x, other)[0, 0] == pytest.approx(theta, rel=rel)


@pytest.mark.parametrize(("values", "covariance", "theta"), STAX[8:9], ids=named)
def test_the_loop_without_gains_is_as_stax_has_it(values, covariance, theta):
    """So that what a norm does to Theta does not rest on this file alone."""
    found = by_pixels(network(bias_init="normal", **values), IMAGES[0], IMAGES[1], gains=False)
    assert found == pytest.approx((covariance[0][0], theta[0][0]), rel=1e-12)


# Wide networks

WIDE = [
    {"pooling": "flatten", "norm": "layer"},
    *(
        pytest.param({"activation": "tanh", "bias_init": "normal", **more}, marks=pytest.mark.long)
        for more in ({"padding": "circular", "stride": (1, 2)}, {"norm": "layer", "train_bias": False})
    ),
]
POINTS = np.random.default_rng(5).normal(size=(2, 6))


def of_draws(net: ConvConfig, seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """Of so many networks the mean of the kernel and of its part of the readout's weights, (2, 3) for pairs of points,
    by Jacobians; and the standard errors."""

    def one(key):
        params = model.draw(net, key, POINTS.shape[1], 1, jnp.float64)
        J = jax.jacrev(lambda params: model.apply(net, params, jnp.asarray(POINTS))[:, 0])(params)
        grams = {path[0].key + "/" + path[1].key: (rows := leaf.reshape(len(POINTS), -1)) @ rows.T
            for path, leaf in jax.tree.leaves_with_path(J) if net.train_bias or path[1].key != "b"}  # fmt: skip
        return jnp.stack([sum(grams.values()), grams["readout/w"]])[:, [0, 0, 1], [0, 1, 1]]

    found = jax.jit(lambda keys: jax.lax.map(one, keys))(jax.random.split(jax.random.key(2), seeds))
    return np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / np.sqrt(seeds)


@pytest.mark.parametrize("values", WIDE, ids=named)
def test_the_mean_over_networks_tends_to_it_as_one_over_the_channels(values):
    """C times its distance is the same at 4 and 16 channels, to 4.5 standard errors and a next order in 1/C."""
    net = network(shape=(2, 3, 1), **values)
    limits = np.stack([ntk(net, POINTS), infinite.kernel("conjugate", net, POINTS)])[:, [0, 0, 1], [0, 1, 1]]
    found = [(C, *of_draws(net.model_copy(update={"width": C}), 2000)) for C in (4, 16)]
    (few, one), (many, other) = ((C * (mean - limits), C * error) for C, mean, error in found)
    assert np.all(np.abs(many - few) < 4.5 * np.hypot(one, other) + 0.15)
    assert np.all(np.abs(many) < 16 * 0.15 * np.abs(limits).max())
