"""The engine: neural tangent kernels of finite networks, as pure functions of frozen configs and keys.

This is its face, for notebooks and scripts:

>>> import engine as kd
>>> circle = {"name": "circle", "size": 16, "test_size": 16}
>>> result = kd.run(data=circle, network={"depth": 2, "width": 32}, training={"max_steps": 20}, seeds=[0, 1])
>>> [round(float(seed["cka"][0]), 6) for seed in result.seeds]
[1.0, 1.0]

What `run`, `perturb`, `study`, `spaces`, `sweep` and `initial` give is cached like the results of the pages and of
`python -m engine`: they find each other's. The others compute at each call. A setting that is wrong raises
`ConfigError` with every problem at once. Importing `engine` imports no JAX; what computes imports it, and switches it
to 64 bits meanwhile.

Like `engine.__main__` this is a door: it reaches `cache`, the rest of the engine does not.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.kernels import infinite_ntk, init, nngp, ntk, ntk_by_leaf, operator_spectrum
from engine.problems import Problem, short_repr
from engine.progress import Arrays, Report, silent
from engine.regimes.table import Sweep
from engine.schema import Config, ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from engine.config import RunConfig
    from engine.perturbation.result import PerturbationResult, StudyResult
    from engine.recording.config import Loss, Precision
    from engine.recording.watch import Watch
    from engine.rkhs.result import RkhsResult
    from engine.training.result import RunResult

__all__ = [
    "ConfigError", "Sweep", "curves", "import_recording", "infinite_ntk", "init", "initial", "moments", "nngp", "ntk",
    "ntk_by_leaf", "operator_spectrum", "perturb", "run", "sample", "spaces", "study", "sweep", "watch",
]  # fmt: skip


def run(config: "RunConfig | None" = None, /, *, report: Report = silent, **settings: Any) -> "RunResult":
    """Trains every seed and follows its kernel.

    Args:
        config: the run; or its fields as keywords: `data`, `network`, `training`, `seeds` (`engine.config.RunConfig`),
            each a config or plain values; `data` may name a `path` (`FileConfig`). They replace a config's own, whole.
        report: called with the progress; may raise to stop.

    Raises:
        ConfigError: bad settings, or a learning rate at the stability limit of K_0 or beyond.
    """
    from engine.training.result import RunResult

    return RunResult.from_arrays(_cached("run", _run_config(config, settings), report))


def perturb(
    config: "RunConfig | None" = None, /, *, options: Mapping[str, Any] | None = None, report: Report = silent,
    **settings: Any,
) -> "PerturbationResult":  # fmt: skip
    """Trains every seed and expands it in K_t - K_0, order by order.

    Args:
        options: of `engine.perturbation.config.Options`.

    The others, and errors, as for `run`; besides momentum and minibatches, which the expansion does not cover.

    >>> circle = {"name": "circle", "size": 6, "test_size": 6, "frequencies": [1]}
    >>> training = {"integrator": "rk4", "max_steps": 10, "checkpoints": 4}
    >>> result = perturb(data=circle, network={"depth": 1, "width": 32, "activation": "erf"}, training=training)
    >>> result.summary["dynamics"]
    'gradient flow'
    """
    from engine.perturbation.config import PerturbationConfig
    from engine.perturbation.result import PerturbationResult

    asked = PerturbationConfig.from_dict(_with_options(config, settings, options))
    return PerturbationResult.from_arrays(_cached("perturbation", asked, report))


def study(*, report: Report = silent, **settings: Any) -> "StudyResult":
    """Expands a run at several widths, depths or output scales: `run`, `widths`, `depths`, `alphas` and `options` of
    `engine.perturbation.config.StudyConfig`. Errors as for `perturb`."""
    from engine.perturbation.config import StudyConfig
    from engine.perturbation.result import StudyResult

    asked = StudyConfig.from_dict(_plain(settings, "run"))
    return StudyResult.from_arrays(_cached("perturbation_study", asked, report))


def spaces(
    config: "RunConfig | None" = None, /, *, options: Mapping[str, Any] | None = None, report: Report = silent,
    **settings: Any,
) -> "RkhsResult":  # fmt: skip
    """Trains every seed and compares the spaces H_t of its kernels with H_0.

    Args:
        options: of `engine.rkhs.config.Options`.

    The others, and errors, as for `run`.

    >>> circle = {"name": "circle", "size": 12, "test_size": 24, "frequencies": [1, 3]}
    >>> light = {"grid": 64, "sample": 64, "sizes": [8], "draws": 4}
    >>> found = spaces(data=circle, network={"depth": 1, "width": 32}, training={"max_steps": 20}, options=light)
    >>> seed = found.seeds[0]
    >>> r_K_r = seed["frequency_power"].sum(axis=(1, 2))  # -M dL/dt along the flow, by pairs of frequencies
    >>> bool((r_K_r > 0).all()), float(seed["frozen_departure"][-1, -1])  # held fixed at the stop, nothing is missed
    (True, 0.0)
    """
    from engine.rkhs.config import RkhsConfig
    from engine.rkhs.result import RkhsResult

    asked = RkhsConfig.from_dict(_with_options(config, settings, options))
    return RkhsResult.from_arrays(_cached("rkhs", asked, report))


def sweep(*, report: Report = silent, **settings: Any) -> Sweep:
    """Trains the cells of a grid: `base`, `grid`, `seeds` of `engine.regimes.config.SweepConfig`. Several kinds of
    network are an axis of the grid (`engine.regimes.table.Sweep.to_frame` has an example).

    Computes in worker processes: local ones, or those of the scheduler that `KERNEL_DRIFT_SCHEDULER` names.

    Raises:
        ConfigError: bad settings.
        cache.failure.SchedulerError: no scheduler or worker answers.
    """
    from cache import Store
    from cache.headless import run_batch
    from cache.maps import Whole
    from engine.regimes.config import SweepConfig
    from engine.regimes.result import as_defined, cells_frame, runs_frame

    config = SweepConfig.from_dict(_plain(settings, "base"))
    whole = Whole("sweep", config, config.groups)
    with closing(Store()) as store:
        done = run_batch("cell", config.groups, _called(report), store, "cells", whole)
    runs = runs_frame(config, done.results)
    cells = cells_frame(runs) if len(runs) else runs
    return Sweep(as_defined(cells), as_defined(runs), done.failures)


def watch(
    name: str, apply: Any, x_probe: Any, y_probe: Any, *, held_out: int, params: Any = None, loss: "Loss | None" = None,
    steps: Sequence[int] | None = None, precision: "Precision" = "float64", learning_rate: float | None = None,
    full_kernel: bool = False,
) -> "Watch":  # fmt: skip
    """Records the kernel along a training loop of your own, for the pages to show while it runs and afterwards.

        with kd.watch("my run", apply, x_probe, y_probe, held_out=48) as watch:
            for step in range(steps):
                watch(step, params, t=step * rate, loss=value)
                params = update(params)

    At log-spaced steps it computes outputs and kernel at the probe points; in between it compares two numbers. The file
    is in the folder `recordings` of the cache, written whole each time, and becomes a result of the cache when the
    block ends, however that is. Of a loop that is killed the file stays, and the pages take it in. Loops that give the
    same name have a recording each.

    Args:
        name: what it is called on the pages.
        apply: `apply(params, x)` in JAX, of flax linen or plain, giving (n, k); or a module of flax nnx or PyTorch,
            which is then looked at as it stands, PyTorch's in evaluation mode. A function is read once: what changes
            along the loop is to be in its params.
        x_probe, y_probe: at most 1,024 points, and their targets (p, k) or classes 0, 1, ...; the last `held_out` are
            not trained on.
        params: before the first step, so that a network without a kernel is refused before it.
        loss: that is trained on, of `engine.losses`: with "logistic", the cross-entropy of softmax, outputs are
            compared with targets as probabilities; with "other" not at all; else as they are.
        steps: to record at, instead of log-spaced ones.
        precision: of the kernel in JAX.
        learning_rate: of a loop that is plain gradient descent on exactly the training points, the loss being one of
            `engine.losses`: what a step does is then recorded too, and the page Perturbation expands the recording. A
            step of the loop that goes elsewhere is warned of.
        full_kernel: also record the kernel between outputs, which Perturbation needs of several.

    Raises:
        ConfigError: wrong arguments; a network that mixes examples, draws at random or rounds to fewer bits
            (`engine.networks.traced.checks`), or whose kernel between outputs is too large, here or at the first call.
    """
    from cache import Store
    from engine.recording.file import About
    from engine.recording.watch import watching

    asked = {"name": name, "held_out": held_out, "loss": loss, "precision": precision, "learning_rate": learning_rate}
    about = About.from_dict(asked)
    return watching(about, apply, x_probe, y_probe, params, lambda name: _Recorded(Store(), name), steps, full_kernel)


def import_recording(path: "str | Path", owner: str = "") -> str:
    """Brings in a recording from elsewhere, checked; gives the key of its result.

    Args:
        owner: whose it then is on a server where people sign in, by e-mail address.

    Raises `ConfigError` in one line where it is none, and `cache.CacheFault` where it cannot be kept.
    """
    from cache import Store
    from cache.claims import claimant
    from cache.policy import called
    from engine.files import read_bytes
    from engine.recording.file import MOST_BYTES, read

    owner = called(owner)
    if owner and claimant(owner) != owner:
        raise ConfigError([Problem("owner", f"{short_repr(owner)} given; an e-mail address is needed")])
    content = read_bytes(Path(path), MOST_BYTES)
    try:
        config = read(content).config(content, Path(path).name)
    except ValueError as error:
        raise ConfigError([Problem(str(path), str(error))]) from None
    with closing(Store()) as store:
        return _kept(store, config, content, owner)[0]


class _Recorded:
    """Where a loop records (`engine.recording.watch.File`): a file of the cache, then a result of it."""

    def __init__(self, store: Any, name: str):
        self._store, self._loop = store, store.recordings.begin(name)

    def save(self, arrays: Arrays) -> None:
        self._loop.save(arrays)

    def keep(self) -> Any:
        from engine.recording.file import read
        from engine.recording.result import RecordedRun

        with closing(self._store) as store:
            content = self._loop.path.read_bytes()
            key, arrays = _kept(store, read(content).config(content, self._loop.path.name), content)
            self._loop.became(key)
        return RecordedRun.from_arrays(dict(arrays))


def _kept(store: Any, config: Config, content: bytes, owner: str = "") -> tuple[str, Arrays]:
    """The key and the "result" entry of a recording."""
    from cache.headless import kept_of_file
    from engine.jobs import key

    return key("recording", config), kept_of_file(store, "recording", config, content, owner)


def moments(widths: Sequence[int], **settings: Any) -> dict[str, float | None]:
    """Exact moments of K(x, x) of a ReLU network at initialisation (`engine.initialisation.result.moments_summary`).

    Args:
        widths: n_0 (input), the hidden widths, and 1.

    >>> found = moments([3, 5, 4, 7, 1])
    >>> round(found["E_K2"] / found["E_K"] ** 2 / found["ratio"], 12)
    1.0
    """
    from engine.initialisation.result import moments_summary

    return moments_summary(widths, **settings)


def sample(widths: Sequence[int], draws: int = 100_000, seed: int = 0, **settings: Any) -> dict[str, Any]:
    """Means and standard errors of the same over draws from the exact law, and how far to trust them."""
    from engine.initialisation.job import sample_summary

    return sample_summary(widths, draws, seed, **settings)


def initial(kind: str, /, *, report: Report = silent, **settings: Any) -> Any:
    """A job at initialisation: its result, of `engine.initialisation.result`.

    Args:
        kind: initial_sample, brute_force, gram_spectrum, first_step or drift_ensemble.
        settings: of its config (`engine.initialisation.config`).

    >>> found = initial("gram_spectrum", setting={"widths": [3, 16, 1]}, points=4, draws=5)
    >>> found.spectra.shape, bool((found.spectra > 0).all())
    ((5, 4), True)
    """
    from engine.initialisation.result import result_of
    from engine.jobs import initial_config

    return result_of(kind, _cached(kind, initial_config(kind, _plain(settings)), report))


def curves(**settings: Any) -> "pd.DataFrame":
    """Exact moments along curves over depth: `setting`, `widths`, `depths` and `target` of
    `engine.initialisation.curves.CurvesConfig`; a row per width and depth.

    >>> found = curves(setting={"widths": [3, 1, 1]}, widths=[8], depths=[[1, 2]])
    >>> round(float(found["ratio"][1]) / moments([3, 8, 8, 1])["ratio"], 12)
    1.0
    """
    from engine.initialisation.curves import CurvesConfig
    from engine.initialisation.curves import curves as exact

    return exact(CurvesConfig.from_dict(_plain(settings)))


def _run_config(config: "RunConfig | None", settings: Mapping[str, Any]) -> "RunConfig":
    from engine.config import RunConfig
    from engine.files import with_files

    if not (config is None or isinstance(config, RunConfig)):
        raise ConfigError(
            [Problem("config", f"{short_repr(config)} given; a RunConfig, or its fields as keywords, is needed")]
        )
    given = {**(config.to_dict() if config else {}), **_plain(settings)}
    return RunConfig.from_dict(with_files(given, Path()))


def _with_options(
    config: "RunConfig | None", settings: Mapping[str, Any], options: Mapping[str, Any] | None
) -> dict[str, Any]:
    from engine.arguments import plain

    return {"run": _run_config(config, settings).to_dict(), "options": {} if options is None else plain(options)}


def _plain(settings: Mapping[str, Any], run: str = "") -> dict[str, Any]:
    """The settings with every config among them as plain values; of the run under a name the files are read in."""
    from engine.files import with_files

    found = {name: value.to_dict() if isinstance(value, Config) else value for name, value in settings.items()}
    return {name: with_files(value, Path()) if name == run else value for name, value in found.items()}


def _cached(kind: str, config: Config, report: Report) -> Arrays:
    """The "result" entry, from the cache or computed here and kept."""
    from cache import Store, cached_compute
    from engine.device import in_float64

    with closing(Store()) as store, in_float64():
        return dict(cached_compute(store, kind, config, _called(report)))


def _called(report: Report) -> Report:
    if not callable(report):
        raise ConfigError([Problem("report", f"{short_repr(report)} given; a function of the progress is needed")])
    return report
