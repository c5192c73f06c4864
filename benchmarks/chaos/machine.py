"""What faults are made with: namespaces of our own, where the system lends them, and another machine."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.chaos.hungry import WORKER_BYTES
from cache.processes import ROLES, make_certificate
from cache.watchdog import PARENT_VARIABLE, SCRATCH_VARIABLE

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


# A scheduler of one's own and its worker on another machine: a network namespace, or behind a relay without one.

ROOT = Path(__file__).parents[2]
PORT = 8786
HERE, THERE = "10.98.0.1", "10.98.0.2"
NETWORK = "/24"
COMM = "DASK_DISTRIBUTED__COMM__"


def settings(certificates: dict[str, str]) -> dict[str, str]:
    """What deploy/slurm.md has one set on both sides."""
    parts = [(role, part) for role in ROLES for part in ("cert", "key")]
    return {
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
        f"{COMM}REQUIRE_ENCRYPTION": "True",
        f"{COMM}TLS__CA_FILE": certificates["tls_ca_file"],
        **{f"{COMM}TLS__{role}__{part}".upper(): certificates[f"tls_{role}_{part}"] for role, part in parts},
    }


class Elsewhere:
    """Started again by `mend` where it has died, as a service manager would.

    Attributes:
        address: of the scheduler, as the server reaches it.
        environment: what the server needs to be let in.
        how: what stands between.
    """

    def __init__(self, folder: Path, log: Path):
        """What they say goes to the end of `log`."""
        folder.mkdir(mode=0o700)
        self._folder, self._undo = folder, contextlib.ExitStack()
        self._log = self._undo.enter_context(log.open("a"))
        self._running: dict[str, subprocess.Popen] = {}
        self.environment = settings(make_certificate(folder))
        try:
            self._link() if ours() else self._relay()
            self.mend()
        except BaseException:
            self.close()
            raise
        self.environment["KERNEL_DRIFT_SCHEDULER"] = self.address

    def pid(self, role: str) -> int:
        """Of the "scheduler" or the "nanny"."""
        return self._running[role].pid

    def mend(self) -> None:
        """Starts what does not run."""
        classes = {"scheduler": "distributed.Scheduler", "nanny": "distributed.Nanny"}
        for role, name in classes.items():
            if role not in self._running or self._running[role].poll() is not None:
                self._running[role] = self._start(name, self._options[role])

    @contextlib.contextmanager
    def cut(self) -> Iterator[None]:
        """Nothing gets through meanwhile, and nobody is told."""
        if ours():
            ends = (), self._inside
            for way in ends:
                do(*way, "tc", "qdisc", "add", "dev", "chaos", "root", "pfifo", "limit", "0")
            yield
            for way in ends:
                do(*way, "tc", "qdisc", "del", "dev", "chaos", "root")
        else:
            os.kill(self._between.pid, signal.SIGSTOP)
            yield
            os.kill(self._between.pid, signal.SIGCONT)

    def close(self) -> None:
        for process in reversed(self._running.values()):
            process.kill()
            process.wait()
        self._undo.close()

    def _link(self) -> None:
        """Two ends of a wire, one of them in a network namespace that ends with its holder."""
        self.how = "packets dropped on both ends of a link between network namespaces"
        holder = self._hold(["unshare", "--net", "sleep", "infinity"])
        self._inside = ["nsenter", "--target", str(holder.pid), "--net"]
        mine = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{holder.pid}/ns/net") == mine:
            time.sleep(0.01)
        do("ip", "link", "add", "chaos", "type", "veth", "peer", "name", "chaos", "netns", str(holder.pid))
        do(*self._inside, "ip", "link", "set", "lo", "up")
        for way, host in ((), HERE), (self._inside, THERE):
            do(*way, "ip", "address", "add", host + NETWORK, "dev", "chaos")
            do(*way, "ip", "link", "set", "chaos", "up")
            do(*way, "ip", "route", "add", "default", "dev", "chaos")
        self.address = f"tls://{THERE}:{PORT}"
        self._place(THERE, PORT)

    def _relay(self) -> None:
        self.how = "a relay that is stopped, for want of network namespaces"
        self._inside = []
        ports = [_free(), _free()]
        self._between = self._hold(
            [sys.executable, "-m", "benchmarks.chaos.relay", str(ports[0]), f"127.0.0.1:{ports[1]}"]
        )
        self.address = f"tls://127.0.0.1:{ports[0]}"
        self._place("127.0.0.1", ports[1])

    def _place(self, host: str, port: int) -> None:
        always = {"protocol": "tls", "host": host, "dashboard": False, "dashboard_address": "127.0.0.1:0"}
        self._options = {
            "scheduler": {**always, "port": port, "preload": ["cache.watchdog"]},
            "nanny": {
                **always,
                "scheduler_ip": f"tls://{host}:{port}",
                "nthreads": 1,
                "memory_limit": WORKER_BYTES,
                "local_directory": str(self._folder),
                "preload_nanny": ["cache.watchdog"],
            },
        }

    def _start(self, name: str, options: dict[str, object]) -> subprocess.Popen:
        specification = json.dumps({"cls": name, "opts": options})
        environment = {
            **os.environ,
            **self.environment,
            "PYTHONPATH": str(ROOT),
            PARENT_VARIABLE: str(os.getpid()),
            SCRATCH_VARIABLE: str(self._folder / "nothing"),
            "OPENBLAS_NUM_THREADS": "1",
            "JAX_ENABLE_X64": "1",
            "JAX_COMPILATION_CACHE_DIR": str(self._folder / "compiled"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }
        command = [*self._inside, "nice", sys.executable, "-m", "dask", "spec", "--spec", specification]
        return subprocess.Popen(
            command, env=environment, start_new_session=True, stdin=subprocess.DEVNULL, stderr=self._log
        )

    def _hold(self, command: list[str]) -> subprocess.Popen:
        process = subprocess.Popen(command, cwd=ROOT)
        self._undo.callback(process.wait)
        self._undo.callback(process.kill)
        return process


def _free() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
