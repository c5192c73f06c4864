"""Shared by all tests: a cache of their own, no deadlines. JAX is imported by the engine's tests only."""

import atexit
import os
import shutil
import tempfile

from hypothesis import settings

CACHE = tempfile.mkdtemp(prefix="kernel-drift-tests-")
os.environ["KERNEL_DRIFT_CACHE"] = CACHE
atexit.register(shutil.rmtree, CACHE, ignore_errors=True)

settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")
