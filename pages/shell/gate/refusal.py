"""How a request is turned away: a status and a sentence that says what to do."""

import logging

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

log = logging.getLogger(__name__)


async def refuse(status: int, words: str, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers an HTTP request, or the handshake of a websocket, and goes no further.

    Of a handshake uvicorn says besides, in its log, that it was not completed: so it is meant.
    """
    log.warning("refused %s (%d): %s", scope["path"].encode("ascii", "backslashreplace").decode()[:80], status, words)
    await PlainTextResponse(words + "\n", status)(scope, receive, send)
