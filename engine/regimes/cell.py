"""One cell of a regime map: an ensemble of networks trained and compared with its lazy prediction.

Three programs per shape (`engine.regimes.programs`): a cell costs little more than their compilation, which is also why
seeds go one after another on a CPU. Mapped over 4 seeds the programs take 1 to 1.5 s longer to compile there, and save
less than that in training (2.2-4.3 s of processor time against 1.6-2.8 s).
"""

import json
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from engine import diagnostics
from engine.config import RunConfig
from engine.data import Dataset, generate
from engine.descent import DIVERGED, Method, Problem, State
from engine.device import device_name
from engine.measure import HELD_OUT, normalised_error, spread
from engine.perturbation.companion import Companion, companion
from engine.progress import Entries, Progress, Report, silent
from engine.regimes import programs
from engine.regimes.bound import Bound, middle, most_looks
from engine.regimes.lazy import Lazy
from engine.regimes.programs import Look
from engine.regimes.requests import TOGETHER
from engine.regimes.runs import FAILURES
from engine.regimes.sampled_spread import spread_at_initialisation
from engine.schema import ConfigError
from engine.schema import Problem as ConfigProblem
from engine.versions import VERSIONS

CHUNK_SECONDS = 0.25
"""Training goes in chunks about this long, between which it reports and can be cancelled."""


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
    result |= {name: np.array(value) for name, value in spread_at_initialisation(config).items()}
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
        config, method, size = self.config, Method.of(self.config.training), len(self.seeds)
        keys = jax.vmap(jax.random.key)(jnp.array(self.seeds))
        state = programs.begin(config.network, method, keys, config.data.input_dim, config.data.output_dim)
        x, y = (jnp.float32(array)[None].repeat(size, 0) for array in (self.data.x_train, self.data.y_train))
        problem = Problem(x, y, jnp.zeros_like(y), jnp.zeros(size, jnp.float32), keys)
        n = self.size * config.data.output_dim
        idle = Companion(*(jnp.zeros((size, *shape)) for shape in ((n, n), (n,), (n,), ())))
        with ThreadPoolExecutor(1) as pool:
            nothing = jnp.zeros(size, jnp.int32), jnp.zeros(size, jnp.float32), jnp.zeros(size, jnp.float32)
            compiled = pool.submit(programs.advance, config.network, method, problem, state, idle, *nothing)
            at_start = self._look(state)
            compiled.result()
        self.tell(0.1, "measured at initialisation")
        h_0 = at_start.h if config.network.centred else np.zeros_like(at_start.h)
        spectra = [diagnostics.spectrum(K) for K in self._train_block(at_start.kernel)]
        rate = self._rates(np.array([values[0] for values, _ in spectra]))
        problem = problem._replace(h_0=jnp.asarray(h_0[:, : self.size]), rate=jnp.asarray(rate, jnp.float32))
        residual = self._residual(at_start, h_0).reshape(size, -1)
        beside = [
            companion(*spectrum, r_0, float(step), method.integrator == "gd")
            for spectrum, r_0, step in zip(spectra, residual, rate, strict=True)
        ]
        together = jax.tree.map(lambda *leaves: jnp.stack(leaves), *beside)
        walk = Walk(config, problem, state, together, rate > 0, residual)
        with np.errstate(over="ignore", invalid="ignore"):  # networks that diverged
            looks, sizes, largest = self._trained(walk, at_start)
            lazy = [
                Lazy.of(*spectra[g], residual[g], float(rate[g]), int(steps), descent=method.integrator == "gd")
                for g, steps in enumerate(looks[-1].step)
            ]
            bounds = [Bound(one.steps, one.weight(), found) for one, found in zip(lazy, sizes, strict=True)]
            self._refine(bounds, walk, at_start, len(sizes[0]))
            return [
                self._row(g, [look.of(g) for look in looks], h_0[g], lazy[g])
                | _errors(bounds[g], largest[g], np.linalg.norm(residual[g]))
                for g in range(size)
            ]

    def _trained(self, walk: "Walk", at_start: Look) -> tuple[list[Look], list[dict[int, float]], np.ndarray]:
        """Looks at the start, after a step and at the stop; ||K - K_0|| by step, and the largest ||r - r_lazy||, of
        each network."""
        looks, sizes, largest = [at_start], [{0: 0.0} for _ in self.seeds], np.zeros(len(self.seeds))
        for state, beside in walk.through(first_marks(self.config.training.max_steps), self.tell):
            looks = [*looks[:2], self._look(state)]
            for g, found in enumerate(sizes):
                found[int(looks[-1].step[g])] = self._change(looks[-1], at_start, g)
            largest = np.asarray(beside.largest)
        return [looks[0], looks[1], looks[-1]], sizes, largest

    def _refine(self, bounds: list[Bound], walk: "Walk", at_start: Look, looks: int) -> None:
        """Trains again with looks between the first ones, until every P2 is known or there were enough."""
        left = most_looks(self.size * self.config.data.output_dim) - looks
        while wanted := sorted({step for bound in bounds for step in bound.wanted()})[: max(left, 0)]:
            left -= len(wanted)
            found: list[dict[int, float]] = [{} for _ in bounds]
            for state, _ in walk.through(wanted, lambda _, said: self.tell(0.95, f"looking closer: {said}")):
                seen = self._look(state)
                for g, sizes in enumerate(found):
                    sizes[int(seen.step[g])] = self._change(seen, at_start, g)
            for bound, sizes in zip(bounds, found, strict=True):
                bound.add(sizes)

    def _look(self, state: State) -> Look:
        found = programs.look(self.config.network, self.config.kernel_precision, state.params, self.x)
        return Look(*(np.asarray(array) for array in (state.step, *found)))

    def _change(self, seen: Look, at_start: Look, g: int) -> float:
        """||K - K_0|| of one network on training points; NaN where not finite."""
        change = self._train_block(seen.kernel[g]) - self._train_block(at_start.kernel[g])
        return float(np.abs(np.linalg.eigvalsh(change)).max()) if np.all(np.isfinite(change)) else float("nan")

    def _train_block(self, kernel: np.ndarray) -> np.ndarray:
        rows = self.size * self.config.data.output_dim
        return kernel[..., :rows, :rows]

    def _residual(self, taken: Look, h_0: np.ndarray) -> Float[np.ndarray, "g M k"]:
        f = np.float32(self.config.network.alpha) * (taken.h - h_0)[:, : self.size]
        return f.astype(np.float64) - self.data.y_train

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

    def _row(self, g: int, looks: list[Look], h_0: np.ndarray, lazy: Lazy) -> dict[str, Any]:
        """Results of the seed at position g, looked at at the start, after one step and at the stop."""
        alpha, M = np.float32(self.config.network.alpha), self.size
        f_0, f_T = (alpha * (look.h - h_0).astype(np.float64) for look in (looks[0], looks[-1]))
        start_residual = float(np.linalg.norm(f_0[:M] - self.data.y_train))
        residual = diagnostics.ratio(np.linalg.norm(f_T[:M] - self.data.y_train), start_residual)
        moved, steps = (f_T - f_0)[M:].ravel(), int(looks[-1].step)
        kernels = [self._train_block(look.kernel) for look in looks]
        traced_0, traced_1, traced_T = (_traced(K, self.config.data.output_dim) for K in kernels)
        return {
            "seed": self.seeds[g],
            "end": self._end(traced_T, residual),
            "elt": diagnostics.ratio(np.linalg.norm(moved - lazy.change(looks[0].kernel)), np.linalg.norm(moved)),
            "drift": diagnostics.drift(traced_T, traced_0),
            "shape_drift": diagnostics.shape_drift(traced_T, traced_0),
            "first_step": diagnostics.drift(traced_1, traced_0),
            "residual": residual,
            "sharpness": lazy.rate * diagnostics.spectrum(kernels[-1])[0][0],
            "test_error": normalised_error(f_T[M:], self.y_held_out),
            "steps": float(steps),
            "t_stop": lazy.rate * steps,
            "effective_rate": lazy.rate,
        }

    def _end(self, K_T: np.ndarray, residual: float) -> str:
        diverged, dead, cap = FAILURES
        if not np.all(np.isfinite(K_T)) or not residual < DIVERGED:
            return diverged
        if not np.any(K_T):
            return dead
        stop = self.config.training.stop_residual
        return "residual" if stop is None or residual <= stop * (1 + 1e-5) else cap


class Walk:
    """The training of an ensemble, which can be gone through again: every time it is the same."""

    def __init__(
        self,
        config: RunConfig,
        problem: Problem,
        state: State,
        beside: Companion,
        alive: np.ndarray,
        residual: Float[np.ndarray, "g n"],
    ) -> None:
        self.config, self.problem, self.start, self.alive = config, problem, (state, beside), alive
        start_residual = np.linalg.norm(residual, axis=1)
        self.below = jnp.asarray((config.training.stop_residual or 0.0) * start_residual, jnp.float32)
        self.above = jnp.asarray(DIVERGED * start_residual, jnp.float32)

    def through(self, marks: Sequence[int], tell: Callable[[float, str], None]) -> Iterator[tuple[State, Companion]]:
        """What there is after each of these steps, and when all have stopped; nothing after that."""
        (state, beside), step, chunk = self.start, 0, 16
        method = Method.of(self.config.training)
        for mark in marks:
            ended = False
            while step < mark and not ended:
                began = time.monotonic()
                step = min(step + chunk, mark)
                until = jnp.asarray(np.where(self.alive, step, 0), jnp.int32)
                limits = until, self.below, self.above
                state, beside = programs.advance(self.config.network, method, self.problem, state, beside, *limits)
                ended = not np.any(np.asarray(state.step) == step)
                chunk = chunk * 2 if time.monotonic() - began < CHUNK_SECONDS else chunk
                tell(0.1 + 0.8 * step / self.config.training.max_steps, f"step {step:,}")
            yield state, beside
            if ended:
                return


def _errors(bound: Bound, largest: np.number, start_residual: np.number) -> dict[str, float]:
    """What the frozen kernel misses on training points at most, and its bound."""
    return {
        "residual_lazy_error": diagnostics.ratio(largest, start_residual),
        "p2": diagnostics.ratio(bound.value, start_residual),
        "p2_error": bound.error,
    }


def first_marks(last: int) -> list[int]:
    """1, 2, 3, 4, 7, 8, 13, 16, 25, ... and the last step: intervals between powers of two with an odd middle."""
    doubled = [2**k for k in range(last.bit_length())]
    return sorted(
        {step for step in (*doubled, *(middle(step, 2 * step) for step in doubled[1:]), last) if step <= last}
    )


def _traced(K: np.ndarray, k: int) -> np.ndarray:
    """(1/k) sum over heads."""
    points = len(K) // k
    return np.trace(K.reshape(points, k, points, k), axis1=1, axis2=3) / k
