"""The computations that can be asked for by name: config in, entries out.

One table says which config a kind of job takes and which function computes it. The function is
named by its import path, so that asking for a job never imports JAX; computing one does.
"""

import hashlib
import importlib
from dataclasses import dataclass
from typing import Any

from engine.config import RunConfig
from engine.cost import CalibrationConfig, Expected
from engine.initialisation.config import (
    BruteForceConfig,
    DriftConfig,
    FirstStepConfig,
    GramSpectrumConfig,
    SampleConfig,
)
from engine.perturbation.config import PerturbationConfig, StudyConfig
from engine.problems import ConfigError, Problem, did_you_mean, short_repr
from engine.progress import Entries, Report, silent
from engine.recording.config import RecordedPerturbationConfig, RecordedSpacesConfig, RecordingConfig
from engine.rkhs.config import RkhsConfig
from engine.schema import Config
from engine.versions import VERSIONS


@dataclass(frozen=True)
class Kind:
    """A kind of job.

    Attributes:
        config: the class of its config.
        function: import path `module:name` of `(config, report) -> Entries`.
        expected: of `config -> engine.cost.Expected`; empty where nobody can say.
    """

    config: type[Config]
    function: str
    expected: str = ""


INITIAL, RECORDED = "engine.initialisation.config:expected", "engine.recording.config:expected"

KINDS = {
    "run": Kind(RunConfig, "engine.training.job:run", "engine.cost:expected"),
    "initial_sample": Kind(SampleConfig, "engine.initialisation.job:sample", INITIAL),
    "gram_spectrum": Kind(GramSpectrumConfig, "engine.initialisation.job:gram_spectra", INITIAL),
    "brute_force": Kind(BruteForceConfig, "engine.initialisation.job:brute_force", INITIAL),
    "first_step": Kind(FirstStepConfig, "engine.initialisation.job:first_step", INITIAL),
    "drift_ensemble": Kind(DriftConfig, "engine.initialisation.job:drift_ensemble", INITIAL),
    "perturbation": Kind(PerturbationConfig, "engine.perturbation.job:perturb", "engine.perturbation.config:expected"),
    "perturbation_study": Kind(StudyConfig, "engine.perturbation.job:study", "engine.perturbation.config:expected"),
    "cell": Kind(RunConfig, "engine.regimes.job:cell", "engine.cost:expected"),
    "rkhs": Kind(RkhsConfig, "engine.rkhs.job:compare", "engine.rkhs.config:expected"),
    "recording": Kind(RecordingConfig, "engine.recording.job:trajectory", RECORDED),
    "recording_spaces": Kind(RecordedSpacesConfig, "engine.recording.job:spaces", RECORDED),
    "recording_perturbation": Kind(RecordedPerturbationConfig, "engine.recording.job:perturb", RECORDED),
    "calibration": Kind(CalibrationConfig, "engine.device:calibrate"),
}

INITIAL_KINDS = tuple(name for name, kind in KINDS.items() if kind.expected == INITIAL)
"""Jobs at initialisation."""

WHOLES = {"sweep": "cell"}
"""What is asked for as one and made of jobs, with the kind of those."""


def key(kind: str, config: Config) -> str:
    """Content address of a result: hash of the kind, its version and the canonical config."""
    return key_of(kind, config.canonical())


def key_of(kind: str, canonical: str, version: int | None = None) -> str:
    """The same for a config in its canonical form, as the given version (the present one when None) made it."""
    version = VERSIONS.get(kind, 0) if version is None else version
    return hashlib.sha256(f"{kind}/{version}/{canonical}".encode()).hexdigest()


def parse(kind: str, values: dict) -> Config:
    """The config of a job of this kind. Raises `ConfigError`."""
    return KINDS[kind].config.from_dict(values)


def initial_config(kind: str, values: Any) -> Config:
    """The config of a job at initialisation. Raises `ConfigError`, also for a kind that is none."""
    if kind not in INITIAL_KINDS:
        given = f"{short_repr(kind)} given; one of {', '.join(INITIAL_KINDS)}.{did_you_mean(kind, list(INITIAL_KINDS))}"
        raise ConfigError([Problem("kind", given)])
    return parse(kind, values)


def expected(kind: str, config: Config) -> Expected:
    """Seconds and bytes that the job may take, for a queue."""
    path = KINDS[kind].expected
    return named(path)(config) if path else Expected()


def compute(kind: str, config: Config, report: Report = silent) -> Entries:
    """Computes a job here and now. Raises `Cancelled` when `report` does.

    Only here is the lowering of convolutions changed, of the whole process: the kernel of a function, or a loop that is
    recorded, leaves JAX as its user has it.
    """
    named("engine.networks.convolution_lowering:register")()
    return named(KINDS[kind].function)(config, report)


def named(path: str) -> Any:
    """What an import path `module:name` names."""
    module, name = path.split(":")
    return getattr(importlib.import_module(module), name)
