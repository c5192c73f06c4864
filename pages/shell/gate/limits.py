"""How much: connections at once, what a session keeps open, what it uploads; and how a request is turned away."""

import asyncio
import logging
import math
import re
import resource
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Protocol

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config, runtime
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from pages.shell.gate.streamlit_internals import close_past, open_again

log = logging.getLogger(__name__)


SECRET = re.compile(r"^(/_stcore/upload_file/|/media/|/component/).*")
"""Behind these stands what names a session or a file of it."""


def loggable(path: str) -> str:
    """A path as it may be logged: short, printable, and without what names a session."""
    return SECRET.sub(r"\1...", path).encode("ascii", "backslashreplace").decode()[:80]


async def refuse(status: int, words: str, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers an HTTP request, or the handshake of a websocket, and goes no further.

    Of a handshake uvicorn says besides, in its log, that it was not completed: so it is meant.
    """
    log.warning("refused %s (%d): %s", loggable(scope["path"]), status, words)
    await PlainTextResponse(words + "\n", status)(scope, receive, send)


# How many may be connected: pages in all and from one client, and requests in progress.

PAGES, PAGES_OF_ONE = 128, 64
"""Open websockets: one for every open page."""

SHARE_OF_STRANGERS = 4
"""Of all pages, the part that may be open to who has not signed in: the rest is for people. One address has half."""

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

    Args:
        pages, pages_of_one: open at once, in all and from one client.
        is_stranger: whether who sends these cookies has not signed in.
    """

    def __init__(
        self,
        app: ASGIApp,
        pages: int | None = None,
        pages_of_one: int = PAGES_OF_ONE,
        is_stranger: Callable[[Mapping[str, str]], bool] = lambda _: False,
    ):
        self._app, self._is_stranger = app, is_stranger
        self._pages = Room(affordable_pages() if pages is None else pages, pages_of_one)
        few = max(1, self._pages.most // SHARE_OF_STRANGERS)
        self._strangers = Room(few, max(1, few // 2))
        self._requests = Room(REQUESTS, REQUESTS_OF_ONE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        client = (scope.get("client") or ("unknown",))[0]
        rooms = self._rooms(scope)
        full = next((room for room in rooms if room.full_for(client)), None)
        if full:
            await refuse(429, self._words(full), scope, receive, send)
            return
        with ExitStack() as inside:
            for room in rooms if scope["type"] == "websocket" else rooms[:1]:
                inside.enter_context(room.entered(client))
            await self._app(scope, receive, send)

    def _rooms(self, scope: Scope) -> list[Room]:
        """Where there must be a place for it: for a page also when its document is asked for."""
        rooms = [] if scope["type"] == "websocket" else [self._requests]
        if scope["type"] == "websocket" or _opens_a_page(scope):
            rooms.append(self._pages)
            if self._is_stranger(HTTPConnection(scope).cookies):
                rooms.append(self._strangers)
        return rooms

    def _words(self, full: Room) -> str:
        if full is self._strangers:
            what, room = "pages wait for a sign-in", full
        else:
            what, room = "pages are open", self._pages
        return f"Too many {what} ({room.most} in all, {room.most_of_one} from one address): close some."


def affordable_pages() -> int:
    """At most `PAGES`; fewer where the process may open few files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return PAGES
    return max(1, min(PAGES, (soft - DESCRIPTORS_BESIDE) // DESCRIPTORS_OF_A_PAGE))


def _opens_a_page(scope: Scope) -> bool:
    """Whether somebody waits for this answer before a browser: a page that could not connect would say nothing."""
    return scope["type"] == "http" and Headers(scope=scope).get("sec-fetch-dest") == "document"


# Gives back the descriptors of a session that has gone. The session stays; its loop is closed, and made anew if the
# browser does come back.

SECONDS = 0.5
"""Until the next look at a session whose script has not ended."""


class Sessions:
    """ASGI middleware: closes the script loops of past sessions, opens those of sessions that came back."""

    def __init__(self, app: ASGIApp):
        self._app = app
        self._looking = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return

        async def with_loop() -> Message:
            message = await receive()
            open_again()
            return message

        try:
            await self._app(scope, with_loop, send)
        finally:
            self._close()

    def _close(self, again: bool = False) -> None:
        """Closes what it can, and comes back for the rest, once for all that is left."""
        self._looking &= not again
        if close_past() or self._looking:
            return
        self._looking = True
        asyncio.get_running_loop().call_later(SECONDS, self._close, True)


# What a session may keep on the server: Streamlit limits the size of a file, not their number nor their sum.

FILES = 20
BYTES = 40_000_000
"""Of one session, until it ends."""

BYTES_OF_ALL = 400_000_000

FORM = 1 << 20
"""What a form may add to its file."""

_PATH = re.compile(r"/_stcore/upload_file/(?P<session>[^/]+)/(?P<file>[^/]+)$")

Kept = Mapping[str, Mapping[str, UploadedFileRec]]


class Manager(Protocol):
    """Of Streamlit's, what is used: the files by session and id."""

    file_storage: Kept


class Uploads:
    """ASGI middleware: refuses an upload beyond the limits, those under way included.

    Args:
        allowed: bytes of the largest file that a session, by its name, may bring.
    """

    def __init__(self, app: ASGIApp, allowed: Callable[[str], float] = lambda _: math.inf):
        self._app, self._allowed = app, allowed
        self._under_way: defaultdict[str, list[int]] = defaultdict(list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _PATH.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "PUT" else None
        if not found:
            await self._app(scope, receive, send)
            return
        session, size = found["session"], _size(scope)
        words = self._objection(session, found["file"], size)
        if words:
            await _read_away(receive)
            await refuse(413, words, scope, receive, send)
            return
        self._under_way[session].append(size)
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way[session].remove(size)
            if not self._under_way[session]:
                del self._under_way[session]

    def _objection(self, session: str, file: str, size: int) -> str:
        allowed = self._allowed(session)
        if allowed <= 0 or size > allowed + FORM:
            return f"You may bring files of {allowed / 1e6:g} MB at most." if allowed > 0 else "You may bring no files."
        kept = _kept()
        others = [len(record.data) for name, record in kept.get(session, {}).items() if name != file]
        coming = self._under_way.get(session, [])
        if len(others) + len(coming) >= FILES or sum(others) + sum(coming) + size > BYTES:
            return f"A page keeps {FILES} files and {BYTES / 1e6:g} MB at most: reload it to begin again."
        everything = sum(len(record.data) for files in kept.values() for record in files.values())
        if everything + sum(map(sum, self._under_way.values())) + size > BYTES_OF_ALL:
            return f"The server keeps {BYTES_OF_ALL / 1e6:g} MB of uploads at most: try again in some minutes."
        return ""


def largest() -> int:
    """Bytes of the largest body that Streamlit reads."""
    return config.get_option("server.maxUploadSize") * (1 << 20) + FORM


def _kept() -> Kept:
    manager: Manager = runtime.get_instance().uploaded_file_mgr  # pyright: ignore[reportAssignmentType]
    return dict(manager.file_storage)


def _size(scope: Scope) -> int:
    """What the request says it brings; what it may bring at most where it says nothing."""
    said = Headers(scope=scope).get("content-length", "")
    return int(said) if said.isdecimal() and len(said) < 16 else largest()


async def _read_away(receive: Receive) -> None:
    """Reads the body and keeps none: a browser reads no answer before it has sent what fits the limit."""
    left = largest()
    while left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        if not message.get("more_body"):
            return
