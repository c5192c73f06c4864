"""What of Streamlit's sessions nothing public tells, by private names as in Streamlit 1.67: event loops, logins, and
whether the browser went back.

Streamlit makes an event loop for the script of every session (two sockets and a selector) and keeps it as long as the
session may come back, then until the garbage collector finds it. When these names change,
`tests/pages/gate/test_streamlit_internals.py` fails; that they still do what is meant, `test_gate_server.py` tells.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping

from streamlit import runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.session_manager import SessionManager
from streamlit.web.server.starlette import starlette_websocket
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME


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


def claims_in(cookies: Mapping[str, str]) -> dict[str, object]:
    """What the cookie that Streamlit signed at a login says; nothing where there is none, or another signed it."""
    if USER_COOKIE_NAME not in cookies:
        return {}
    signed = starlette_websocket._get_signed_cookie_with_chunks(dict(cookies), USER_COOKIE_NAME)
    return json.loads(signed) if signed else {}


def claims_of(session: str) -> dict[str, object]:
    """What the login says that a session was opened with; nothing of a session that is not there."""
    info = _manager().get_active_session_info(session)
    return dict(info.session._user_info) if info else {}


def went_back() -> bool:
    """Whether this run of the script came with a step back or forward in the browser's history."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def _past() -> Iterator[AppSession]:
    manager = _manager()
    for info in manager.list_sessions():
        if not manager.is_active_session(info.session.id):
            yield info.session


def _manager() -> SessionManager:
    return runtime.get_instance()._session_mgr
