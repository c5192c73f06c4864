"""The local compute processes: a Dask scheduler, its workers, their key, what they print; or a scheduler elsewhere."""

import contextlib
import datetime
import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any, Self

from cache import location, logs
from cache.failure import SchedulerError
from cache.turns import HELD
from cache.watchdog import PARENT_VARIABLE, SCRATCH_VARIABLE
from engine.networks.module.source_files import own_folders

# A key for one start of the local compute processes: who cannot read its files cannot talk to them.

ROLES = ("client", "scheduler", "worker")
NAME = "kernel-drift"


def make_certificate(folder: Path) -> dict[str, Any]:
    """Writes a new key and its certificate into the folder, and returns the options of Dask's `Security` that use them.

    One certificate serves all three roles and is the only one they trust. The options are plain values, and complete:
    nothing of the user's own Dask settings comes in.
    """
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    for path, text in zip((key, certificate), _pair(), strict=True):
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text)
    return {
        "require_encryption": True,
        "tls_ca_file": str(certificate),
        **{f"tls_{role}_cert": str(certificate) for role in ROLES},
        **{f"tls_{role}_key": str(key) for role in ROLES},
        "tls_ciphers": None,
        "tls_min_version": None,
        "tls_max_version": None,
    }


def _pair() -> tuple[bytes, bytes]:
    """A private key and a certificate of it signed with itself, both PEM. Takes milliseconds on an elliptic curve."""
    from cryptography import x509  # a tenth of a second, which only a start pays
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # It ends with its file. Dates would only make it end with the clock.
        .not_valid_before(datetime.datetime(2000, 1, 1))
        .not_valid_after(datetime.datetime(9999, 12, 31, 23, 59, 59))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)


# What the compute processes print: passed on to our own standard error, its last lines kept to say why they ended.

KEPT = 200
AT_ONCE = 10_000
"""Lines that are kept, and bytes of one that are read at once: what never ends its line fills no memory here."""
EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Exit|Interrupt|Failed)(: .*)?")
"""The last line of a traceback."""


class ProcessLog:
    """A pipe, read by a thread, so that nobody blocks on it.

    Attributes:
        end: file descriptor for the processes to write to.
    """

    def __init__(self):
        self._reading, self.end = os.pipe()
        self._lines: deque[str] = deque(maxlen=KEPT)
        self._thread = threading.Thread(target=self._read, name="process log", daemon=True)
        self._thread.start()

    def reason(self) -> str:
        """The last error in the log, else its last line."""
        self._thread.join(0.2)  # what was written just now
        lines = [line.strip() for line in self._lines if line.strip()]
        errors = [line for line in lines if EXCEPTION.fullmatch(line)]
        return (errors or lines or ["they said nothing"])[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """After the processes have ended."""
        os.close(self.end)
        self._thread.join(1.0)

    def _read(self) -> None:
        with os.fdopen(self._reading, "rb") as file:
            while line := file.readline(AT_ONCE):
                self._lines.append(line.decode(errors="replace"))
                with contextlib.suppress(OSError):  # nobody reads ours
                    logs.pass_on(line)


# The local compute processes: one Dask scheduler, and one supervised worker per device.
#
# Started here rather than by `SubprocessCluster`, which starts the same two commands but gives them neither an
# environment nor a priority, lets the scheduler block once 64 kB of its log have gathered unread in a pipe,
# and leaves both behind when the server is killed.

ROOT = Path(__file__).resolve().parents[1]
LOOPBACK = "127.0.0.1"
NICE = 10
START_TIMEOUT = 30.0
MEMORY_SHARE = 0.9
"""Of the machine's memory, for all workers together. A worker is ended at 95 % of its own."""

COMPILED_BYTES = 2_000_000_000
"""What JAX's compiled programs may take on disk."""


class LocalProcesses:
    """A scheduler and its workers, which start while the caller goes on.

    They talk TLS with a certificate of this start, in a folder that only its owner may enter: other accounts of the
    machine reach their ports, and are refused.

    Attributes:
        security: options of Dask's `Security` with which a client is let in.
    """

    def __init__(self, directory: Path):
        """Raises `SchedulerError` where they cannot be started at all."""
        self._began = time.monotonic()
        self._processes: list[subprocess.Popen] = []
        with contextlib.ExitStack() as undo:
            try:
                self._scratch = Path(tempfile.mkdtemp(prefix="kernel-drift-"))  # mode 0700
                undo.callback(shutil.rmtree, self._scratch, ignore_errors=True)
                self.security = make_certificate(self._scratch)
                self._log = undo.enter_context(ProcessLog())
                undo.callback(self._end)
                self._begin(directory)
            except OSError as error:
                raise SchedulerError(f"the local compute processes cannot be started: {error}") from error
            self._undo = undo.pop_all()

    def _begin(self, directory: Path) -> None:
        self._contact = self._scratch / "scheduler.json"
        _prune(location.private(directory / "compiled"))
        environment = {**_environment(directory), SCRATCH_VARIABLE: str(self._scratch)}
        self._processes.append(self._scheduler(environment))
        devices = _gpus() or [""]
        for device in devices:
            # The workers wait for the scheduler by themselves: both start at the same time.
            chosen = {"CUDA_VISIBLE_DEVICES": device} if device else {}
            self._processes.append(self._worker({**environment, **chosen}, len(devices)))

    def address(self) -> str:
        """The scheduler's, on the loopback interface, once it answers. Raises `SchedulerError` when it does not."""
        while self.alive():
            try:
                return json.loads(self._contact.read_text())["address"]
            except (OSError, ValueError):  # not there yet, or half written
                time.sleep(0.02)
            if time.monotonic() - self._began > START_TIMEOUT:
                break
        what = "gave no address in" if self.alive() else "ended after"
        took = time.monotonic() - self._began
        raise SchedulerError(f"the local compute processes {what} {took:.1f} s: {self._log.reason()}")

    def alive(self) -> bool:
        """Whether all of them run (workers that die are restarted by their nannies, which is what runs here)."""
        return all(process.poll() is None for process in self._processes)

    def close(self) -> None:
        """Ends them all, the workers' own children included, and removes their key."""
        self._undo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end(self) -> None:
        for process in reversed(self._processes):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _scheduler(self, environment: dict[str, str]) -> subprocess.Popen:
        options = {"port": 0, "scheduler_file": str(self._contact), "preload": ["cache.watchdog"]}
        return self._start("distributed.Scheduler", options, environment)

    def _worker(self, environment: dict[str, str], workers: int) -> subprocess.Popen:
        options = {
            "scheduler_file": str(self._contact),
            "nthreads": HELD,
            "memory_limit": MEMORY_SHARE / workers,
            "local_directory": str(self._scratch),
            "preload_nanny": ["cache.watchdog"],
            "death_timeout": START_TIMEOUT,
        }
        return self._start("distributed.Nanny", options, environment, ["nice", "-n", str(NICE)])

    def _start(
        self, server: str, options: dict[str, Any], environment: dict[str, str], prefix: list[str] | None = None
    ) -> subprocess.Popen:
        always = {"protocol": "tls", "security": self.security, "host": LOOPBACK}
        always |= {"dashboard": False, "dashboard_address": f"{LOOPBACK}:0"}
        specification = json.dumps({"cls": server, "opts": always | options})
        command = [*(prefix or []), sys.executable, "-m", "dask", "spec", "--spec", specification]
        # Its own session: Ctrl-C in the terminal reaches the server alone, which then closes these in order.
        said = self._log.end
        return subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
        )


FIXED = {
    # Dask tries nothing again: a batch does so once (`cache.batch`), else the person may. No storm of retries.
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
    "DASK_DISTRIBUTED__SCHEDULER__HTTP__ROUTES": "[]",
    "DASK_DISTRIBUTED__WORKER__HTTP__ROUTES": "[]",
    "DASK_DISTRIBUTED__ADMIN__LOW_LEVEL_LOG_LENGTH": "1000",
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    # By default each process looks at its clock 50 times a second: three in a hundred of a core, all night.
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "500ms",
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "5s",
    # JAX's memory cannot be spilled, and a paused worker would never go on.
    "DASK_DISTRIBUTED__WORKER__MEMORY__TARGET": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__SPILL": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__PAUSE": "False",
    "DASK_LOGGING__DISTRIBUTED": "warning",
    # Dask's own default hands every freed 64 kB back to the system: a run then takes twice as long.
    "MALLOC_TRIM_THRESHOLD_": str(256 * 2**20),
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "OPENBLAS_NUM_THREADS": "1",
    "JAX_ENABLE_X64": "1",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    # Compiled programs of every size and duration are kept: a second start is quick.
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
"""What Python, Dask and JAX read of a worker's environment, the same for all."""


def _environment(directory: Path) -> dict[str, str]:
    """What a worker needs before Python, Dask and JAX read it.

    Dask's own settings are for the clusters that the user names (`deploy/slurm.md` asks for some): not for these.
    """
    own = (str(folder) for folder in own_folders())  # a module of one's own is found there as it is here
    path = os.pathsep.join(dict.fromkeys(filter(None, [str(ROOT), os.environ.get("PYTHONPATH"), *own])))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DASK_")}
    places = {"PYTHONPATH": path, PARENT_VARIABLE: str(os.getpid())}
    return inherited | places | FIXED | {"JAX_COMPILATION_CACHE_DIR": str(directory / "compiled")}


def _prune(compiled: Path) -> None:
    """Deletes the oldest compiled programs beyond `COMPILED_BYTES` (JAX's own limit needs a package more)."""
    files = [(path, path.stat()) for path in compiled.iterdir() if path.is_file()]
    total = sum(status.st_size for _, status in files)
    for path, status in sorted(files, key=lambda file: file[1].st_mtime):
        if total <= COMPILED_BYTES:
            return
        path.unlink(missing_ok=True)
        total -= status.st_size


def _gpus() -> list[str]:
    """Ids of the GPUs that JAX could use here, without importing JAX."""
    installed = {str(package.name) for package in importlib.metadata.distributions()}
    if not any(name.startswith("jax-cuda") for name in installed):
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [device for device in visible.split(",") if device not in ("", "-1")]
    try:
        listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(index) for index, line in enumerate(listing.splitlines()) if line.startswith("GPU ")]


# Which scheduler is used: the one that `KERNEL_DRIFT_SCHEDULER` names, and whether it may be.

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
