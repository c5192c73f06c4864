"""Memory that runs out is told in words that say what to do, whoever reports it and however."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from toy_jobs import ToyConfig

from cache import CachedEngine
from cache.failure import LONGEST_DETAILS, explain

SEEN = (
    "RESOURCE_EXHAUSTED: Out of memory allocating 281474976710656 bytes.",
    "INTERNAL: Error dispatching computation: Error dispatching computation: Out of memory allocating 288000000 bytes.",
    "UNKNOWN: XLA FFI call failed: std::bad_alloc",
    "Unable to allocate 8.00 PiB for an array with shape (1125899906842624,) and data type float64",
)
"""What JAX 0.10 and numpy said on this machine's processor (the reproductions below give the first three)."""

ON_A_GPU = (
    "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 9.9TiB.",
    "INTERNAL: Failed to allocate 1073741824 bytes for new constant",
    "INTERNAL: CUDA error: CUDA_ERROR_OUT_OF_MEMORY: out of memory",
    "INTERNAL: CUBLAS_STATUS_ALLOC_FAILED",
)


@pytest.mark.parametrize("text", [*SEEN, *ON_A_GPU])
def test_out_of_memory(text: str) -> None:
    failure = explain(RuntimeError(text))
    assert failure.reason == "memory"
    assert failure.message.startswith("The run does not fit into memory: use fewer samples")


@pytest.mark.parametrize("text", ["INTERNAL: something else", "the memory of a network", "allocates nothing"])
def test_not_out_of_memory(text: str) -> None:
    failure = explain(RuntimeError(text))
    assert failure.reason == "error"
    assert text in failure.message


def test_what_says_too_much_is_cut_short() -> None:
    failure = explain(RuntimeError("z" * 1_000_000))
    assert len(failure.message) < 400
    assert len(failure.details) == LONGEST_DETAILS


def test_an_impossible_allocation_in_a_worker(engine: CachedEngine, config: Callable[..., ToyConfig]) -> None:
    job = engine.wait(engine.request("asks_too_much", config(), "me"), 100)
    assert job.error is not None
    assert job.error.reason == "memory"
    assert "RESOURCE_EXHAUSTED" in job.error.details


SCARCE = """
import resource, sys
import jax, jax.numpy as jnp
from cache.failure import explain

jax.config.update("jax_enable_x64", True)
jax.block_until_ready(jnp.ones(3) + 1)
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    jax.block_until_ready(jnp.linalg.eigh(jnp.eye(6000)))
except BaseException as error:
    print(explain(error).reason, error)
"""


@pytest.mark.long
@pytest.mark.parametrize(("room", "words"), [(300e6, "RESOURCE"), (700e6, "INTERNAL"), (1000e6, "bad_alloc")])
def test_memory_that_ends_at_some_point_of_a_decomposition(room: float, words: str) -> None:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", SCARCE, str(int(room))], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("memory "), done.stdout + done.stderr
    if words not in done.stdout:
        pytest.skip(f"memory ended elsewhere: {done.stdout}")
