"""Shared by all tests: a cache of their own, compiled programs in common, no deadlines.

JAX is imported by the engine's tests only.
"""

import atexit
import gc
import os
import shutil
import tempfile

from hypothesis import settings

CACHE = tempfile.mkdtemp(prefix="kernel-drift-tests-")
os.environ["KERNEL_DRIFT_CACHE"] = CACHE
atexit.register(shutil.rmtree, CACHE, ignore_errors=True)

# Before NumPy reads it, as every program of the project: the threads of a second BLAS wait, spinning, on cores that the
# other processes of the tests compute on.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Tests run many small programs once each: compiling is where their time goes, half of it in an emitter of fused loops
# that XLA can do without. The README's example and a run on the command line are compiled as they are for people.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1")

# What one process has compiled serves all others: workers of pytest, of Dask, servers and commands.
# The first process names the folder, or whoever calls: with a folder that stays, a second time is quicker.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", f"{CACHE}/compiled")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

# Two thousand small programs, traced once each, leave garbage all the time: looked for less often, and never among all
# that was imported, it costs a tenth of the processor's time less.
gc.set_threshold(50_000, 20, 20)

settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")


def pytest_collection_finish() -> None:
    gc.freeze()
