"""The job: every seed of a run along its checkpoints, space by space; its networks at stored parameters."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.config import RunConfig
from engine.data import Dataset, generate, spread
from engine.data.circle import CircleConfig
from engine.losses import LOSSES, in_units
from engine.networks import followed
from engine.networks.parameters import ParameterPath
from engine.numerics import without_rounding
from engine.progress import Entries, Report, silent
from engine.rkhs import bias, fourier, motion
from engine.rkhs.comparison import Space, compared, described, enlargement, interpolant_norms
from engine.rkhs.config import RkhsConfig
from engine.rkhs.fourier import Foretold, Frequencies
from engine.rkhs.gram import FLAGS, Gram
from engine.rkhs.motion import Followed
from engine.rkhs.points import Nested, Sets, nested, sample, sets
from engine.rkhs.regression import Regressor, learning_curves
from engine.rkhs.result import RkhsResult, SeedSpaces
from engine.rkhs.stored import StoredNetwork, top_spectrum
from engine.schema import ConfigError, Problem
from engine.training.diagnostics import ratio
from engine.training.job import Tick, after_training, at_infinite_width
from engine.training.result import SeedResult

# One seed along its checkpoints: every space on every set, regression with its kernel, and what is drawn.

DRAWN_MODES = 8
"""Leading eigenfunctions that are matched and drawn."""

Arrays = dict[str, np.ndarray]
Values = dict[str, np.ndarray | float]
Kernel = Float[np.ndarray, "points points"]


class SeedComparison:
    """Checkpoints of one seed against its first, at the points of a run.

    Attributes:
        gaps: dimension of the eigenspaces at the largest gap of K_0's spectrum, by set.

    Raises:
        ConfigError: the kernel overflows at initialisation.
    """

    def __init__(self, points: Sets, network: StoredNetwork):
        self.points, self.network = points, network
        K, self.f_0 = network.kernel(0, points.x), network.outputs(0, points.x)
        if not _tame(K, self.f_0):
            message = "the kernel overflows at initialisation: lower sigma_w, alpha or depth"
            raise ConfigError([Problem("run.network", message)])
        self.start = {name: self._space(K, part) for name, part, _ in parts(points)}
        self.start_union = self._space(K, points.union)
        self.gaps = {name: bias.largest_gap(space.gram) for name, space in self.start.items()}
        self.first_interpolant = self._interpolant(K, self.start["train"].gram)[points.union]

    def at(self, index: int) -> tuple[Values, dict[str, str]] | None:
        """Everything at a checkpoint, and by set why the spectrum is no power law. None where numbers overflow."""
        points = self.points
        K, f = self.network.kernel(index, points.x), self.network.outputs(index, points.x)
        if not _tame(K, f):
            return None
        spaces = {name: self._space(K, part) for name, part, _ in parts(points)}
        found: Values = {}
        reasons = {}
        for name, part, y in parts(points):
            values, reasons[name] = described(spaces[name], y)
            moved = without_rounding(f[part] - self.f_0[part], points.y_train - self.f_0[points.train])
            values |= compared(spaces[name], self.start[name], moved, self.gaps[name])
            found |= {f"{name}/{key}": value for key, value in values.items()}
        interpolant = self._interpolant(K, spaces["train"].gram)
        found |= interpolant_norms(
            self._space(K, points.union), self.start_union, interpolant[points.union], self.first_interpolant
        )
        found |= self.regression("K_t", K, spaces["train"].gram)
        # Of a loss of classes by its guess: f is no value of a target.
        guess = in_units(self.network.config.training.loss, f, points.y_train)
        found["network_error"] = ratio(
            np.sum((guess[points.held_out] - points.y_held_out) ** 2), np.sum(points.y_held_out**2)
        )
        found |= {"curve_network": guess[points.curve, 0], "curve_K_t": (self.f_0 + interpolant)[points.curve, 0]}
        return found | self._modes(K, spaces["held_out"].gram), reasons

    def regression(self, name: str, K: Kernel, gram: Gram) -> Values:
        """Regression on y - f_0, plus f_0, of a kernel at all points: ridgeless, and with the leave-one-out ridge."""
        points = self.points
        offsets = self.f_0[points.train], self.f_0[points.held_out]
        cross = K[points.held_out, points.train]
        regressor = Regressor(gram, cross, points.y_train, points.y_held_out, *offsets)
        found: Values = {}
        for key, fit in ((name, regressor.ridgeless()), (f"{name}_tuned", regressor.tuned())):
            found |= {f"{key}_error": fit.error, f"{key}_loo": fit.leave_one_out, f"{key}_ridge": fit.ridge}
            found[f"{key}_flag"] = FLAGS.index(fit.flag)
        return found

    def of_infinite_width(self, K: Kernel) -> Values:
        """Regression with K_infinity, what the kernel tends to, and its interpolant along the curve."""
        train, curve = self.points.train, self.points.curve
        gram = Gram.of(K[train, train])
        interpolant = self._interpolant(K, gram)
        return self.regression("K_inf", K, gram) | {"curve_K_inf": (self.f_0 + interpolant)[curve, 0]}

    def _space(self, K: Kernel, part: slice) -> Space:
        return Space.of(K[part, part], self.network.config.kernel_precision, self.network.rounding)

    def _interpolant(self, K: Kernel, gram: Gram) -> Float[np.ndarray, "points k"]:
        """The ridgeless interpolant of y - f_0 at all points."""
        train = self.points.train
        return K[:, train] @ gram.solve(self.points.y_train - self.f_0[train], gram.jitter)

    def _modes(self, K: Kernel, gram: Gram) -> Values:
        """Leading eigenfunctions on the held-out points, each matched with one of K_0 and of mean square 1 there.

        Along the curve by Nystrom's extension K(., Z) u/l; zero where the eigenvalue is noise.
        """
        points, count = self.points, min(DRAWN_MODES, gram.size // 2)
        position, overlap, sign = bias.matched_modes(self.start["held_out"].gram, gram, count)
        inverse = gram.inverse(0.0)[position]
        extended = K[points.curve, points.held_out] @ gram.vectors[:, position]
        drawn = np.sqrt(gram.size) * sign * inverse * extended
        return {"mode_position": position, "mode_overlap": overlap, "curve_modes": drawn.T}


def _tame(*arrays: np.ndarray) -> bool:
    """Whether numbers and their squares are finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return all(bool(np.isfinite(np.vdot(array, array))) for array in arrays)


def parts(points: Sets) -> list[tuple[str, slice, Float[np.ndarray, "p k"]]]:
    """The sets on which spaces are described, with their targets."""
    return [("train", points.train, points.y_train), ("held_out", points.held_out, points.y_held_out)]


def _followed(
    everywhere: "RunPoints",
    seed: SeedResult,
    network: StoredNetwork,
    chosen: np.ndarray,
    gaps: dict[str, int],
    waiting: Callable[[], None],
) -> Arrays:
    """Pairs of checkpoints, the rest of the run with each kernel held fixed, and on the circle the frequencies."""
    points, union = everywhere.sets, everywhere.sets.union
    beyond = (points.train.stop, seed.steps) if LOSSES[network.config.training.loss].classes else ()
    positions = spread(len(chosen), motion.most_followed(union.stop, *beyond))
    positions[-1] = len(chosen) - 1
    kernels = np.stack([network.kernel(int(index), points.x[union]) for index in chosen[positions]])
    noise = network.config.kernel_precision, network.rounding
    step = network.parameters.steps[chosen[positions]]
    run = Followed(
        step,
        seed.effective_rate * step,
        seed.effective_rate,
        motion.law_of(network.config),
        kernels,
        tuple(Gram.of(K[points.train, points.train], *noise) for K in kernels),
        np.stack([network.outputs(int(index), points.x[union]) for index in chosen[positions]]),
        np.concatenate([points.y_train, points.y_held_out]),
        network.config.training.loss,
    )
    arrays = {"followed": positions} | motion.continued(run, waiting)
    for name, part, _ in parts(points):
        pairs = motion.between(kernels[:, part, part], gaps[name])
        arrays |= {f"{name}/{key}": values for key, values in pairs.items()}
    if everywhere.circle is None:
        return arrays
    return arrays | fourier.frequency_arrays(run, *everywhere.circle, drives=network.config.kernel == "ntk")


# The path of RKHSs of a run as a job: train, derive kernels at the stored parameters, compare.

TRAINED = 0.3
"""Fraction of the work that training is, as progress counts it."""


@dataclass(frozen=True, eq=False)
class RunPoints:
    """All points of a run, what its kernel tends to at infinite width at those of its sets (None where that overflows
    or takes too long, or the kernel is of infinite width), and on the circle the frequencies at its training points,
    with what infinite width foretells of them.
    """

    sets: Sets
    grids: Nested
    x_sample: Float[np.ndarray, "p n_0"]
    y_sample: Float[np.ndarray, "p k"]
    x_large: Float[np.ndarray, "p n_0"] | None
    limit: Float[np.ndarray, "points points"] | None
    circle: tuple[Frequencies, Foretold] | None


def compare(config: RkhsConfig, report: Report = silent) -> Entries:
    """Trains every seed and compares its spaces. Entry "result": see `engine.rkhs.result.RkhsResult`.

    Raises:
        ConfigError: as `engine.training.job.run`, or the kernel overflows at initialisation.
    """
    everywhere = _run_points(config, generate(config.run.data), report)

    def one(seed: SeedResult, parameters: ParameterPath, tick: Tick) -> SeedSpaces:
        network = StoredNetwork(config.run, parameters, seed.kernel_rounding)
        return SeedSpaces(*seed_arrays(config, everywhere, seed, network, tick))

    seeds, meta = after_training(config.run, TRAINED, one, report)
    return {"result": RkhsResult(common_arrays(everywhere), config, meta, seeds).to_arrays()}


def _run_points(config: RkhsConfig, data: Dataset, report: Report) -> RunPoints:
    settings, options = config.run.data, config.options
    points = sets(settings, data, options.held_out)
    try:
        waiting = at_infinite_width(report, 0.0)
        limit = followed.limit(config.run.kernel, config.run.network, points.x, waiting=waiting)
    except ConfigError:
        limit = None
    x_large = None if options.large is None else sample(settings, data, options.large)[0]
    grids = nested(settings, data, options.grid)
    circle = _circle(config.run, data, None if limit is None else limit[points.train, points.train])
    return RunPoints(points, grids, *sample(settings, data, options.sample), x_large, limit, circle)


def _circle(run: RunConfig, data: Dataset, limit: Kernel | None) -> tuple[Frequencies, Foretold] | None:
    """None elsewhere, and where there is no limit at any width."""
    if not isinstance(run.data, CircleConfig) or data.angle_train is None:
        return None
    frequencies = Frequencies.of(data.angle_train)
    try:
        return frequencies, Foretold.of(run.network, run.data, frequencies, limit, followed.LIMITS[run.kernel])
    except ConfigError:
        return None


def common_arrays(everywhere: RunPoints) -> Arrays:
    """What all seeds share: the curve that functions are drawn on, and the space of infinite width."""
    points = everywhere.sets
    arrays = {"curve_angle": points.angle, "curve_target": points.y_curve[:, 0]}
    if everywhere.limit is not None:
        for name, part, y in parts(points):
            values, _ = described(Space.of(everywhere.limit[part, part], "float64"), y)
            arrays |= {f"limit/{name}/{key}": np.asarray(value) for key, value in values.items()}
    return arrays | (fourier.limit(*everywhere.circle) if everywhere.circle else {})


def seed_arrays(
    config: RkhsConfig, everywhere: RunPoints, seed: SeedResult, network: StoredNetwork, tick: Tick
) -> tuple[Arrays, dict]:
    """What the result holds of one seed, and facts about it."""
    kept = len(network.parameters.steps)
    chosen = np.unique(np.linspace(0, kept - 1, config.options.times).round().astype(int))
    comparison, found = SeedComparison(everywhere.sets, network), []
    for index in chosen:
        at = comparison.at(int(index))
        if at is None:
            break
        found.append(at)
        tick(0.7 * len(found) / len(chosen), f"spaces at step {network.parameters.steps[index]:,}")
    arrays = {name: np.stack([np.asarray(values[name]) for values, _ in found]) for name in found[0][0]}
    steps = network.parameters.steps[chosen[: len(found)]]
    arrays |= {"step": steps, "t": seed.effective_rate * steps}
    last = int(chosen[len(found) - 1])

    def waiting() -> None:
        tick(0.7, "what a fixed kernel would do")

    waiting()
    arrays |= _followed(everywhere, seed, network, chosen[: len(found)], comparison.gaps, waiting)
    if everywhere.limit is not None:
        arrays |= {name: np.asarray(value) for name, value in comparison.of_infinite_width(everywhere.limit).items()}

    def ends(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return network.kernel(0, x), network.kernel(last, x)

    noise, grids = (config.run.kernel_precision, network.rounding), everywhere.grids
    arrays |= enlargement(grids, ends(grids.x), network.outputs(last, grids.x), *noise)
    tick(0.8, "learning curves")
    arrays |= learning_curves(
        ends(everywhere.x_sample), everywhere.y_sample, config.options, config.run.data.noise**2, *noise
    )
    if everywhere.x_large is not None:
        tick(0.95, "large spectra")
        theta = (network.theta(index) for index in (0, last))
        of, trained = config.run.network, None
        if config.run.kernel == "conjugate":
            of, trained = of.all_trained(), followed.readout(of)
        arrays["large_eigenvalues"] = np.stack(
            [top_spectrum(of, at, everywhere.x_large, trained=trained) for at in theta]
        )
        arrays["large_size"] = np.array(len(everywhere.x_large))
    tick(1.0, "done")
    facts = {
        "seed": seed.seed,
        "stop_reason": seed.stop_reason,
        "dropped_checkpoints": len(chosen) - len(found),
        "precision": seed.precision,
        "gap": comparison.gaps,
        "no_decay": {name: [reasons[name] for _, reasons in found] for name in comparison.gaps},
    }
    return arrays, facts
