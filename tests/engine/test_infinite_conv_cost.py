"""Kernels of convolutional networks with many channels: in blocks, in parts, at what cost, and beside runs."""

import numpy as np
import pytest
from test_infinite_conv import X1, X2, named, network

from engine import cost
from engine.config import RunConfig
from engine.data import generate
from engine.networks import followed, infinite, infinite_conv
from engine.networks.infinite import nngp, ntk
from engine.progress import Cancelled
from engine.rkhs.config import RkhsConfig
from engine.rkhs.config import expected as expected_of_spaces
from engine.schema import ConfigError
from engine.training.job import run
from engine.training.result import RunResult


@pytest.mark.parametrize(
    "values", [{}, {"pooling": "flatten"}, {"stride": (1, 2), "padding": "circular", "activation": "tanh"}], ids=named
)
def test_blocks_change_nothing(values, monkeypatch):
    net, x = network(**values), np.concatenate([X1, X2])
    whole, beside = ntk(net, x), nngp(net, x[:1], x)
    monkeypatch.setattr(infinite_conv, "TILE", 64)
    assert infinite_conv._parts(net) > 1 or net.pooling == "flatten"
    np.testing.assert_allclose(ntk(net, x), whole, rtol=1e-13)
    np.testing.assert_allclose(nngp(net, x[:1], x), beside, rtol=1e-13)
    np.testing.assert_array_equal(ntk(net, x), ntk(net, x).T)


def test_pixels_that_are_all_zero_are_dead_as_in_the_network():
    """ReLU'(0) = 0: what sees nothing passes nothing on, and nothing is NaN."""
    x = np.zeros((2, 12))
    x[1, 0] = 1.0
    net = network(shape=(3, 4, 1), depth=1, pooling="flatten", output_bias=False)
    K = ntk(net, x)
    assert np.all(K[0] == 0)
    # x_1 is seen by four windows, each of which has Sigma = s alone; half of them live.
    s = 1.3**2 / 9
    assert K[1, 1] == pytest.approx(0.9**2 / 12 * 4 * (s / 2 + (s + 0.25) / 2), rel=1e-14)


def test_is_positive_and_carries_alpha():
    net = network(stride=(2, 1), alpha=0.5)
    x = np.random.default_rng(1).normal(size=(12, 60))
    K = ntk(net, x)
    assert np.linalg.eigvalsh(K)[0] > 0
    np.testing.assert_allclose(K, 0.25 * ntk(net.model_copy(update={"alpha": 1.0}), x), rtol=1e-14)


@pytest.mark.parametrize("values", [{"norm": "layer"}, {"activation": "erf", "norm": "layer"}, {}], ids=named)
def test_the_parts_that_train_add_up(values):
    """The readout's is the conjugate kernel and its bias; what is left of a linear readout is the hidden layers'."""
    x = np.concatenate([X1, X2])
    whole, readout, hidden = (ntk(network(train=part, **values), x) for part in ("all", "readout", "hidden"))
    np.testing.assert_allclose(readout, infinite.kernel("conjugate", network(**values), x) + 0.25, rtol=1e-13)
    np.testing.assert_allclose(readout + hidden, whole, rtol=1e-13)
    assert np.linalg.eigvalsh(hidden)[-1] > 0.1
    scaled = network(alpha_exponent=1.0, width=4, **values)
    np.testing.assert_allclose(ntk(scaled, x), whole / 4, rtol=1e-13)


def test_overflow_is_told_by_its_layer():
    net = network(sigma_w=100.0, depth=64)
    with pytest.raises(ConfigError, match=r"the signal overflows at convolution \d+ of 64: lower sigma_w or depth"):
        ntk(net, 1e150 * X1)


def test_who_waits_may_end_it():
    def gone() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        infinite.kernel("ntk", network(), X1, waiting=gone)


@pytest.mark.parametrize("values", [{}, {"pooling": "flatten"}, {"stride": (2, 1), "padding": "circular"}], ids=named)
def test_its_operations_are_counted_by_what_is_computed(values, monkeypatch):
    """As many numbers go through the dual as are counted, for two images beside one; their variances are few."""
    net, seen = network(**values), []
    dual = infinite_conv.dual_of("relu")

    def counting(a, b, c):
        if c.ndim == 4:
            seen.append(c.size)
        return dual(a, b, c)

    monkeypatch.setattr(infinite_conv, "dual_of", lambda _: counting)
    ntk(net, X1, X2[:1])
    assert infinite.operations(net, 2, 1) == sum(seen) * infinite_conv.OPERATIONS[True]


def of_images(size: int, **changes) -> RunConfig:
    """28 x 28 pixels; Gaussian points have any number of them."""
    net = {"kind": "conv", "shape": (28, 28, 1), **changes.pop("network", {})}
    data = {"name": "sphere", "dim": 784, "size": size, "test_size": 16}
    return RunConfig.from_dict({"data": data, "network": net, **changes})


def test_a_run_costs_what_its_kernel_does():
    few, many = of_images(16), of_images(4000)
    pairs = 28**4
    assert infinite.operations(few.network, 16) == 16 * 17 / 2 * 3 * pairs * infinite_conv.OPERATIONS[True]
    asked = cost.estimate(of_images(16, kernel="infinite_ntk"))
    measured = 16 + 16
    assert asked.flops >= infinite.operations(few.network, measured) > cost.estimate(few).flops / 1e6
    with pytest.raises(ConfigError, match=r"kernel: up to .* operations.*: choose another, or lower data.size"):
        cost.check(of_images(4000, kernel="infinite_ntk"))
    assert infinite.operations(many.network, 4000) > infinite.MOST_BESIDE
    assert followed.limit("ntk", many.network, np.zeros((4000, 784))) is None
    still = RkhsConfig.from_dict({"run": of_images(16, kernel="infinite_nngp").to_dict()})
    assert expected_of_spaces(still).seconds > infinite.operations(few.network, still.options.sample) / 3e10


def test_memory_is_bounded_and_known():
    import tracemalloc

    net = network(shape=(20, 20, 1), depth=2)
    x = np.random.default_rng(0).normal(size=(2, 400))
    ntk(net, x)
    tracemalloc.start()
    ntk(net, x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < infinite.memory(net)
    large = network(shape=(64, 64, 3), depth=2)
    assert infinite.memory(large) < 3e9


DIGITS = {"data": {"name": "digits", "size": 8, "test_size": 16}, "store_parameters": False}
SMALL = {"kind": "conv", "depth": 2, "width": 3, "stride": (2, 1), "norm": "layer"}


def test_runs_follow_it_and_have_it_beside_them():
    short = {"max_steps": 4, "stop_residual": None, "checkpoints": 2}
    of = {**DIGITS, "network": SMALL, "training": short}
    plain, still = (
        RunResult.from_arrays(run(RunConfig.from_dict({**of, **more}))["result"])
        for more in ({}, {"kernel": "infinite_ntk"})
    )
    values = np.linalg.eigvalsh(ntk(plain.config.network, generate(plain.config.data).x_train))[::-1]
    np.testing.assert_allclose(plain["limit/eigenvalues"], values, rtol=1e-10)
    along = still.seeds[0]["eigenvalues"]
    np.testing.assert_allclose(along, np.broadcast_to(values, along.shape), rtol=1e-10)
    assert still.limit_eigenvalues is None
    assert not np.any(still.seeds[0]["drift"])
