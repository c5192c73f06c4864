"""The private names of Streamlit that the gate uses are there."""

from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.runtime import Runtime
from streamlit.runtime.scriptrunner import ScriptRunner

from pages.shell.gate import streamlit_internals


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (Runtime, "_session_mgr"),
        (AppSession, "_scriptrunner"),
        (AppSession, "_script_event_loop"),
        (AppSession, "_user_info"),
        (AppSession, "_pages_manager"),
    ],
)
def test_the_names_that_the_gate_uses_are_there(owner, name):
    assert name in owner.__init__.__code__.co_names


class Session:
    """What is asked of one of Streamlit's: the page whose drawing began last, and whether it draws."""

    page_script_hash, _scriptrunner, _pages_manager = "A", object(), SimpleNamespace(main_script_hash="main")


def test_the_page_to_come_is_the_one_asked_for_until_the_server_is_somewhere():
    session: Any = Session()
    streamlit_internals._asked[session] = "B", "A"
    assert streamlit_internals._page_to_come(session) == "B"
    session.page_script_hash = "B"
    assert streamlit_internals._page_to_come(session) == "B"
    session.page_script_hash = "C"  # the server went on by itself
    assert streamlit_internals._page_to_come(session) == "C"
    streamlit_internals._asked[session] = "D", "C"
    session._scriptrunner = None  # nothing is drawn any more: D never came
    assert streamlit_internals._page_to_come(session) == "C"
    session.page_script_hash = "main"
    assert streamlit_internals._page_to_come(session) == ""


def test_the_methods_that_it_puts_itself_before_are_there_and_are_called_as_it_takes_for_granted(monkeypatch):
    interrupt, request = ScriptRunner._maybe_handle_execution_control_request, AppSession.request_rerun
    monkeypatch.setattr(ScriptRunner, interrupt.__name__, interrupt)
    monkeypatch.setattr(AppSession, request.__name__, request)
    streamlit_internals.take_requests_whole()
    for now, before, owner in (
        (ScriptRunner._maybe_handle_execution_control_request, interrupt, ScriptRunner),
        (AppSession.request_rerun, request, AppSession),
    ):
        assert now is not before
        assert now.__code__.co_argcount == before.__code__.co_argcount
        callers = [one.__code__.co_names for one in vars(owner).values() if hasattr(one, "__code__")]
        assert any(before.__name__ in names for names in callers)
