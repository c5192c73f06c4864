"""Results for tests of pages, computed in a process of its own: that of the tests stays free of JAX."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest
from pretend_engine import MAIN

from cache import Store
from engine.jobs import key
from engine.progress import Arrays
from engine.schema import Config

Asked = tuple[str, Config]
"""The kind of a job, and its config."""

CODE = (
    "import json, pathlib, sys; from cache import Store, cached_compute; from engine.jobs import parse\n"
    "store = Store(pathlib.Path(sys.argv[1]))\n"
    "for kind, values in json.load(sys.stdin): cached_compute(store, kind, parse(kind, values))"
)


def compute(directory: Path, asked: Iterable[Asked]) -> None:
    """Fills the cache in this folder."""
    jobs = json.dumps([(kind, config.to_dict()) for kind, config in asked])
    environment = {**os.environ, "JAX_ENABLE_X64": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", CODE, str(directory)]
    subprocess.run(command, input=jobs, text=True, cwd=MAIN.parents[1], env=environment, check=True, timeout=280)


def copied(factory: pytest.TempPathFactory, name: str, asked: Iterable[Asked]) -> Path:
    """A folder whose cache holds what is asked.

    Args:
        name: of all that is asked, the same in every file.
    """
    return made_once(factory, name, lambda folder: compute(folder, asked))


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that `make` fills. What the first of several test processes has made, the others copy."""
    directory = factory.mktemp(name) / "cache"
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    common = factory.getbasetemp() if alone else factory.getbasetemp().parent
    with (common / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (common / name).exists():
            make(common / f"{name} being computed")
            (common / f"{name} being computed").rename(common / name)
    shutil.copytree(common / name, directory)
    return directory


def results(directory: Path, asked: Mapping[str, Asked]) -> dict[str, Arrays]:
    """Those in the cache of this folder, by the name of what was asked."""
    store = Store(directory)
    found = {name: store.get(key(kind, config)) for name, (kind, config) in asked.items()}
    store.close()
    return {name: arrays for name, arrays in found.items() if arrays is not None}
