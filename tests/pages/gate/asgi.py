"""A request to an ASGI app, without a server."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass
class Answer:
    """What came back: messages as sent; status and words of an HTTP answer or a refused handshake."""

    sent: list[Message] = field(default_factory=list)

    @property
    def status(self) -> int:
        return next(message["status"] for message in self.sent if message["type"].endswith("http.response.start"))

    @property
    def words(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()

    @property
    def headers(self) -> dict[str, str]:
        (start,) = (message for message in self.sent if message["type"].endswith("http.response.start"))
        return {name.decode(): value.decode() for name, value in start["headers"]}


def scope(kind: str = "http", method: str = "GET", path: str = "/", client: str = "127.0.0.1", **headers: Any) -> Scope:
    """Of a request; a header given as a list comes so many times."""
    listed = {"host": "localhost:8501", **headers}
    raw = [
        (name.replace("_", "-").encode(), str(value).encode())
        for name, values in listed.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    found = {"type": kind, "path": path, "client": (client, 1), "headers": raw, "query_string": b""}
    return {**found, "method": method} if kind == "http" else {**found, "extensions": {"websocket.http.response": {}}}


async def ask(app: ASGIApp, scope: Scope, messages: Iterable[Message] = ()) -> Answer:
    """Runs the app on one request with these messages from the client."""
    coming, answer = iter(messages), Answer()

    async def receive() -> Message:
        await asyncio.sleep(0)
        return next(coming, {"type": "http.disconnect" if scope["type"] == "http" else "websocket.disconnect"})

    async def send(message: Message) -> None:
        answer.sent.append(message)

    await app(scope, receive, send)
    return answer


def asked(app: ASGIApp, scope: Scope, messages: Iterable[Message] = ()) -> Answer:
    return asyncio.run(ask(app, scope, messages))


class Reached:
    """An app behind the gate that notes what reached it."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.messages: list[Message] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        while not (message := await receive())["type"].endswith("disconnect"):
            self.messages.append(message)
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"reached"})
