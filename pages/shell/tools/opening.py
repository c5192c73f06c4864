"""When a dialog opens: a part of a page that draws itself again would close it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import streamlit as st

WAITING = "dialog that waits"
"""In the session: what opens one."""
_REDRAWN: ContextVar[bool] = ContextVar("redrawn", default=False)


def open_when_still(opens: Callable[[], None]) -> None:
    """Opens a dialog: at once, or from a part of the page that draws itself again, which would close it, at the end of
    the page (`open_waiting`)."""
    if not _REDRAWN.get():
        opens()
        return
    st.session_state[WAITING] = opens
    st.rerun()


def open_waiting() -> None:
    """The dialog that waits for the end of the page."""
    if opens := st.session_state.pop(WAITING, None):
        opens()


@contextmanager
def redrawn() -> Iterator[None]:
    """What is drawn within is drawn again by itself."""
    before = _REDRAWN.set(True)
    try:
        yield
    finally:
        _REDRAWN.reset(before)
