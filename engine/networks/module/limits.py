"""How long code of others may take, and what is done with it after. Imports no JAX."""

import ctypes
import os
import threading
import time
from collections.abc import Callable
from typing import TypeVar

VARIABLE = "KERNEL_DRIFT_MODULE_SECONDS"
SECONDS = 300.0
POLL_EVERY = 0.1
"""Seconds between two looks whether it has ended, or is not wanted any more."""

_left: list[threading.Thread] = []

Found = TypeVar("Found")


class Endless(Exception):
    """A call did not return in time."""

    def __init__(self, seconds: float):
        super().__init__(f"did not return within {seconds:g} s ({VARIABLE} allows more)")


def seconds_allowed() -> float:
    """By `KERNEL_DRIFT_MODULE_SECONDS`, where that is a number above 0."""
    try:
        given = float(os.environ.get(VARIABLE, ""))
    except ValueError:
        return SECONDS
    return given if given > 0 else SECONDS


def limited(call: Callable[[], Found], waiting: Callable[[], None]) -> Found:
    """What a call gives, in a thread of its own.

    Args:
        waiting: called meanwhile; may raise, which leaves the call alone.

    Raises:
        Endless: it did not return in time. And whatever the call raises.
    """
    found: list[Found] = []
    raised: list[BaseException] = []
    ended = threading.Event()

    def run() -> None:
        try:
            found.append(call())
        except BaseException as error:  # SystemExit too: it is not the program's own
            raised.append(error)
        finally:
            ended.set()

    thread = threading.Thread(target=run, name="module", daemon=True)
    thread.start()
    try:
        _wait(ended, waiting)
    except BaseException:
        _interrupt(thread)
        raise
    if raised:
        raise raised[0]
    return found[0]


def _wait(ended: threading.Event, waiting: Callable[[], None]) -> None:
    seconds = seconds_allowed()
    until = time.monotonic() + seconds
    while not ended.wait(POLL_EVERY):
        waiting()
        if time.monotonic() > until:
            raise Endless(seconds)


def _interrupt(thread: threading.Thread) -> None:
    """Ends a thread at its next line of Python. One that waits in a library goes on."""
    _left.append(thread)
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))


def stuck() -> bool:
    """Whether a call that was left still goes on, and holds perhaps what others wait for, such as an import."""
    return any(thread.is_alive() for thread in _left)
