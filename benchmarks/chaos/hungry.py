"""A kind of job that eats memory until it is stopped."""

import time

import numpy as np

from engine import jobs
from engine.progress import Entries, Progress, Report
from engine.schema import Config

KIND = "hungry"
WORKER_BYTES = 2_200_000_000
"""What a worker may use."""

STEP = 100_000_000
MOST = 4_000_000_000
"""Bytes at a time, and in all: more than the workers here may use, less than a machine has."""


class HungryConfig(Config):
    """Attributes: `number` tells one from another."""

    number: int = 0


def eat(config: HungryConfig, report: Report) -> Entries:
    """Ends with an error where nobody has stopped it."""
    hoard = []
    for eaten in range(0, MOST, STEP):
        hoard.append(np.ones(STEP // 8))
        report(Progress(eaten / MOST, "eating"))
        time.sleep(0.05)
    raise RuntimeError(f"nobody minded {MOST / 1e9:.0f} GB")


def install() -> None:
    """Adds the kind to those that this process can ask for."""
    jobs.KINDS[KIND] = jobs.Kind(HungryConfig, f"{__name__}:eat")
    jobs.VERSIONS[KIND] = 1
