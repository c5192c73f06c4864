"""What a session may keep on the server: Streamlit limits the size of a file, not their number nor their sum."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Protocol

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config, runtime
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from pages.gate.refusal import refuse

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
    """ASGI middleware: refuses an upload beyond the limits, those under way included."""

    def __init__(self, app: ASGIApp):
        self._app = app
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
