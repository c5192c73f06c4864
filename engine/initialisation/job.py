"""The jobs: draws from the exact law, spectra, real networks. Only what draws networks imports JAX, when it runs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.initialisation.config import (
    BruteForceConfig,
    DriftConfig,
    FirstStepConfig,
    GramSpectrumConfig,
    SampleConfig,
)
from engine.initialisation.estimates import gathered
from engine.initialisation.gram import gram_chunks
from engine.initialisation.law import InitialNetwork, exact_law, network_of, reasons_without_law
from engine.initialisation.moments import moments
from engine.initialisation.result import (
    DriftResult,
    FirstStepResult,
    GramResult,
    SampleResult,
    rates,
)
from engine.initialisation.sampler import draw_chunks, second_moment
from engine.networks.infinite import ntk
from engine.progress import Entries, Progress, Report, silent
from engine.schema import ConfigError


def sample(config: SampleConfig, report: Report = silent) -> Entries:
    """Draws from the exact law. Entry "result": see `engine.initialisation.result.SampleResult`."""
    law = exact_law(config.setting)
    chunks = draw_chunks(law, config.draws, config.seed, first_step=config.first_step)
    result = gathered(config, chunks, law, report)
    if config.importance:
        estimate = second_moment(
            law, config.draws, config.seed, lambda done: report(Progress(done, "importance sampling E[K^2]"))
        )
        result |= {
            "importance_E_K2": np.array(estimate.value),
            "importance_standard_error": np.array(estimate.standard_error),
            "importance_effective_sample_size": np.array(estimate.effective_sample_size),
            "importance_trusted": np.array(int(estimate.trusted)),
        }
    return {"result": SampleResult(result).to_arrays()}


def sample_summary(
    widths: str | Sequence[int],
    draws: int,
    seed: int = 0,
    readout: str = "linear",
    norm_x_squared: float = 1.0,
    target: float = 0.0,
    report: Report = silent,
    **settings: Any,
) -> dict[str, Any]:
    """Sample means from the exact law: {name: {mean, standard_error, trusted}} under the names of `moments_summary`.

    `trusted` is False where the exact moments say that the interval is none, None where there is no such verdict.
    `draws`, `seed` and the paper's rates stand beside them.

    Raises:
        ConfigError: a bad setting, number of draws or seed, or a setting without an exact law.
    """
    asked = {"widths": widths, "readout": readout, "norm_x_squared": norm_x_squared, **settings}
    setting = InitialNetwork.from_dict(asked)
    config = SampleConfig.from_dict({"setting": setting, "draws": draws, "seed": seed, "target": target})
    found = SampleResult.from_arrays(sample(config, report)["result"]).summary
    return {**found, "draws": config.draws, "seed": config.seed, **rates(exact_law(config.setting))}


def brute_force(config: BruteForceConfig, report: Report = silent) -> Entries:
    """The same of real networks, with flags where the law is known."""
    from engine.initialisation import brute_force as networks

    law = None if reasons_without_law(config.setting) else exact_law(config.setting)
    chunks = networks.brute_force(config.setting, config.draws, config.seed, first_step=config.first_step)
    return {"result": SampleResult(gathered(config, chunks, law, report)).to_arrays()}


def inputs(config: GramSpectrumConfig) -> np.ndarray:
    """The p inputs, (p, n_0), all of the setting's norm."""
    norm, p = np.sqrt(config.setting.norm_x_squared), config.points
    if config.inputs == "circle":
        angle = 2 * np.pi * np.arange(p) / p
        return norm * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x = np.random.default_rng(config.input_seed).standard_normal((p, config.setting.widths[0]))
    return norm * x / np.linalg.norm(x, axis=1, keepdims=True)


def infinite_width_spectrum(setting: InitialNetwork, x: np.ndarray) -> np.ndarray | None:
    """Eigenvalues of the infinitely wide kernel, descending; None where that limit is not computed (no hidden layer,
    or a sigma_w of each layer's own)."""
    if setting.parameterization == "ntk":  # where it has no widths, which may be more than a network's
        setting = setting.model_copy(update={"widths": (setting.widths[0], *(1,) * setting.depth, 1)})
    try:
        return np.linalg.eigvalsh(ntk(network_of(setting), x))[::-1]
    except ConfigError:
        return None


def gram_spectra(config: GramSpectrumConfig, report: Report = silent) -> Entries:
    """Entry "result": see `engine.initialisation.result.GramResult`."""
    x = inputs(config)
    spectra, total, done = [], np.zeros((len(x), len(x))), 0
    for K in gram_chunks(config.setting, x, config.draws, np.random.default_rng(config.seed)):
        spectra.append(np.linalg.eigvalsh(K)[:, ::-1])
        total += K.sum(axis=0)
        done += len(K)
        report(Progress(done / config.draws, f"{done:,} of {config.draws:,} kernels"))
    result = {"x": x, "spectra": np.concatenate(spectra), "mean_kernel": total / config.draws}
    limit = infinite_width_spectrum(config.setting, x)
    return {"result": GramResult(result if limit is None else {**result, "infinite_width": limit}).to_arrays()}


def exact_rate(setting: InitialNetwork, points: int, target: float) -> dict[str, np.ndarray]:
    """`exact_rate` = E[dK/dt] and `exact_K` = E[K] where the law is known, for one point."""
    if points > 1 or reasons_without_law(setting):
        return {}
    exact = moments(exact_law(setting))
    return {"exact_rate": exact.E_dK(target)[0], "exact_K": np.exp(exact.log_E_K[0])}


def first_step(config: FirstStepConfig, report: Report = silent) -> Entries:
    """Entry "result": see `engine.initialisation.result.FirstStepResult`."""
    from engine.initialisation.first_step import batch, first_steps

    x, y = batch(config.setting, config.points, config.target, config.seed)
    K, rate, change, residual, done = [], [], [], [], 0
    for some in first_steps(config.setting, x, y, config.sizes, config.draws, config.seed):
        K.append(_diagonal(some.K))
        rate.append(_diagonal(some.rate))
        change.append(_diagonal(some.change))
        residual.append(np.abs(some.residual).mean(axis=-1))
        done += len(some.K)
        report(Progress(done / config.draws, f"{done:,} of {config.draws:,} networks"))
    K, rate, change = np.concatenate(K), np.concatenate(rate), np.concatenate(change, axis=1)
    beyond = change - np.array(config.sizes)[:, None] * rate
    root = np.sqrt(config.draws)
    result = {
        "sizes": np.array(config.sizes),
        "change_mean": change.mean(axis=1),
        "change_error": change.std(axis=1, ddof=1) / root,
        "flow_mean": beyond.mean(axis=1),
        "flow_error": beyond.std(axis=1, ddof=1) / root,
        "flow_median": np.median(np.abs(beyond), axis=1),
        "rate_mean": rate.mean(),
        "rate_error": rate.std(ddof=1) / root,
        "K_mean": K.mean(),
        "residual_mean": np.concatenate(residual).mean(),
        **exact_rate(config.setting, config.points, config.target),
    }
    return {"result": FirstStepResult(result).to_arrays()}


def drift_ensemble(config: DriftConfig, report: Report = silent) -> Entries:
    """Entry "result": see `engine.initialisation.result.DriftResult`."""
    from engine.initialisation.first_step import batch, drifts

    x, y = batch(config.setting, config.points, config.target, config.seed)
    K, change, rate, residual, done = [], [], [], [], 0

    def tick(fraction: float) -> None:
        within = min(256, config.draws - done)
        report(Progress((done + fraction * within) / config.draws, f"{done:,} of {config.draws:,} networks"))

    for some in drifts(config.setting, x, y, config.times, config.draws, config.seed, tick):
        K.append(some.K)
        change.append(some.change)
        rate.append(some.rate)
        residual.append(some.residual)
        done += len(some.K)
        tick(0.0)
    K, rate = np.concatenate(K), np.concatenate(rate)
    change, residual = np.concatenate(change, axis=1), np.concatenate(residual, axis=1)
    followed = ~np.isnan(change[0])
    change, residual = change[:, followed], residual[:, followed]
    exact = exact_rate(config.setting, config.points, config.target)
    root = np.sqrt(max(followed.sum(), 1))
    times = np.array(config.times)
    result = {
        "times": times,
        "change_mean": change.mean(axis=1),
        "change_error": change.std(axis=1, ddof=1) / root,
        "change_quantiles": np.quantile(change, [0.05, 0.5, 0.95], axis=1),
        "residual_mean": residual.mean(axis=1),
        "rate_mean": rate.mean(),
        "rate_error": rate.std(ddof=1) / np.sqrt(len(rate)),
        "extrapolation": times * exact.get("exact_rate", rate.mean()),
        "K_mean": K.mean(),
        "stiff": np.array(int((~followed).sum())),
        **exact,
    }
    return {"result": DriftResult(result).to_arrays()}


def _diagonal(K: np.ndarray) -> np.ndarray:
    return np.trace(K, axis1=-2, axis2=-1) / K.shape[-1]
