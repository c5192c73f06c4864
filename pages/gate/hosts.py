"""Whom the server takes for itself: the Host of a request, and the Origin of the page that sent it.

A page elsewhere reaches a server on loopback in two ways. It points a name of its own at 127.0.0.1 (DNS rebinding):
then Host is that name. Or it opens a websocket across origins, which browsers allow: then Origin is not Host.
Streamlit checks neither by default, and asks an outside address for its own where an Origin is foreign: a request that
it would ask about must not reach it.
"""

import re
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlparse, urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from pages.gate.refusal import refuse

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
    return name == "localhost" or _is_loopback(name) or any(_matches(name, pattern) for pattern in named)


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


def _is_loopback(name: str) -> bool:
    return _is_address(name) and ip_address(name).is_loopback
