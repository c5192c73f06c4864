"""Names every request, and logs that it was answered: the path without its query, no header, nobody's address."""

import logging
import re
import secrets
import time

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cache.logs import REQUEST
from pages.shell.gate.limits import loggable

log = logging.getLogger(__name__)

HEADER = "X-Request-ID"
GIVEN = re.compile(r"[\w-]{8,64}", re.ASCII)
QUIET = re.compile(r"/(static/|healthz|readyz|metrics|_stcore/(health|host-config))")
"""What comes by dozens, for every page or every few seconds."""


class Requests:
    """ASGI middleware: gives a request a name, unless a proxy has, and the answer the same."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        name, began, status = _name(scope), time.monotonic(), 0
        REQUEST.set(name)  # the task of this request has a context of its own

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"].endswith(("http.response.start", "websocket.accept")):
                status = message.get("status", 101)
                MutableHeaders(scope=message)[HEADER] = name
            await send(message)

        try:
            await self._app(scope, receive, told)
        finally:
            _note(scope, status, time.monotonic() - began)


def adopt() -> None:
    """In the script of a page: what it asks for is named after the request that opened the page."""
    REQUEST.set(st.context.headers.get(HEADER, ""))


def _name(scope: Scope) -> str:
    """The request's, which Streamlit then finds among its headers."""
    given = Headers(scope=scope).get(HEADER, "")
    name = given if GIVEN.fullmatch(given) else secrets.token_hex(8)
    MutableHeaders(scope=scope)[HEADER] = name
    return name


def _note(scope: Scope, status: int, seconds: float) -> None:
    method = scope.get("method", "WEBSOCKET")
    level = logging.DEBUG if QUIET.match(scope["path"]) and status < 400 else logging.INFO
    log.log(level, "%s %s", method, loggable(scope["path"]), extra={"status": status, "seconds": round(seconds, 4)})
