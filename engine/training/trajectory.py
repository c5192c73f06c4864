"""One seed of a run: trained, with checkpoints that follow what happens.

Checkpoints are placed while training goes: log-spaced in t, and wherever the residual has fallen by a fixed factor.
Afterwards the widest gaps, in log t, log residual or kernel, are halved by training again from the checkpoint
before, until there are as many as asked for and the kernel moves little between neighbours.
"""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from math import log
from typing import Any

import jax
import numpy as np

from engine.config import RunConfig
from engine.data import Dataset, spread
from engine.networks.model import Params, heads, init, layer_kernels, trained
from engine.networks.parameters import StateStore, capacity
from engine.networks.precision import Rounding, cast, foretold, left_for_float64, refuse, refuse_kernel, rounding_of
from engine.progress import Progress, Report
from engine.training.descent import Method, Objective, State, advance, limits, start
from engine.training.diagnostics import (
    LAYER_POINTS,
    SCALARS,
    SHOWN,
    Reference,
    layer_drifts,
    layer_shares,
    reference_of,
    slope_of,
    summarise,
)
from engine.training.measure import (
    kernel_rounding,
    measure,
    ntk_modes,
    points,
    probe_points,
    top_eigenvalue,
)
from engine.training.walk import Walk, effective_rates

KERNEL_STEP = 0.1
"""Neighbouring checkpoints whose kernels differ by more than this, relative to K_0, get another between them."""

MOST_PENDING = 2
"""Checkpoints waiting to be measured while training goes on."""

FALLBACK_STOP = 0.01
"""Residual range over which checkpoints are spread when a run has no residual to stop at."""


class Trajectory:
    """One seed: its checkpoints by step, and the states from which it can be trained again."""

    def __init__(self, config: RunConfig, data: Dataset, seed: int, report: Report):
        """Raises `ConfigError` where the function at initialisation is not determined
        (`engine.networks.precision.refuse`)."""
        self.config, self.data, self.seed, self.report = config, data, seed, report
        self.method, self.probes = Method.of(config.training, config.data.size), probe_points(config)
        self.reference: Reference | None = None
        self.layers_start: np.ndarray | None = None
        self.checkpoints: dict[int, dict[str, np.ndarray]] = {}
        self.rate, self.stop_reason, self.fraction, self.kernel_rounding = 0.0, "", 0.0, 0.0
        params = jax.device_get(init(config.network, seed, config.data.input_dim, config.data.output_dim))
        asked = config.training.precision
        self.rounding, self.reason = self._rounding(params, "float32" if asked == "auto" else asked), ""
        self._begin(params, "float32" if asked == "auto" else asked)
        if asked == "auto" and np.isfinite(self.rounding.outputs):
            self._leave_float32(left_for_float64(self.rounding))
        if not np.isfinite(self.rounding.outputs):
            self.stop_reason = "diverged"
        refuse(self.rounding, self.precision, seed)

    def _rounding(self, params: Params, precision: str) -> Rounding:
        some = spread(len(self.data.x_train), SHOWN)
        return rounding_of(self.config.network, params, self.data.x_train[some], self.data.y_train[some], precision)

    def _begin(self, params: Params, precision: str) -> None:
        """Sets out from these parameters with all that a step touches in this precision."""
        self.precision, network = precision, self.config.network
        self.start, self.where = cast(params, precision), points(self.data, self.probes, precision)
        h = np.asarray(heads(network, self.start, self.where.outputs))
        self.h_0 = h if network.centred else 0 * h
        count = sum(leaf.size for leaf in jax.tree.leaves(self.start))
        self.store = StateStore(capacity(self.config, precision, count))
        self.state = start(self.method, self.start)
        x, y = self.data.x_train.astype(precision), self.data.y_train.astype(precision)
        values: Any = (x, y, self.h_0[: len(x)], x.dtype.type(0), jax.random.key(self.seed))
        self.objective = Objective(*values)

    def _leave_float32(self, reason: str) -> None:
        """Sets out again in float64 where there is a reason to."""
        if reason:
            self.reason, self.rounding = reason, self._rounding(self.start, "float64")
            self._begin(self.start, "float64")

    def run(self) -> None:
        """Trains to the stop and refines the checkpoints.

        Checkpoints are measured by a thread of their own while training goes on.

        Raises:
            ConfigError: the learning rate is at or beyond the stability limit of K_0.
        """
        self._pending: deque[tuple[int, Future]] = deque()
        with ThreadPoolExecutor(1) as self._pool:
            first = self._pool.submit(self._measured, self.state.params)
            self._compile()
            self.rate = self._effective_rate(first.result())
            if self._unresolved(first.result()):
                first = self._pool.submit(self._measured, self.state.params)
                self._compile()
            self._keep(self.state, first)
            self._collect()
            self.objective = self.objective._replace(rate=self.h_0.dtype.type(self.rate))
            self._train()
            self._collect()
            self._refine()
        self._cut()

    def _compile(self) -> None:
        """Takes no step, so that the program compiles while K_0 is measured."""
        self.state = self._advance(self.state, 0)

    def _unresolved(self, first: dict[str, np.ndarray]) -> bool:
        """Whether float32 does not resolve the run that K_0 foretells; sets out in float64 then."""
        if self.config.training.precision != "auto" or self.precision == "float64" or self.stop_reason:
            return False
        values, modes = first["eigenvalues"], first["mode_residual"] * self._start_residual
        if self.config.kernel != "ntk":
            residual = slope_of(self.config.training.loss, first["f_train"], self.data.y_train)
            values, modes = ntk_modes(self.config, self.start, self.where.kernel[: len(residual)], residual)
        forecast = foretold(self.config.training, values, modes, self.rate, trained(self.config.network, self.start))
        self._leave_float32(left_for_float64(self.rounding, forecast))
        return self.precision == "float64"

    def _effective_rate(self, first: dict[str, np.ndarray]) -> float:
        """eta_eff, from the learning rate or from the stability fraction. Marks a dead or overflowing start."""
        lambda_max = float(first["lambda_max"])
        if self.stop_reason or not np.isfinite(lambda_max):
            self.stop_reason = "diverged"
        elif lambda_max <= 0:
            self.stop_reason = "dead"
        elif self._start_residual == 0:
            self.stop_reason = "residual"
        if self.stop_reason:
            return 0.0
        of = f" of seed {self.seed}"
        return float(effective_rates(self.config, np.array(lambda_max), of))

    @property
    def _start_residual(self) -> float:
        return self.reference.residual if self.reference else 0.0

    def _train(self) -> None:
        """To the stop, taking checkpoints at log-spaced steps and whenever the residual has fallen enough."""
        training = self.config.training
        ticks = log_ticks(training.checkpoints, training.max_steps)
        fall = (training.stop_residual or FALLBACK_STOP) ** (2 / training.checkpoints)
        lowest = start_residual = self._start_residual
        network = partial(advance, self.config.network, self.method)
        walk = Walk(network, training, self.objective, self.state, start_residual, None)
        while not self.stop_reason:
            tick = int(ticks[np.searchsorted(ticks, walk.step, side="right")])
            fallen = walk.real(lowest * fall)
            walk.on(tick, fallen)
            self.state, self.stop_reason = walk.state, walk.stop_reason
            now, residual = walk.step, float(walk.state.residual)
            self.fraction = 0.85 * self._done(now, residual / start_residual)
            if self.stop_reason or now == tick or residual <= fallen:
                lowest = min(lowest, residual)
                self._take(self.state)
            else:
                self._collect(most=MOST_PENDING)
                self._tell()
            if self._overflown is not None:
                self.stop_reason = "diverged"

    @property
    def _overflown(self) -> int | None:
        """The first step whose kernel, as far as measured, is not finite."""
        steps = (step for step, found in self.checkpoints.items() if not np.isfinite(found["lambda_max"]))
        return min(steps, default=None)

    def _cut(self) -> None:
        """A run ends where its kernel is no longer finite."""
        last = self._overflown
        if last is not None:
            self.stop_reason = "diverged"
            self.checkpoints = {step: found for step, found in self.checkpoints.items() if step <= last}

    def _done(self, step: int, residual: float) -> float:
        """Fraction of the way to the stop, by residual or by steps."""
        training = self.config.training
        by_residual = log(max(residual, 1e-12)) / log(training.stop_residual) if training.stop_residual else 0.0
        return min(1.0, max(by_residual, step / training.max_steps, 0.0))

    def _refine(self) -> None:
        """Halves the widest gaps until there are enough checkpoints and the kernel moves little between them."""
        most = self.config.training.most_checkpoints
        while True:
            gaps = self._gaps()
            if len(self.checkpoints) >= self.config.training.checkpoints:
                gaps = {pair: gap for pair, gap in gaps.items() if gap[1] > KERNEL_STEP}
            if not gaps or len(self.checkpoints) >= most:
                return
            first, last = max(gaps, key=lambda pair: max(gaps[pair]))
            middle = int(np.clip(round(((first + 1) * (last + 1)) ** 0.5) - 1, first + 1, last - 1))
            self.fraction = max(self.fraction, 0.85 + 0.1 * len(self.checkpoints) / most)
            self._take(self._reach(middle))
            self._collect()

    def _gaps(self) -> dict[tuple[int, int], tuple[float, float]]:
        """Pairs of neighbours with a step between them: (share of log t or log residual, relative kernel distance)."""
        steps = sorted(self.checkpoints)
        size = np.linalg.norm(self.checkpoints[0]["kernel_shown"])
        residuals = {step: log(max(float(self.checkpoints[step]["residual"]), 1e-12)) for step in steps}
        span = (max(residuals.values()) - min(residuals.values())) or 1.0
        found = {}
        for first, last in pairwise(steps):
            kernel = np.linalg.norm(self.checkpoints[last]["kernel_shown"] - self.checkpoints[first]["kernel_shown"])
            fall = abs(residuals[last] - residuals[first]) / span
            share = max(log((last + 1) / (first + 1)) / log(steps[-1] + 1), fall)
            if last - first > 1 and np.isfinite(kernel + share):
                found[first, last] = (share, float(kernel / size))
        return found

    def _reach(self, step: int) -> State:
        """The state at an earlier step, by training again from the last one kept before it."""
        found, (params, optimiser) = self.store.before(step)
        state = start(self.method, params)._replace(optimiser=optimiser, step=np.int32(found))
        return self._advance(state, step)

    def _advance(self, state: State, until: int) -> State:
        """To this step, whatever the residual."""
        return advance(self.config.network, self.method, self.objective, state, *limits(state, until), None)[0]

    def _take(self, state: State) -> None:
        """Has a state measured; reports what is ready, and waits when measuring falls behind."""
        self._keep(state, self._pool.submit(self._measured, state.params))
        self._collect(most=MOST_PENDING)

    def _keep(self, state: State, measured: Future) -> None:
        step = int(state.step)
        self.store.add(step, jax.device_get((state.params, state.optimiser)))
        self._pending.append((step, measured))

    def _collect(self, most: int = 0) -> None:
        """Keeps and reports measurements in order, until at most `most` are under way."""
        while self._pending and (len(self._pending) > most or self._pending[0][1].done()):
            step, measured = self._pending.popleft()
            found = self.checkpoints[step] = measured.result()
            scalars = {name: float(found[name]) for name in SCALARS if name in found}
            self._tell({"step": step, "t": self.rate * step, **scalars})

    def _measured(self, params: Params) -> dict[str, np.ndarray]:
        with np.errstate(over="ignore", invalid="ignore"):  # a run that diverges
            taken = measure(self.config, params, self.h_0, self.where)
            if self.reference is None:
                self.kernel_rounding = kernel_rounding(self.config, self.start, self.where, taken.kernel)
                refuse_kernel(self.kernel_rounding, self.seed)
                self.reference = reference_of(self.data, taken, self.config.training.loss)
            found = summarise(self.config, self.data, taken, self.reference)
            if self.config.kernel == "ntk":
                found |= self._by_layer(params)
            if self.config.kernel != "ntk" or self.config.data.output_dim > 1:
                train = self.where.kernel[: self.config.data.size]
                found["lambda_max"] = np.array(top_eigenvalue(self.config.network, params, train))
        return found

    def _by_layer(self, params: Params) -> dict[str, np.ndarray]:
        """Which layer carries the kernel, and how far that of each has moved, (d,)."""
        some = self.data.x_train[spread(len(self.data.x_train), LAYER_POINTS)]
        kernels = layer_kernels(self.config.network, cast(params, "float64"), some)
        if self.layers_start is None:
            self.layers_start = kernels
        return {"layer_share": layer_shares(kernels), "layer_drift": layer_drifts(kernels, self.layers_start)}

    def _tell(self, *rows: dict[str, float]) -> None:
        own = tuple({"seed": self.seed, **row} for row in rows)
        self.report(Progress(self.fraction, f"step {int(self.state.step):,}", own))

    def arrays(self) -> dict[str, np.ndarray]:
        """Every diagnostic over the checkpoints, (T, ...), with `step` and `t` = eta_eff step."""
        steps = sorted(self.checkpoints)
        found = {name: np.stack([self.checkpoints[step][name] for step in steps]) for name in self.checkpoints[0]}
        return {"step": np.array(steps), "t": self.rate * np.array(steps, np.float64)} | found

    def summary(self) -> dict[str, float | int | str | None]:
        """What is said of the seed as a whole."""
        steps = max(self.checkpoints)
        noise = self.rounding.after(steps)
        return {
            "seed": self.seed,
            "effective_rate": self.rate,
            "learning_rate": self.rate / self.config.training.effective_rate(self.config.data.size),
            "steps": steps,
            "t_stop": self.rate * steps,
            "stop_reason": self.stop_reason,
            "precision": self.precision,
            "precision_reason": self.reason,
            "rounding": self.rounding.outputs if np.isfinite(self.rounding.outputs) else None,
            "kernel_rounding": self.kernel_rounding,
            "noise": noise if np.isfinite(noise) else None,
        }


def log_ticks(count: int, last: int) -> np.ndarray:
    """At least `count` distinct steps (all of them if there are fewer) from 1 to `last`, log-spaced."""
    points = count
    while True:
        ticks = np.unique(np.geomspace(1, last, points).round().astype(np.int64))
        if len(ticks) >= min(count, last):
            return ticks
        points *= 2
