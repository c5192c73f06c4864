"""One cell of a regime map: an ensemble of networks trained and compared with its lazy prediction.

Three programs per shape (`engine.regimes.programs`): a cell costs little more than their compilation, which is also why
seeds go one after another on a CPU. Mapped over 4 seeds the programs take 1 to 1.5 s longer to compile there, and save
less than that in training (2.2-4.3 s of processor time against 1.6-2.8 s).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from engine.config import RunConfig
from engine.data import Dataset, generate, spread
from engine.device import device_name
from engine.initialisation.sampled_spread import spread_at_initialisation
from engine.networks.model import Params, trained
from engine.networks.precision import (
    Rounding,
    cast,
    foretold,
    last_bit,
    left_for_float64,
    refuse,
    refuse_kernel,
    rounding_of,
)
from engine.numerics import without_rounding
from engine.progress import Entries, Progress, Report, silent
from engine.regimes import programs
from engine.regimes.bound import Bound, Lazy, first_marks, most_snapshots
from engine.regimes.config import SEEDS_AT_ONCE
from engine.regimes.programs import Snapshot
from engine.regimes.result import FAILURES, CellResult
from engine.result import provenance
from engine.training import diagnostics
from engine.training.descent import DIVERGED, Companion, Method, Objective, State, limits
from engine.training.diagnostics import HELD_OUT, SHOWN
from engine.training.walk import Walk, effective_rates


def cell(config: RunConfig, report: Report = silent) -> Entries:
    """Trains every seed beside its lazy prediction. Entry "result": see `engine.regimes.result.CellResult`.

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
    return {"result": CellResult(result, config, provenance("cell", device_name(), started)).to_arrays()}


def seeds_at_once() -> int:
    """How many networks are trained by one program on this device."""
    return 1 if jax.default_backend() == "cpu" else SEEDS_AT_ONCE


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
        shape = config.data.input_dim, config.data.output_dim
        params = jax.device_get(programs.draw_each(config.network, keys, *shape))
        self._begin(keys, params, self._from_the_start(params) if asked == "auto" else asked)
        if asked == "auto" and self._unresolved():
            self._begin(keys, params, "float64")
        self._refuse()
        self.tell(0.1, "measured at initialisation")
        with np.errstate(over="ignore", invalid="ignore"):  # networks that diverged
            return self._measured(self._residual(self.at_start).reshape(len(self.seeds), -1))

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
        self.precision, method, rows = precision, Method.of(self.config.training, self.size), len(self.seeds)
        self.state = programs.start_each(method, cast(params, precision))
        self.advance = partial(programs.advance_each, self.config.network, method)
        x, y = (np.asarray(array, precision) for array in (self.data.x_train, self.data.y_train))
        x, y = np.broadcast_to(x, (rows, *x.shape)), np.broadcast_to(y, (rows, *y.shape))
        nothing = np.zeros(rows, precision)
        n = self.size * self.config.data.output_dim
        idle = Companion(*(jnp.zeros((rows, *shape)) for shape in ((n, n), (n,), (n,), ())))
        self.objective = Objective(jnp.asarray(x), jnp.asarray(y), jnp.zeros_like(y), jnp.asarray(nothing), keys)
        with ThreadPoolExecutor(1) as pool:
            compiled = pool.submit(self.advance, self.objective, self.state, *limits(self.state, 0), idle)
            self.at_start = self._snapshot(self.state)
            compiled.result()
        self.h_0 = self.at_start.h if self.config.network.centred else np.zeros_like(self.at_start.h)
        self.spectra = [diagnostics.spectrum(K) for K in self._train_block(self.at_start.kernel)]
        overflow = [not np.isfinite(rounding.outputs) for rounding in self.rounding]
        lambda_max = np.where(overflow, np.nan, [values[0] for values, _ in self.spectra])
        self.rate = effective_rates(self.config, lambda_max)
        rate = jnp.asarray(self.rate.astype(precision))
        self.objective = self.objective._replace(h_0=jnp.asarray(self.h_0[:, : self.size]), rate=rate)

    def _refuse(self) -> None:
        """Raises `ConfigError` where a network or its kernel is not determined. What float32 resolves float64 does."""
        for rounding, seed in zip(self.rounding, self.seeds, strict=True):
            refuse(rounding, self.precision, seed)
        if self.precision == "float64" and self.config.kernel_precision == "float64":
            moved = self._snapshot(self.state._replace(params=last_bit(jax.device_get(self.state.params), "float64")))
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
            forecast = foretold(
                self.config.training, values, modes, float(self.rate[g]), trained(self.config.network, own)
            )
            if left_for_float64(self.rounding[g], forecast):
                return True
        return False

    def _measured(self, residual: Float[np.ndarray, "g n"]) -> list[dict[str, Any]]:
        """The rows, from r(0) on training points: the networks trained, each beside its lazy one."""
        descent = self.config.training.integrator == "gd"
        beside = [
            Companion.of(*spectrum, r_0, float(step), descent)
            for spectrum, r_0, step in zip(self.spectra, residual, self.rate, strict=True)
        ]
        start_residual = np.where(self.rate > 0, np.linalg.norm(residual, axis=1), 0.0)
        companions = jax.tree.map(lambda *leaves: jnp.stack(leaves), *beside)
        begin = partial(
            Walk, self.advance, self.config.training, self.objective, self.state, start_residual, companions
        )
        snapshots, sizes, largest = self._trained(begin())
        lazy = [
            Lazy.of(*self.spectra[g], residual[g], float(self.rate[g]), int(steps), descent)
            for g, steps in enumerate(snapshots[-1].step)
        ]
        bounds = [Bound(one.steps, one.weight(), found) for one, found in zip(lazy, sizes, strict=True)]
        self._refine(bounds, begin, len(sizes[0]))
        return [
            self._row(g, [seen.of(g) for seen in snapshots], lazy[g])
            | _errors(bounds[g], largest[g], np.linalg.norm(residual[g]))
            for g in range(len(self.seeds))
        ]

    def _trained(self, walk: Walk) -> tuple[list[Snapshot], list[dict[int, float]], np.ndarray]:
        """Looks at the start, after a step and at the stop; ||K - K_0|| by step, and the largest ||r - r_lazy||, of
        each network."""
        snapshots, sizes, largest = [self.at_start], [{0: 0.0} for _ in self.seeds], np.zeros(len(self.seeds))
        for _ in self._marked(walk, first_marks(self.config.training.max_steps), self.tell):
            snapshots = [*snapshots[:2], self._snapshot(walk.state)]
            for g, found in enumerate(sizes):
                found[int(snapshots[-1].step[g])] = self._change(snapshots[-1], g)
            largest = np.asarray(walk.beside.largest)
        return [snapshots[0], snapshots[1], snapshots[-1]], sizes, largest

    def _refine(self, bounds: list[Bound], begin: Callable[[], Walk], snapshots: int) -> None:
        """Trains again with looks between the first ones, until every P2 is known or there were enough."""
        left = most_snapshots(self.size * self.config.data.output_dim) - snapshots
        while steps := sorted({step for bound in bounds for step in bound.next_steps()})[: max(left, 0)]:
            left -= len(steps)
            found: list[dict[int, float]] = [{} for _ in bounds]
            walk = begin()
            for _ in self._marked(walk, steps, lambda _, said: self.tell(0.95, f"looking closer: {said}")):
                seen = self._snapshot(walk.state)
                for g, sizes in enumerate(found):
                    sizes[int(seen.step[g])] = self._change(seen, g)
            for bound, sizes in zip(bounds, found, strict=True):
                bound.add(sizes)

    def _marked(self, walk: Walk, marks: Sequence[int], tell: Callable[[float, str], None]) -> Iterator[None]:
        """Halts at each of these steps, and when all networks have stopped; not after that."""
        for mark in marks:
            going = True
            while going and walk.step < mark:
                going = walk.on(mark)
                tell(0.1 + 0.8 * walk.step / self.config.training.max_steps, f"step {walk.step:,}")
            yield
            if not going:
                return

    def _snapshot(self, state: State) -> Snapshot:
        found = programs.observe_each(self.config.network, self.config.kernel_precision, state.params, self.x)
        return Snapshot(*(np.asarray(array) for array in (state.step, *found)))

    def _change(self, seen: Snapshot, g: int) -> float:
        """||K - K_0|| of one network on training points; NaN where not finite."""
        change = self._train_block(seen.kernel[g]) - self._train_block(self.at_start.kernel[g])
        return float(np.abs(np.linalg.eigvalsh(change)).max()) if np.all(np.isfinite(change)) else float("nan")

    def _train_block(self, kernel: np.ndarray) -> np.ndarray:
        rows = self.size * self.config.data.output_dim
        return kernel[..., :rows, :rows]

    def _residual(self, taken: Snapshot) -> Float[np.ndarray, "g M k"]:
        f = self.config.network.output_scale * (taken.h - self.h_0)[:, : self.size].astype(np.float64)
        return f - self.data.y_train

    def _row(self, g: int, snapshots: list[Snapshot], lazy: Lazy) -> dict[str, Any]:
        """Results of the seed at position g, looked at at the start, after one step and at the stop."""
        alpha, k, M, h_0 = self.config.network.output_scale, self.config.data.output_dim, self.size, self.h_0[g]
        f_0, f_T = (alpha * (seen.h - h_0).astype(np.float64) for seen in (snapshots[0], snapshots[-1]))
        r_0, r_T = f_0[:M] - self.data.y_train, f_T[:M] - self.data.y_train
        start_residual = float(np.linalg.norm(r_0))
        residual = diagnostics.ratio(np.linalg.norm(r_T), start_residual)
        moved, steps = without_rounding((f_T - f_0)[M:], r_0).ravel(), int(snapshots[-1].step)
        kernels = [self._train_block(seen.kernel) for seen in snapshots]
        traced_0, traced_1, traced_T = (_traced(K, k) for K in kernels)
        elt = diagnostics.ratio(np.linalg.norm(moved - lazy.change(snapshots[0].kernel)), np.linalg.norm(moved))
        # A root mean square per training point, carried to the held-out ones.
        noise = self.rounding[g].after(steps) * start_residual * np.sqrt(len(moved) / len(lazy.modes))
        rounding = diagnostics.ratio(noise, np.linalg.norm(moved))
        return {
            "seed": self.seeds[g],
            "end": self._end(traced_T, residual),
            "elt": max(elt, rounding) if rounding < 1 else float("nan"),
            "drift": diagnostics.drift(traced_T, traced_0),
            "shape_drift": diagnostics.shape_drift(traced_T, traced_0),
            "first_step": diagnostics.drift(traced_1, traced_0),
            "residual": residual,
            "sharpness": lazy.rate * diagnostics.spectrum(kernels[-1])[0][0],
            "test_error": diagnostics.normalised_error(f_T[M:], self.y_held_out),
            "steps": float(steps),
            "t_stop": lazy.rate * steps,
            "effective_rate": lazy.rate,
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


def _errors(bound: Bound, largest: np.number, start_residual: np.number) -> dict[str, float]:
    """What the frozen kernel misses on training points at most, and its bound."""
    return {
        "residual_lazy_error": diagnostics.ratio(largest, start_residual),
        "p2": diagnostics.ratio(bound.value, start_residual),
        "p2_error": bound.error,
    }


def _traced(K: np.ndarray, k: int) -> np.ndarray:
    """(1/k) sum over heads."""
    points = len(K) // k
    return np.trace(K.reshape(points, k, points, k), axis1=1, axis2=3) / k
