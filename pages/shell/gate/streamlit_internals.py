"""The event loops of Streamlit's sessions, of which nothing public tells: private names, as read in Streamlit 1.67.

Streamlit makes an event loop for the script of every session (two sockets and a selector) and keeps it as long as the
session may come back, then until the garbage collector finds it. When these names change,
`tests/pages/gate/test_streamlit_internals.py` fails; that they still do what is meant, `test_gate_server.py` tells.
"""

import asyncio
from collections.abc import Iterator

from streamlit import runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.session_manager import SessionManager


def close_past() -> bool:
    """Closes the loops of past sessions; False where the script of one still runs, which is left."""
    past = [*_past()]
    for session in past:
        if session._scriptrunner is None and not session._script_event_loop.is_running():
            session._script_event_loop.close()
    return all(session._script_event_loop.is_closed() for session in past)


def open_again() -> None:
    """Gives sessions that came back a loop again."""
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
