"""One finite step against the flow's rate: O(eta^2) where the network is smooth, and what kinks add where it is not."""

import numpy as np
import pytest
from initialisation_oracles import z_score

from engine.initialisation.first_step import batch, first_steps, kink_rate, mean_residual
from engine.initialisation.law import InitialNetwork, exact_law, law_of
from engine.initialisation.moments import moments


def steps(setting, points, target, sizes, draws, seed=0):
    x, y = batch(setting, points, target, seed)
    chunks = list(first_steps(setting, x, y, sizes, draws, seed))
    return (
        np.concatenate([c.K for c in chunks]),
        np.concatenate([c.rate for c in chunks]),
        np.concatenate([c.change for c in chunks], axis=1),
        np.concatenate([c.residual for c in chunks]),
    )


@pytest.mark.parametrize(
    ("activation", "points"), [("erf", 1), ("tanh", 4), pytest.param("gelu", 3, marks=pytest.mark.long)]
)
def test_the_difference_from_the_flow_is_of_second_order(activation, points):
    setting = InitialNetwork.from_dict(
        {"widths": [3, 8, 6, 1], "activation": activation, "bias_init": "normal", "alpha": 1.2}
    )
    _, rate, change, _ = steps(setting, points, 0.8, (2e-4, 1e-4, 5e-5), 30)
    beyond = [np.linalg.norm(c - eta * rate) for c, eta in zip(change, (2e-4, 1e-4, 5e-5), strict=True)]
    assert beyond[0] / beyond[1] == pytest.approx(4, rel=0.05)
    assert beyond[1] / beyond[2] == pytest.approx(4, rel=0.05)
    assert beyond[2] < 1e-2 * np.linalg.norm(5e-5 * rate)


def test_relu_is_of_second_order_until_a_kink_is_crossed():
    """Almost every network: the median, not the mean."""
    setting = InitialNetwork.from_dict({"widths": [3, 8, 6, 1]})
    _, rate, change, _ = steps(setting, 1, 0.5, (1e-5, 5e-6), 400)
    beyond = [np.median(np.abs(c - eta * rate)) for c, eta in zip(change, (1e-5, 5e-6), strict=True)]
    assert beyond[0] / beyond[1] == pytest.approx(4, rel=0.1)


def test_rates_average_to_the_exact_moment():
    setting = InitialNetwork.from_dict({"widths": [3, 6, 4, 1], "readout": "relu"})
    K, rate, _, _ = steps(setting, 1, 1.0, (1e-3,), 8000)
    exact = moments(exact_law(setting))
    assert abs(z_score(rate[:, 0, 0], exact.E_dK(1.0)[0])) < 4.5
    assert abs(z_score(K[:, 0, 0], np.exp(exact.log_E_K[0]))) < 4.5


def test_the_loss_of_a_batch_is_a_mean():
    """One point three times over is that point once: the loss is (1/2M) sum (f - y)^2."""
    setting = InitialNetwork.from_dict({"widths": [3, 5, 4, 1], "activation": "erf"})
    x, y = batch(setting, 1, 0.7, 0)
    one = next(first_steps(setting, x, y, (0.05,), 10, 0))
    three = next(first_steps(setting, x.repeat(3, axis=0), y.repeat(3), (0.05,), 10, 0))
    for i in range(3):
        assert three.rate[:, 0, i] == pytest.approx(one.rate[:, 0, 0], rel=1e-10)
        assert three.change[0, :, i, 0] == pytest.approx(one.change[0, :, 0, 0], rel=1e-9)


def test_batches():
    setting = InitialNetwork.from_dict({"widths": [2, 3, 1], "norm_x_squared": 2.5})
    x, y = batch(setting, 6, -0.5, 4)
    assert np.sum(np.asarray(x) ** 2, axis=1) == pytest.approx(2.5)
    assert np.sqrt(np.mean(np.asarray(y) ** 2)) == pytest.approx(0.5)
    x, y = batch(setting, 1, -0.5, 4)
    assert float(y[0]) == -0.5
    assert np.sum(np.asarray(x) ** 2) == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("width", "sigma_b", "sigma_w"),
    [*(pytest.param(n, 1.0, "critical", marks=pytest.mark.long) for n in (16, 64)), (64, 0.5, 1.1)],
)
def test_kinks_add_their_rate_to_the_mean(width, sigma_b, sigma_w):
    """One hidden layer: E[Delta K]/eta minus E[dK/dt] is the closed form, to O(1/width) and O(eta)."""
    setting = InitialNetwork.from_dict({"widths": [3, width, 1], "sigma_b": sigma_b, "sigma_w": sigma_w})
    eta = 0.01
    _, rate, change, _ = steps(setting, 1, 0.5, (eta,), 12_000)
    beyond = change[0, :, 0, 0] / eta - rate[:, 0, 0]
    expected = kink_rate(exact_law(setting), 0.5)
    error = beyond.std() / np.sqrt(len(beyond))
    assert abs(beyond.mean() - expected) < 4.5 * error + 0.05 * abs(expected)
    assert beyond.mean() < -5 * error


def test_the_kinks_rate_is_exact_over_the_other_neurons():
    """theory.md 3: widths 4, 32, 1, y = 0: -.1875, and -.4630 with kinks."""
    law = law_of((4, 32, 1))
    derivative = float(moments(law).E_dK(0.0)[0])
    assert derivative == pytest.approx(-0.1875, abs=5e-5)
    assert derivative + kink_rate(law, 0.0) == pytest.approx(-0.4630, abs=5e-5)
    rng = np.random.default_rng(0)
    a, w = np.maximum(rng.standard_normal((400_000, 31)), 0), rng.standard_normal((400_000, 31))
    f = 0.5 * np.sqrt(2) * np.sqrt(2 / 32) * np.sum(a * w, axis=1)  # S_1 = 2 |x|^2/n_0 = 1/2
    for target in (0.0, 0.4, -1.5):
        sample = np.abs(f - target)
        found = mean_residual(law, np.sqrt(2 / 32), target)
        assert abs(sample.mean() - found) < 4.5 * sample.std() / np.sqrt(len(f))


def test_the_kinks_rate_is_known_for_one_hidden_layer():
    with pytest.raises(ValueError, match="one"):
        kink_rate(law_of((3, 4, 4, 1)), 1.0)
    with pytest.raises(ValueError, match="linear readout"):
        kink_rate(law_of((3, 4, 1), readout="relu"), 1.0)


def test_centring_removes_the_first_output():
    setting = InitialNetwork.from_dict({"widths": [3, 5, 1], "centred": True, "activation": "erf"})
    _, _, _, residual = steps(setting, 1, 0.7, (0.1,), 10)
    assert residual == pytest.approx(-0.7)
