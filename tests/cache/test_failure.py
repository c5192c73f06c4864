"""Memory that runs out is told in words that say what to do, whoever reports it and however."""

from collections.abc import Callable

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
"""What JAX 0.10 and numpy said on this machine's processor (the decompositions below, the first three)."""

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


@pytest.mark.long
@pytest.mark.parametrize("room", [1e6, 300e6, 580e6, 700e6])
def test_memory_that_ends_at_some_point_of_a_decomposition(
    engine: CachedEngine, config: Callable[..., ToyConfig], room: float
) -> None:
    """Its process mostly lives to say so, and dies where some thread of XLA's has no memory to say it in."""
    job = engine.wait(engine.request("decomposes", config(number=int(room)), "me"), 100)
    assert job.error is not None
    assert job.error.reason in ("memory", "worker")
    assert "memory" in job.error.message
    assert "fewer samples" in job.error.message
    after = engine.wait(engine.request("steady", config(number=int(room)), "me"), 100)
    assert after.state == "finished"
