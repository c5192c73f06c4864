"""64-bit JAX, before anything is traced; and the command line."""

import logging
import signal
import sys
from collections.abc import Callable, Iterator

import jax
import pytest

jax.config.update("jax_enable_x64", True)

from engine import __main__ as command_line  # noqa: E402


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Callable]:
    """The command line in this process: exit code, output and errors."""
    handler, said = signal.getsignal(signal.SIGINT), logging.getLogger("kernel_drift.cache").level

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["engine", *arguments])
        try:
            command_line.main()
        except SystemExit as done:
            code = done.code
        else:
            code = 0
        return int(code or 0), *capfd.readouterr()

    yield run
    signal.signal(signal.SIGINT, handler)
    logging.getLogger("kernel_drift.cache").setLevel(said)
