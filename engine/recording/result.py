"""What is said of a recording, as results that the pages of a run show. Imports no JAX."""

import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np

from engine.data import Dataset
from engine.perturbation.result import PerturbationResult, SeedPerturbation
from engine.progress import Arrays
from engine.recording.config import RecordedFile, RecordedPerturbationConfig, RecordedSpacesConfig, RecordingConfig
from engine.recording.file import Recording
from engine.recording.probes import OF_OUTPUTS, Probes, stacked
from engine.result import Field, ResultError, provenance
from engine.rkhs.result import RkhsResult, SeedSpaces
from engine.training.result import ENDS, RunResult, SeedResult

UNKNOWN = ("loss", *OF_OUTPUTS)
"""What some recordings do not say."""


class RecordedSeed(SeedResult):
    """The one path of a recording, as a seed 0; `stop_reason` is "recorded", or "diverged"."""

    FIELDS: ClassVar = {
        **SeedResult.FIELDS,
        **{name: Field(SeedResult.FIELDS[name].shape, optional=True) for name in UNKNOWN},
    }


class RecordedRun(RunResult):
    """A recording as Evolution shows it; beside the path the targets, and labels where there are any."""

    CONFIG, SEED = RecordingConfig, RecordedSeed.of
    FIELDS: ClassVar = {**RunResult.FIELDS, "targets": Field("p k"), "labels": Field("p", optional=True)}

    @classmethod
    def of(
        cls, config: RecordingConfig, recording: Recording, rows: Sequence[Arrays], meta: Mapping[str, Any]
    ) -> "RecordedRun":
        """From what is said of each checkpoint (`engine.recording.probes.Probes.diagnose`)."""
        own = {"step": recording.step, "t": recording.t} | ({} if recording.loss is None else {"loss": recording.loss})
        common = {"targets": recording.targets}
        common |= {} if recording.labels is None else {"labels": recording.labels}
        seed, named = RecordedSeed.of(own | stacked(rows), recording.facts), {**meta, "ended": recording.about.ended}
        return cls(common, config, named, (seed,))  # pyright: ignore[reportArgumentType]

    @property
    def recording(self) -> RecordingConfig:
        config: Any = self.config
        return config

    @property
    def probes(self) -> Probes:
        """What there was to learn."""
        asked = self.recording
        return Probes(self["targets"], self.arrays.get("labels"), asked.held_out, asked.loss)

    @property
    def data(self) -> Dataset:
        return self.probes.dataset()

    def check_started(self) -> None:
        """A loop is never refused here."""

    def numbers(self) -> dict[str, Any]:
        """At the first and last checkpoint; None where not recorded."""
        seed = self.seeds[0]

        def at(name: str, position: int) -> list[float | None]:
            return self.per_seed(lambda seed: seed[name][position]) if name in seed else [None]

        return {
            "seeds": [0],
            **{name: at(name, -1) for name in ("drift", "shape_drift", "cka")},
            **{name: at(*end) for name, end in ENDS.items()},
            **{name: [getattr(seed, name)] for name in ("t_stop", "steps", "stop_reason")},
        }


class RecordedSpaces(RkhsResult):
    """The path of RKHSs of a recording."""

    CONFIG, SEED = RecordedSpacesConfig, SeedSpaces

    @property
    def followed(self) -> Any:
        config: Any = self.config
        return config.recorded

    def numbers(self) -> dict[str, Any]:
        return self.of_seeds()


class RecordedPerturbation(PerturbationResult):
    """The perturbation of a recording, from its first checkpoint on.

    Facts of its seed beside those of a run, but lazy_error: first_step, looked_at (checkpoints after which the loop's
    next step was), off (the largest share of a step that one of these was from plain descent, None of none).
    """

    CONFIG, SEED = RecordedPerturbationConfig, SeedPerturbation

    @property
    def recording(self) -> RecordingConfig:
        config: Any = self.config
        return config.recorded

    @property
    def dynamics(self) -> str:
        return "gradient descent"

    @property
    def per_square(self) -> float:
        recorded = self.recording
        return recorded.rate / (recorded.learning_rate or 1.0) / 2

    @property
    def beta(self) -> float | None:
        return None

    @property
    def data(self) -> Dataset:
        """Targets alone, of held-out points only where they are expanded."""
        recorded, seed = self.recording, self.seeds[0]
        y_test = np.full((recorded.held_out, recorded.outputs), np.nan)
        y_test[seed["held_out"]] = seed["y_held_out"].reshape(-1, recorded.outputs)
        y = np.concatenate([seed["y"].reshape(-1, recorded.outputs), y_test])
        return Probes(y, None, recorded.held_out, recorded.loss).dataset()


# A recording that grows: what the pages show of it lies in its file, so that none computes anything.

SO_FAR = "so_far/"
"""Before the names of such arrays; a recording that has ended has none."""
Read = TypeVar("Read")
UNFINISHED = "0" * 64
"""The digest of what is not whole yet."""


def so_far(recording: Recording, rows: Sequence[Arrays]) -> dict[str, np.ndarray]:
    """What is said of a recording that grows, to be written with it."""
    config = recording.config(b"", "").model_copy(update={"source": RecordedFile(file="", digest=UNFINISHED)})
    run = RecordedRun.of(config, recording, rows, provenance("recording", "the loop that records it", time.monotonic()))
    return {f"{SO_FAR}{name}": array for name, array in run.to_arrays().items()}


def is_closed(path: Path) -> bool:
    """Whether its loop has written it for the last time. Raises `ValueError`: it cannot be read."""
    names = _read(path, lambda file: list(file.files))
    return bool(names) and not any(name.startswith(SO_FAR) for name in names)


def read_so_far(path: Path) -> RecordedRun:
    """The same read back. Raises `ValueError`: it has none, or cannot be read."""
    # Of the rest, which may be large, nothing is read.
    return _read(
        path,
        lambda file: RecordedRun.from_arrays(
            {name.removeprefix(SO_FAR): file[name] for name in file.files if name.startswith(SO_FAR)}
        ),
    )


def _read(path: Path, what: Callable[[Any], Read]) -> Read:
    """Of an npz that a loop wrote. Raises `ValueError`."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return what(file)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror or type(error).__name__}") from None
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile, ResultError):  # in words of a library
        raise ValueError("cannot be read as npz that a loop wrote: it is damaged, or of another program") from None
