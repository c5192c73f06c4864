"""Brute force against exact moments, and against plain JAX for what has none."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from initialisation_oracles import network_draws, z_score

from engine.initialisation.brute_force import brute_force, draw_network, kernel_draws
from engine.initialisation.law import InitialNetwork, exact_law, network_of
from engine.initialisation.moments import moments
from engine.networks.base import NetworkConfig
from engine.schema import ConfigError


def gathered(setting, draws, seed, **options):
    chunks = list(brute_force(setting, draws, seed, **options))
    return {name: np.concatenate([getattr(c, name) for c in chunks]) for name in ("f", "K_w", "K_b", "gHg")}


@pytest.mark.parametrize(
    ("widths", "values"),
    [
        ((3, 5, 4, 7, 1), {}),
        ((2, 1, 3, 1), {"readout": "relu"}),
        ((3, 4, 4, 1), {"sigma_w": 1.1, "sigma_w_readout": 0.6, "sigma_b": 0.5, "alpha": 2.0, "output_bias": False}),
    ],
)
def test_means_are_the_exact_moments(widths, values):
    setting = InitialNetwork.from_dict({"widths": widths, **values})
    found, exact = gathered(setting, 20_000, 0), moments(exact_law(setting))
    samples = {
        "E_Kw": found["K_w"],
        "E_Kb": found["K_b"],
        "E_gHg": found["gHg"],
        "E_K2": (found["K_w"] + found["K_b"]) ** 2,
    }
    for name, sample in samples.items():
        assert abs(z_score(sample, np.exp(getattr(exact, f"log_{name}")[0]))) < 4.5, name


def test_another_activation_with_random_biases():
    setting = InitialNetwork.from_dict(
        {"widths": [3, 5, 4, 1], "activation": "tanh", "bias_init": "normal", "sigma_b": 0.6}
    )
    sigma = setting.sigmas[0]
    assert sigma == 1.0
    theirs = network_draws(
        (3, 5, 4, 1), 5000, 1, activation=jnp.tanh, sigmas=[sigma] * 3, sigma_b=0.6, bias_init="normal"
    )
    ours = gathered(setting, 5000, 2)
    for name, values in zip(("f", "K_w", "K_b", "gHg"), theirs, strict=True):
        assert scipy.stats.ks_2samp(ours[name], values).pvalue > 1e-4, name


def test_the_standard_parameterization_scales_each_layer():
    """One hidden layer, no biases: same draws, K_std = n_0/sigma^2 (term 1) + n_1/sigma^2 (term 2)."""
    values = {"widths": [3, 3, 1], "train_bias": False, "sigma_w": 1.3}
    ntk, standard = (
        gathered(InitialNetwork.from_dict({**values, "parameterization": name}), 50, 0) for name in ("ntk", "standard")
    )
    assert standard["f"] == pytest.approx(ntk["f"], rel=1e-6, abs=1e-7)
    assert standard["K_w"] == pytest.approx(ntk["K_w"] * 3 / 1.3**2, rel=1e-6)


@pytest.mark.parametrize("parameterization", ["ntk", "standard"])
def test_networks_are_drawn_with_the_setting_s_spreads(parameterization):
    setting = InitialNetwork.from_dict(
        {
            "widths": [30, 40, 40, 1],
            "parameterization": parameterization,
            "bias_init": "normal",
            "sigma_b": 0.4,
            "sigma_w": 1.3,
        }
    )
    params = draw_network(network_of(setting), jax.random.key(1), 30)
    fan_in = {"hidden_0": 30, "hidden_1": 40, "readout": 40}
    for block, leaves in params.items():
        spreads = {"w": 1.3 / np.sqrt(fan_in[block]), "b": 0.4} if parameterization == "standard" else {"w": 1, "b": 1}
        for name, leaf in leaves.items():
            if leaf.size > 30:
                assert np.std(leaf) == pytest.approx(spreads[name], rel=5 / np.sqrt(leaf.size))


def test_draws_do_not_depend_on_the_chunk(monkeypatch):
    setting = InitialNetwork.from_dict({"widths": [3, 4, 1]})
    whole = gathered(setting, 30, 5)
    monkeypatch.setattr("engine.initialisation.brute_force.MAX_CHUNK", 7)
    assert gathered(setting, 30, 5)["K_w"] == pytest.approx(whole["K_w"], rel=1e-12)


def test_the_kernel_of_any_network_is_that_of_its_scaled_output():
    """f = alpha n^{-s/2} h: at alpha = 3, s = 1 and 4 units K is 9/4 of that of h."""
    plain, scaled = (
        kernel_draws(NetworkConfig.from_dict({"kind": "resnet", "width": 4, **values}), np.ones(3), 20, 0)
        for values in ({}, {"alpha": 3.0, "alpha_exponent": 1.0})
    )
    np.testing.assert_allclose(scaled, 9 / 4 * plain, rtol=1e-12)


def test_centred_functions_are_zero():
    setting = InitialNetwork.from_dict({"widths": [3, 4, 1], "centred": True})
    found = next(brute_force(setting, 5, 0, first_step=False))
    assert np.all(found.f == 0)
    assert found.gHg is None
    assert np.all(found.K > 0)


@pytest.mark.parametrize("values", [{"widths": [3, 1]}, {"widths": [3, 4, 4, 1], "sigma_w": [1.0, 2.0, 3.0]}])
def test_what_the_engine_cannot_draw_is_refused(values):
    with pytest.raises(ConfigError):
        network_of(InitialNetwork.from_dict(values))
