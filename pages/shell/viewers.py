"""Who looks: the name of a browser, who else watches a run, and what all sessions share."""

import re
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import SimpleCookie
from typing import Any, Generic, TypeVar

import streamlit as st

import cache
from cache.claims import claimant
from cache.ownership import title
from cache.policy import NOBODY
from pages.shell import requests
from pages.shell.gate.preload import is_page
from pages.shell.people import person, sign_in_configured

# State of the server that pages share: one object for as long as the cached engine is installed.
#
# Not `st.cache_resource`: any session can empty that, and what is kept there is gone for all.

T = TypeVar("T")


class Shared(Generic[T]):
    """Gives the same object to every session, made at first use; a new one for another engine. Thread-safe.

    Args:
        make: makes the object.
    """

    def __init__(self, make: Callable[[], T]):
        self._make = make
        self._lock = threading.Lock()
        self._made: tuple[cache.CachedEngine, T] | None = None

    def __call__(self) -> T:
        engine = cache.current()
        with self._lock:
            if self._made is None or self._made[0] is not engine:
                self._made = engine, self._make()
            return self._made[1]


# Who is looking: whoever signed in, else a browser: its random name is in a cookie, so that it survives a reload.

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
            if message["type"] == "http.response.start" and is_page(message):
                cookie = f"{COOKIE}={secrets.token_urlsafe(16)}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"
                message["headers"] = [*message.get("headers", ()), (b"set-cookie", cookie.encode())]
            await send(message)

        await self._app(scope, receive, named)


def viewer() -> str:
    """The person who signed in; without sign-in the name of this browser, of this session where it keeps no cookies.

    The log then knows who asks, too.
    """
    requests.adopt()
    if sign_in_configured():
        return person() or NOBODY
    name = dict(st.context.cookies).get(COOKIE, "")
    if re.fullmatch(r"[\w-]{16,64}", name):
        return name
    return st.session_state.setdefault("viewer", secrets.token_urlsafe(16))


def name_given(key: str) -> str:
    """What the viewer calls the result of this key, else what the first does who gave it a name; empty without one."""
    return title(cache.current().store.claims.listed(key), claimant(viewer())) if key else ""


def _cookies(scope: Message) -> SimpleCookie:
    header = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
    return SimpleCookie(header.decode("latin-1"))


# Who else looks at a run: pages tell each viewer that the computation is shared.

PRESENT = 3.0
"""Seconds since the last look; pages look about twice a second."""


class Watchers:
    """Viewers by run key, with the time of their last look. Thread-safe."""

    def __init__(self):
        self._seen: defaultdict[str, dict[str, float]] = defaultdict(dict)
        self._lock = threading.Lock()

    def notice(self, key: str, viewer: str) -> int:
        """Notes that `viewer` looks; returns how many others do."""
        with self._lock:
            self._seen[key][viewer] = time.monotonic()
        return self.others(key, viewer)

    def others(self, key: str, viewer: str) -> int:
        """How many look besides `viewer`."""
        now = time.monotonic()
        with self._lock:
            for run in [*self._seen]:
                self._seen[run] = {name: seen for name, seen in self._seen[run].items() if now - seen < PRESENT}
                if not self._seen[run]:
                    del self._seen[run]
            return len({*self._seen.get(key, {})} - {viewer})

    def leave(self, key: str, viewer: str) -> None:
        with self._lock:
            self._seen.get(key, {}).pop(viewer, None)


watchers = Shared(Watchers)
"""`watchers()` gives those of this server."""
