"""The jobs: what is said of a recording's checkpoints, the path of its spaces, and its expansion."""

import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from engine.data import contents, spread
from engine.perturbation.frame import Frame
from engine.perturbation.job import path_arrays, path_facts
from engine.perturbation.result import SeedPerturbation
from engine.problems import ConfigError, Problem
from engine.progress import Entries, Progress, Report, silent
from engine.recording.config import RecordedPerturbationConfig, RecordedSpacesConfig, RecordingConfig
from engine.recording.descent import Descent
from engine.recording.file import Recording, read
from engine.recording.result import RecordedPerturbation, RecordedRun, RecordedSeed, RecordedSpaces
from engine.result import provenance
from engine.rkhs.job import RunPoints, common_arrays, seed_arrays
from engine.rkhs.points import Nested, Sets, sizes
from engine.rkhs.result import SeedSpaces
from engine.training.path import KernelPath

GONE = "was recorded by your own loop, and its file is no longer here: run the loop again, or import the file"


def trajectory(config: RecordingConfig, report: Report = silent) -> Entries:
    """Entry "result": see `engine.recording.result.RecordedRun`. Raises `ConfigError`: its file is gone, or no good."""
    began, recording = time.monotonic(), found(config)
    probes, rows, start = recording.probes, [], None
    for at, step in enumerate(recording.step):
        row, start = probes.diagnose(recording.kernel[at], recording.outputs[at], start)
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
    """Entry "result": see `engine.recording.result.RecordedSpaces`. Errors as for `trajectory`."""
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


# The expansion of a loop of plain gradient descent: as of a run, on the path of the kernels that it recorded.


def perturb(config: RecordedPerturbationConfig, report: Report = silent) -> Entries:
    """Entry "result": see `engine.recording.result.RecordedPerturbation`. Errors as for `trajectory`, and where its
    steps are not those that its config says."""
    began, recording, asked = time.monotonic(), found(config.recorded), config.recorded
    descent = recording.descent
    if descent is None or recording.config(b"", "").astray != asked.astray:
        raise ConfigError([Problem(asked.recording, "has not what its record says of its steps: import it again")])
    held_out = spread(asked.held_out, config.options.held_out)
    path = _path(recording, descent, held_out)
    arrays, frame = path_arrays(path, config.options, lambda done, what: report(Progress(done, what)))
    y = recording.targets[recording.train :][held_out].ravel()
    facts = {
        "seed": 0,
        "stop_reason": recording.facts["stop_reason"],
        "precision": "the loop",
        "measured_checkpoints": len(path.t),
        "dropped_checkpoints": 0,
        "first_step": int(recording.step[0]),
        **path_facts(path, frame),
        **_kept_to(descent, frame, int(path.steps[-1])),
    }
    meta = provenance("recording_perturbation", "the loop that recorded it", began)
    seed = SeedPerturbation(arrays | {"held_out": held_out, "y_held_out": y}, facts)
    return {"result": RecordedPerturbation({}, config, meta, (seed,)).to_arrays()}  # pyright: ignore[reportArgumentType]


def _path(recording: Recording, descent: Descent, held_out: np.ndarray) -> KernelPath:
    """From the first checkpoint on, at t = 0, on the training points and some of those held out."""
    k, M = recording.targets.shape[1], recording.train
    rows = (np.concatenate([np.arange(M), M + held_out])[:, None] * k + np.arange(k)).ravel()
    steps = recording.step - recording.step[0]
    kernel, f, defect = descent.kernel[:, rows], descent.outputs[:, rows], descent.defect[:, rows]
    y = recording.targets[:M].ravel()
    return KernelPath(descent.rate * steps, steps, descent.rate, True, kernel, None, f, y, defect, "linear")


def _kept_to(descent: Descent, frame: Frame, steps: int) -> dict[str, Any]:
    """How well the loop's own steps are those of plain descent, where they were looked at: the worst share of a step
    that one was off, and what that makes of r over a random walk of all steps."""
    looked = np.isfinite(descent.share())
    if not looked.any() or not frame.scale:
        return {"looked_at": int(looked.sum()), "off": None, "noise": None}
    off = float(descent.share()[looked].max())
    walked = float(np.nanmax(descent.missed()) * np.sqrt(max(steps, 1)) / frame.scale)
    return {"looked_at": int(looked.sum()), "off": off, "noise": walked or None}
