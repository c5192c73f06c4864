"""Who is there: the person who signed in, their role, and what they may ask for."""

import time
from collections.abc import Mapping

import streamlit as st

import cache
from cache.policy import Role, refusal
from pages.shell.sign_in import providers


def sign_in_configured() -> bool:
    return bool(providers())


def person() -> str:
    """The address of who signed in, "" where nobody did or need: see `name_of`."""
    if not sign_in_configured():
        return ""
    claims = st.user.to_dict()
    if not claims.get("is_logged_in") or _login(claims) in _ended:
        return ""
    return name_of(claims, providers().get(str(claims.get("provider")), ""), time.time())


def role() -> Role | None:
    """By the policy as its file is now; None for somebody who is not on the list, and for nobody."""
    return cache.current().policy_now().role(person())


def may_enter() -> bool:
    """Whether pages are shown: to everyone where nobody signs in."""
    return not sign_in_configured() or role() is not None


def only_while_in() -> None:
    """For a part of a page that redraws by itself: once a login has ended, the whole page is drawn, and turns away."""
    if not may_enter():
        st.rerun()


def barred() -> str:
    """Why this person may not start anything; "" where they may."""
    refused = refusal(cache.current().policy_now().limits(person()), 0.0, 0)
    return refused.message if refused and refused.reason == "limits" else ""


def may_compute() -> bool:
    return not barred()


def name_of(claims: Mapping[str, object], client: str, now: float) -> str:
    """Whom an id token names: the e-mail address in small letters if the provider does not call it unverified, else
    `sub@issuer`, which is no address and of no domain.

    "" for a token that has expired or was made for another program than `client`. Streamlit keeps the claims in a
    signed cookie for 30 days and looks at neither again; Authlib, at the login, takes an `azp` for an `aud`.
    """
    expires, audience = claims.get("exp"), claims.get("aud")
    if not (isinstance(expires, int | float) and expires > now):
        return ""
    if not client or client not in (audience if isinstance(audience, list) else [audience]):
        return ""
    address, verified = str(claims.get("email") or "").strip().lower(), claims.get("email_verified", True)
    if "@" in address and str(verified).lower() == "true":
        return address
    subject, issuer = claims.get("sub"), str(claims.get("iss") or "")
    return f"{subject}@{issuer}" if subject and "://" in issuer else ""


# Streamlit forgets a login in the session that logs out, not in other tabs nor in a copy of the cookie.

_ended: dict[str, float] = {}
"""When the tokens of ended logins expire, after which they are worth nothing anyway."""


def log_out() -> None:
    """Ends this login, wherever its cookie is."""
    claims, now = st.user.to_dict(), time.time()
    for login in [login for login, expires in [*_ended.items()] if expires <= now]:
        _ended.pop(login, None)
    login, expires = _login(claims), claims.get("exp")
    if login and isinstance(expires, int | float):
        _ended[login] = expires
    st.logout()


def _login(claims: Mapping[str, object]) -> str:
    """Names one login: the nonce that Authlib made for it and the provider sent back."""
    return str(claims.get("nonce") or "")
