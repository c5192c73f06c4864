"""The command line: `python -m engine run CONFIG.yaml --out DIR`, and its siblings.

Errors are one line on standard error and exit code 2. Like `engine.__init__` it is a door to the cache.
"""

import os

# Before NumPy reads it: a second BLAS thread would wait, spinning, on the core that JAX computes on.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # quiet while modules are imported; `main` says "interrupted"

import json
import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from typer import Abort, TyperException

import cache.backup as copies
import engine
from cache import Store, cached_compute
from cache.failure import CacheFault, SchedulerError, explain
from cache.location import directory
from engine import jobs, metrics, terminal
from engine.cost import Calibration, Limits, check, estimate
from engine.files import make_folder, read_config, read_parts, read_yaml, with_files, write, write_json
from engine.jobs import INITIAL_KINDS, initial_config
from engine.progress import Arrays
from engine.result import ResultError
from engine.schema import Config, ConfigError
from engine.terminal import INTERRUPTED, duration, fail, interrupted, say, tell, with_bar

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, help="Neural tangent kernels of finite networks, headless."
)


def _positive(value: float) -> float:
    if not value > 0:
        raise typer.BadParameter(f"{value:g} given; a number above 0 is needed, inf for no limit")
    return value


ConfigPath = Annotated[Path, typer.Argument(metavar="CONFIG.yaml", help="The config file of the run.")]
OutFolder = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the results; made if missing.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Compute even if the result is cached.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Do not print what was found.")]
MaxGb = Annotated[float, typer.Option(help="Refuse runs that need more memory than this, in GB.", callback=_positive)]
MaxHours = Annotated[float, typer.Option(help="Refuse runs that could take longer than this.", callback=_positive)]
Read = Callable[[Arrays], Any]
SWEPT = ("runs.parquet", "cells.parquet", "summary.json")
MAX_GB, MAX_HOURS = Limits().memory_bytes / 1e9, Limits().seconds / 3600

StudyPath = Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="run; widths, depths or alphas; options.")]
InitialPath = Annotated[Path, typer.Argument(metavar="CONFIG.yaml", help="setting, draws, seed and so on.")]
SweepPath = Annotated[Path, typer.Argument(metavar="SWEEP.yaml", help="base, grid and seeds of the sweep.")]
Scheduler = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler; own processes without.")]
Cache = Annotated[Path | None, typer.Argument(metavar="DIR", help="What KERNEL_DRIFT_CACHE names, if not given.")]

Widths = Annotated[str, typer.Option(metavar="N0,N1,...,1", help="Widths n_0 (input) to n_d = 1.")]
Readout = Annotated[str, typer.Option(help="linear, or relu for a ReLU on the output neuron.")]
NormSquared = Annotated[float, typer.Option(help="|x|^2.")]
Target = Annotated[float, typer.Option(help="y of the loss (f - y)^2/2 whose first step is asked for.")]


@app.command()
def run(
    config_path: ConfigPath,
    out: OutFolder,
    fresh: Fresh = False,
    quiet: Quiet = False,
    max_gb: MaxGb = MAX_GB,
    max_hours: MaxHours = MAX_HOURS,
) -> None:
    """Trains every seed, measures its kernel, and writes result.npz and summary.json."""
    config = read_config(config_path)
    check(config, limits(max_gb, max_hours))
    deliver("run", config, fresh, out, quiet)


@app.command()
def perturb(
    config_path: ConfigPath,
    out: OutFolder,
    linear: Annotated[bool, typer.Option("--linear", help="K_t linear between checkpoints, not cubic.")] = False,
    fresh: Fresh = False,
    quiet: Quiet = False,
    max_gb: MaxGb = MAX_GB,
    max_hours: MaxHours = MAX_HOURS,
) -> None:
    """Trains every seed, expands it in K_t - K_0 order by order, and writes result.npz and summary.json.

    The file is a run config, or one under `run:` beside `options:` (engine.perturbation.config.Options).
    """
    from engine.perturbation.config import PerturbationConfig, check_cost

    config = PerturbationConfig.from_dict(read_parts(config_path))
    if linear:
        options = config.options.model_copy(update={"interpolation": "linear"})
        config = config.model_copy(update={"options": options})
    check_cost(config, limits(max_gb, max_hours))
    deliver("perturbation", config, fresh, out, quiet)


@app.command()
def study(
    config_path: StudyPath,
    out: OutFolder,
    fresh: Fresh = False,
    quiet: Quiet = False,
    max_gb: MaxGb = MAX_GB,
    max_hours: MaxHours = MAX_HOURS,
) -> None:
    """Expands a run at several widths, depths or output scales, and writes result.npz and summary.json."""
    from engine.perturbation.config import StudyConfig, check_cost

    config = StudyConfig.from_dict(read_parts(config_path))
    check_cost(config, limits(max_gb, max_hours))
    deliver("perturbation_study", config, fresh, out, quiet)


@app.command()
def sweep(
    sweep_path: SweepPath,
    out: OutFolder,
    scheduler: Scheduler = None,
    quiet: Quiet = False,
    max_gb: MaxGb = MAX_GB,
    max_hours: MaxHours = MAX_HOURS,
) -> None:
    """Trains the cells of a grid that are not known yet; writes cells.parquet, runs.parquet and summary.json.

    Exit code 1 when some cells could not be computed: they are named in the summary.
    """
    from cache.headless import run_batch
    from cache.maps import Whole
    from cache.processes import SCHEDULER_VARIABLE
    from engine.regimes.config import SweepConfig
    from engine.regimes.result import as_defined, cells_frame, runs_frame
    from engine.regimes.summary import summary

    values = read_yaml(sweep_path)
    if isinstance(values, dict) and "base" in values:
        values["base"] = with_files(values["base"], sweep_path.parent)
    config = SweepConfig.from_dict(values)
    config.check_cost(limits(max_gb, max_hours))
    make_folder(out, SWEPT)
    if scheduler:
        os.environ[SCHEDULER_VARIABLE] = scheduler
    store, about = Store(), duration(config.seconds())
    say(f"cells: {len(config.cells)}, seeds of each: {len(config.seeds)}, about {about} on one worker")
    began = time.monotonic()
    whole = Whole("sweep", config, config.groups)
    done = with_bar(partial(run_batch, "cell", config.groups, store=store, unit="cells", whole=whole))
    runs = runs_frame(config, done.results)
    frames = map(as_defined, (runs, cells_frame(runs))) if len(runs) else ()
    tables = {name: frame.to_parquet for name, frame in zip(SWEPT, frames, strict=False)}
    found = summary(config, runs, done.failures, time.monotonic() - began)
    write(out, {**tables, "summary.json": partial(write_json, found)})
    tell([] if quiet else terminal.of_map(found))
    if done.failures:
        first = next(iter(done.failures.values()))
        fail(f"{len(done.failures)} of {len(config.cells)} cells could not be computed: {first}", 1)
    if store.fault:
        raise CacheFault(store.fault)


@app.command()
def rkhs(
    config_path: ConfigPath,
    out: OutFolder,
    fresh: Fresh = False,
    quiet: Quiet = False,
    max_gb: MaxGb = MAX_GB,
    max_hours: MaxHours = MAX_HOURS,
) -> None:
    """Trains every seed, compares the spaces H_t of its kernels, and writes result.npz and summary.json.

    The file is a run config, or one under `run:` beside `options:`, such as `large: 4096` for the top of the spectrum
    on as many points (engine.rkhs.config.Options).
    """
    from engine.rkhs.config import RkhsConfig

    config = RkhsConfig.from_dict(read_parts(config_path))
    check(config.run, limits(max_gb, max_hours))
    deliver("rkhs", config, fresh, out, quiet)


@app.command()
def initial(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of {', '.join(INITIAL_KINDS)}.")],
    config_path: InitialPath,
    out: OutFolder,
    fresh: Fresh = False,
) -> None:
    """Computes a job at initialisation, such as networks that take a first step; writes result.npz and summary.json."""
    from engine.initialisation.result import result_of, summary_of

    config = initial_config(kind, read_yaml(config_path))
    deliver(kind, config, fresh, out, True, lambda arrays: summary_of(config, result_of(kind, arrays)))


@app.command()
def curves(
    config_path: Annotated[Path, typer.Argument(metavar="CURVES.yaml", help="setting, widths and depths.")],
    out: OutFolder,
) -> None:
    """Writes curves.csv: the exact moments of K(x, x) at initialisation by width and depth."""
    from engine.initialisation.curves import CurvesConfig
    from engine.initialisation.curves import curves as exact

    config = CurvesConfig.from_dict(read_yaml(config_path))
    make_folder(out, ("curves.csv",))
    write(out, {"curves.csv": lambda path: exact(config).to_csv(path, index=False)})


@app.command()
def show(config_path: ConfigPath) -> None:
    """Prints the resolved config with its cost on this machine."""
    from engine.device import CalibrationConfig, device_name, start

    config = read_config(config_path)
    start()
    measured, fault = compute("calibration", CalibrationConfig(device=device_name()))
    cost = estimate(config, Calibration(**{name: float(value) for name, value in measured.items()}))
    say(
        config.to_yaml().rstrip(),
        f"# hash {config.hash}",
        *(f"# {line}" for line in terminal.of_config(config, cost)),
    )
    if fault:
        raise fault


@app.command()
def moments(
    widths: Widths,
    readout: Readout = "linear",
    norm_x_squared: NormSquared = 1.0,
    target: Target = 0.0,
) -> None:
    """Prints the exact moments of K(x, x) of a ReLU network at initialisation as one JSON object."""
    from engine.initialisation.result import moments_summary

    say(json.dumps(moments_summary(widths, readout, norm_x_squared, target), allow_nan=False))


@app.command()
def sample(
    widths: Widths,
    draws: Annotated[int, typer.Option(help="Independent draws.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Of the random numbers.")] = 0,
    readout: Readout = "linear",
    norm_x_squared: NormSquared = 1.0,
    target: Target = 0.0,
) -> None:
    """Prints means and standard errors of the same over draws from the exact law, as one JSON object."""
    from engine.initialisation.job import sample_summary

    found = sample_summary(widths, draws, seed, readout, norm_x_squared, target)
    say(json.dumps(found, allow_nan=False))


@app.command()
def backup(to: Annotated[Path, typer.Option(help="A file that is not there yet.")], folder: Cache = None) -> None:
    """Copies a cache into one file, also while servers use it."""
    say(f"{to}: {copies.backup(directory(folder), to)}")


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="What `backup` wrote.")], folder: Cache = None) -> None:
    """Makes a cache from a backup, where there is none yet; stop the servers first."""
    where = directory(folder)
    say(f"{where}: {copies.restore(file, where)}")


@app.command("import")
def bring_in(
    file: Annotated[Path, typer.Argument(help="What `kd.watch` wrote elsewhere.")],
    owner: Annotated[str, typer.Option(help="E-mail address of whose it is on a server with sign-in.")] = "",
) -> None:
    """Brings a recording into the cache, checked."""
    key = engine.import_recording(file, owner)
    say(f"recording: {key[:12]} (?recording={key[:12]} on Evolution of this cache)")


def limits(max_gb: float, max_hours: float) -> Limits:
    """Of GB and hours, in bytes and seconds."""
    return Limits(max_gb * 1e9, max_hours * 3600)


def compute(kind: str, config: Config, fresh: bool = False) -> tuple[Arrays, CacheFault | None]:
    """The "result" entry of a job, from the cache or computed in this process under a progress bar.

    Beside it what kept the cache from taking it. Raises `CacheFault` where the cache is no folder for results.
    """
    from engine.device import start

    start()
    if fresh:
        return with_bar(lambda report: jobs.compute(kind, config, report)["result"]), None
    store = Store()
    arrays = with_bar(partial(cached_compute, store, kind, config))
    store.close()
    return arrays, CacheFault(store.fault) if store.fault else None


def deliver(kind: str, config: Config, fresh: bool, out: Path, quiet: bool, read: Read | None = None) -> None:
    """Computes a job, writes result.npz and summary.json, says what was found; then raises a fault of the cache."""
    make_folder(out, ("result.npz", "summary.json"))
    arrays, fault = compute(kind, config, fresh)
    summary = read(dict(arrays)) if read else metrics.result_of(kind, dict(arrays)).summary
    whole = partial(np.savez, allow_pickle=False, **arrays)
    write(out, {"result.npz": whole, "summary.json": partial(write_json, summary)})
    if not quiet:
        tell(terminal.of_result(kind, "" if fresh or fault else jobs.key(kind, config), arrays, summary))
    if fault:
        raise fault


def main() -> None:
    """Runs the command line; every expected error becomes one line and exit code 2."""
    signal.signal(signal.SIGINT, interrupted)
    logging.getLogger("kernel_drift.cache").setLevel(logging.CRITICAL)  # what fails is said at the end, in one line
    try:
        app(standalone_mode=False)
    except (ConfigError, ResultError, CacheFault, SchedulerError) as error:
        fail(str(error))
    except TyperException as error:
        fail(error.format_message())
    except Abort:
        fail("interrupted", INTERRUPTED)
    except Exception as error:
        failure = explain(error)
        if failure.reason != "memory":
            raise
        fail(failure.message)


if __name__ == "__main__":
    main()
