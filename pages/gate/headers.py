"""What browsers are told about every answer: which scripts may run, what may be asked, who may show it in a frame."""

import base64
import hashlib
import re
from pathlib import Path

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE = Path(streamlit.__file__).with_name("static") / "index.html"


class SecurityHeaders:
    """ASGI middleware: adds the security headers to every answer, refusals included."""

    def __init__(self, app: ASGIApp):
        self._app = app
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
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, told)


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
