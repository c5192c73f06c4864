"""A sweep through the cache: every cell ends, none is computed twice, one that kills its worker is tried twice."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import toy_cells
from cold_start import ColdStart

from cache import CachedEngine, Store, cluster, plain_comm
from cache.batch import Batch
from cache.failure import SchedulerError
from cache.headless import run_batch
from engine import jobs
from engine.config import RunConfig
from engine.progress import Cancelled, Progress
from engine.regimes.config import SweepConfig

Computed = Callable[[], Counter[str]]


@pytest.fixture(scope="module", autouse=True)
def _toy_cells() -> None:
    """Undone with the other toys."""
    jobs.KINDS["cell"] = jobs.Kind(RunConfig, "toy_cells:cell")


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Set before the workers start."""
    path = tmp_path_factory.mktemp("batch") / "trace"
    path.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(toy_cells.TRACE, str(path))
        yield path


@pytest.fixture
def computed(trace: Path) -> Computed:
    """How often each cell was computed since the test began."""
    before = len(trace.read_text().splitlines())
    return lambda: Counter(trace.read_text().splitlines()[before:])


@pytest.fixture(scope="module")
def engine(trace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CachedEngine]:
    """One for all tests that need not start their own: they ask for cells of their own widths."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster, "WarmUp", ColdStart)
        with CachedEngine(Store(tmp_path_factory.mktemp("batch") / "cache", size_limit=100_000_000)) as engine:
            yield engine


def sweep(*widths: int, seeds: tuple[int, ...] = (0, 1)) -> SweepConfig:
    return SweepConfig.from_dict(
        {"base": {"data": {"name": "circle"}}, "grid": {"network.width": widths}, "seeds": seeds}
    )


def ended(engine: CachedEngine, config: SweepConfig, within: float = 60) -> Batch:
    found, deadline = Batch(engine, "cell", config.groups, "me", "cells"), time.monotonic() + within
    while not found.done:
        assert time.monotonic() < deadline
        found.step()
        time.sleep(0.02)
    return found


def widths(found: Batch) -> list[int]:
    return sorted(int(arrays["width"]) for arrays in found.results.values())


def test_bad_cells_cost_themselves_only_and_are_tried_twice_where_it_may_help(
    engine: CachedEngine, computed: Computed
) -> None:
    config = sweep(4, toy_cells.REFUSED, 6, toy_cells.DIES_ONCE, 8, toy_cells.DIES)
    found = ended(engine, config)
    assert widths(found) == [4, 6, 7, 8]
    failures = {config.cells[index].run.network.width: message for index, message in found.failures.items()}
    assert set(failures) == {5, 13}
    assert "stability limit" in failures[5]
    assert "was killed" in failures[13]
    assert computed() == {f"{width} (0, 1)": 2 if width in (7, 13) else 1 for width in (4, 5, 6, 7, 8, 13)}
    assert (found.fraction, found.finished) == (1.0, 4)


def test_a_cell_is_computed_once_for_every_sweep_that_contains_it(engine: CachedEngine, computed: Computed) -> None:
    assert widths(ended(engine, sweep(52, 53))) == [52, 53]
    assert widths(ended(engine, sweep(53, 52, 54))) == [52, 53, 54]
    more = ended(engine, sweep(53, 54, seeds=tuple(range(8))))  # blocks 0 to 3 and 4 to 7: other seeds, other parts
    assert widths(more) == [53, 53, 54, 54]
    again = Batch(engine, "cell", sweep(53, 54, seeds=tuple(range(8))).groups, "somebody else", "cells")
    again.step()
    assert again.done  # read back at once
    assert again.finished == 2
    assert set(computed().values()) == {1}


def test_two_viewers_of_one_sweep_share_its_computations(engine: CachedEngine, computed: Computed) -> None:
    one, other = (Batch(engine, "cell", sweep(62, 63, 64).groups, viewer, "cells") for viewer in ("me", "you"))
    while not (one.done and other.done):
        one.step()
        other.step()
        time.sleep(0.02)
    assert widths(one) == widths(other) == [62, 63, 64]
    assert set(computed().values()) == {1}


def test_an_interrupted_sweep_goes_on_where_it_was(
    store: Store, computed: Computed, cold: None, tmp_path: Path
) -> None:
    def leave(progress: Progress) -> None:
        if progress.fraction > 0.4:
            raise Cancelled

    with pytest.raises(Cancelled):
        run_batch("cell", sweep(2, 3, 4, 6, 8).groups, leave, store)
    before = sum(computed().values())
    assert 2 <= before < 5
    found = run_batch("cell", sweep(2, 3, 4, 6, 8).groups, store=Store(store.directory))
    assert widths(found) == [2, 3, 4, 6, 8]
    # Only what was under way at the interruption is computed again.
    assert sum(computed().values()) <= 6


def test_cancelling_leaves_nothing_under_way(engine: CachedEngine, computed: Computed) -> None:
    found = Batch(engine, "cell", sweep(*range(20, 40)).groups, "me", "cells")
    found.step()
    assert found.computed == {*range(20)}
    found.cancel()
    assert found.done
    count = sum(computed().values())
    time.sleep(1.0)
    assert sum(computed().values()) <= count + 1


def test_without_a_cluster_it_gives_up_soon(
    store: Store, cold: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(plain_comm, "CONNECT_TIMEOUT", 0.2)
    monkeypatch.setenv("KERNEL_DRIFT_SCHEDULER", "tcp://127.0.0.1:1")
    monkeypatch.setenv("KERNEL_DRIFT_PLAIN_TCP", "1")
    start = time.monotonic()
    with pytest.raises(SchedulerError, match=r"tcp://127\.0\.0\.1:1 does not answer"):
        run_batch("cell", sweep(*range(2, 34)).groups, store=store)
    assert time.monotonic() - start < 20
