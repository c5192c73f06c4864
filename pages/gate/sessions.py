"""Gives back the descriptors of a session that has gone.

Streamlit makes an event loop for the script of every session (two sockets and a selector) and keeps it as long as the
session may come back, then until the garbage collector finds it. The session stays; its loop is closed, and made
anew if the browser does come back.
"""

import asyncio
from collections.abc import Iterator

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.session_manager import SessionManager

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
            _open_again()
            return message

        try:
            await self._app(scope, with_loop, send)
        finally:
            self._look()

    def _look(self, again: bool = False) -> None:
        """Closes what it can, and comes back for the rest."""
        if self._looking and not again:
            return
        self._looking = not _close_past()
        if self._looking:
            asyncio.get_running_loop().call_later(SECONDS, self._look, True)


def _close_past() -> bool:
    """Whether every past session's loop is closed; one whose script still runs is left."""
    past = [*_past()]
    for session in past:
        if session._scriptrunner is None and not session._script_event_loop.is_running():
            session._script_event_loop.close()
    return all(session._script_event_loop.is_closed() for session in past)


def _open_again() -> None:
    for info in _manager().list_active_sessions():
        if info.session._script_event_loop.is_closed():
            info.session._script_event_loop = asyncio.new_event_loop()


def _past() -> Iterator[AppSession]:
    manager = _manager()
    for info in manager.list_sessions():
        if not manager.is_active_session(info.session.id):
            yield info.session


def _manager() -> SessionManager:
    return runtime.get_instance()._session_mgr
