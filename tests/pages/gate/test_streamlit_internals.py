"""The private names of Streamlit that the gate uses are there."""

import pytest
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.runtime import Runtime


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (Runtime, "_session_mgr"),
        (AppSession, "_scriptrunner"),
        (AppSession, "_script_event_loop"),
        (AppSession, "_user_info"),
    ],
)
def test_the_names_that_the_gate_uses_are_there(owner, name):
    assert name in owner.__init__.__code__.co_names
