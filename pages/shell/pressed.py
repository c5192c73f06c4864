"""The button that was pressed last, until the script knows what it asks for.

The browser may send what was typed and the click in one message: what a callback was given when the page was drawn is
then older than the settings.
"""

import streamlit as st

PRESSED = "pressed"
"""Its key, in the session."""


def note_press(name: str) -> None:
    """From its callback."""
    st.session_state[PRESSED] = name


def was_pressed(name: str) -> bool:
    """Whether it was this one; true once."""
    found = st.session_state.get(PRESSED) == name
    if found:
        forget_press()
    return found


def forget_press() -> None:
    """The settings make no sense, or another page is shown: what was pressed asks for nothing."""
    st.session_state.pop(PRESSED, None)
