"""What a page may ask of Streamlit over its websocket: to run, to stop, to send files either way.

Streamlit answers more than the pages need: `clear_cache` empties what all sessions share, `install_skills` writes into
the program's folder, `load_git_info` reads its repository.
"""

import logging

from google.protobuf.message import DecodeError
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from pages.gate.uploads import FILES

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
