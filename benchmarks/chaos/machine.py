"""What faults are made with: namespaces, where the system lends them."""

import os
import shutil
import subprocess
import sys

INSIDE = "KERNEL_DRIFT_CHAOS"
"""Set in namespaces of our own. Mounts and networks there end with this program, however it ends."""

TOOLS = ("unshare", "nsenter", "mount", "umount", "ip", "tc")


def ours() -> bool:
    """Whether mounts and networks are ours to break."""
    return INSIDE in os.environ


def enter() -> None:
    """Starts this program again in namespaces of its own; returns where the system does not lend them."""
    if ours():
        return do("ip", "link", "set", "lo", "up")
    if not all(map(shutil.which, TOOLS)):
        return None
    new = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--mount", "--net"]
    if subprocess.run([*new, "true"], capture_output=True).returncode == 0:
        os.environ[INSIDE] = "1"
        os.execvp(new[0], [*new, sys.executable, "-m", "benchmarks.chaos", *sys.argv[1:]])
    return None


def do(*command: str) -> None:
    """Raises `RuntimeError` with what the command said."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
