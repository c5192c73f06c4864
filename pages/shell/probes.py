"""What watches over the server asks: does it answer, can it work, what has it done."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

import cache
from pages.shell.gate.rules import is_loopback, is_ours

TOKEN_VARIABLE = "KERNEL_DRIFT_METRICS_TOKEN"
AWAY = {"ready": False, "server": "starting or closing"}
PROXIED = ("x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded")
"""Headers of a proxy: what comes through one on this machine does not come from this machine."""


class Probes:
    """ASGI middleware: answers /healthz, /readyz and /metrics itself, with a thread of its own for what may wait.

    /healthz says that the process answers; /readyz 200 or 503, and what is missing; /metrics is for who knows the
    token, and for loopback.
    """

    def __init__(self, app: ASGIApp, token: str = ""):
        self._app, self._token = app, token
        self._thread = ThreadPoolExecutor(1, "probes")
        self._answers = {"/healthz": _healthz, "/readyz": _readyz, "/metrics": _metrics}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answers.get(scope["path"]) if scope["type"] == "http" else None
        response = self._objection(scope) if answer or _is_streamlits(scope) else None
        if answer and not response:
            response = await self._answered(answer)
        if not response:
            await self._app(scope, receive, send)
            return
        response.headers["Cache-Control"] = "no-store"
        await response(scope, receive, send)

    def _objection(self, scope: Scope) -> Response | None:
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("GET only\n", 405, {"Allow": "GET, HEAD"})
        if scope["path"].endswith("/metrics") and not (_is_local(scope) or self._knows_token(scope)):
            words = f"metrics are for this machine, or for who sends the token in {TOKEN_VARIABLE}\n"
            return PlainTextResponse(words, 401, {"WWW-Authenticate": "Bearer"})
        return None

    async def _answered(self, answer: Callable[[], Response]) -> Response:
        if answer is _healthz:
            return answer()
        return await asyncio.get_running_loop().run_in_executor(self._thread, answer)

    def _knows_token(self, scope: Scope) -> bool:
        scheme, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
        known = secrets.compare_digest(given.strip().encode(), self._token.encode())
        return bool(self._token) and scheme.lower() == "bearer" and known


def _is_streamlits(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["path"].endswith("/_stcore/metrics")


def _is_local(scope: Scope) -> bool:
    """Whether a program of this machine asks, for itself: by a loopback name, since a proxy may send nothing else."""
    client, headers = scope.get("client"), Headers(scope=scope)
    loopback = client is not None and is_loopback(client[0])
    return loopback and is_ours(headers.get("host", "")) and not any(name in headers for name in PROXIED)


def _healthz() -> Response:
    return PlainTextResponse("ok\n")


def _readyz() -> Response:
    engine = cache.installed()
    if engine is None:
        return JSONResponse(AWAY, 503)
    found = engine.readiness()
    return JSONResponse(found.to_dict(), 200 if found.ready else 503)


def _metrics() -> Response:
    from prometheus_client import CONTENT_TYPE_LATEST

    engine = cache.installed()
    if engine is None:
        return JSONResponse(AWAY, 503)
    return Response(engine.metrics.text(), media_type=CONTENT_TYPE_LATEST)
