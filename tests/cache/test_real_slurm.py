"""The SLURM launcher on a real cluster of one node: jobs are submitted, killed, reach their time and are replaced."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import toy_cells
from real_slurm import Slurm, missing, slurm, until

from cache import Store
from cache.headless import run_batch
from engine.progress import Progress

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("dask_settings"), pytest.mark.timeout(900)]

pytest.importorskip("dask_jobqueue", reason="needs deploy/requirements.txt")
from slurm_launcher import launched, sweep  # noqa: E402

Launch = Callable[..., object]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    if why := missing():
        pytest.skip(why)
    with slurm(tmp_path_factory.mktemp("slurm")) as cluster:
        yield cluster


@pytest.fixture
def launch(cluster: Slurm, certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Launch:
    """The launcher with so many workers, and cells that take so long."""

    def launch(workers: int, *options: str, pause: float = 0.5):
        size = ("--cores", "1", "--memory", "1GB", "--walltime", "00:10:00")
        variables = {"SLURM_CONF": str(cluster.config), toy_cells.PAUSE: str(pause)}
        whole = ("--workers", str(workers), *size, *options)
        return launched(certificates, tmp_path, monkeypatch, *whole, **variables)

    return launch


@pytest.fixture(autouse=True)
def _no_jobs_are_left(cluster: Slurm) -> Iterator[None]:
    yield
    until(lambda: not cluster.jobs(), 120)


def once(what: Callable[[], object], after: float) -> Callable[[Progress], None]:
    """Does something when so much of the sweep is done."""
    done: list[object] = []

    def look(progress: Progress) -> None:
        if progress.fraction > after and not done:
            done.append(what() or True)

    return look


def counts(folder: Path) -> Counter[str]:
    """How often each cell was begun."""
    return Counter((folder / "trace").read_text().splitlines())


def test_a_sweep_is_computed_by_jobs_and_the_launcher_ends_them(
    cluster: Slurm, launch: Launch, store: Store, tmp_path: Path
) -> None:
    ran: set[str] = set()
    with launch(2):
        found = run_batch("cell", sweep(16).groups, lambda _: ran.update(cluster.jobs("RUNNING")), store)
        assert len(cluster.jobs()) == 2
    assert (len(found.results), found.failures) == (16, {})
    assert set(counts(tmp_path).values()) == {1}
    assert len(ran) == 2
    until(lambda: not cluster.jobs(), 30)


def test_a_killed_worker_is_replaced_and_no_cell_is_lost(
    cluster: Slurm, launch: Launch, store: Store, tmp_path: Path
) -> None:
    def kill() -> None:
        first = cluster.jobs("RUNNING")[0]
        killed.append(first)
        for process in cluster.processes(first):
            os.kill(process, signal.SIGKILL)

    killed: list[str] = []
    with launch(2):
        found = run_batch("cell", sweep(24).groups, once(kill, 0.3), store)
        assert (len(found.results), found.failures) == (24, {})
        until(lambda: len(cluster.jobs("RUNNING")) == 2)
        assert killed[0] not in cluster.jobs()
    assert sorted(counts(tmp_path).values())[:-1] == [1] * 23  # the one in its hands was begun twice


def test_the_only_job_reaches_its_time_and_is_replaced(
    cluster: Slurm, launch: Launch, store: Store, tmp_path: Path
) -> None:
    def shorten() -> None:
        (job,) = cluster.jobs("RUNNING")
        cluster.ask("scontrol", "update", f"JobId={job}", "TimeLimit=1")
        ended.append(job)

    ended: list[str] = []
    with launch(1, pause=8):
        found = run_batch("cell", sweep(12).groups, once(shorten, 0.05), store)
        assert (len(found.results), found.failures) == (12, {})
    assert ended[0] in cluster.jobs("TIMEOUT")
    assert counts(tmp_path).total() in (12, 13)


def test_a_worker_leaves_before_the_walltime(cluster: Slurm, launch: Launch, store: Store, tmp_path: Path) -> None:
    began = time.monotonic()
    with launch(1, "--walltime", "00:05:00", pause=12):
        first = cluster.jobs()
        found = run_batch("cell", sweep(25).groups, store=store)
        assert (len(found.results), found.failures) == (25, {})
        assert cluster.jobs() != first
    assert time.monotonic() - began > 300
    assert first[0] in cluster.jobs("COMPLETED")
    assert first[0] not in cluster.jobs("TIMEOUT")


def test_a_job_that_ends_before_its_worker_came_is_replaced(
    cluster: Slurm, launch: Launch, store: Store, tmp_path: Path
) -> None:
    with launch(1):
        (first,) = cluster.jobs()
        cluster.ask("scancel", first)
        until(lambda: first not in cluster.jobs())
        found = run_batch("cell", sweep().groups, store=store)
    assert (len(found.results), found.failures) == (8, {})


def test_after_the_launcher_was_killed_the_same_sweep_goes_on(
    cluster: Slurm, launch: Launch, store: Store, tmp_path: Path
) -> None:
    with launch(2) as launcher:
        found = run_batch("cell", sweep(24).groups, once(launcher.kill, 0.3), store)
        launcher.wait()
    assert 8 <= len(found.results) < 24
    assert found.failures
    until(lambda: not cluster.jobs(), 120)  # jobs without a scheduler end by themselves
    with launch(2):
        again = run_batch("cell", sweep(24).groups, store=store)
    assert (len(again.results), again.failures) == (24, {})
    assert counts(tmp_path).total() <= 24 + 2 * 2
