"""The jobs: the perturbation of a run, and a study of many networks."""

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.config import RunConfig
from engine.data import Dataset, generate, spread
from engine.networks.kinds import BuiltIn, built_in, depth_per_width
from engine.networks.parameters import ParameterPath
from engine.numerics import NOTHING
from engine.perturbation.config import Options, PerturbationConfig, StudyConfig
from engine.perturbation.expansion import Expansion, coupling, expand, step_through
from engine.perturbation.frame import Frame, refined
from engine.perturbation.prediction import Prediction, predict
from engine.perturbation.propagator import propagate
from engine.perturbation.result import APPROXIMATIONS, PerturbationResult, SeedPerturbation, StudyResult
from engine.progress import Arrays, Entries, Progress, Report, silent
from engine.training.descent import largest_lazy_error
from engine.training.job import Tick, after_training
from engine.training.path import KernelPath, kernel_path
from engine.training.result import SeedResult

# The perturbation of a run as a job: train, derive the kernel path, expand, compare.

ORDER = 2
TRAINED = 0.5
"""Fraction of the work that training is, as progress counts it."""


def perturb(config: PerturbationConfig, report: Report = silent) -> Entries:
    """Trains every seed and expands it. Entry "result": see `engine.perturbation.result.PerturbationResult`.

    Raises:
        ConfigError: as `engine.training.job.run` and `engine.training.path.kernel_path`.
    """
    seeds, meta = expanded(config.run, config.options, report)
    return {"result": PerturbationResult({}, config, meta, seeds).to_arrays()}


def expanded(
    config: RunConfig, options: Options, report: Report
) -> tuple[tuple[SeedPerturbation, ...], dict[str, Any]]:
    """Every seed of a run, and the versions and device."""
    data = generate(config.data)

    def one(seed: SeedResult, parameters: ParameterPath, tick: Tick) -> SeedPerturbation:
        return SeedPerturbation(*seed_arrays(config, options, data, seed, parameters, tick))

    return after_training(config, TRAINED, one, report)


def seed_arrays(
    config: RunConfig, options: Options, data: Dataset, seed: SeedResult, parameters: ParameterPath, tick: Tick
) -> tuple[dict[str, np.ndarray], dict]:
    """What the result holds of one seed, and facts about it."""
    held_out = spread(len(data.x_test), options.held_out)
    rate = seed.effective_rate
    path = kernel_path(
        config, data, parameters, rate, data.x_test[held_out], tick=lambda done: tick(0.4 * done, "kernel path")
    ).using(options.interpolation)
    arrays, frame = path_arrays(path, options, tick)
    steps = int(path.steps[-1])
    facts = {
        "seed": seed.seed,
        "stop_reason": seed.stop_reason,
        "measured_checkpoints": len(seed["step"]),
        "lazy_error": largest_lazy_error(
            config, data, parameters.at(0), rate, steps, frame.eigenvalues, frame.vectors, frame.path.residual[0]
        ),
        "dropped_checkpoints": len(parameters.steps) - len(path.t),
        "precision": seed.precision,
        "noise": seed.noise,
        **path_facts(path, frame),
    }
    arrays |= {"held_out": held_out, "y_held_out": np.asarray(data.y_test[held_out], np.float64).ravel()}
    if options.predict and len(path.t) > 1 and frame.eigenvalues[0] > 0:
        found = predict(
            config.network, parameters.at(0), data.x_train, frame, lambda done: tick(0.7 + 0.3 * done, "prediction")
        )
        arrays |= _predicted(path, found)
    tick(1.0, "done")
    return arrays, facts


def path_arrays(path: KernelPath, options: Options, tick: Tick) -> tuple[dict[str, np.ndarray], Frame]:
    """What the result holds of a path, whoever it is of, but for the held-out points; and the path seen from K_0."""
    whole, checkpoints = refined(path, options.between)
    frame = Frame.of(whole)
    expansion, *full = _solved(frame, lambda done: tick(0.4 + 0.2 * done, "orders"))
    return {
        **_curves(whole, frame, expansion, full, checkpoints),
        **_change(frame, min(options.shown_modes, whole.size)),
        **{f"bound_{name}": values for name, values in expansion.bounds.items()},
        **_quadrature(
            path, frame, expansion, full, checkpoints, lambda done: tick(0.6 + 0.1 * done, "quadrature error")
        ),
        "y": whole.y,
    }, frame


def path_facts(path: KernelPath, frame: Frame) -> dict[str, Any]:
    """eta_eff, the number of checkpoints, the relative error of interpolation between them, lambda_max(K_0)."""
    return {
        "effective_rate": path.rate,
        "checkpoints": len(path.t),
        "interpolation_error": path.interpolation_error(),
        "lambda_max": float(frame.eigenvalues[0]) if len(frame.eigenvalues) else 0.0,
    }


def _solved(frame: Frame, tick: Callable[[float], None]) -> tuple[Expansion, np.ndarray, np.ndarray]:
    """The expansion, and r and f* - f*(0) of the whole path, by the dynamics of the run."""
    if frame.path.descent:
        expansion, modes, held_out = step_through(frame, ORDER, tick)
        return expansion, modes @ frame.vectors.T, held_out
    expansion = expand(frame, ORDER, lambda done: tick(0.5 * done))
    return expansion, *propagate(frame.path, lambda done: tick(0.5 + 0.5 * done))


def _curves(
    path: KernelPath, frame: Frame, expansion: Expansion, full: list[np.ndarray], checkpoints: np.ndarray
) -> dict[str, np.ndarray]:
    """Residuals and held-out outputs of the network, of orders 0 to 2 (summed) and of the whole: (5, T, .)."""
    sums = np.cumsum(expansion.modes, axis=0) @ frame.vectors.T
    start = path.f_held_out[0]
    held_out = start + np.concatenate([np.cumsum(expansion.held_out, axis=0), full[1][None]])
    at_checkpoint = np.zeros(len(path.t), bool)
    at_checkpoint[checkpoints] = True
    return {
        "t": path.t,
        "step": path.steps,
        "at_checkpoint": at_checkpoint,
        "residuals": np.concatenate([path.residual[None], sums, full[0][None]]),
        "outputs_held_out": np.concatenate([path.f_held_out[None], held_out]),
        "floor": np.linalg.norm(expansion.floor[:, : path.size], axis=1),
        "floor_held_out": np.linalg.norm(expansion.floor[:, path.size :], axis=1),
        "eigenvalues": frame.eigenvalues,
        "eigenvectors": frame.vectors,
        "modes": expansion.modes,
    }


def _change(frame: Frame, shown: int) -> dict[str, np.ndarray]:
    """Delta K_t on training points: sizes, spectrum, its block between leading modes, and what it couples."""
    change = frame.change.kernel[:, : frame.path.size]
    values = np.linalg.eigvalsh(change)[:, ::-1]
    size = np.linalg.norm(frame.path.train[0])
    drift = np.linalg.norm(change, axis=(1, 2))
    return {
        "drift": np.divide(drift, size, out=np.full_like(drift, np.nan), where=size > 0),
        "change_norm": np.abs(values).max(axis=1),
        "change_eigenvalues": values,
        "change_block": change[:, :shown, :shown],
        "coupling": coupling(frame)[:, :shown, :shown],
    }


def _quadrature(
    path: KernelPath,
    frame: Frame,
    expansion: Expansion,
    full: list[np.ndarray],
    checkpoints: np.ndarray,
    tick: Callable[[float], None],
) -> dict[str, np.ndarray]:
    """What halving the checkpoints changes in r at those that stay: (4,) sup over t for orders 0, 1, 2 and the whole,
    relative to ||r(0)||. An upper estimate of the error of interpolation: a cubic's falls 16-fold on the way back."""
    half, chosen = path.halved()
    if len(chosen) == len(path.t) or frame.scale == 0:
        return {"quadrature_error": np.zeros(4)}
    coarse_frame = Frame.of(half)
    coarse, coarse_full, _ = _solved(coarse_frame, tick)
    at = checkpoints[chosen]
    moved = np.cumsum(coarse.modes, axis=0) - np.cumsum(expansion.modes[:, at], axis=0)
    whole = coarse_full - full[0][at]
    return {"quadrature_error": np.linalg.norm(np.concatenate([moved, whole[None]]), axis=2).max(axis=1) / frame.scale}


def _predicted(path: KernelPath, found: Prediction) -> Arrays:
    """Drift predicted from initialisation against the measured one, at the times of the prediction."""
    true, size = path.at(found.t)[:, : path.size] - path.train[0], np.linalg.norm(path.train[0])
    measured = np.linalg.norm(true, axis=(1, 2))

    def compared(name: str, change: np.ndarray) -> dict[str, np.ndarray]:
        missed = np.linalg.norm(change - true, axis=(1, 2))
        return {
            f"predicted_{name}": np.linalg.norm(change, axis=(1, 2)) / size,
            f"predicted_{name}_error": np.divide(
                missed, measured, out=np.full_like(missed, np.nan), where=measured > NOTHING * size
            ),
        }

    curves = compared("leading", found.leading) | compared("taylor_1", found.taylor_1)
    curves |= compared("taylor_2", found.taylor_2)
    return curves | {"predicted_t": found.t, "measured_drift": measured / size, "taylor_range": np.array(found.range)}


# A study as a job: the perturbation of every network of a grid, one row for each of its seeds.


def study(config: StudyConfig, report: Report = silent) -> Entries:
    """Entry "result": columns over N = cells x seeds; see `engine.perturbation.result.StudyResult`.

    Raises:
        ConfigError: as `engine.training.job.run` and `engine.training.path.kernel_path`.
    """
    rows: list[dict[str, float]] = []
    meta: dict[str, Any] = {}
    cells = config.cells
    for index, cell in enumerate(cells):
        network = built_in(cell.network)
        said = f"depth {network.depth}, width {network.width}, alpha {network.alpha:g} ({index + 1} of {len(cells)})"

        def within(progress: Progress, index: int = index, said: str = said) -> None:
            fraction = (index + progress.fraction) / len(cells)
            report(Progress(fraction, f"{said}: {progress.message}"))

        seeds, meta = expanded(cell, config.options, within)
        new = [_row(index, network, seed) for seed in seeds]
        rows += new
        report(Progress((index + 1) / len(cells), said, tuple(new)))
    columns = {name: np.array([row[name] for row in rows], np.float64) for name in rows[0]}
    return {"result": StudyResult(columns, config, meta).to_arrays()}


def mean_width(network: BuiltIn) -> float:
    """Harmonic mean of the hidden widths, without the rounding of its sum: equal widths give that width exactly."""
    return float(f"{network.mean_width:.12g}")


def _row(cell: int, network: BuiltIn, seed: SeedPerturbation) -> dict[str, float]:
    """One run: its place in the grid, the sup of every error (`SeedPerturbation.worst`), and its drift."""
    return {
        "cell": cell,
        "width": mean_width(network),
        "depth": network.depth,
        "alpha": network.alpha,
        "beta": depth_per_width(network),
        "seed": seed.facts["seed"],
        **{f"error_{name}": seed.worst(name) for name in APPROXIMATIONS},
        "bound_P2": float(seed.bound("P2").max()),
        "floor": float(seed.floor.max()),
        "drift": seed.last("drift"),
        "change_norm": seed.last("change_norm"),
        "drift_predicted": seed.last("predicted_leading"),
        "drift_predicted_error": seed.last("predicted_leading_error"),
        "t_stop": seed.last("t"),
        "converged": float(seed.facts["stop_reason"] == "residual"),
    }
