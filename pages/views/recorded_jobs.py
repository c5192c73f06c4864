"""The jobs that the pages ask for of a recording."""

from typing import Any

from engine.recording.config import RecordedPerturbationConfig, RecordedSpacesConfig, RecordingConfig, expected
from pages.shell.gathering import Computation


def reading(recorded: RecordingConfig) -> Computation:
    """What Evolution shows."""
    return _of("recording", recorded)


def spaces(recorded: RecordingConfig) -> Computation:
    """The comparison of its spaces. Raises `ConfigError`."""
    return _of("recording_spaces", RecordedSpacesConfig.of(recorded))


def expansion(recorded: RecordingConfig, between: int = 0) -> Computation:
    """Its expansion, at so many times between checkpoints. Raises `ConfigError`."""
    return _of("recording_perturbation", RecordedPerturbationConfig.of(recorded, between))


def _of(kind: str, config: Any) -> Computation:
    return Computation(kind, config, expected(config).seconds)
