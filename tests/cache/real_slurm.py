"""SLURM itself on this machine: one node, its daemons and their keys in one folder, nothing of the system's touched."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
CORES = 4

CONFIG = """\
ClusterName=here
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
# The node has the cores that it is said to have: jobs of the test do little.
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2
MinJobAge=3600
KillWait=5
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory=4000 State=UNKNOWN
PartitionName=short Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Why there can be no cluster here; empty where there can."""
    if os.getuid() != 0:
        return "a SLURM cluster of one's own needs root"
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"no {', '.join(absent)}: apt install slurm-wlm munge" if absent else ""


@dataclass(frozen=True)
class Slurm:
    """Attributes:
    config: names its configuration; `SLURM_CONF` of whoever uses it.
    """

    config: Path

    def ask(self, *command: str) -> str:
        environment = {**os.environ, "SLURM_CONF": str(self.config)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=30).stdout

    def jobs(self, *states: str) -> list[str]:
        """Numbers of the jobs in these states, of those that have not ended where none is named; oldest first."""
        wanted = ("--states", ",".join(states)) if states else ()
        return sorted(self.ask("squeue", "--noheader", "--format=%i", *wanted).split(), key=int)

    def processes(self, job: str) -> list[int]:
        """Of the job on its node, its shell first."""
        rows = [line.split() for line in self.ask("scontrol", "listpids", job).splitlines()[1:]]
        return sorted(int(row[0]) for row in rows if row[0].isdigit() and int(row[0]) > 1)


@contextlib.contextmanager
def slurm(folder: Path) -> Iterator[Slurm]:
    """A cluster that takes jobs."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        controller, daemon = one.getsockname()[1], other.getsockname()[1]
    host = socket.gethostname().split(".")[0]
    config = folder / "slurm.conf"
    config.write_text(CONFIG.format(host=host, controller=controller, daemon=daemon, folder=folder, cores=CORES))
    cluster = Slurm(config)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_daemon(folder, "munged", *_munge(folder)))
        until((folder / "munge.socket").exists)
        stack.enter_context(_daemon(folder, "slurmctld", "-D", "-f", str(config)))
        stack.enter_context(_daemon(folder, "slurmd", "-D", "-f", str(config), "-N", host))
        until(lambda: "idle" in cluster.ask("sinfo", "--noheader", "--format=%t"))
        yield cluster


def until(there: Callable[[], object], seconds: float = 60) -> None:
    """Waits."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(subprocess.CalledProcessError):  # its controller is not there yet
            if there():
                return
        assert time.monotonic() < end, f"not within {seconds:g} s"
        time.sleep(0.2)


def _munge(folder: Path) -> list[str]:
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o400)
    files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    return ["--foreground", "--force", *(f"--{option}={folder}/munge.{end}" for option, end in files.items())]


@contextlib.contextmanager
def _daemon(folder: Path, name: str, *options: str) -> Iterator[None]:
    with (
        (folder / f"{name}.out").open("w") as out,
        subprocess.Popen([name, *options], stdout=out, stderr=out) as daemon,
    ):
        try:
            yield
        finally:
            daemon.terminate()
