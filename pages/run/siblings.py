"""The pages that show a run, and links that carry it from one to the other."""

import streamlit as st

from pages.run import draft_state

SIBLINGS = {
    "evolution": ("Evolution", ":material/timeline:"),
    "perturbation": ("Perturbation", ":material/layers:"),
    "norms": ("Norms", ":material/straighten:"),
    "function_space": ("Function space", ":material/bubble_chart:"),
    "inductive_bias": ("Inductive bias", ":material/tune:"),
    "generalisation": ("Generalisation", ":material/school:"),
}
"""Title and icon by name."""


def links(name: str) -> None:
    """The same run on the other pages.

    Args:
        name: of this page.
    """
    query = draft_state.carried()
    with st.container(horizontal=True, gap="medium", key="siblings"):
        st.caption("The same run:", width="content")
        for other, (title, icon) in SIBLINGS.items():
            if other != name:
                st.page_link(f"{other}.py", label=title, icon=icon, query_params=query, width="content")
