"""`kd.watch`: called in somebody's training loop, it records outputs and kernel at log-spaced steps, live."""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np

from engine.arguments import examples_of
from engine.networks.traced.checks import no_part
from engine.problems import ConfigError, Problem
from engine.recording import targets
from engine.recording.config import MOST_CHECKPOINTS, MOST_POINTS, effective_rate
from engine.recording.file import About, Recording
from engine.recording.kernels import Measured, jax_network
from engine.recording.probes import Probes
from engine.recording.result import RecordedRun, so_far
from engine.recording.targets import FEWEST, Targets, check_full, check_size, checked_steps, numbers
from engine.recording.torch_kernels import TorchNetwork, is_torch

GROWTH = 1.12
"""Of the step from one checkpoint to the next, until there are too many: then every second goes, and it is squared."""
PATIENCE = 10.0
"""Times as long as the last writing took until the file is written again."""


class File(Protocol):
    """Where a recording is kept (`cache.recordings.Loop`)."""

    def save(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Writes it whole. Raises `OSError`."""

    def keep(self) -> RecordedRun:
        """Makes a result of what was written last, for good."""
        ...


class Network(Protocol):
    """What is watched. `stands`: it is given, as a module, before its first step."""

    @property
    def stands(self) -> bool: ...
    @property
    def versions(self) -> str: ...
    def refuse(self, params: Any) -> list[str]: ...
    def at(self, params: Any, full: int = 0) -> Measured: ...
    def outputs(self, params: Any) -> np.ndarray: ...
    def moved(self, params: Any, pull: np.ndarray) -> np.ndarray: ...
    def mark(self) -> list[Any]:
        """What is no longer the same once the module has trained on; empty of one that is given its parameters."""
        ...


class Watch:
    """Records while it is called, within `with`. Not for several threads.

    Attributes:
        result: what was recorded, once the loop has ended (`engine.recording.result.RecordedRun`).
    """

    result: RecordedRun

    def __init__(
        self, about: About, network: Network, y: Targets, file: File, steps: Sequence[int] | None, full: bool = False
    ):
        self._about, self._network, self._y, self._file, self._full = about, network, y, file, full
        self._told = None if steps is None else checked_steps(steps)
        self._growth, self._due = GROWTH, -1.0
        self._probes: Probes | None = None
        self._start: Any = None
        self._rows: list[dict[str, Any]] = []
        self._last: tuple[Any, Any, Any, Any] | None = None
        self._dirty, self._again = False, 0.0
        self._next, self._astray = -1, False
        self._mark: list[Any] = []

    def __enter__(self) -> Self:
        return self

    def __call__(self, step: int, params: Any = None, *, t: float | None = None, loss: Any = None) -> None:
        """The state of the loop after so many steps; recorded where one is due.

        Args:
            params: what `apply` is given; nothing of a module, which is looked at as it stands.
            t: the time of the loop; the step where it has none.
            loss: of the loop.

        Raises:
            ConfigError: at its first call, where the network has no kernel example by example; a step or t that goes
                back; parameters that were donated to a later step.
        """
        if step < self._due:
            self._last, self._mark = (step, params, t, loss), self._network.mark()
            if step == self._next:
                self._looked(step, self._network.outputs(params))
            if self._dirty and time.monotonic() >= self._again:
                self._write()
            return
        self._last = None
        self._take(int(step), params, t, loss)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Records the last step, and keeps what was recorded as a result of the cache."""
        if kind is not None and issubclass(kind, ConfigError) and not self._rows:
            return
        self._take_last()
        if not self._rows:
            warnings.warn(f"{self._about.name}: nothing was recorded: call it in the loop", stacklevel=2)
            return
        ended = self._about.ended or ("closed" if kind is None else "raised")
        self._about = self._about.model_copy(update={"ended": ended})
        self._file.save(self._recording().to_arrays())
        self.result = self._file.keep()

    # One checkpoint.

    def _take(self, step: int, params: Any, t: float | None, loss: Any) -> None:
        if self._about.ended == "diverged":
            return
        if self._probes is None:
            refuse(self._network, params, self._about if self._full else None)
        time_ = float(step if t is None else t)
        if not self._ascends(step, time_):
            return
        found = self._network.at(params, self._y.count - self._about.held_out if self._full else 0)
        if not all(np.isfinite(array).all() for array in found if array is not None):
            self._diverges("outputs or kernel are not finite at the first step")
            return
        probes = self._probes or self._begin(found)
        stepped = self._stepped(params, found)
        if not all(np.isfinite(array).all() for name, array in stepped.items() if name != "after"):
            self._diverges("outputs are not finite after a step of this learning_rate")
            return
        said, self._start = probes.diagnose(_symmetric(found.kernel), found.outputs, self._start)
        value = np.nan if loss is None else float(loss)
        row = {"step": step, "t": time_, "loss": value, "outputs": found.outputs, "kernel": _symmetric(found.kernel)}
        self._looked(step, found.outputs)
        self._rows.append(row | {"said": said} | stepped)
        self._schedule(step)
        self._dirty = True
        if time.monotonic() >= self._again:
            self._write()

    def _diverges(self, what: str) -> None:
        """Nothing more is recorded. Raises `ConfigError` where that is nothing at all."""
        self._about = self._about.model_copy(update={"ended": "diverged"})
        if not self._rows:
            raise ConfigError([Problem("params", what)])

    # A loop of plain gradient descent on a squared loss (`engine.recording.descent`).

    def _stepped(self, params: Any, found: Measured) -> dict[str, Any]:
        """What is recorded of the step that follows, where it is one of such a loop whose whole kernel is there."""
        probes: Any = self._probes
        M, (p, k) = probes.train, found.outputs.shape
        rate = effective_rate(self._about.learning_rate, self._about.loss, M)
        if not rate or (k > 1 and found.full is None):
            return {}
        K = found.kernel[:, :M] if found.full is None else found.full
        r = (found.outputs - probes.targets)[:M]
        defect = self._network.moved(params, rate * r) - found.outputs + rate * (K @ r.ravel()).reshape(p, k)
        own = {"defect": defect, "after": np.full((p, k), np.nan)}
        return own if found.full is None else own | {"full": np.concatenate([_symmetric(K[: M * k]), K[M * k :]])}

    def _looked(self, step: int, outputs: np.ndarray) -> None:
        """Outputs one step on from the last checkpoint, and a warning where they are elsewhere than such a loop moves
        them, once."""
        if not self._rows or step != self._next or not np.isfinite(outputs).all():
            return
        self._rows[-1]["after"] = outputs
        last = self._recording(-1).descent
        if not self._astray and last is not None and last.astray() is not None:
            self._astray = True
            given = f"{self._about.learning_rate:g} of {self._about.loss} does not make the loop's own steps"
            gone = f"after step {step - 1:,} the outputs are elsewhere, and Perturbation will not expand it"
            warnings.warn(f"learning_rate: {given}: {gone}", stacklevel=4)

    def _ascends(self, step: int, t: float) -> bool:
        """Whether it comes after what was recorded. Raises `ConfigError` where the loop goes back."""
        if not np.isfinite(t) or t < 0 or step < 0:
            raise ConfigError([Problem("t", f"step {step} at t = {t:g} given; a finite time from 0 on is needed")])
        if not self._rows or step == self._rows[-1]["step"]:
            return not self._rows
        if step < self._rows[-1]["step"]:
            last = self._rows[-1]["step"]
            raise ConfigError(
                [Problem("step", f"{step} given after {last}: watch each loop by a recording of its own")]
            )
        if t < self._rows[-1]["t"]:
            raise ConfigError([Problem("t", f"{t:g} given after {self._rows[-1]['t']:g}: time goes on")])
        return True

    def _begin(self, found: Measured) -> Probes:
        """Now that the number of outputs is known."""
        p, k = found.outputs.shape
        self._probes = probes = self._y.probes(k, self._about)
        self._full &= k > 1
        values = numbers(p, k, self._about.held_out, self._full)
        self._most = max(FEWEST, min(MOST_CHECKPOINTS, targets.MOST_VALUES // values))
        return probes

    def _schedule(self, step: int) -> None:
        """When the next one is due."""
        self._next = step + 1 if "after" in self._rows[-1] else -1
        if len(self._rows) > self._most:
            self._rows = [row for at, row in enumerate(self._rows) if at % 2 == 0 or at == len(self._rows) - 1]
            self._growth **= 2
        if self._told is not None:
            self._due = next((due for due in self._told if due > step), np.inf)
            return
        self._due = max(step + 1, ceil((step + 1) * self._growth) - 1)

    def _take_last(self) -> None:
        """The last state that was not due, if its parameters are still there: a module may have trained on since."""
        if self._last is None or not self._rows or self._told is not None:
            return
        if any(one is not other for one, other in zip(self._network.mark(), self._mark, strict=True)):
            return
        try:
            self._take(*self._last)
        except ConfigError as error:
            warnings.warn(f"the last step is not recorded: {error}", stacklevel=3)

    # The file.

    def _recording(self, first: int = 0) -> Recording:
        rows = self._rows[first:]

        def over(name: str) -> Any:
            return np.stack([row[name] for row in rows]) if name in rows[0] else None

        probes: Any = self._probes
        loss = over("loss")
        return Recording(
            self._about,
            over("step"),
            over("t"),
            over("kernel"),
            over("outputs"),
            probes.targets,
            None if np.isnan(loss).all() else loss,
            probes.labels,
            *map(over, ("defect", "after", "full")),
        )

    def _write(self) -> None:
        """What is there so far, with what the pages show of it. A disk that does not take it is tried again."""
        began, recording = time.monotonic(), self._recording()
        try:
            self._file.save(recording.to_arrays() | so_far(recording, [row["said"] for row in self._rows]))
            self._dirty = False
        except OSError as error:
            warnings.warn(f"{self._about.name} cannot be written yet: {error}", stacklevel=3)
        now = time.monotonic()
        self._again = now + PATIENCE * (now - began)


def watching(
    about: About, network: Any, x: Any, y: Any, params: Any, file: Callable[[str], File], steps: Any, full: bool = False
) -> Watch:
    """As `engine.watch`; `file` begins one by its name. Raises `ConfigError`."""
    x = examples_of("x_probe", x)
    if len(x) - about.held_out < 2 or len(x) > MOST_POINTS:
        given = f"{len(x)} points, {about.held_out} of them held out"
        raise ConfigError([Problem("x_probe", f"{given}: 2 trained on are needed, and at most {MOST_POINTS} in all")])
    if full:
        check_full(about)
    of: Network = TorchNetwork(network, x) if is_torch(network) else jax_network(network, x, about.precision)
    if params is not None or of.stands:
        refuse(of, params, about if full else None)
    about, targets = about.model_copy(update={"versions": of.versions}), Targets.of(y, len(x))
    return Watch(about, of, targets, file(about.name), steps, full)


def refuse(network: Network, params: Any, full: About | None) -> None:
    """Raises `ConfigError` where the network has no kernel example by example, or, of one that is asked for between
    outputs as `full` says, too large a one; warns of what has no part in it."""
    if dead := network.refuse(params):
        warnings.warn(no_part(dead), stacklevel=4)
    if full is not None:
        p, k = network.outputs(params).shape
        check_size(p, k, full.held_out)


def _symmetric(K: np.ndarray) -> np.ndarray:
    return (K + K.T) / 2
