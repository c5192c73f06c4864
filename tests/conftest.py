"""Shared by all tests: a cache of their own. JAX is imported by the engine's tests only."""

import os
import tempfile

os.environ["KERNEL_DRIFT_CACHE"] = tempfile.mkdtemp(prefix="kernel-drift-tests-")
