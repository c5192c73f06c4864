"""A Dask scheduler on this machine and one worker per SLURM job, for `python -m engine sweep --scheduler ADDRESS`.

    python deploy/slurm.py --workers 16 --certificates ~/kernel-drift-tls --partition short --walltime 02:00:00

Prints the address and the settings that a client needs, then stays until Ctrl-C, which ends the jobs. See `slurm.md`.
"""

import argparse
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

import dask
from dask_jobqueue import SLURMCluster
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


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, required=True, help="SLURM jobs, one worker with one thread in each")
    parser.add_argument("--certificates", type=Path, required=True, help="folder of ca.pem, cert.pem and key.pem")
    parser.add_argument("--cores", type=int, default=2, help="cores of a job; JAX uses them for one network")
    parser.add_argument("--memory", default="4GB", help="of a job")
    parser.add_argument("--walltime", default="04:00:00")
    parser.add_argument("--partition")
    parser.add_argument("--account")
    parser.add_argument("--gpus", type=int, default=0, help="GPUs of a job; needs the CUDA build of JAX")
    parser.add_argument("--interface", help="network interface that the nodes reach, such as ib0")
    parser.add_argument("--port", type=int, default=8786)
    parser.add_argument("--python", default=sys.executable, help="Python of the environment on the nodes")
    parser.add_argument("--show", action="store_true", help="print the job script and start nothing")
    return parser


def security(folder: Path) -> Security:
    """The same certificate for every role. Raises `FileNotFoundError`."""
    ca, cert, key = (str((folder.expanduser() / f"{name}.pem").resolve(strict=True)) for name in ("ca", "cert", "key"))
    files = {f"tls_{role}_{kind}": path for role in ROLES for kind, path in (("cert", cert), ("key", key))}
    return Security(tls_ca_file=ca, require_encryption=True, **files)


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
        "security": security(given.certificates),
        "protocol": "tls://",
        "scheduler_options": {"port": given.port, "dashboard": False},
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


def main() -> None:
    given = arguments().parse_args()
    sys.path.insert(0, str(ROOT))  # the scheduler unpacks tasks, too
    # A worker that dies fails the cells it had in hand: the sweep tries each once more.
    dask.config.set({"distributed.scheduler.allowed-failures": 0})
    try:
        chosen = settings(given)
    except FileNotFoundError as error:
        sys.exit(f"error: {error.filename} is missing: slurm.md says how to make certificates")
    with SLURMCluster(**chosen) as cluster:
        if given.show:
            print(cluster.job_script())
            return
        cluster.scale(jobs=given.workers)
        print(client_settings(chosen["security"]))
        print(f"python -m engine sweep SWEEP.yaml --out DIR --scheduler {cluster.scheduler_address}", flush=True)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print("ending the jobs", file=sys.stderr)


if __name__ == "__main__":
    main()
