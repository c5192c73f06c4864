"""Whoever opened a link and had to sign in first lands on it, not on Home: the provider is told no other address."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.shell.people import sign_in_configured
from pages.shell.sign_in import CALLBACK
from pages.shell.viewers import is_page

COOKIE = "kernel_drift_way_back"
LOGIN = "_streamlit_user"
SECONDS = 600
LONGEST = 3000
"""Characters of an address that a cookie holds for sure."""


class WayBack:
    """ASGI middleware: notes in a cookie which page was asked for without a login, and leads there after one."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not sign_in_configured():
            await self._app(scope, receive, send)
            return
        cookies, path, query = HTTPConnection(scope).cookies, scope["path"], scope["query_string"].decode("latin-1")
        asked = f"{path}?{query}" if query else path

        async def led(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if path.endswith(CALLBACK) and "location" in headers:
                    headers["location"] = _read(cookies.get(COOKIE, "")) or headers["location"]
                    headers.append("set-cookie", _cookie("", 0))
                elif is_page(message) and LOGIN not in cookies and len(asked) <= LONGEST:
                    headers.append("set-cookie", _cookie(urlsafe_b64encode(asked.encode()).decode(), SECONDS))
            await send(message)

        await self._app(scope, receive, led)


def _cookie(value: str, seconds: int) -> str:
    return f"{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"


def _read(value: str) -> str:
    """The address on this server that the cookie holds; "" where it holds none, or another server's."""
    try:
        address = urlsafe_b64decode(value).decode("ascii")
    except (Error, UnicodeDecodeError):
        return ""
    ours = address.startswith("/") and not address.startswith("//") and "\\" not in address
    return address if ours and address.isprintable() else ""
