"""Toy kinds of jobs beside the real ones, and an engine on a directory of its own."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import toy_jobs  # noqa: E402
from cold_start import ColdStart  # noqa: E402
from lab import RULES  # noqa: E402

from cache import CachedEngine, Store, cluster  # noqa: E402
from cache.dispatch import Dispatch  # noqa: E402
from cache.policy import Policy  # noqa: E402
from engine import jobs  # noqa: E402

TOYS = (
    "steady",
    "deaf",
    "dies",
    "exits_at_once",
    "eats",
    "hangs_once",
    "hostile",
    "out_of_memory",
    "out_of_device_memory",
    "asks_too_much",
    "decomposes",
    "refuses",
    "keeps_objects",
    "uses_jax",
)


def add_toys() -> None:
    """Adds the toy kinds. Also called by the processes that tests start."""
    for name in TOYS:
        jobs.KINDS[name] = jobs.Kind(toy_jobs.ToyConfig, f"toy_jobs:{name}")
        jobs.VERSIONS[name] = 1


@contextmanager
def only_toys() -> Iterator[None]:
    """Workers find the toys by PYTHONPATH. The real kinds are out of the way: JAX need not warm up for each test."""
    kinds = dict(jobs.KINDS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(HERE))
        jobs.KINDS.clear()
        add_toys()
        yield
        jobs.KINDS.clear()
        jobs.KINDS.update(kinds)


@pytest.fixture(scope="module", autouse=True)
def _toys() -> Iterator[None]:
    with only_toys():
        yield


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "cache", size_limit=100_000_000)
    yield store
    store.close()


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines that the test itself starts do so without JAX, which takes two seconds to import."""
    monkeypatch.setattr(cluster, "WarmUp", ColdStart)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CachedEngine]:
    """One engine for most tests: they use configs of their own."""
    engine = CachedEngine(Store(tmp_path_factory.mktemp("shared") / "cache", size_limit=100_000_000))
    with only_toys():
        engine.start()
    yield engine
    engine.close()


@pytest.fixture
def lab(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., CachedEngine]]:
    """Engines that begin nothing, on a server where people sign in."""
    made = []

    def make(**limits: float) -> CachedEngine:
        rules = Policy.from_dict({**RULES, "roles": {"member": limits}})
        made.append(CachedEngine(store, rules=rules))
        return made[-1]

    monkeypatch.setattr(Dispatch, "enter", lambda *_: None)
    yield make
    for engine in made:
        engine.close()


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., toy_jobs.ToyConfig]:
    """Configs that no other test has asked for: each carries its own trace file."""

    def make(**settings: object) -> toy_jobs.ToyConfig:
        return toy_jobs.ToyConfig.from_dict({"trace": str(tmp_path / "trace"), **settings})

    return make


@pytest.fixture
def computations(tmp_path: Path) -> Callable[[], int]:
    """How often a job of this test was computed, in whatever process."""

    def count() -> int:
        trace = tmp_path / "trace"
        return len(trace.read_text().splitlines()) if trace.exists() else 0

    return count


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A folder with a certificate of its own, as deploy/slurm.md makes it."""
    folder = tmp_path / "tls"
    folder.mkdir()
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=here -keyout key.pem -out cert.pem"
    subprocess.run(make.split(), cwd=folder, check=True, capture_output=True)
    (folder / "ca.pem").write_bytes((folder / "cert.pem").read_bytes())
    return folder


@pytest.fixture
def dask_settings() -> Iterator[None]:
    """Read from the environment as it is again after the test."""
    import dask

    yield
    dask.config.refresh()
