"""Runs every section on the device at hand; minutes on a GPU, seconds with --toy.

    python -m benchmarks.device [--toy] [--out FILE] [--only NAME ...]
    python -m benchmarks.device --store        on a CPU, under the pinned JAX

It needs no network, and beside this repository JAX, flax, optax, NumPy, SciPy and pandas; what else the engine imports
(benchmarks/carried.txt) may lie in a folder device-packages of the repository or beside it. Ends with 1 where something
failed, was not done or is not right, with 2 where it cannot start.
"""

import argparse
import importlib.util
import os
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
CARRIED, REQUIREMENTS = "device-packages", "-r benchmarks/carried.txt"
INSTALLED = ("jax", "flax", "optax", "numpy", "scipy", "pandas")
IMPORTED = ("pydantic", "jaxtyping")
"""What benchmarks/carried.txt names."""


def main() -> int:
    options = arguments()
    lacking = find_packages()
    if lacking:
        print(lacking, file=sys.stderr)
        return 2
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import jax

    jax.config.update("jax_enable_x64", True)
    facts = facts_of_the_device()
    print(f"{facts['device']}: {facts['versions']}", flush=True)
    if options.store:
        return store(facts)

    from benchmarks.device.plan import FULL, ON_CPU, TOY
    from benchmarks.device.report import Report, Section

    report, full = Report(facts, options.out), ON_CPU if jax.default_backend() == "cpu" else FULL
    plan = TOY if options.toy else full
    for name, (title, seconds) in SECTIONS.items():
        if options.only and name not in options.only:
            continue
        module = importlib.import_module(f"benchmarks.device.{name}")
        report.run(Section(name, title, module.tasks(plan), seconds))
    report.end()
    print("\n" + report.markdown())
    for fault in report.faults:
        print(f"not right or not done: {fault}", file=sys.stderr)
    return 1 if report.faults else 0


SECTIONS = {
    "checks": ("Results against stored CPU values", 110.0),
    "rates": ("Kernels against the device's own matrix products", 90.0),
    "cells": ("Networks of a map's cells, seeds together against one at a time", 110.0),
    "memory": ("Memory of a kernel", 60.0),
}
"""Titles, and the seconds after which no row of a section is begun: under 8 minutes in all."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.device", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--toy", action="store_true", help="tiny sizes: does everything run?")
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON, written anew after every row")
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), metavar="NAME", help=", ".join(SECTIONS))
    parser.add_argument("--store", action="store_true", help="keep this device's results as those to compare with")
    return parser.parse_args()


def find_packages() -> str:
    """Puts the carried packages on the path where the machine lacks them; what to do, empty where all is there."""
    if lacking := absent(INSTALLED):
        return f"error: {', '.join(lacking)} lacking: pip install -r benchmarks/requirements.txt"
    if not (lacking := absent(IMPORTED)):
        return ""
    python = ".".join(map(str, sys.version_info[:2]))
    make = f"python -m pip install --target {CARRIED} --python-version {python} --only-binary=:all: {REQUIREMENTS}"
    for folder in (ROOT / CARRIED, ROOT.parent / CARRIED):
        if folder.is_dir():
            sys.path.insert(0, str(folder))
            importlib.invalidate_caches()
            return broken(folder, make)
    named = ", ".join(lacking)
    return f"error: {named} lacking. Make the folder {CARRIED} here or elsewhere, and put it in {ROOT}:\n{make}"


def absent(names: Iterable[str]) -> list[str]:
    return [name for name in names if not importlib.util.find_spec(name)]


def broken(folder: Path, make: str) -> str:
    """What to do where the carried packages cannot be imported; empty where they can."""
    try:
        for name in IMPORTED:
            importlib.import_module(name)
    except ImportError as error:
        return f"error: {folder} is not for this Python ({error}). Make it again:\n{make}"
    return ""


def facts_of_the_device() -> dict:
    """What every report says of where it was made."""
    import jax

    from engine.device import device_name

    products = getattr(jax.config, "jax_default_matmul_precision", None)
    return {
        "device": device_name(),
        "versions": {"Python": sys.version.split()[0], **{name: version(name) for name in INSTALLED}},
        "settings": f"64-bit JAX; JAX's own matrix precision: {products or 'its default'} (the engine asks for full "
        "precision in every product, so TF32 is off).",
    }


def store(facts: dict) -> int:
    import jax

    from benchmarks.device import checks

    if jax.default_backend() != "cpu":
        print("error: values to compare with are made on a CPU: set JAX_PLATFORMS=cpu", file=sys.stderr)
        return 2
    checks.store({"platform": "cpu", **facts["versions"]})
    print(f"kept in {checks.STORED}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
