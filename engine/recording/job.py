"""The jobs: what is said of a recording's checkpoints, and the path of its spaces."""

import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from engine.data import contents
from engine.problems import ConfigError, Problem
from engine.progress import Entries, Progress, Report, silent
from engine.recording.config import RecordedSpacesConfig, RecordingConfig
from engine.recording.file import Recording, read
from engine.recording.result import RecordedRun, RecordedSeed, RecordedSpaces
from engine.result import provenance
from engine.rkhs.job import RunPoints, common_arrays, seed_arrays
from engine.rkhs.points import Nested, Sets, sizes
from engine.rkhs.result import SeedSpaces

GONE = "was recorded by your own loop, and its file is no longer here: run the loop again, or import the file"


def said(config: RecordingConfig, report: Report = silent) -> Entries:
    """Entry "result": see `engine.recording.result.RecordedRun`. Raises `ConfigError`: its file is gone, or no good."""
    began, recording = time.monotonic(), found(config)
    probes, rows, start = recording.probes, [], None
    for at, step in enumerate(recording.step):
        row, start = probes.said(recording.kernel[at], recording.outputs[at], start)
        rows.append(row)
        report(Progress((at + 1) / len(recording.step), f"step {int(step):,}"))
    run = RecordedRun.of(config, recording, rows, provenance("recording", "the loop that recorded it", began))
    return {"result": run.to_arrays()}


def found(config: RecordingConfig) -> Recording:
    """The recording that a config names. Raises `ConfigError`."""
    content = contents.find(config.source.digest)
    if content is None:
        raise ConfigError([Problem(config.recording, GONE)])
    try:
        return read(content)
    except ValueError as error:
        raise ConfigError([Problem(config.recording, str(error))]) from None


# The path of RKHSs: as of a run, with the recorded kernels in the place of a network at stored parameters. Points are
# known by their number alone.


@dataclass(frozen=True, eq=False)
class Replayed:
    """A recording in the place of `engine.rkhs.stored.StoredNetwork`."""

    recording: Recording
    config: Any
    rounding: float = 0.0

    @property
    def parameters(self) -> Any:
        return SimpleNamespace(steps=self.recording.step)

    def kernel(self, index: int, x: Int[np.ndarray, "p 1"]) -> Float[np.ndarray, "p p"]:
        K, at = self.recording.kernel[index], x[:, 0]
        return ((K + K.T) / 2)[np.ix_(at, at)]

    def outputs(self, index: int, x: Int[np.ndarray, "p 1"]) -> Float[np.ndarray, "p k"]:
        return self.recording.outputs[index][x[:, 0]]


def spaces(config: RecordedSpacesConfig, report: Report = silent) -> Entries:
    """Entry "result": see `engine.recording.result.RecordedSpaces`. Errors as for `said`."""
    began, recording = time.monotonic(), found(config.recorded)
    everywhere = _points(recording)
    replayed = Replayed(recording, _stand_in(config))
    asked: Any = SimpleNamespace(options=config.options, run=replayed.config)
    network: Any = replayed
    seed = RecordedSeed.of({}, recording.facts)
    arrays, told = seed_arrays(asked, everywhere, seed, network, lambda done, what: report(Progress(done, what)))
    chosen = np.searchsorted(recording.step, arrays["step"])
    arrays |= {"t": recording.t[chosen]}
    if not recording.probes.comparable:
        arrays["network_error"] = np.full(len(chosen), np.nan)
    meta = provenance("recording_spaces", "the loop that recorded it", began)
    result = RecordedSpaces(common_arrays(everywhere), config, meta, (SeedSpaces(arrays, told),))  # pyright: ignore[reportArgumentType]
    return {"result": result.to_arrays()}


def _stand_in(config: RecordedSpacesConfig) -> Any:
    """What of a run its comparison reads."""
    asked, data = config.recorded, SimpleNamespace(noise=0.0)
    kernel = {"kernel": asked.kernel, "kernel_precision": asked.precision}
    return SimpleNamespace(training=asked.training, data=data, network=None, **kernel)


def _points(recording: Recording) -> RunPoints:
    """Training and held-out points by their numbers; grids and sample are the held-out ones. No curve, no infinite
    width."""
    M, (p, k) = recording.train, recording.targets.shape
    x, y = np.arange(p)[:, None], recording.targets
    sets = Sets(x, y[:M], y[M:], np.zeros((0, k)), np.zeros(0))
    members = tuple(np.arange(size) for size in sizes(p - M))
    return RunPoints(sets, Nested(x[M:], y[M:], members), x[M:], y[M:], None, None, None)
