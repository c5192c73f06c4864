"""One cell of a regime map: an ensemble of networks trained and compared with its lazy prediction.

Three programs per shape (begin, look, advance), each with its layers scanned: a cell costs little more than their
compilation, which is also why seeds go one after another on a CPU. Mapped over 4 seeds the programs take 1 to 1.5 s
longer to compile there, and save less than that in training (2.2-4.3 s of processor time against 1.6-2.8 s).
"""

import json
import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from engine import diagnostics
from engine.config import RunConfig
from engine.data import Dataset, generate
from engine.descent import DIVERGED, Method, Problem, State
from engine.device import device_name
from engine.initialisation.brute_force import brute_force
from engine.initialisation.estimates import POWERS, Tally, columns, estimates
from engine.measure import HELD_OUT, SHOWN, normalised_error, spread
from engine.network import Params
from engine.perturbation.lazy import frozen
from engine.precision import Rounding, cast, foretold, last_bit, left_for_float64, refuse, refuse_kernel, rounding_of
from engine.progress import Entries, Progress, Report, silent
from engine.regimes.programs import advance_each, draw_each, look_each, start_each
from engine.regimes.requests import TOGETHER
from engine.regimes.runs import FAILURES
from engine.regimes.spread import exact_spread, mean_norm_squared, setting_of
from engine.schema import ConfigError
from engine.schema import Problem as ConfigProblem
from engine.versions import VERSIONS

CHUNK_SECONDS = 0.25
"""Training goes in chunks about this long, between which it reports and can be cancelled."""

MOST_TIMES = 2049
"""Times at which the lazy network is followed."""

SPREAD_PARAMETERS, SPREAD_DRAWS = 10**8, (64, 512)
"""Parameters drawn in all, and fewest and most networks, where the spread at initialisation has to be sampled."""


def cell(config: RunConfig, report: Report = silent) -> Entries:
    """Entry "result": over the S seeds `seed`, `end` ("residual", or one of `engine.regimes.runs.FAILURES`) and
    `engine.regimes.runs.METRICS`, each (S,); the spread at initialisation `cv2`, `cv2_low`, `cv2_high`, with a 95%
    interval where it is sampled; `meta`.

    Raises:
        ConfigError: the learning rate is at or beyond the stability limit of K_0, or the data are degenerate.
    """
    started = time.monotonic()
    data = generate(config.data)
    size = seeds_at_once()
    groups = [config.seeds[i : i + size] for i in range(0, len(config.seeds), size)]
    rows: list[dict[str, Any]] = []
    for index, seeds in enumerate(groups):

        def within(fraction: float, said: str, index: int = index) -> None:
            report(Progress((index + fraction) / len(groups), said))

        # Short groups are filled up, so that every one runs the same program.
        filled = seeds + seeds[-1:] * (size - len(seeds))
        rows += Ensemble(config, data, filled, within).rows()[: len(seeds)]
    result = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    result |= {name: np.array(value) for name, value in _spread(config).items()}
    meta = {
        "config": config.to_dict(),
        "config_hash": config.hash,
        "versions": {name: version(name) for name in ("jax", "flax", "optax", "numpy", "scipy")}
        | {"python": platform.python_version(), "result": str(VERSIONS["cell"])},
        "device": device_name(),
        "seconds": time.monotonic() - started,
    }
    return {"result": result | {"meta": np.array(json.dumps(meta))}}


def seeds_at_once() -> int:
    """How many networks are trained by one program on this device."""
    return 1 if jax.default_backend() == "cpu" else TOGETHER


class Look(NamedTuple):
    """Networks seen at training and held-out points, on the host.

    Attributes:
        step: after how many each was seen.
        h: outputs before scale and centring, in the precision of the training.
        kernel: the full kernel of k outputs, entry [i k + head, j k + head'].
    """

    step: Int[np.ndarray, " g"]
    h: Float[np.ndarray, "g p k"]
    kernel: Float[np.ndarray, "g pk pk"]

    def of(self, g: int) -> "Look":
        """That of one network."""
        return Look(*(array[g] for array in self))


class Ensemble:
    """Networks of one shape, trained together: every array of theirs has a leading axis of g seeds."""

    def __init__(
        self, config: RunConfig, data: Dataset, seeds: tuple[int, ...], tell: Callable[[float, str], None]
    ) -> None:
        self.config, self.data, self.seeds, self.tell = config, data, seeds, tell
        held_out = spread(len(data.x_test), HELD_OUT)
        self.x = jnp.asarray(np.concatenate([data.x_train, data.x_test[held_out]]))
        self.y_held_out = data.y_test[held_out]
        self.size = len(data.x_train)

    def rows(self) -> list[dict[str, Any]]:
        """One row of results per seed."""
        config, asked = self.config, self.config.training.precision
        keys = jax.vmap(jax.random.key)(jnp.array(self.seeds))
        params = jax.device_get(draw_each(config.network, keys, config.data.input_dim, config.data.output_dim))
        self._begin(keys, params, self._from_the_start(params) if asked == "auto" else asked)
        if asked == "auto" and self._unresolved():
            self._begin(keys, params, "float64")
        self._refuse()
        self.tell(0.1, "measured at initialisation")
        sizes = np.linalg.norm(self._residual(self.at_start), axis=(1, 2))
        looks = [self.at_start, *self._train(self.problem, self.state, sizes, self.rate > 0)]
        with np.errstate(over="ignore", invalid="ignore"):  # networks that diverged
            return [self._row(g, [look.of(g) for look in looks]) for g in range(len(self.seeds))]

    def _from_the_start(self, params: Params) -> str:
        """The precision, by what is known before anything is compiled."""
        found = [one for one in self._rounding(params, "float32") if np.isfinite(one.outputs)]
        return "float64" if any(map(left_for_float64, found)) else "float32"

    def _rounding(self, params: Params, precision: str) -> list[Rounding]:
        x, y = self.data.x_train[:SHOWN], self.data.y_train[:SHOWN]
        each = [jax.tree.map(lambda leaf, g=g: leaf[g], params) for g in range(len(self.seeds))]
        return [rounding_of(self.config.network, own, x, y, precision) for own in each]

    def _begin(self, keys: Array, params: Params, precision: str) -> None:
        """Sets out from these parameters with all that a step touches in this precision."""
        self.rounding = self._rounding(params, precision)
        self.precision, method, rows = precision, Method.of(self.config.training), len(self.seeds)
        self.state = start_each(method, cast(params, precision))
        x, y = (np.asarray(array, precision) for array in (self.data.x_train, self.data.y_train))
        x, y = np.broadcast_to(x, (rows, *x.shape)), np.broadcast_to(y, (rows, *y.shape))
        nothing = np.zeros(rows, precision)
        self.problem = Problem(jnp.asarray(x), jnp.asarray(y), jnp.zeros_like(y), jnp.asarray(nothing), keys)
        with ThreadPoolExecutor(1) as pool:
            none = jnp.zeros(rows, jnp.int32), jnp.asarray(nothing), jnp.asarray(nothing)
            compiled = pool.submit(advance_each, self.config.network, method, self.problem, self.state, *none)
            self.at_start = self._look(self.state)
            compiled.result()
        self.h_0 = self.at_start.h if self.config.network.centred else np.zeros_like(self.at_start.h)
        self.spectra = [diagnostics.spectrum(K) for K in self._train_block(self.at_start.kernel)]
        overflow = [not np.isfinite(rounding.outputs) for rounding in self.rounding]
        self.rate = self._rates(np.where(overflow, np.nan, [values[0] for values, _ in self.spectra]))
        rate = jnp.asarray(self.rate.astype(precision))
        self.problem = self.problem._replace(h_0=jnp.asarray(self.h_0[:, : self.size]), rate=rate)

    def _refuse(self) -> None:
        """Raises `ConfigError` where a network or its kernel is not determined. What float32 resolves float64 does."""
        for rounding, seed in zip(self.rounding, self.seeds, strict=True):
            refuse(rounding, self.precision, seed)
        if self.precision == "float64" and self.config.kernel_precision == "float64":
            moved = self._look(self.state._replace(params=last_bit(jax.device_get(self.state.params), "float64")))
            change = self._train_block(moved.kernel - self.at_start.kernel)
            for E, (values, _), seed in zip(change, self.spectra, self.seeds, strict=True):
                refuse_kernel(diagnostics.ratio(np.abs(diagnostics.spectrum(E)[0]).max(), values[0]), seed)

    def _unresolved(self) -> bool:
        """Whether float32 does not resolve the run that K_0 foretells of one of the networks."""
        residual, params = self._residual(self.at_start), jax.device_get(self.state.params)
        for g in np.flatnonzero((self.rate > 0) & (self.precision == "float32")):
            values, vectors = self.spectra[g]
            own = jax.tree.map(lambda leaf, g=g: leaf[g], params)
            modes = vectors.T @ residual[g].ravel()
            forecast = foretold(self.config.training, values, modes, float(self.rate[g]), own)
            if left_for_float64(self.rounding[g], forecast):
                return True
        return False

    def _look(self, state: State) -> Look:
        found = look_each(self.config.network, self.config.kernel_precision, state.params, self.x)
        return Look(*(np.asarray(array) for array in (state.step, *found)))

    def _train_block(self, kernel: np.ndarray) -> np.ndarray:
        rows = self.size * self.config.data.output_dim
        return kernel[..., :rows, :rows]

    def _residual(self, taken: Look) -> Float[np.ndarray, "g M k"]:
        f = self.config.network.alpha * (taken.h - self.h_0)[:, : self.size].astype(np.float64)
        return f - self.data.y_train

    def _rates(self, lambda_max: Float[np.ndarray, " g"]) -> Float[np.ndarray, " g"]:
        """eta_eff of every seed; 0 where the kernel is dead or not finite."""
        training = self.config.training
        alive = np.isfinite(lambda_max) & (lambda_max > 0)
        if training.stability_fraction is not None:
            return np.where(alive, 2 * training.stability_fraction / np.where(alive, lambda_max, 1.0), 0.0)
        scale = training.effective_rate(self.size)
        rate = scale * (training.learning_rate or 0.0)
        highest = np.max(lambda_max, where=alive, initial=0.0)
        if rate * highest >= training.stability_limit and not training.allow_unstable:
            message = (
                f"{training.learning_rate:g} exceeds the stability limit {training.stability_limit:.3g}/(eta scale x "
                f"lambda_max(K_0)) = {training.stability_limit / (scale * highest):.3g}: lower it, or set "
                "allow_unstable true"
            )
            raise ConfigError([ConfigProblem("training.learning_rate", message)])
        return np.where(alive, rate, 0.0)

    def _train(
        self, problem: Problem, state: State, residual: Float[np.ndarray, " g"], alive: np.ndarray
    ) -> list[Look]:
        """After 1, 2, 4, 8, ... steps, and when all have stopped."""
        training, method = self.config.training, Method.of(self.config.training)
        below = jnp.asarray((training.stop_residual or 0.0) * residual, self.precision)
        above = jnp.asarray(DIVERGED * residual, self.precision)
        looks, step, mark, chunk = [], 0, 1, 16
        while True:
            began = time.monotonic()
            step = min(step + chunk, mark)
            until = jnp.asarray(np.where(alive, step, 0), jnp.int32)
            state = advance_each(self.config.network, method, problem, state, until, below, above)
            ended = step == training.max_steps or not np.any(np.asarray(state.step) == step)
            chunk = chunk * 2 if time.monotonic() - began < CHUNK_SECONDS else chunk
            if step == mark or ended:
                looks.append(self._look(state))
                mark = min(2 * mark, training.max_steps)
            self.tell(0.1 + 0.9 * step / training.max_steps, f"step {step:,}")
            if ended:
                return looks

    def _row(self, g: int, looks: list[Look]) -> dict[str, Any]:
        """Results of the seed at position g, whose looks are at the start, after one step, ..., at the stop."""
        alpha, k, M = self.config.network.alpha, self.config.data.output_dim, self.size
        h_0, rate = self.h_0[g], float(self.rate[g])
        f_0, f_T = (alpha * (look.h - h_0).astype(np.float64) for look in (looks[0], looks[-1]))
        r_0, r_T = f_0[:M] - self.data.y_train, f_T[:M] - self.data.y_train
        start_residual = float(np.linalg.norm(r_0))
        residual = diagnostics.ratio(np.linalg.norm(r_T), start_residual)
        moved = diagnostics.without_rounding((f_T - f_0)[M:], r_0).ravel()
        kernels = [self._train_block(look.kernel) for look in looks]
        traced_0, traced_1, traced_T = (_traced(kernels[at], k) for at in (0, 1, -1))
        steps = np.array([look.step for look in looks])
        lazy = Lazy.of(kernels[0], r_0.ravel(), rate, int(steps[-1]), self.config.training.integrator == "gd")
        change = np.array([np.abs(diagnostics.spectrum(K - kernels[0])[0]).max() for K in kernels])
        elt = diagnostics.ratio(np.linalg.norm(moved - lazy.change(looks[0].kernel)), np.linalg.norm(moved))
        # A root mean square per training point, carried to the held-out ones.
        noise = self.rounding[g].after(int(steps[-1])) * start_residual * np.sqrt(len(moved) / len(lazy.modes))
        rounding = diagnostics.ratio(noise, np.linalg.norm(moved))
        return {
            "seed": self.seeds[g],
            "end": self._end(traced_T, residual),
            "elt": max(elt, rounding) if rounding < 1 else float("nan"),
            "drift": diagnostics.drift(traced_T, traced_0),
            "shape_drift": diagnostics.shape_drift(traced_T, traced_0),
            "first_step": diagnostics.drift(traced_1, traced_0),
            "residual_lazy_error": diagnostics.ratio(np.linalg.norm(r_T.ravel() - lazy.residual), start_residual),
            "p2": diagnostics.ratio(lazy.p2(rate * steps, change), start_residual),
            "residual": residual,
            "sharpness": rate * diagnostics.spectrum(kernels[-1])[0][0],
            "test_error": normalised_error(f_T[M:], self.y_held_out),
            "steps": float(steps[-1]),
            "t_stop": rate * steps[-1],
            "effective_rate": rate,
            "rounding": rounding,
            "bits": float(8 * np.dtype(self.precision).itemsize),
        }

    def _end(self, K_T: np.ndarray, residual: float) -> str:
        diverged, dead, cap = FAILURES
        if not np.all(np.isfinite(K_T)) or not residual < DIVERGED:
            return diverged
        if not np.any(K_T):
            return dead
        stop = self.config.training.stop_residual
        return "residual" if stop is None or residual <= stop * (1 + 1e-5) else cap


@dataclass(frozen=True, eq=False)
class Lazy:
    """The network of the frozen kernel, for as many steps as the run took.

    Attributes:
        vectors, modes: eigenvectors of K_0, and of r(0) along them.
        t: times from the start to the stop, `MOST_TIMES` at most.
        decay, gathered: what is left of each mode at t, and its time integral.
    """

    vectors: Float[np.ndarray, "n n"]
    modes: Float[np.ndarray, " n"]
    t: Float[np.ndarray, " s"]
    decay: Float[np.ndarray, "s n"]
    gathered: Float[np.ndarray, "s n"]

    @classmethod
    def of(
        cls, K_0: Float[np.ndarray, "n n"], r_0: Float[np.ndarray, " n"], rate: float, steps: int, descent: bool
    ) -> "Lazy":
        """By descent, or by the flow, in steps of `rate`."""
        values, vectors = diagnostics.spectrum(K_0)
        t = rate * np.unique(np.linspace(0, steps, min(steps + 1, MOST_TIMES)).round())
        return cls(vectors, vectors.T @ r_0, t, *frozen(np.maximum(values, 0), t, rate if descent else None))

    @property
    def residual(self) -> Float[np.ndarray, " n"]:
        """At the stop, on training points."""
        return self.vectors @ (self.decay[-1] * self.modes)

    def change(self, K_0: Float[np.ndarray, "p p"]) -> Float[np.ndarray, " m"]:
        """Of the outputs up to the stop, on held-out points: those of K_0 that come after the training points."""
        n = len(self.modes)
        return -K_0[n:, :n] @ (self.vectors @ (self.gathered[-1] * self.modes))

    def p2(self, t: Float[np.ndarray, " looks"], size: Float[np.ndarray, " looks"]) -> float:
        """int ||Delta K_s|| ||r_lazy(s)|| ds up to the stop, ||Delta K|| linear between the looks at t."""
        integrand = np.interp(self.t, t, size) * np.linalg.norm(self.decay * self.modes, axis=1)
        return float(np.trapezoid(integrand, self.t))


def _traced(K: np.ndarray, k: int) -> np.ndarray:
    """(1/k) sum over heads."""
    points = len(K) // k
    return np.trace(K.reshape(points, k, points, k), axis1=1, axis2=3) / k


def _spread(config: RunConfig) -> dict[str, float]:
    """CV^2 at initialisation: exact, or sampled with a 95% interval where there is no exact law."""
    setting = setting_of(config.network, config.data.input_dim, mean_norm_squared(config.data))
    exact = exact_spread(setting)
    if exact is not None:
        return {"cv2": exact, "cv2_low": exact, "cv2_high": exact}
    draws = int(np.clip(SPREAD_PARAMETERS // config.network.parameter_count(config.data.input_dim, 1), *SPREAD_DRAWS))
    tally = Tally(POWERS)
    for some in brute_force(setting, draws, seed=0, first_step=False):
        tally.add({name: values for name, values in columns(some, 0.0).items() if name in POWERS})
    ratio = estimates(tally, None).get("ratio")
    if ratio is None:
        return dict.fromkeys(("cv2", "cv2_low", "cv2_high"), float("nan"))
    halved = 0.5 if setting.readout == "relu" else 1.0
    low, high = ratio.interval
    return {"cv2": halved * ratio.mean - 1, "cv2_low": halved * low - 1, "cv2_high": halved * high - 1}
