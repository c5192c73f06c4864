"""Which modules may run: any in a program that somebody starts, on a server those that its operator lists.

Whoever reaches a server can send it a link, or send one to somebody who does; a link that named any module on Python's
path would run any function there. So also the server on one's own machine runs what `KERNEL_DRIFT_MODULES` lists alone.
Imports no JAX.
"""

import os
import re
from collections.abc import Iterator
from typing import Any

VARIABLE = "KERNEL_DRIFT_MODULES"

IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
NAME = re.compile(rf"(?P<module>{IDENTIFIER}(\.{IDENTIFIER})*):(?P<name>{IDENTIFIER}(\.{IDENTIFIER})*)", re.ASCII)

_serving = False


def serve() -> None:
    """From here on this process is a server: it runs what is listed alone."""
    global _serving
    _serving = True


def listed() -> tuple[str, ...]:
    """The names in `KERNEL_DRIFT_MODULES`, between commas or spaces. Raises `ValueError` for what is no name."""
    names = os.environ.get(VARIABLE, "").replace(",", " ").split()
    for name in names:
        if not NAME.fullmatch(name):
            raise ValueError(f"{VARIABLE} names {name!r}: write package.module:Name, such as my_nets:Transformer")
    return tuple(dict.fromkeys(names))


def refusal(name: str) -> str:
    """Why this process does not run a module; empty where it may."""
    if not _serving or name in listed():
        return ""
    return f"{name} is not among the modules that this server runs: its operator lists them in {VARIABLE}"


def refused_in(values: Any) -> str:
    """The same of all modules that the plain values of a config name."""
    return next(filter(None, (refusal(str(one.get("name"))) for one in modules_in(values))), "")


def modules_in(values: Any) -> Iterator[dict[str, Any]]:
    """The modules in the plain values of a config."""
    if isinstance(values, dict):
        if values.get("kind") == "module":
            yield values
        values = [*values.values()]
    if isinstance(values, list | tuple):
        for part in values:
            yield from modules_in(part)
