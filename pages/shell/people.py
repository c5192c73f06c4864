"""Who is there: the person who signed in, their role, and what they may ask for; how people sign in."""

import os
import time
from collections.abc import Collection, Mapping
from functools import cache as once
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from streamlit import config
from streamlit.auth_util import get_redirect_uri, get_secrets_auth_section, validate_auth_credentials
from streamlit.errors import StreamlitAuthError, StreamlitSecretNotFoundError

import cache
from cache.policy import NOBODY, Role, called, policy, refusal
from cache.policy import VARIABLE as POLICY
from pages.shell.gate.rules import VARIABLE as HOSTS
from pages.shell.gate.rules import is_loopback, is_ours
from pages.shell.gate.streamlit_internals import USER_COOKIE_NAME as LOGIN
from pages.shell.gate.streamlit_internals import claims_in, claims_of
from pages.shell.link import draw_again


def sign_in_configured() -> bool:
    return bool(providers())


def person() -> str:
    """The address of who signed in, "" where nobody did or need: see `named_by`."""
    return _person(st.user.to_dict()) if sign_in_configured() else ""


def _person(claims: Mapping[str, Any]) -> str:
    """Whom a login names that counts; "" where it does not."""
    return "" if objection(claims) else named_by(claims)


def objection(claims: Mapping[str, Any]) -> str:
    """Why a login of this server's counts for nothing: a word or two for the audit log; "" where it counts."""
    if not claims.get("is_logged_in"):
        return "no login"
    if cache.current().logins.has(_login(claims)):
        return "logged out"
    return fault(claims, providers().get(str(claims.get("provider")), ""), time.time())


def is_stranger(cookies: Mapping[str, str]) -> bool:
    """Whether a request with these cookies comes from nobody who may enter; of a server that closes, from anybody."""
    if not sign_in_configured():
        return False
    return not cache.installed() or cache.current().policy_now().role(_person(claims_in(cookies))) is None


def upload_bytes(session: str) -> float:
    """How large a file a session may bring: none where nobody has signed in who may."""
    if not cache.installed():
        return 0.0
    who = _person(claims_of(session)) or NOBODY if sign_in_configured() else ""
    return cache.current().policy_now().limits(who).upload_bytes


def refused_login(cookies: Mapping[str, str]) -> tuple[str, str]:
    """Whom the login names that a browser shows and that counts for nothing, and why it does not; "" twice without."""
    claims = st.user.to_dict()
    if claims.get("is_logged_in"):
        return named_by(claims) or NOBODY, objection(claims)
    return (NOBODY, "not signed here") if LOGIN in cookies else ("", "")


def role() -> Role | None:
    """By the policy as its file is now; None for somebody who is not on the list, and for nobody."""
    return cache.current().policy_now().role(person())


def may_enter() -> bool:
    """Whether pages are shown: to everyone where nobody signs in."""
    return not sign_in_configured() or role() is not None


def only_while_in() -> None:
    """For a part of a page that redraws by itself: once a login has ended, the whole page is drawn, and turns away."""
    if not may_enter():
        draw_again()


def barred() -> str:
    """Why this person may not start anything; "" where they may."""
    refused = refusal(cache.current().policy_now().limits(person()), 0.0, 0)
    return refused.message if refused and refused.reason == "limits" else ""


def may_compute() -> bool:
    return not barred()


def fault(claims: Mapping[str, object], client: str, now: float) -> str:
    """What forbids an id token: it has expired, or was made for another program than `client`; "" for a good one.

    Streamlit keeps the claims in a signed cookie for 30 days and looks at neither again; Authlib, at the login, takes
    an `azp` for an `aud`.
    """
    expires, audience = claims.get("exp"), claims.get("aud")
    if not (isinstance(expires, int | float) and expires > now):
        return "expired"
    if not client or client not in (audience if isinstance(audience, list) else [audience]):
        return "for another program"
    return ""


def named_by(claims: Mapping[str, object]) -> str:
    """Whom an id token names: the e-mail address in small letters if the provider does not call it unverified, else
    `sub@issuer`, which is no address and of no domain."""
    address, verified = called(str(claims.get("email") or "")), claims.get("email_verified", True)
    if "@" in address and "://" not in address and str(verified).lower() == "true":
        return address
    subject, issuer = claims.get("sub"), str(claims.get("iss") or "")
    return f"{subject}@{issuer}" if subject and "://" in issuer else ""


# Streamlit forgets a login in the session that logs out, not in other tabs nor in a copy of the cookie.


def log_out() -> None:
    """Ends this login, wherever its cookie is, at every server on this cache."""
    claims = st.user.to_dict()
    login, expires = _login(claims), claims.get("exp")
    if login and isinstance(expires, int | float):
        cache.current().logins.end(login, expires)
    st.logout()


def _login(claims: Mapping[str, object]) -> str:
    """Names one login: the nonce that Authlib made for it and the provider sent back."""
    return str(claims.get("nonce") or "")


# How people sign in: the OIDC providers in Streamlit's secrets (`[auth]`); what a server needs before it starts.

OPEN = "KERNEL_DRIFT_OPEN"
"""Set to 1: a server that anyone who reaches it may use, and meant so."""

GUIDE = "docs/sign-in.md"
CALLBACK = "/oauth2callback"
DEFAULT = "default"
SHORTEST = 32
"""Characters of the secret that signs the cookies: whoever guesses it is whoever they like."""


@once
def providers() -> Mapping[str, str]:
    """Our client id at each provider, by the name in `[auth.NAME]`; "default" for the keys of `[auth]` itself.

    Empty where sign-in is not configured. Read once: secrets that vanish or break while the server runs open nothing.

    Raises:
        ValueError: the secrets cannot be read, or are not enough to sign in by; one line.
    """
    auth = _auth()
    if auth is None:
        return {}
    named = {name: part for name, part in auth.items() if isinstance(part, Mapping) and name != "client_kwargs"}
    if "client_id" in auth or not named:
        named[DEFAULT] = auth
    for name in named:
        _check_provider(name)
    if urlsplit(_redirect_uri()).path != CALLBACK:
        raise ValueError(f"[auth] redirect_uri must be the address of this server, then {CALLBACK}: see {GUIDE}")
    if len(str(auth["cookie_secret"])) < SHORTEST:
        raise ValueError(f"[auth] cookie_secret must be random, of {SHORTEST} characters or more: see {GUIDE}")
    return {name: part["client_id"] for name, part in named.items()}


def check_sign_in(address: str | None, hosts: Collection[str]) -> None:
    """What a server needs before it starts.

    Args:
        address: that it binds; empty for all.
        hosts: names that it answers to besides loopback.

    Raises:
        ValueError: others could use it who did not sign in, or nobody could sign in; one line.
        CacheFault: the policy cannot be read; one line.
    """
    open_to_all = os.environ.get(OPEN) == "1"
    named = bool(os.environ.get(POLICY))
    policy()
    if not providers():
        if (reached := reached_by_others(address, hosts)) and not open_to_all:
            raise ValueError(
                f"{reached}, and nobody signs in: configure sign-in ({GUIDE}), bind 127.0.0.1 and name no other host, "
                f"or set {OPEN}=1 to let everyone in"
            )
        if named:
            raise ValueError(f"{POLICY} names people, and nobody signs in: configure sign-in ({GUIDE}), or unset it")
        return
    if not named:
        raise ValueError(f"[auth] is configured, and no policy says who may enter: name one in {POLICY} ({GUIDE})")
    if not is_ours(host := urlsplit(_redirect_uri()).netloc, hosts):
        raise ValueError(f"[auth] redirect_uri leads to {host!r}, which is not served here: name that host in {HOSTS}")


def over_tls() -> bool:
    """Whether people sign in over TLS: then no cookie of theirs may go another way."""
    return bool(providers()) and urlsplit(_redirect_uri()).scheme == "https"


def reached_by_others(address: str | None, hosts: Collection[str]) -> str:
    """Why other machines reach a server that binds this `server.address` and answers to these names; "" if none do."""
    if not is_local(address):
        return f"server.address {address or '(all)'} can be reached from other machines"
    others = [host for host in hosts if not is_local(host)]
    return f"{HOSTS} names {', '.join(others)}, as for a proxy that others reach" if others else ""


def is_local(address: str | None) -> bool:
    """Whether only this machine reaches what binds this `server.address`."""
    if not address:
        return False
    return address.startswith("unix://") or address.lower() == "localhost" or is_loopback(address)


def _auth() -> Mapping[str, Any] | None:
    """Streamlit takes secrets that it cannot read for none: then nobody would have to sign in."""
    try:
        return st.secrets.get("auth")
    except StreamlitSecretNotFoundError as error:
        if error.error_id == "no-secrets-found" and not config.is_manually_set("secrets.files"):
            return None
        raise ValueError(f"secrets.files: {_line(error)}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"secrets.files cannot be read: {_line(error)}") from error


def _redirect_uri() -> str:
    """With the port, where the secrets leave that to the server."""
    return get_redirect_uri(get_secrets_auth_section()) or ""


def _check_provider(name: str) -> None:
    try:
        validate_auth_credentials(name)
    except StreamlitAuthError as error:
        raise ValueError(f"{_line(error)} See {GUIDE}") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
