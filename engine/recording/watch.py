"""`kd.watch`: called in somebody's training loop, it records outputs and kernel at log-spaced steps, live."""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np

from engine.arguments import examples_of
from engine.problems import ConfigError, Problem, shown
from engine.recording.config import MOST_CHECKPOINTS, MOST_POINTS
from engine.recording.file import About, Recording
from engine.recording.kernels import Measured, jax_network
from engine.recording.result import RecordedRun, so_far
from engine.recording.said import Probes
from engine.recording.torch_kernels import TorchNetwork, is_torch

GROWTH = 1.12
"""Of the step from one checkpoint to the next, until there are too many: then every second goes, and it is squared."""
MOST_VALUES = 16_000_000
"""Of all kernels that are held, and in the file: 128 MB."""
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
    def at(self, params: Any) -> Measured: ...


class Watch:
    """Records while it is called, within `with`. Not for several threads.

    Attributes:
        result: what was recorded, once the loop has ended (`engine.recording.result.RecordedRun`).
    """

    result: RecordedRun

    def __init__(self, about: About, network: Network, y: "Targets", file: File, steps: Sequence[int] | None):
        self._about, self._network, self._y, self._file = about, network, y, file
        self._told = None if steps is None else _told(steps)
        self._growth, self._due = GROWTH, -1.0
        self._probes: Probes | None = None
        self._start: Any = None
        self._rows: list[dict[str, Any]] = []
        self._last: tuple[Any, Any, Any, Any] | None = None
        self._dirty, self._again = False, 0.0

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
            self._last = step, params, t, loss
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
            refuse(self._network, params)
        time_ = float(step if t is None else t)
        if not self._ascends(step, time_):
            return
        found = self._network.at(params)
        if not all(np.isfinite(array).all() for array in found):
            self._about = self._about.model_copy(update={"ended": "diverged"})
            if not self._rows:
                raise ConfigError([Problem("params", "outputs or kernel are not finite at the first step")])
            return
        probes = self._probes or self._begin(found)
        said, self._start = probes.said(_symmetric(found.kernel), found.outputs, self._start)
        value = np.nan if loss is None else float(loss)
        row = {"step": step, "t": time_, "loss": value, "outputs": found.outputs, "kernel": _symmetric(found.kernel)}
        self._rows.append(row | {"said": said})
        self._schedule(step)
        self._dirty = True
        if time.monotonic() >= self._again:
            self._write()

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
        self._most = max(8, min(MOST_CHECKPOINTS, MOST_VALUES // p**2))
        return probes

    def _schedule(self, step: int) -> None:
        """When the next one is due."""
        if len(self._rows) > self._most:
            self._rows = [row for at, row in enumerate(self._rows) if at % 2 == 0 or at == len(self._rows) - 1]
            self._growth **= 2
        if self._told is not None:
            self._due = next((due for due in self._told if due > step), np.inf)
            return
        self._due = max(step + 1, ceil((step + 1) * self._growth) - 1)

    def _take_last(self) -> None:
        """The last state that was not due, if its parameters are still there."""
        if self._last is None or not self._rows or self._told is not None:
            return
        try:
            self._take(*self._last)
        except ConfigError as error:
            warnings.warn(f"the last step is not recorded: {error}", stacklevel=3)

    # The file.

    def _recording(self) -> Recording:
        def over(name: str) -> np.ndarray:
            return np.stack([row[name] for row in self._rows])

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


@dataclass(frozen=True, eq=False)
class Targets:
    """What the loop learns: values (p, k), or classes (p,)."""

    values: np.ndarray | None
    labels: np.ndarray | None

    @classmethod
    def of(cls, y: Any, count: int) -> Self:
        """Raises `ConfigError`."""
        found = examples_of("y_probe", y)
        if len(found) != count or found.ndim > 2:
            raise ConfigError([Problem("y_probe", f"of shape {found.shape}; ({count},) or ({count}, k) is needed")])
        if found.ndim == 2 or found.dtype.kind == "f":
            return cls(found.reshape(count, -1).astype(np.float64), None)
        return cls(None, found.astype(np.int64))

    def probes(self, k: int, about: About) -> Probes:
        """For a network of k outputs: of classes one-hot, of two for one output -1 and 1. Raises `ConfigError`."""
        values: Any = self.values
        if self.labels is not None:
            count = max(k, 2)
            if self.labels.min() < 0 or self.labels.max() >= count:
                given = f"classes from {self.labels.min()} to {self.labels.max()} given"
                raise ConfigError([Problem("y_probe", f"{given}; 0 to {count - 1} are needed for {k} outputs")])
            values = np.eye(k)[self.labels] if k > 1 else 2.0 * self.labels[:, None] - 1
        if values.shape[1] != k:
            given = f"of shape {values.shape}, but the network gives {k} outputs"
            raise ConfigError([Problem("y_probe", f"{given}: a target for each, or a class number, is needed")])
        found = Probes(values, self.labels, about.held_out, about.loss)
        try:
            found.learned()
        except ConfigError:
            given = f"values given, but {about.loss} is a loss of classes"
            raise ConfigError([Problem("y_probe", f"{given}: give class numbers 0, 1, ... of each point")]) from None
        return found


def watching(about: About, network: Any, x: Any, y: Any, params: Any, file: Callable[[str], File], steps: Any) -> Watch:
    """As `engine.watch`; `file` begins one by its name. Raises `ConfigError`."""
    x = examples_of("x_probe", x)
    if len(x) - about.held_out < 2 or len(x) > MOST_POINTS:
        given = f"{len(x)} points, {about.held_out} of them held out"
        raise ConfigError([Problem("x_probe", f"{given}: 2 trained on are needed, and at most {MOST_POINTS} in all")])
    of: Network = TorchNetwork(network, x) if is_torch(network) else jax_network(network, x, about.precision)
    if params is not None or of.stands:
        refuse(of, params)
    about = about.model_copy(update={"versions": of.versions})
    return Watch(about, of, Targets.of(y, len(x)), file(about.name), steps)


def refuse(network: Network, params: Any) -> None:
    """Raises `ConfigError` where the network has no kernel example by example; warns of what has no part in it."""
    if dead := network.refuse(params):
        what = ", ".join(dead[:5]) + (f" and {len(dead) - 5} more" if len(dead) > 5 else "")
        warnings.warn(f"the outputs do not depend on {what}: that part of the kernel is zero", stacklevel=4)


def _told(steps: Any) -> list[int]:
    try:
        found = sorted({int(step) for step in steps})
    except (TypeError, ValueError):
        found = []
    if not found or found[0] < 0 or len(found) > MOST_CHECKPOINTS:
        raise ConfigError(
            [Problem("steps", f"{shown(steps)} given; 1 to {MOST_CHECKPOINTS} steps from 0 on are needed")]
        )
    return found


def _symmetric(K: np.ndarray) -> np.ndarray:
    return (K + K.T) / 2
