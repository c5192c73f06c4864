"""The path of RKHSs of a run as a job: train, derive kernels at the stored parameters, compare."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine import infinite
from engine.data import Dataset, generate
from engine.parameters import ParameterPath
from engine.progress import Entries, Progress, Report, silent
from engine.result import RunResult, SeedResult
from engine.rkhs.along import Along, parts
from engine.rkhs.comparison import Space, described
from engine.rkhs.enlargement import enlargement
from engine.rkhs.large import top_spectrum
from engine.rkhs.learning_curve import learning_curves
from engine.rkhs.points import Nested, Sets, nested, sample, sets
from engine.rkhs.requests import RkhsConfig
from engine.rkhs.stored import StoredNetwork
from engine.schema import ConfigError
from engine.training import run

TRAINED = 0.3
"""Fraction of the work that training is, as progress counts it."""

Arrays = dict[str, np.ndarray]
Tick = Callable[[float, str], None]
"""Told the fraction done of a seed and what is being done; may raise `Cancelled`."""


@dataclass(frozen=True, eq=False)
class Where:
    """All points of a run, and the kernel of infinite width at those of its sets (None where it overflows)."""

    sets: Sets
    grids: Nested
    x_sample: Float[np.ndarray, "p n_0"]
    y_sample: Float[np.ndarray, "p k"]
    x_large: Float[np.ndarray, "p n_0"] | None
    limit: Float[np.ndarray, "points points"] | None


def compare(config: RkhsConfig, report: Report = silent) -> Entries:
    """Trains every seed and compares its spaces. Entry "result": see `engine.rkhs.result.RkhsResult`.

    Raises:
        ConfigError: as `engine.training.run`, or the kernel overflows at initialisation.
    """
    training = config.run.model_copy(update={"store_parameters": True})

    def while_training(progress: Progress) -> None:
        report(Progress(TRAINED * progress.fraction, f"training: {progress.message}", progress.rows))

    entries = run(training, while_training)
    result = RunResult.from_arrays(dict(entries["result"]))
    result.check_started()
    where = _where(config, generate(config.run.data))
    arrays, summaries = _common_arrays(where), []
    for index, seed in enumerate(result.seeds):

        def tick(fraction: float, what: str, index: int = index, seed: SeedResult = seed) -> None:
            within = (index + fraction) / len(result.seeds)
            report(Progress(TRAINED + (1 - TRAINED) * within, f"seed {seed.seed}: {what}"))

        parameters = ParameterPath.from_arrays(entries["parameters"], index)
        network = StoredNetwork(config.run, parameters, seed.kernel_rounding)
        found, facts = _seed_arrays(config, where, seed, network, tick)
        arrays |= {f"seed{index}/{name}": array for name, array in found.items()}
        summaries.append(facts)
    meta = {name: result.meta[name] for name in ("versions", "device")}
    meta |= {"config": config.to_dict(), "config_hash": config.hash, "seeds": summaries}
    return {"result": arrays | {"meta": np.array(json.dumps(meta))}}


def _where(config: RkhsConfig, data: Dataset) -> Where:
    settings, options = config.run.data, config.options
    points = sets(settings, data, options.held_out)
    try:
        limit = infinite.ntk(config.run.network, points.x)
    except ConfigError:
        limit = None
    x_large = None if options.large is None else sample(settings, data, options.large)[0]
    grids = nested(settings, data, options.grid)
    return Where(points, grids, *sample(settings, data, options.sample), x_large, limit)


def _common_arrays(where: Where) -> Arrays:
    """What all seeds share: the curve that functions are drawn on, and the space of infinite width."""
    points = where.sets
    arrays = {"curve_angle": points.angle, "curve_target": points.y_curve[:, 0]}
    if where.limit is not None:
        for name, part, y in parts(points):
            values, _ = described(Space.of(where.limit[part, part], "float64"), y)
            arrays |= {f"limit/{name}/{key}": np.asarray(value) for key, value in values.items()}
    return arrays


def _seed_arrays(
    config: RkhsConfig, where: Where, seed: SeedResult, network: StoredNetwork, tick: Tick
) -> tuple[Arrays, dict]:
    """What the result holds of one seed, and facts about it."""
    kept = len(network.parameters.steps)
    chosen = np.unique(np.linspace(0, kept - 1, config.options.times).round().astype(int))
    along, found = Along(where.sets, network), []
    for index in chosen:
        at = along.at(int(index))
        if at is None:
            break
        found.append(at)
        tick(0.7 * len(found) / len(chosen), f"spaces at step {network.parameters.steps[index]:,}")
    arrays = {name: np.stack([np.asarray(values[name]) for values, _ in found]) for name in found[0][0]}
    steps = network.parameters.steps[chosen[: len(found)]]
    arrays |= {"step": steps, "t": seed.effective_rate * steps}
    last = int(chosen[len(found) - 1])
    if where.limit is not None:
        arrays |= {name: np.asarray(value) for name, value in along.of_infinite_width(where.limit).items()}

    def ends(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return network.kernel(0, x), network.kernel(last, x)

    noise, grids = (config.run.kernel_precision, network.rounding), where.grids
    arrays |= enlargement(grids, ends(grids.x), network.outputs(last, grids.x), *noise)
    tick(0.8, "learning curves")
    arrays |= learning_curves(ends(where.x_sample), where.y_sample, config.options, config.run.data.noise**2, *noise)
    if where.x_large is not None:
        tick(0.95, "large spectra")
        theta = (network.theta(index) for index in (0, last))
        arrays["large_eigenvalues"] = np.stack([top_spectrum(config.run.network, at, where.x_large) for at in theta])
        arrays["large_size"] = np.array(len(where.x_large))
    tick(1.0, "done")
    facts = {
        "seed": seed.seed,
        "stop_reason": seed.stop_reason,
        "dropped_checkpoints": len(chosen) - len(found),
        "precision": seed.precision,
        "gap": along.gaps,
        "no_decay": {name: [reasons[name] for _, reasons in found] for name in along.gaps},
    }
    return arrays, facts
