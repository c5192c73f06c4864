"""A Dask scheduler on this machine and one worker per SLURM job, for `python -m engine sweep --scheduler ADDRESS`.

    python deploy/slurm.py --workers 16 --certificates ~/kernel-drift-tls --partition short --walltime 02:00:00

Prints the address and the settings that a client needs, then stays until Ctrl-C, which ends the jobs. See `slurm.md`.
Errors are one line on standard error and exit code 2.
"""

import argparse
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

import dask.config
import psutil
from dask.utils import parse_bytes
from distributed.core import Status
from distributed.security import Security

ROOT = Path(__file__).resolve().parents[1]
ROLES = ("client", "scheduler", "worker")
ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),
    "JAX_ENABLE_X64": "1",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    "OPENBLAS_NUM_THREADS": "1",
    # Dask's own defaults hand every freed 64 kB back to the system, and spill what JAX holds.
    "MALLOC_TRIM_THRESHOLD_": str(256 * 2**20),
    "DASK_DISTRIBUTED__WORKER__MEMORY__TARGET": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__SPILL": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__PAUSE": "False",
}
"""What a worker needs before Python starts, as in `cache.processes`."""

LEAST_MEMORY = 500_000_000
LEAST_WALLTIME = 300
"""Bytes and seconds below which a job could not even import JAX and train a cell."""

QUEUE = ("squeue", "--noheader", "--format=%A", f"--user={os.getuid()}")
"""Numbers of our jobs that have not ended."""

REPLACE_EVERY = 30.0
"""Seconds between looks at whether jobs have ended; Dask gives a lost worker 15 s to come back."""

WALLTIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<first>\d+)(?::(?P<second>\d+))?(?::(?P<third>\d+))?")


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        fail(message)


def fail(message: str) -> NoReturn:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(2)


def arguments() -> argparse.ArgumentParser:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    at_least_1, at_least_0, port = whole(1, 10_000), whole(0, 64), whole(0, 65535)
    parser.add_argument(
        "--workers", type=at_least_1, required=True, help="SLURM jobs, one worker with one thread in each"
    )
    parser.add_argument(
        "--certificates", type=security, required=True, metavar="DIR", help="folder of ca.pem, cert.pem and key.pem"
    )
    parser.add_argument("--cores", type=at_least_1, default=2, help="cores of a job; JAX uses them for one network")
    parser.add_argument("--memory", type=memory, default="4GB", help="of a job")
    parser.add_argument("--walltime", type=walltime, default="04:00:00", help="of a job, as sbatch takes it")
    parser.add_argument("--partition", type=name)
    parser.add_argument("--account", type=name)
    parser.add_argument("--gpus", type=at_least_0, default=0, help="GPUs of a job; needs the CUDA build of JAX")
    parser.add_argument("--interface", type=interface, help="network interface that the nodes reach, such as ib0")
    parser.add_argument("--port", type=port, default=8786, help="of the scheduler; 0 takes a free one")
    parser.add_argument("--python", default=sys.executable, help="Python of the environment on the nodes")
    parser.add_argument("--show", action="store_true", help="print the job script and start nothing")
    return parser


def refused(message: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(message)


def whole(least: int, most: int) -> Any:
    """A parser of whole numbers in a range."""

    def number(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text) or not least <= int(text) <= most:
            raise refused(f"{text!r}: give a whole number from {least} to {most}")
        return int(text)

    return number


def name(text: str) -> str:
    """A word that is safe in a line of a job script."""
    if not re.fullmatch(r"[\w.,:@+-]+", text):
        raise refused(f"{text!r}: letters, digits and . , : @ + - only")
    return text


def memory(text: str) -> str:
    """Bytes with their unit, such as 4GB: Dask takes a bare 4 for four bytes."""
    try:
        enough = not re.fullmatch(r"[\d.]+", text) and LEAST_MEMORY <= parse_bytes(text) < 1e15
    except ValueError:
        enough = False
    if not enough:
        raise refused(f"{text!r}: give a number with its unit, at least {LEAST_MEMORY / 1e9:g}GB, such as 4GB")
    return text


def walltime(text: str) -> str:
    """A time limit in any form that sbatch takes."""
    found = WALLTIME.fullmatch(text)
    if found is None or seconds(text) < LEAST_WALLTIME:
        raise refused(f"{text!r}: give HH:MM:SS, D-HH:MM or minutes, at least {LEAST_WALLTIME // 60} minutes")
    return text


def seconds(walltime: str) -> int:
    """Of a time limit: minutes, minutes:seconds, hours:minutes:seconds, or days-hours and what may follow."""
    found = WALLTIME.fullmatch(walltime)
    assert found is not None
    parts = [int(part) for part in found.group("first", "second", "third") if part]
    if found["days"]:
        hours, minutes, rest = [*parts, 0, 0][:3]
    elif len(parts) == 3:
        hours, minutes, rest = parts
    else:
        hours, (minutes, rest) = 0, [*parts, 0][:2]
    return ((int(found["days"] or 0) * 24 + hours) * 60 + minutes) * 60 + rest


def interface(text: str) -> str:
    known = sorted(psutil.net_if_addrs())
    if text not in known:
        raise refused(f"{text!r} is none of this machine's: {', '.join(known)}")
    return text


def security(folder: str) -> Security:
    """The same certificate for every role."""
    names = [str(Path(folder).expanduser().absolute() / f"{name}.pem") for name in ("ca", "cert", "key")]
    ca, cert, key = names
    files = {f"tls_{role}_{kind}": path for role in ROLES for kind, path in (("cert", cert), ("key", key))}
    found = Security(tls_ca_file=ca, require_encryption=True, **files)
    try:
        for path in names:
            Path(path).read_bytes()
        found.get_connection_args("client")
    except OSError as error:  # of ssl, too
        missing = f"{error.filename}: {error.strerror}" if error.filename else f"not a certificate and its key: {error}"
        raise refused(f"{missing}; slurm.md says how to make certificates") from None
    return found


def lifetime(walltime: str) -> list[str]:
    """Options with which a worker leaves before its job is ended: at most nine tenths of the time, not all at once.

    What it computes then goes to another worker, and is no failure.
    """
    limit = seconds(walltime)
    stagger = limit // 10
    return ["--lifetime", f"{limit * 9 // 10 - stagger}s", "--lifetime-stagger", f"{stagger}s"]


def settings(given: argparse.Namespace) -> dict[str, Any]:
    """What `SLURMCluster` is called with."""
    return {
        "n_workers": 0,
        "cores": 1,  # threads of the worker: a cell is trained by one
        "processes": 1,
        "job_cpu": given.cores,
        "memory": given.memory,
        "walltime": given.walltime,
        "queue": given.partition,
        "account": given.account,
        "interface": given.interface,
        "python": given.python,
        "job_extra_directives": [f"--gpus={given.gpus}"] if given.gpus else [],
        "job_script_prologue": [f"export {name}={shlex.quote(value)}" for name, value in ENVIRONMENT.items()],
        "local_directory": "${TMPDIR:-/tmp}",  # nothing is shared between nodes
        "worker_extra_args": lifetime(given.walltime),
        "security": given.certificates,
        "protocol": "tls://",
        "scheduler_options": {"port": given.port, "dashboard": False, "dashboard_address": "127.0.0.1:0"},
    }


def client_settings(given: Security) -> str:
    """Shell lines for the machine that asks for sweeps."""
    prefix = "DASK_DISTRIBUTED__COMM__"
    values = {
        f"{prefix}REQUIRE_ENCRYPTION": "True",
        f"{prefix}TLS__CA_FILE": given.tls_ca_file,
        f"{prefix}TLS__CLIENT__CERT": given.tls_client_cert,
        f"{prefix}TLS__CLIENT__KEY": given.tls_client_key,
    }
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items())


def serve(given: argparse.Namespace) -> None:
    """Starts scheduler and jobs, and replaces jobs that have ended, until interrupted."""
    from dask_jobqueue import SLURMCluster
    from dask_jobqueue.slurm import SLURMJob

    class Job(SLURMJob):
        """Remembers what `sbatch` said, which Dask would log and take for a job that runs."""

        refusal = ""

        async def start(self) -> None:
            try:
                await super().start()
            except (RuntimeError, ValueError) as error:
                self.refusal = str(error).partition("stderr:")[2] or str(error)
                self.status = Status.running

    with SLURMCluster(job_cls=Job, **settings(given)) as cluster:
        if given.show:
            print(cluster.job_script())
            return
        if refusals := submit(cluster, given.workers):
            raise RuntimeError(f"sbatch refused the job: {refusals[0]}")
        print(client_settings(given.certificates))
        print(f"python -m engine sweep SWEEP.yaml --out DIR --scheduler {cluster.scheduler_address}", flush=True)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        gone: set[str] = set()
        try:
            while True:
                threading.Event().wait(REPLACE_EVERY)
                gone = forget(cluster, gone)
                for refusal in submit(cluster, given.workers)[:1]:
                    print(f"sbatch refused a job, which is tried again: {refusal}", file=sys.stderr)
        except KeyboardInterrupt:
            print("ending the jobs", file=sys.stderr)


def submit(cluster: Any, workers: int) -> list[str]:
    """Submits a job for each worker that is missing; what `sbatch` said against it.

    `adapt` would not do: it takes a job that has ended for one that runs.
    """

    async def submitted() -> None:
        await cluster

    cluster.scale(jobs=workers)
    cluster.sync(submitted)
    refused = {name: " ".join(job.refusal.split()) for name, job in [*cluster.workers.items()] if job.refusal}
    for name in refused:
        del cluster.workers[name]
    return list(refused.values())


def forget(cluster: Any, before: set[str]) -> set[str]:
    """The jobs that have ended before their worker came, which Dask would wait for: those that had `before`, too, go.

    Not at once: Dask itself lets a worker go that it has lost, and would then end the job that replaces it.
    """
    try:
        queued = subprocess.run(QUEUE, capture_output=True, text=True, check=True, timeout=REPLACE_EVERY).stdout.split()
    except (OSError, subprocess.SubprocessError):
        return set()  # nobody knows
    here = {worker["name"] for worker in cluster.scheduler_info["workers"].values()}
    gone = {job.job_id: name for name, job in cluster.workers.items() if name not in here}
    gone = {job: name for job, name in gone.items() if job not in queued}
    for job in gone.keys() & before:
        why = f"slurm-{job}.out says why"
        print(f"job {job} ended before its worker came, another is submitted: {why}", file=sys.stderr)
        del cluster.workers[gone.pop(job)]
    return {*gone}


def main() -> None:
    given = arguments().parse_args()
    sys.path.insert(0, str(ROOT))  # the scheduler unpacks tasks, too
    if not given.show and shutil.which("sbatch") is None:
        fail("sbatch is not on this machine's PATH: run this where SLURM jobs are submitted")
    # A worker that dies fails the cells it had in hand: the sweep tries each once more.
    dask.config.set({"distributed.scheduler.allowed-failures": 0})
    try:
        if not given.show:
            socket.create_server(("", given.port)).close()  # Dask's own word for a port that is taken is another
        serve(given)
    except (OSError, RuntimeError, ValueError, ImportError) as error:
        fail(str(error))


if __name__ == "__main__":
    main()
