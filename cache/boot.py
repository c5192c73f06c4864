"""Which start of which machine this is, and which process: what a lease must know to tell a dead holder."""

import functools
import os
import subprocess
from pathlib import Path

LINUX = Path("/proc/sys/kernel/random/boot_id")


@functools.cache
def boot() -> str:
    """Names this start of this machine; empty where the system does not say."""
    try:
        if LINUX.exists():
            return LINUX.read_text().strip()
        command = ["sysctl", "-n", "kern.bootsessionuuid"]  # macOS
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def process() -> str:
    """This process: its number, and in which set of numbers (a container has its own)."""
    return f"{_numbers()} {os.getpid()}"


def gone(named: str) -> bool:
    """Whether the process is known to have ended; False where it cannot be known from here."""
    numbers, _, pid = named.rpartition(" ")
    if numbers != _numbers() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:  # another account's
        return False
    return False


def _numbers() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
