"""Health, readiness and metrics: who gets which answer, also when the server is full."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from asgi import Answer, Reached, ask, asked, scope
from starlette.middleware import Middleware
from starlette.types import ASGIApp

import cache
from cache.health import Readiness
from pages.shell.gate import gate, limits
from pages.shell.probes import Probes

FAR = "192.0.2.7"
TOKEN = "a-token-of-this-test"


@pytest.fixture
def engine() -> Iterator[SimpleNamespace]:
    """What the probes ask."""
    engine = SimpleNamespace(readiness=lambda: Readiness("", 1), metrics=SimpleNamespace(text=lambda: b"up 1\n"))
    cache.install(engine)  # pyright: ignore[reportArgumentType]
    yield engine
    cache.install(None)


def get(path: str, app: ASGIApp | None = None, method: str = "GET", **more: str) -> Answer:
    return asked(app or Probes(Reached(), TOKEN), scope(method=method, path=path, **more))


def test_health_asks_nobody():
    cache.install(None)
    assert (get("/healthz").status, get("/healthz").words) == (200, "ok\n")


def test_readiness_is_a_status_and_says_what_is_missing(engine):
    assert get("/readyz").status == 200
    assert json.loads(get("/readyz").words)["workers"] == {"state": "there", "count": 1}
    engine.readiness = lambda: Readiness("the disk is full", 0)
    answer = get("/readyz", client=FAR)
    assert answer.status == 503
    assert json.loads(answer.words) == {
        "ready": False,
        "cache": {"writable": False, "fault": "the disk is full"},
        "workers": {"state": "none", "count": 0},
    }
    assert answer.headers["cache-control"] == "no-store"


def test_a_server_that_closes_is_not_ready_and_makes_no_engine():
    for path in ("/readyz", "/metrics"):
        assert get(path).status == 503
        assert json.loads(get(path).words)["server"] == "starting or closing"
    assert cache.installed() is None


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("status", "token", "more"),
    [
        (200, TOKEN, {"client": "127.0.0.1"}),
        (200, TOKEN, {"client": "::1"}),
        (200, "", {"client": "127.0.0.1"}),
        (401, TOKEN, {"client": FAR}),
        (401, "", {"client": FAR}),
        (401, "", {"client": FAR, "authorization": "Bearer "}),
        (401, TOKEN, {"client": FAR, "authorization": f"Bearer {TOKEN}x"}),
        (401, TOKEN, {"client": FAR, "authorization": f"Basic {TOKEN}"}),
        (401, TOKEN, {"client": FAR, "authorization": "Bearer é"}),
        (200, TOKEN, {"client": FAR, "authorization": f"Bearer {TOKEN}"}),
        # A proxy on this machine asks for somebody elsewhere.
        (401, TOKEN, {"client": "127.0.0.1", "x_forwarded_for": FAR}),
        (401, TOKEN, {"client": "127.0.0.1", "x_forwarded_for": "127.0.0.1"}),
        (401, TOKEN, {"client": "127.0.0.1", "forwarded": f"for={FAR}"}),
        # One that does not say so passes the Host on.
        (401, TOKEN, {"client": "127.0.0.1", "host": "drift.example.org"}),
        (401, TOKEN, {"client": "127.0.0.1", "host": "localhost.evil.example"}),
        (200, TOKEN, {"client": "127.0.0.1", "host": "[::1]:8501"}),
        (200, TOKEN, {"client": FAR, "host": "drift.example.org", "authorization": f"Bearer {TOKEN}"}),
        (401, TOKEN, {"client": "a unix socket"}),
    ],
)
def test_metrics_are_for_this_machine_or_for_the_token(status, token, more):
    answer = get("/metrics", Probes(Reached(), token), **more)
    assert answer.status == status
    assert ("up 1" in answer.words) == (status == 200)
    assert TOKEN not in answer.words


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/base/_stcore/metrics"])
def test_streamlits_own_are_for_no_one_else(path):
    assert get(path).words == "reached"
    for more in ({"client": FAR}, {"x_forwarded_for": FAR}, {"host": "drift.example.org"}):
        assert asked(Probes(Reached(), TOKEN), scope(path=path, **more)).status == 401
    assert get(path, client=FAR, authorization=f"Bearer {TOKEN}").words == "reached"
    assert get("/_stcore/health", client=FAR).words == "reached"


def test_only_these_paths_and_only_to_read(engine):
    assert get("/healthz", method="POST").status == 405
    assert get("/healthz", method="HEAD").status == 200
    for path in ("/", "/healthz/", "/readyz2", "/metrics/x"):
        assert get(path).words == "reached"


@pytest.mark.usefixtures("engine")
def test_they_answer_when_the_server_is_full(monkeypatch):
    monkeypatch.setattr(limits, "REQUESTS", 0)
    app: ASGIApp = Reached()
    for part in reversed(gate("", [Middleware(Probes, token="")])):
        app = part.cls(app, *part.args, **part.kwargs)
    assert get("/", app).status == 429
    assert [get(path, app).status for path in ("/healthz", "/readyz", "/metrics")] == [200] * 3
    assert get("/readyz", app, host="evil.example").status == 403  # a page elsewhere learns nothing


def test_a_slow_scheduler_holds_up_no_other_request(engine):
    slow = threading.Event()
    engine.readiness = lambda: slow.wait(10) and Readiness("", 1)
    app = Probes(Reached())

    async def both() -> tuple[float, Answer]:
        waiting = asyncio.create_task(ask(app, scope(path="/readyz")))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        await ask(app, scope(path="/healthz"))
        took = time.monotonic() - began
        slow.set()
        return took, await waiting

    took, answer = asyncio.run(both())
    assert took < 1
    assert answer.status == 200
