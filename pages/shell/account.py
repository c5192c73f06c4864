"""What a person sees of their account: the page to sign in, the page of who may not enter, a line in the sidebar."""

import streamlit as st

import cache
from pages.charts.words import plain
from pages.shell.people import log_out, person, role
from pages.shell.sign_in import DEFAULT, providers

NOTED = "account_noted"


def turn_away() -> None:
    """Instead of the pages, for who may not enter."""
    who = person()
    st.title("Kernel Drift")
    if who:
        _note(who, "refused sign-in")
        st.error(f"{plain(who)} is not on the list of this server: ask its administrator.", icon=":material/block:")
        _log_out_button(who)
        return
    st.markdown("This server is for people who sign in.")
    for name in providers():
        label = "Sign in" if name == DEFAULT else f"Sign in with {plain(name)}"
        icon = ":material/login:"
        st.button(label, type="primary", icon=icon, key=f"sign in {name}", on_click=st.login, args=(name,))


def show_account() -> None:
    """Who is there, in the sidebar; nothing where nobody signs in."""
    if who := person():
        _note(who, "sign-in")
        with st.sidebar:
            st.caption(f"{plain(who)} · {role()}")
            _log_out_button(who)


def _log_out_button(who: str) -> None:
    st.button("Log out", icon=":material/logout:", key="log_out", on_click=_leave, args=(who,))


def _leave(who: str) -> None:
    _note(who, "logout")
    log_out()


def _note(who: str, action: str) -> None:
    """The one place where comings and goings are written down: once in a session."""
    if st.session_state.get(NOTED) != (who, action):
        st.session_state[NOTED] = who, action
        cache.current().audit(who, action)
