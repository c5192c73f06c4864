"""Cells that behave, and cells that do not, told apart by their width. Imported by the workers too: no pytest here."""

import os
import signal
import time
from pathlib import Path

import numpy as np

from engine.config import RunConfig
from engine.progress import Entries, Progress, Report
from engine.schema import ConfigError, Problem

TRACE = "KERNEL_DRIFT_TEST_TRACE"
"""Names a file to which each computation appends the width and seeds of its cell."""

PAUSE = "KERNEL_DRIFT_TEST_PAUSE"
"""Seconds that a cell takes, if named."""

REFUSED, DIES_ONCE, DIES = 5, 7, 13


def cell(config: RunConfig, report: Report) -> Entries:
    width, trace = config.network.width, Path(os.environ[TRACE])
    line = f"{width} {config.seeds}"
    first = not trace.exists() or line not in trace.read_text().splitlines()
    with trace.open("a") as file:
        file.write(line + "\n")
    report(Progress(0.5, "training"))
    if width == REFUSED:
        raise ConfigError([Problem("training.learning_rate", "exceeds the stability limit")])
    if width == DIES or (width == DIES_ONCE and first):
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(float(os.environ.get(PAUSE, "0.2")))
    return {"result": {"width": np.array(width), "seed": np.array(config.seeds)}}
