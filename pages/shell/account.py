"""What a person sees of their account: sign-in and the way back from it, who may not enter, a line in the sidebar."""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import cache
from pages.charts.words import plain
from pages.shell.gate.preload import is_page
from pages.shell.gate.rules import VARIABLE as HOSTS
from pages.shell.gate.rules import named_hosts
from pages.shell.people import (
    CALLBACK,
    DEFAULT,
    is_stranger,
    log_out,
    person,
    providers,
    reached_by_others,
    refused_login,
    role,
    sign_in_configured,
)

NOTED = "account_noted"


def turn_away() -> None:
    """Instead of the pages, for who may not enter."""
    who = person()
    st.title("Kernel Drift")
    if who:
        _note(who, "refused sign-in", why="on no list")
        st.error(f"{plain(who)} is not on the list of this server: ask its administrator.", icon=":material/block:")
        _log_out_button(who)
        return
    shown, why = refused_login(st.context.cookies)
    if why:
        _note(shown, "refused sign-in", why=why)
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


def who_may_enter(address: str | None) -> str:
    """In words, of a server that binds this `server.address`."""
    if providers():
        return "Only people on the list of this server enter, and they see one another's runs."
    if not reached_by_others(address, named_hosts(os.environ.get(HOSTS, ""))):
        return "Nobody signs in: whoever is on this machine may do everything here, and nobody else reaches it."
    return "Nobody signs in: whoever reaches this server may do everything here."


def _log_out_button(who: str) -> None:
    st.button("Log out", icon=":material/logout:", key="log_out", on_click=_leave, args=(who,))


def _leave(who: str) -> None:
    _note(who, "logout")
    log_out()


def _note(who: str, action: str, **facts: str) -> None:
    """The one place where comings and goings are written down: once in a session."""
    if st.session_state.get(NOTED) != (who, action):
        st.session_state[NOTED] = who, action
        cache.current().audit(who, action, **facts)


# Whoever opened a link and had to sign in first lands on it, not on Home: the provider is told no other address.

COOKIE = "kernel_drift_way_back"
SECONDS = 600
LONGEST = 3000
"""Characters of an address that a cookie holds for sure."""


class WayBack:
    """ASGI middleware: notes in a cookie which page was asked for without a login that counts, and leads there after
    one."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not sign_in_configured():
            await self._app(scope, receive, send)
            return
        cookies, path, query = HTTPConnection(scope).cookies, scope["path"], scope["query_string"].decode("latin-1")
        asked = f"{path}?{query}" if query else path

        async def led(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if path.endswith(CALLBACK) and "location" in headers:
                    headers["location"] = _read(cookies.get(COOKIE, "")) or headers["location"]
                    headers.append("set-cookie", _cookie("", 0))
                elif is_page(message) and len(asked) <= LONGEST and is_stranger(cookies):
                    headers.append("set-cookie", _cookie(urlsafe_b64encode(asked.encode()).decode(), SECONDS))
            await send(message)

        await self._app(scope, receive, led)


def _cookie(value: str, seconds: int) -> str:
    return f"{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"


def _read(value: str) -> str:
    """The address on this server that the cookie holds; "" where it holds none, or another server's."""
    try:
        address = urlsafe_b64decode(value).decode("ascii")
    except (Error, UnicodeDecodeError):
        return ""
    ours = address.startswith("/") and not address.startswith("//") and "\\" not in address
    return address if ours and address.isprintable() else ""
