"""Scheduler, worker and web of the compose file, started here with their commands and settings."""

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from subprocess import Popen

import dask
import pytest
from services_here import SITE, Here

from cache import CachedEngine, Store
from engine.initialisation.config import SampleConfig

pytestmark = pytest.mark.whole

POLICY = '[people]\n"ann@lab.example" = "admin"\n'
SECRETS = f"""[auth]
redirect_uri = "https://{SITE}/oauth2callback"
cookie_secret = "only for this test, and as long as it must be"
client_id = "kernel-drift"
client_secret = "s"
server_metadata_url = "https://id.lab.example/.well-known/openid-configuration"
"""


@pytest.fixture
def here(tmp_path: Path) -> Here:
    for name in ("cache", "tmp", "etc/kernel-drift"):
        (tmp_path / name).mkdir(parents=True)
    return Here(tmp_path)


@contextmanager
def running(here: Here, service: str, **more: str) -> Iterator[Popen[bytes]]:
    with here.started(service, **more) as process:
        try:
            yield process
        finally:
            process.terminate()


@pytest.fixture
def computing(here: Here, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with ExitStack() as stack:
        for service in ("keys", "scheduler", "worker"):
            process = stack.enter_context(running(here, service))
            if service == "keys":
                assert process.wait(60) == 0
            else:
                time.sleep(1)
        for name, value in here.environment("web-1").items():
            if name.startswith(("DASK_", "KERNEL_DRIFT_SCHEDULER")):
                monkeypatch.setenv(name, value)
        dask.config.refresh()
        yield
    monkeypatch.undo()
    dask.config.refresh()


@pytest.mark.usefixtures("computing")
def test_a_server_computes_on_them(tmp_path: Path) -> None:
    assert (tmp_path / "tls" / "key.pem").stat().st_mode & 0o777 == 0o600
    with CachedEngine(Store(tmp_path / "store")) as engine:
        until(lambda: engine.readiness().ready)
        assert engine.readiness().to_dict()["workers"] == {"state": "there", "count": 1}
        config = SampleConfig.from_dict({"setting": {"widths": [3, 5, 1]}, "draws": 1000})
        job = engine.wait(engine.request("initial_sample", config, "me"), 120)
        assert (job.state, job.error) == ("finished", None)


@pytest.mark.usefixtures("computing")
def test_a_web_is_ready_and_asks_people_to_sign_in(here: Here) -> None:
    settings = here.folder / "etc" / "kernel-drift"
    (settings / "policy.toml").write_text(POLICY)
    (settings / "secrets.toml").write_text(SECRETS)
    with running(here, "web-1", KERNEL_DRIFT_CACHE=here("/cache")):
        until(lambda: get(here, "/readyz", "localhost")[0] == 200)
        status, cookies = get(here, "/evolution", SITE)
        assert status == 200
        assert "kernel_drift_way_back=" in cookies  # kept until somebody has signed in
        assert get(here, "/metrics", SITE)[0] == 401
        assert get(here, "/", "another.example.org")[0] == 403


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "KERNEL_DRIFT_POLICY is"),
        ({"policy.toml": POLICY}, "secrets"),
        ({"secrets.toml": SECRETS}, "cannot be read"),
    ],
)
def test_a_web_that_is_not_told_who_may_enter_does_not_start(files: dict[str, str], words: str, here: Here) -> None:
    for name, text in files.items():
        (here.folder / "etc" / "kernel-drift" / name).write_text(text)
    with running(here, "web-1", KERNEL_DRIFT_CACHE=here("/cache")) as web:
        assert web.wait(150) == 2
    assert words in here.log("web-1").read_text().splitlines()[-1]


def get(here: Here, path: str, host: str) -> tuple[int, str]:
    """Status, and the cookies that were set."""
    with closing(http.client.HTTPConnection("127.0.0.1", int(here.web_port), timeout=10)) as asking:
        asking.request("GET", path, headers={"Host": host})
        answer = asking.getresponse()
        return answer.status, answer.getheader("Set-Cookie") or ""


def until(there: Callable[[], bool]) -> None:
    end = time.monotonic() + 150
    while True:
        with suppress(OSError):
            if there():
                return
        assert time.monotonic() < end
        time.sleep(0.2)
