"""The private names of Streamlit that the gate uses are there."""

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
