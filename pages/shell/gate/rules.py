"""Who may speak, what about, and what browsers are told: hosts, messages, headers."""

import base64
import hashlib
import logging
import re
from collections.abc import Collection
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlparse, urlsplit

import streamlit
from google.protobuf.message import DecodeError
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from pages.shell.gate.limits import FILES, refuse

# What browsers are told about every answer: which scripts may run, what may be asked, who may show it in a frame.

PAGE = Path(streamlit.__file__).with_name("static") / "index.html"


class SecurityHeaders:
    """ASGI middleware: adds the security headers to every answer, refusals included.

    Args:
        secure: whether browsers come over TLS: then they are told to send our cookies over nothing else.
    """

    def __init__(self, app: ASGIApp, secure: bool = False):
        self._app, self._secure = app, secure
        self._headers = {
            "Content-Security-Policy": policy(PAGE.read_text()),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: Message) -> None:
            if message["type"].endswith("http.response.start"):
                if self._secure:
                    message["headers"] = [(name, _secured(name, value)) for name, value in message.get("headers", ())]
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, told)


def _secured(name: bytes, value: bytes) -> bytes:
    """A header, with the attribute that Streamlit leaves out where it is a cookie's."""
    if name.lower() != b"set-cookie" or b"secure" in [part.strip().lower() for part in value.split(b";")[1:]]:
        return value
    return value + b"; Secure"


def policy(page: str) -> str:
    """The Content-Security-Policy for Streamlit's page, whose inline scripts are allowed by their hashes.

    No `unsafe-eval`: Streamlit lets Vega interpret its expressions (`ast`). `wasm-unsafe-eval` is for the 64-bit
    integers of protobuf and compiles no JavaScript. Scripts from `blob:` are how Streamlit loads a component that
    comes as text, the player; emotion and `st.html` write inline styles.
    """
    inline = [_hash(script) for script in re.findall(r"<script>(.*?)</script>", page, re.DOTALL)]
    rules = {
        "default-src": ["'self'"],
        "script-src": ["'self'", "'wasm-unsafe-eval'", "blob:", *inline],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in rules.items())


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


# Whom the server takes for itself: the Host of a request, and the Origin of the page that sent it.
#
# A page elsewhere reaches a server on loopback in two ways. It points a name of its own at 127.0.0.1 (DNS rebinding):
# then Host is that name. Or it opens a websocket across origins, which browsers allow: then Origin is not Host.
# Streamlit checks neither by default, and asks an outside address for its own where an Origin is foreign: a request
# that it would ask about must not reach it.

VARIABLE = "KERNEL_DRIFT_HOSTS"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing; what they answer is kept from other origins by the browser."""


class Hosts:
    """ASGI middleware: refuses a Host that is not ours and a page of another origin.

    Args:
        named: names beside those of loopback; "*.example.org" stands for every name below it.
    """

    def __init__(self, app: ASGIApp, named: Collection[str] = ()):
        self._app = app
        self._named = frozenset(named)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        words = self._objection(scope) if scope["type"] in ("http", "websocket") else ""
        if words:
            await refuse(403, words, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _objection(self, scope: Scope) -> str:
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not is_ours(hosts[0], self._named):
            given = hosts[0][:80] if hosts else ""
            return f"Host {given!a} is not served here: open the address the server prints, or name it in {VARIABLE}."
        changes = scope["type"] == "websocket" or scope["method"] not in SAFE
        if changes and not all(is_same(origin, hosts[0]) for origin in origins):
            return f"A page of {origins[0][:80]!a} may not use this server: open {hosts[0]} itself."
        return ""


def is_ours(host: str, named: Collection[str] = ()) -> bool:
    """Whether a Host header, port or not, means loopback or one of these names."""
    try:
        parts = urlsplit(f"//{host}")
        name, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not name or not re.fullmatch(r"[\w.:\[\]-]+", host, re.ASCII):
        return False
    name = name.lower().rstrip(".")
    return name == "localhost" or is_loopback(name) or any(_matches(name, pattern) for pattern in named)


def is_same(origin: str, host: str) -> bool:
    """Whether a page of this Origin was served by this Host: compared as Streamlit does, so that it agrees.

    A request without an Origin comes from a program, not from a page: it is not asked for one, since it could write
    any. "null" (a sandboxed frame, a file) is no origin of ours.
    """
    try:
        return urlparse(origin).netloc == host
    except ValueError:
        return False


def named_hosts(text: str) -> tuple[str, ...]:
    """The names in `KERNEL_DRIFT_HOSTS`, separated by commas.

    Raises:
        ValueError: one of them is no host name.
    """
    names = tuple(name.strip().lower().rstrip(".") for name in text.split(",") if name.strip())
    for name in names:
        if not re.fullmatch(r"(\*\.)?[\w-]+(\.[\w-]+)*", name) and not _is_address(name):
            raise ValueError(
                f"{VARIABLE}: {name!r} is no host name; give names such as drift.example.org or *.example.org, "
                "separated by commas, without scheme or port"
            )
    return names


def _matches(name: str, pattern: str) -> bool:
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern


def _is_address(name: str) -> bool:
    try:
        return bool(ip_address(name))
    except ValueError:
        return False


def is_loopback(name: str) -> bool:
    """Whether it is an address of this machine for itself."""
    return _is_address(name) and ip_address(name).is_loopback


# What a page may ask of Streamlit over its websocket: to run, to stop, to send files either way.
#
# Streamlit answers more than the pages need: `clear_cache` empties what all sessions share, `install_skills` writes
# into the program's folder, `load_git_info` reads its repository.

log = logging.getLogger(__name__)

ALLOWED = frozenset({"rerun_script", "stop_script", "file_urls_request", "app_heartbeat", "backend_operation_request"})
OPERATIONS = frozenset({"deferred_file", "dataframe_chunk"})

NOT_OURS = 1003
"""Status of a websocket that is closed because it sent what is no message of Streamlit's."""


class Messages:
    """ASGI middleware: drops the messages that no page of ours sends, and hangs up on what is no message."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def allowed() -> Message:
            while True:
                message = await receive()
                if message["type"] != "websocket.receive":
                    return message
                asks = _read(message.get("bytes"))
                if asks is None:
                    await send(
                        {"type": "websocket.close", "code": NOT_OURS, "reason": "not a message of this server's"}
                    )
                    return {"type": "websocket.disconnect", "code": NOT_OURS}
                if not (objection := _objection(asks)):
                    return message
                log.warning("dropped a message: %s", objection)

        await self._app(scope, allowed if scope["type"] == "websocket" else receive, send)


def _read(frame: bytes | None) -> BackMsg | None:
    """The message of a frame; None for text and for what cannot be read."""
    try:
        return None if frame is None else BackMsg.FromString(frame)
    except DecodeError:
        return None


def _objection(asks: BackMsg) -> str:
    """Why a message goes no further; "" for one that does."""
    kind = asks.WhichOneof("type")
    if kind not in ALLOWED:
        return f"{kind} is not for a page to ask"
    if kind == "backend_operation_request":
        operation = asks.backend_operation_request.WhichOneof("payload")
        return "" if operation in OPERATIONS else f"{operation} is not for a page to ask"
    if kind == "file_urls_request" and len(asks.file_urls_request.file_names) > FILES:
        return f"a page keeps {FILES} files at most"
    return ""
