"""Which scheduler is used: the one that `KERNEL_DRIFT_SCHEDULER` names, and whether it may be."""

import os
import re

from cache.failure import SchedulerError

SCHEDULER_VARIABLE = "KERNEL_DRIFT_SCHEDULER"
"""Names the scheduler to use instead of local processes."""

PLAIN_TCP_VARIABLE = "KERNEL_DRIFT_PLAIN_TCP"
"""Set to 1 where the network keeps strangers out: the scheduler may then be a `tcp://` one."""

ADDRESS = re.compile(r"(?P<scheme>tls|tcp)://(?P<host>[^\s:/@\[\]]+|\[[0-9a-fA-F:.]+\]):(?P<port>\d{1,5})")


def remote() -> str | None:
    """The address of the scheduler to use, checked; None for local processes. Raises `SchedulerError`."""
    given = os.environ.get(SCHEDULER_VARIABLE)
    return checked(given) if given else None


def checked(address: str) -> str:
    """The address, if it is one and may be used. Raises `SchedulerError`."""
    found = ADDRESS.fullmatch(address)
    if found is None or not 0 < int(found["port"]) < 65536:
        raise SchedulerError(f"{address!r} is not the address of a scheduler: give tls://HOST:PORT")
    if found["scheme"] == "tcp" and os.environ.get(PLAIN_TCP_VARIABLE) != "1":
        raise SchedulerError(
            f"{address} is not encrypted: anybody on the way could run code as you. Use tls:// (deploy/slurm.md), "
            f"or set {PLAIN_TCP_VARIABLE}=1 on a network that keeps strangers out"
        )
    return address
