"""What of Streamlit's sessions nothing public tells or sets right, by private names as in Streamlit 1.67: event loops,
logins, whether the browser went back, and what becomes of requests that come together.

Streamlit makes an event loop for the script of every session (two sockets and a selector) and keeps it as long as the
session may come back, then until the garbage collector finds it. When these names change,
`tests/pages/gate/test_streamlit_internals.py` fails; that they still do what is meant, `test_gate_server.py` and
`test_requests_browser.py` tell.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from weakref import WeakKeyDictionary

from streamlit import runtime
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import ScriptRunner, get_script_run_ctx
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


def page_asked() -> str:
    """The hash of the page that this run of the script draws: also while callbacks run that the page before it has."""
    context = get_script_run_ctx()
    return "" if context is None else context.page_script_hash


def _past() -> Iterator[AppSession]:
    manager = _manager()
    for info in manager.list_sessions():
        if not manager.is_active_session(info.session.id):
            yield info.session


def _manager() -> SessionManager:
    return runtime.get_instance()._session_mgr


# Requests of a browser that come together. Each asks for a page, or for a part of one (`st.fragment`).

_interrupt, _request = ScriptRunner._maybe_handle_execution_control_request, AppSession.request_rerun
_asked: WeakKeyDictionary[AppSession, tuple[str, str]] = WeakKeyDictionary()
"""The page that was asked for last, and the one whose drawing had begun last by then."""


def take_requests_whole() -> None:
    """From here on, in this process:

    - A request that has begun is taken in, callbacks and all, before the next one interrupts it. Streamlit ends a
      callback where it reads the session, and what was typed, or clicked, is gone.
    - What is asked of a part of a page that is left is not heeded. The browser knows that only when the next page
      comes; Streamlit would bring the former back, or draw its part into the other, of which a white page may stay.
    """
    ScriptRunner._maybe_handle_execution_control_request = _interrupt_what_has_begun
    AppSession.request_rerun = _request_of_the_page


def _interrupt_what_has_begun(self: ScriptRunner) -> None:
    context = get_script_run_ctx(suppress_warning=True)
    if context is None or context.has_script_started:
        _interrupt(self)


def _request_of_the_page(self: AppSession, client_state: ClientState | None) -> None:
    if client_state is not None and client_state.fragment_id:
        page = _page_to_come(self)
        if page and client_state.page_script_hash not in ("", page):
            return
    elif client_state is not None:
        _asked[self] = client_state.page_script_hash, self.page_script_hash
    _request(self, client_state)


def _page_to_come(session: AppSession) -> str:
    """The one asked for, until its drawing begins; then that, or where the server went instead. Empty while it is not
    known: of the first one the session has but the script that lists the pages until it is drawn."""
    page, before = _asked.get(session, ("", ""))
    if before != session.page_script_hash or session._scriptrunner is None:
        page = session.page_script_hash
        _asked[session] = page, page
    return "" if page == session._pages_manager.main_script_hash else page
