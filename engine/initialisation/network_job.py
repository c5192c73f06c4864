"""The jobs that draw real networks through JAX: brute force, the finite first step, the drift ensemble."""

import numpy as np

from engine.initialisation.brute_force import brute_force as brute_force_draws
from engine.initialisation.config import BruteForceConfig, DriftConfig, FirstStepConfig
from engine.initialisation.drift_ensemble import drifts
from engine.initialisation.first_step import batch, first_steps
from engine.initialisation.job import Gathering
from engine.initialisation.law import Setting, exact_law, reasons_without_law
from engine.initialisation.moments import moments
from engine.progress import Entries, Progress, Report, silent


def brute_force(config: BruteForceConfig, report: Report = silent) -> Entries:
    """Entry "result": moments and histogram, as the job `sample` gives them; flags where the law is known."""
    law = None if reasons_without_law(config.setting) else exact_law(config.setting)
    gathering = Gathering(config.draws, config.target, config.first_step, law)
    for some in brute_force_draws(config.setting, config.draws, config.seed, first_step=config.first_step):
        report(gathering.add(some))
    return {"result": gathering.arrays()}


def exact_rate(setting: Setting, points: int, target: float) -> dict[str, np.ndarray]:
    """`exact_rate` = E[dK/dt] and `exact_K` = E[K] where the law is known, for one point."""
    if points > 1 or reasons_without_law(setting):
        return {}
    exact = moments(exact_law(setting))
    return {"exact_rate": exact.E_dK(target)[0], "exact_K": np.exp(exact.log_E_K[0])}


def first_step(config: FirstStepConfig, report: Report = silent) -> Entries:
    """Entry "result", of K averaged over the batch's points:

    `sizes`, `change_mean` and `change_error` (sizes,) of Delta K, `flow_mean` and `flow_error` (sizes,) of
    Delta K minus eta times each network's own flow rate, `flow_median` (sizes,) of its size, `rate_mean`, `rate_error`,
    `K_mean`, `residual_mean` (mean |f - y|), and the exact values where known.
    """
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
    return {
        "result": {
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
    }


def drift_ensemble(config: DriftConfig, report: Report = silent) -> Entries:
    """Entry "result", of K averaged over the points: `times`, `change_mean`, `change_error`, `change_quantiles`
    (3, times) at 5, 50, 95%, `residual_mean` (times,), `rate_mean` and `rate_error` of the networks' own rates at
    t = 0, `extrapolation` = t E[dK/dt] (exact where known), `K_mean`, `stiff` (networks left out), exact values.
    """
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
    return {
        "result": {
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
    }


def _diagonal(K: np.ndarray) -> np.ndarray:
    return np.trace(K, axis1=-2, axis2=-1) / K.shape[-1]
