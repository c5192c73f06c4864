"""The gate before Streamlit: who may speak, how much, what about, and what browsers are told. It knows no page.

From outside in. `SECURITY.md` says what each part is for and which test holds it.
"""

from collections.abc import Callable, Mapping, Sequence

from starlette.middleware import Middleware

from pages.shell.gate.limits import Connections, Sessions, Uploads
from pages.shell.gate.preload import Preload
from pages.shell.gate.rules import Hosts, Messages, SecurityHeaders, named_hosts


def gate(
    hosts: str = "",
    unlimited: Sequence[Middleware] = (),
    secure: bool = False,
    is_stranger: Callable[[Mapping[str, str]], bool] = lambda _: False,
    upload_bytes: Callable[[str], float] = lambda _: float("inf"),
) -> list[Middleware]:
    """The parts, for `st.App(middleware=...)`.

    Args:
        hosts: names besides loopback that the server answers to, separated by commas (`KERNEL_DRIFT_HOSTS`).
        unlimited: parts that answer also when the server is full.
        secure: whether browsers come over TLS.
        is_stranger: whether who sends these cookies has not signed in, where people do.
        upload_bytes: of the largest file that a session, by its name, may bring.

    Raises:
        ValueError: one of them is no host name.
    """
    return [
        Middleware(SecurityHeaders, secure=secure),
        Middleware(Hosts, named=named_hosts(hosts)),
        *unlimited,
        Middleware(Connections, is_stranger=is_stranger),
        Middleware(Uploads, allowed=upload_bytes),
        Middleware(Messages),
        Middleware(Sessions),
        Middleware(Preload),
    ]
