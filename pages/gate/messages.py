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

UNSUPPORTED = 1003
"""Status of a websocket closed because it sent text."""


class Messages:
    """ASGI middleware: drops the messages that no page of ours sends."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def allowed() -> Message:
            while True:
                message = await receive()
                if message["type"] != "websocket.receive":
                    return message
                if message.get("bytes") is None:
                    await send({"type": "websocket.close", "code": UNSUPPORTED, "reason": "binary messages only"})
                    return {"type": "websocket.disconnect", "code": UNSUPPORTED}
                if objection := _objection(message["bytes"]):
                    log.warning("dropped a message: %s", objection)
                    continue
                return message

        await self._app(scope, allowed if scope["type"] == "websocket" else receive, send)


def _objection(frame: bytes) -> str:
    """Why a message goes no further; "" for one that does. Streamlit hangs up on what cannot be read."""
    message = BackMsg()
    try:
        message.ParseFromString(frame)
    except DecodeError:
        return ""
    kind = message.WhichOneof("type")
    if kind not in ALLOWED:
        return f"{kind} is not for a page to ask"
    if kind == "backend_operation_request":
        operation = message.backend_operation_request.WhichOneof("payload")
        return "" if operation in OPERATIONS else f"{operation} is not for a page to ask"
    if kind == "file_urls_request" and len(message.file_urls_request.file_names) > FILES:
        return f"a page keeps {FILES} files at most"
    return ""
