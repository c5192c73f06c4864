"""The command line: `python -m engine run CONFIG.yaml --out DIR`, and its siblings.

Errors are one line on standard error and exit code 2. It alone in engine imports the cache and writes files.
"""

import os

# Before NumPy reads it: a second BLAS thread would wait, spinning, on the core that JAX computes on.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import json
import logging
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
import typer
import yaml
from typer import Abort
from typer._click.exceptions import ClickException  # typer carries its own click and exports only part of it

from cache import Store, cached_compute
from engine import jobs
from engine.config import RunConfig
from engine.cost import Calibration, Limits, check, estimate
from engine.progress import Arrays, Progress, Report, silent
from engine.schema import Config, ConfigError, Problem

T = TypeVar("T")

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, help="Neural tangent kernels of finite networks, headless."
)

ConfigPath = Annotated[Path, typer.Argument(metavar="CONFIG.yaml", help="The config file of the run.")]
OutFolder = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the results; made if missing.")]
LIMITS = Limits()
MaxGb = Annotated[float, typer.Option(help="Refuse runs that need more memory than this, in GB.")]
MaxHours = Annotated[float, typer.Option(help="Refuse runs that could take longer than this.")]

SweepPath = Annotated[Path, typer.Argument(metavar="SWEEP.yaml", help="base, grid and seeds of the sweep.")]
Scheduler = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler; own processes without.")]

Widths = Annotated[str, typer.Option(metavar="N0,N1,...,1", help="Widths n_0 (input) to n_d = 1.")]
Readout = Annotated[str, typer.Option(help="linear, or relu for a ReLU on the output neuron.")]
NormSquared = Annotated[float, typer.Option(help="|x|^2.")]
Target = Annotated[float, typer.Option(help="y of the loss (f - y)^2/2 whose first step is asked for.")]


@app.command()
def run(
    config_path: ConfigPath,
    out: OutFolder,
    fresh: Annotated[bool, typer.Option("--fresh", help="Compute even if the result is cached.")] = False,
    max_gb: MaxGb = LIMITS.memory_bytes / 1e9,
    max_hours: MaxHours = LIMITS.seconds / 3600,
) -> None:
    """Trains every seed, measures its kernel, and writes result.npz and summary.json."""
    from engine.result import RunResult

    config = read_config(config_path)
    check(config, Limits(max_gb * 1e9, max_hours * 3600))
    make_folder(out)
    arrays = compute("run", config, fresh)
    result = RunResult.from_arrays(arrays)
    np.savez(out / "result.npz", allow_pickle=False, **arrays)
    write_json(out / "summary.json", result.summary)


@app.command()
def perturb(
    config_path: ConfigPath,
    out: OutFolder,
    linear: Annotated[bool, typer.Option("--linear", help="K_t linear between checkpoints, not cubic.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Compute even if the result is cached.")] = False,
    max_gb: MaxGb = LIMITS.memory_bytes / 1e9,
    max_hours: MaxHours = LIMITS.seconds / 3600,
) -> None:
    """Trains every seed, expands it in K_t - K_0 order by order, and writes result.npz and summary.json."""
    from engine.perturbation import cost
    from engine.perturbation.requests import Options, PerturbationConfig
    from engine.perturbation.result import PerturbationResult

    options = Options(interpolation="linear" if linear else "hermite")
    config = PerturbationConfig.of(read_config(config_path), options)
    cost.check(config, Limits(max_gb * 1e9, max_hours * 3600))
    make_folder(out)
    arrays = compute("perturbation", config, fresh)
    np.savez(out / "result.npz", allow_pickle=False, **arrays)
    write_json(out / "summary.json", PerturbationResult.from_arrays(dict(arrays)).summary)


@app.command()
def sweep(
    sweep_path: SweepPath,
    out: OutFolder,
    scheduler: Scheduler = None,
    max_gb: MaxGb = LIMITS.memory_bytes / 1e9,
    max_hours: MaxHours = LIMITS.seconds / 3600,
) -> None:
    """Trains the cells of a grid that are not known yet; writes cells.parquet, runs.parquet and summary.json.

    Exit code 1 when some cells could not be computed: they are named in the summary.
    """
    from cache.cluster import SCHEDULER_VARIABLE
    from cache.sweep import run_sweep
    from engine.regimes.labels import cells_frame
    from engine.regimes.requests import SweepConfig
    from engine.regimes.runs import runs_frame
    from engine.regimes.summary import summary

    values = _read_yaml(sweep_path)
    if isinstance(values, dict) and "base" in values:
        values["base"] = _with_table(values["base"], sweep_path.parent)
    config = SweepConfig.from_dict(values)
    for cell in config.cells:
        check(cell.parts[0], Limits(max_gb * 1e9, max_hours * 3600))
    make_folder(out)
    if scheduler:
        os.environ[SCHEDULER_VARIABLE] = scheduler
    logging.getLogger("kernel_drift.cache").setLevel(logging.CRITICAL)  # failures are said at the end
    about = duration(config.seconds())
    print(f"cells: {len(config.cells)}, seeds of each: {len(config.seeds)}, about {about} on one worker", flush=True)
    began = time.monotonic()
    done = with_bar(partial(run_sweep, config))
    runs = runs_frame(config, done.results)
    if len(runs):
        runs.to_parquet(out / "runs.parquet")
        cells_frame(runs).to_parquet(out / "cells.parquet")
    write_json(out / "summary.json", summary(config, runs, done.failures, time.monotonic() - began))
    if done.failures:
        first = next(iter(done.failures.values()))
        fail(f"{len(done.failures)} of {len(config.cells)} cells could not be computed: {first}", 1)


@app.command()
def rkhs(
    config_path: ConfigPath,
    out: OutFolder,
    fresh: Annotated[bool, typer.Option("--fresh", help="Compute even if the result is cached.")] = False,
    max_gb: MaxGb = LIMITS.memory_bytes / 1e9,
    max_hours: MaxHours = LIMITS.seconds / 3600,
) -> None:
    """Trains every seed, compares the spaces H_t of its kernels, and writes result.npz and summary.json.

    The file is a run config, or one under `run:` beside `options:`, such as `large: 4096` for the top of the spectrum
    on as many points (engine.rkhs.requests.Options).
    """
    from engine.rkhs.requests import RkhsConfig
    from engine.rkhs.result import RkhsResult

    values = _read_yaml(config_path)
    if not isinstance(values, dict) or "run" not in values:
        values = {"run": values}
    config = RkhsConfig.from_dict(values | {"run": _with_table(values["run"], config_path.parent)})
    check(config.run, Limits(max_gb * 1e9, max_hours * 3600))
    make_folder(out)
    arrays = compute("rkhs", config, fresh)
    np.savez(out / "result.npz", allow_pickle=False, **arrays)
    write_json(out / "summary.json", RkhsResult.from_arrays(dict(arrays)).summary)


@app.command()
def show(config_path: ConfigPath) -> None:
    """Prints the resolved config with its cost on this machine."""
    from engine.calibration import CalibrationConfig
    from engine.device import device_name

    config = read_config(config_path)
    use_float64()
    measured = compute("calibration", CalibrationConfig(device=device_name()))
    cost = estimate(config, Calibration(**{name: float(value) for name, value in measured.items()}))
    print(config.to_yaml().rstrip())
    print(f"# hash {config.hash}")
    print(f"# beta {config.beta:.6g}, {config.parameter_count:,} trained parameters")
    print(f"# to the step cap: {cost.flops:.3g} floating-point operations, {duration(cost.seconds)} on this machine")
    print(f"# {cost.memory_bytes / 1e9:.3g} GB of memory; parameters of {cost.kept} checkpoints per seed kept")
    print(f"# ({cost.stored_bytes / 1e6:.3g} MB on disk)")


@app.command()
def moments(
    widths: Widths,
    readout: Readout = "linear",
    norm_x_squared: NormSquared = 1.0,
    target: Target = 0.0,
) -> None:
    """Prints the exact moments of K(x, x) of a ReLU network at initialisation as one JSON object."""
    from engine.initialisation.summary import moments_summary

    print(json.dumps(moments_summary(widths, readout, norm_x_squared, target), allow_nan=False))


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
    from engine.initialisation.summary import sample_summary

    found = sample_summary(widths, draws, seed, readout, norm_x_squared, target)
    print(json.dumps(found, allow_nan=False))


def read_config(path: Path) -> RunConfig:
    """The config in a YAML file; a CSV named by `data.path` is read in. Raises `ConfigError`."""
    return RunConfig.from_dict(_with_table(_read_yaml(path), path.parent))


def _with_table(values: Any, folder: Path) -> Any:
    """The values of a run with the CSV that they name read in."""
    data = values.get("data") if isinstance(values, dict) else None
    if not isinstance(data, dict) or data.get("name") != "csv" or "path" not in data:
        return values
    table = _read_text(folder / str(data["path"]))
    return values | {"data": {key: value for key, value in data.items() if key != "path"} | {"content": table}}


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(_read_text(path))
    except yaml.YAMLError as error:
        raise ConfigError([Problem(str(path), f"not YAML: {' '.join(str(error).split())}")]) from None


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError([Problem(str(path), f"cannot be read: {reason}")]) from None


def make_folder(out: Path) -> None:
    """The folder for results. Raises `ConfigError` before anything is computed."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / ".writable").touch()
        (out / ".writable").unlink()
    except OSError as error:
        raise ConfigError([Problem("--out", f"{out} cannot be written: {error.strerror}")]) from None


def use_float64() -> None:
    """Switches JAX to 64 bits, before anything is traced."""
    import jax

    jax.config.update("jax_enable_x64", True)


def compute(kind: str, config: Config, fresh: bool = False) -> Arrays:
    """The "result" entry of a job, from the cache or computed in this process under a progress bar."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    use_float64()
    cached = partial(cached_compute, Store(), kind, config)
    return with_bar(partial(_computed, kind, config) if fresh else cached)


def with_bar(ask: Callable[[Report], T]) -> T:
    """`ask` under a progress bar, where there is a terminal to show one."""
    if not sys.stderr.isatty():
        return ask(silent)
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=1.0)

        def shown(progress: Progress) -> None:
            bar.update(task, completed=progress.fraction, description=progress.message or "running")

        return ask(shown)


def _computed(kind: str, config: Config, report: Report) -> Arrays:
    return jobs.compute(kind, config, report)["result"]


def write_json(path: Path, values: Any) -> None:
    path.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def duration(seconds: float) -> str:
    """For a person: 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def main() -> None:
    """Runs the command line; every expected error becomes one line and exit code 2."""
    try:
        app(standalone_mode=False)
    except ConfigError as error:
        fail(str(error))
    except ClickException as error:
        fail(error.format_message())
    except (Abort, KeyboardInterrupt):
        fail("interrupted", 130)
    except MemoryError:
        fail("out of memory: lower data.size, network.width or training.checkpoints")


def fail(message: str, code: int = 2) -> None:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
