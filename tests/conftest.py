"""Shared by all tests: a cache of their own, no deadlines. JAX is imported by the engine's tests only."""

import os
import tempfile

from hypothesis import settings

os.environ["KERNEL_DRIFT_CACHE"] = tempfile.mkdtemp(prefix="kernel-drift-tests-")

settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")
