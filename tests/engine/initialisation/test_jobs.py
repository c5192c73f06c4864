"""The jobs: bounds of their configs, progress, cancelling, and that results are plain arrays."""

import subprocess
import sys

import numpy as np
import pytest

from engine.initialisation import job
from engine.initialisation.brute_force import brute_force
from engine.initialisation.config import (
    BruteForceConfig,
    DriftConfig,
    FirstStepConfig,
    GramSpectrumConfig,
    SampleConfig,
)
from engine.initialisation.law import InitialNetwork, exact_law
from engine.initialisation.moments import moments
from engine.progress import Cancelled
from engine.schema import ConfigError

SMALL = {"widths": [3, 4, 1]}
JOBS = {
    "sample": (SampleConfig, job.sample, {"draws": 40_000, "importance": True}),
    "gram": (GramSpectrumConfig, job.gram_spectra, {"draws": 50, "points": 4}),
    "brute force": (BruteForceConfig, job.brute_force, {"draws": 100}),
    "first step": (FirstStepConfig, job.first_step, {"draws": 20, "points": 2, "target": 1.0}),
    "drift": (DriftConfig, job.drift_ensemble, {"draws": 20, "times": [0.1, 0.5], "target": 1.0}),
}


@pytest.mark.parametrize("name", JOBS)
def test_results_are_plain_finite_arrays_and_progress_ends_at_one(name):
    kind, function, values = JOBS[name]
    config = kind.from_dict({"setting": SMALL, **values})
    assert kind.from_dict(config.to_dict()) == config
    told = []
    result = function(config, told.append)["result"]
    assert told[-1].fraction == pytest.approx(1)
    for array in map(np.asarray, result.values()):
        assert array.dtype.kind in "fiU"
        if array.dtype.kind == "f":
            assert np.all(np.isfinite(array))
    again = function(config)["result"]
    assert all(np.array_equal(again[key], value) for key, value in result.items())


@pytest.mark.parametrize("name", JOBS)
def test_cancelling(name):
    kind, function, values = JOBS[name]

    def report(progress):
        raise Cancelled

    with pytest.raises(Cancelled):
        function(kind.from_dict({"setting": SMALL, **values}), report)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (SampleConfig, {"draws": 10**9}),
        (SampleConfig, {"draws": 10**8, "setting": {"widths": [3, *[4] * 10_000, 1]}}),
        (SampleConfig, {"setting": {**SMALL, "activation": "erf"}}),
        (SampleConfig, {"setting": {"widths": [3, 1, 1, 1]}, "importance": True}),
        (SampleConfig, {"draws": 10.5}),
        (SampleConfig, {"drows": 10}),
        (BruteForceConfig, {"setting": {"widths": [3, 10_000, 10_000, 1]}}),
        (BruteForceConfig, {"setting": {"widths": [3, 1000, 1000, 1]}, "draws": 10**6}),
        (BruteForceConfig, {"setting": {"widths": [3, 1]}}),
        (GramSpectrumConfig, {"points": 513}),
        (GramSpectrumConfig, {"setting": {"widths": [3, 10**6, 10**6, 1]}, "points": 100}),
        (GramSpectrumConfig, {"draws": 100_000, "points": 100}),
        (GramSpectrumConfig, {"inputs": "circle"}),
        (FirstStepConfig, {"sizes": []}),
        (FirstStepConfig, {"sizes": [0.0]}),
        (FirstStepConfig, {"points": 100}),
        (DriftConfig, {"times": [0.2, 0.1]}),
        (DriftConfig, {"times": [-1.0]}),
        (DriftConfig, {"times": [1e6], "draws": 10**6, "setting": {"widths": [3, 500, 500, 1]}}),
    ],
)
def test_a_typo_cannot_eat_the_machine(kind, values):
    with pytest.raises(ConfigError) as caught:
        kind.from_dict({"setting": SMALL, **values})
    assert "\n" not in str(caught.value)


def test_sampled_moments():
    config = SampleConfig.from_dict({"setting": {"widths": [3, 5, 4, 1]}, "draws": 100_000, "importance": True})
    result = job.sample(config)["result"]
    exact = moments(exact_law(config.setting))
    place = list(result["names"]).index("E_K2")
    assert abs(result["mean"][place] - np.exp(exact.log_E_K2[0])) < 4.5 * result["standard_error"][place]
    assert result["trusted"][place] == 1
    assert result["importance_trusted"] == 1
    assert result["histogram_counts"].sum() + result["histogram_zeros"] == 100_000
    assert len(result["histogram_edges"]) == len(result["histogram_counts"]) + 1


def test_brute_force_of_another_activation_is_not_flagged():
    config = BruteForceConfig.from_dict({"setting": {**SMALL, "activation": "erf"}, "draws": 50})
    result = job.brute_force(config)["result"]
    assert set(result["trusted"]) == {-1}
    drawn = np.concatenate([d.K for d in brute_force(config.setting, 50, 0)])
    assert result["mean"][0] == pytest.approx(drawn.mean())


@pytest.mark.parametrize("parameterization", ["ntk", "standard"])
def test_gram_spectra_and_their_limit(parameterization):
    setting = {"widths": [2, 2000, 1], "norm_x_squared": 1, "parameterization": parameterization}
    config = GramSpectrumConfig.from_dict({"setting": setting, "points": 8, "inputs": "circle", "draws": 50})
    result = job.gram_spectra(config)["result"]
    assert result["spectra"].shape == (50, 8)
    assert np.all(np.diff(result["spectra"], axis=1) <= 1e-12)
    assert result["spectra"].sum(axis=1).mean() == pytest.approx(np.trace(result["mean_kernel"]))
    assert np.linalg.eigvalsh(result["mean_kernel"])[::-1] == pytest.approx(result["infinite_width"], rel=0.1)


def test_drift_extrapolates_the_exact_rate():
    config = DriftConfig.from_dict({"setting": {"widths": [3, 6, 4, 1]}, "draws": 30, "times": [0.1, 0.2]})
    result = job.drift_ensemble(config)["result"]
    exact = moments(exact_law(config.setting)).E_dK(0.0)[0]
    assert result["extrapolation"] == pytest.approx(np.array([0.1, 0.2]) * exact)
    assert result["change_quantiles"].shape == (3, 2)
    assert result["stiff"] == 0


def test_exact_modules_import_no_jax():
    code = (
        "import sys; from engine.initialisation import result, config, job, sampler, gram;"
        "assert 'jax' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_setting_inside_a_config_reports_all_its_problems():
    with pytest.raises(ConfigError) as caught:
        SampleConfig.from_dict({"setting": {"widths": [3, 0, 2], "sigma_b": -1}, "draws": 0})
    assert len(caught.value.problems) == 3
    assert InitialNetwork.from_dict(SMALL).beta == 0.25
