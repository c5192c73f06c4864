"""How many may be connected: pages in all and from one client, and requests in progress."""

import resource
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from pages.gate.refusal import refuse

PAGES, PAGES_OF_ONE = 128, 64
"""Open websockets: one for every open page."""

REQUESTS, REQUESTS_OF_ONE = 512, 256

DESCRIPTORS_OF_A_PAGE = 4
"""Its socket, and the three of the event loop that Streamlit makes for its session."""

DESCRIPTORS_BESIDE = 64
"""Kept for the store, the compute processes and plain requests."""


class Room:
    """How many are in, by client. Used from one event loop only."""

    def __init__(self, most: int, most_of_one: int):
        self.most, self.most_of_one = most, min(most_of_one, most)
        self._inside: Counter[str] = Counter()

    def full_for(self, client: str) -> bool:
        return self._inside.total() >= self.most or self._inside[client] >= self.most_of_one

    @contextmanager
    def entered(self, client: str) -> Iterator[None]:
        self._inside[client] += 1
        try:
            yield
        finally:
            self._inside[client] -= 1
            self._inside += Counter()  # Forgets who is not in.


class Connections:
    """ASGI middleware: refuses what is more than the server can serve.

    A client is an address: everyone at one machine, or behind one proxy that does not say for whom it asks.
    """

    def __init__(self, app: ASGIApp, pages: int | None = None, pages_of_one: int = PAGES_OF_ONE):
        self._app = app
        self._pages = Room(affordable_pages() if pages is None else pages, pages_of_one)
        self._requests = Room(REQUESTS, REQUESTS_OF_ONE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        client = (scope.get("client") or ("unknown",))[0]
        room = self._pages if scope["type"] == "websocket" else self._requests
        if room.full_for(client) or (_opens_a_page(scope) and self._pages.full_for(client)):
            await refuse(429, self._words(), scope, receive, send)
            return
        with room.entered(client):
            await self._app(scope, receive, send)

    def _words(self) -> str:
        pages = self._pages
        return f"Too many pages are open ({pages.most} in all, {pages.most_of_one} from one address): close some."


def affordable_pages() -> int:
    """At most `PAGES`; fewer where the process may open few files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return PAGES
    return max(1, min(PAGES, (soft - DESCRIPTORS_BESIDE) // DESCRIPTORS_OF_A_PAGE))


def _opens_a_page(scope: Scope) -> bool:
    """Whether somebody waits for this answer before a browser: a page that could not connect would say nothing."""
    return scope["type"] == "http" and Headers(scope=scope).get("sec-fetch-dest") == "document"
