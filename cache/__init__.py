"""Remembers and schedules: config in, result out. See `cache.service`.

Importing this imports neither Dask nor JAX.
"""

from cache.failure import CacheFault, Failure, NotAllowed
from cache.headless import cached_compute
from cache.job import Job
from cache.location import check_location
from cache.one_engine import current, install, installed
from cache.overview import Run
from cache.service import CachedEngine
from cache.storage import Store
from cache.task import Device, Rehearsal

__all__ = [
    "CacheFault",
    "CachedEngine",
    "Device",
    "Failure",
    "Job",
    "NotAllowed",
    "Rehearsal",
    "Run",
    "Store",
    "cached_compute",
    "check_location",
    "current",
    "install",
    "installed",
]
