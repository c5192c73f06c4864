"""Folded parts of the sidebar."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def unfolded(label: str, needed: bool) -> DeltaGenerator | None:
    """A folded part, when it is open or `needed`: what nobody sees need not be sent to the browser."""
    if needed:
        st.session_state[label] = True
    part = st.expander(label, key=label, on_change="rerun")
    return part if part.open else None
