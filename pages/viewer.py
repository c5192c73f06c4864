"""Who is looking: a random name in a cookie, so that it survives a reload. It names a browser, not a person."""

import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import SimpleCookie
from typing import Any

import streamlit as st

COOKIE = "kernel_drift_viewer"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class ViewerCookie:
    """ASGI middleware: gives a browser without a name one with the first page."""

    def __init__(self, app: Callable[[Message, Receive, Send], Awaitable[None]]):
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or COOKIE in _cookies(scope):
            await self._app(scope, receive, send)
            return

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                cookie = f"{COOKIE}={secrets.token_urlsafe(16)}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"
                message["headers"] = [*message.get("headers", ()), (b"set-cookie", cookie.encode())]
            await send(message)

        await self._app(scope, receive, named)


def viewer() -> str:
    """The name of this browser; of this session where it keeps no cookies."""
    name = dict(st.context.cookies).get(COOKIE, "")
    if re.fullmatch(r"[\w-]{8,64}", name):
        return name
    return st.session_state.setdefault("viewer", secrets.token_urlsafe(16))


def _cookies(scope: Message) -> SimpleCookie:
    header = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
    return SimpleCookie(header.decode("latin-1"))


def _is_page(message: Message) -> bool:
    headers = dict(message.get("headers", ()))
    return headers.get(b"content-type", b"").startswith(b"text/html")
