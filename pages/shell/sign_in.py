"""How people sign in: the OIDC providers in Streamlit's secrets (`[auth]`); what a server needs before it starts."""

import os
from collections.abc import Collection, Mapping
from functools import cache as once
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from streamlit import config
from streamlit.auth_util import get_redirect_uri, get_secrets_auth_section, validate_auth_credentials
from streamlit.errors import StreamlitAuthError, StreamlitSecretNotFoundError

from cache.policy import VARIABLE as POLICY
from cache.policy import policy
from pages.shell.gate.rules import VARIABLE as HOSTS
from pages.shell.gate.rules import is_ours

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


def check(address: str | None, hosts: Collection[str]) -> None:
    """What a server needs before it starts.

    Args:
        address: that it binds; empty for all.
        hosts: names that it answers to besides loopback.

    Raises:
        ValueError: others could use it who did not sign in, or nobody could sign in; one line.
        CacheFault: the policy cannot be read; one line.
    """
    opened = os.environ.get(OPEN) == "1"
    named = bool(os.environ.get(POLICY))
    policy()
    if not providers():
        if not (is_local(address) or opened):
            raise ValueError(
                f"server.address {address or '(all)'} can be reached from other machines, and nobody signs in: "
                f"configure sign-in ({GUIDE}), bind 127.0.0.1, or set {OPEN}=1 to let everyone in"
            )
        if named:
            raise ValueError(f"{POLICY} names people, and nobody signs in: configure sign-in ({GUIDE}), or unset it")
        return
    if not named:
        raise ValueError(f"[auth] is configured, and no policy says who may enter: name one in {POLICY} ({GUIDE})")
    if not is_ours(host := urlsplit(_redirect_uri()).netloc, hosts):
        raise ValueError(f"[auth] redirect_uri leads to {host!r}, which is not served here: name that host in {HOSTS}")


def is_local(address: str | None) -> bool:
    """Whether only this machine reaches what binds this `server.address`."""
    if not address:
        return False
    if address.startswith("unix://") or address.lower() == "localhost":
        return True
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


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
