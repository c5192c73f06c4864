"""Where results live, and how much room they may take."""

import os
from pathlib import Path

import platformdirs

DIRECTORY_VARIABLE = "KERNEL_DRIFT_CACHE"
SIZE_VARIABLE = "KERNEL_DRIFT_CACHE_GB"
DEFAULT_SIZE_GB = 10.0


def directory() -> Path:
    """The cache directory: `KERNEL_DRIFT_CACHE`, else the platform's own. Keep it off NFS (SQLite locks)."""
    chosen = os.environ.get(DIRECTORY_VARIABLE)
    return Path(chosen).expanduser().resolve() if chosen else Path(platformdirs.user_cache_dir("kernel-drift"))


def size_limit() -> int:
    """Bytes the results may take: `KERNEL_DRIFT_CACHE_GB`, else 10 GB. Raises `ValueError` unless positive."""
    given = os.environ.get(SIZE_VARIABLE, DEFAULT_SIZE_GB)
    try:
        gigabytes = float(given)
    except ValueError:
        gigabytes = -1.0
    if not 0 < gigabytes < float("inf"):
        raise ValueError(f"{SIZE_VARIABLE} is {given!r}: give a positive number of gigabytes, such as 10")
    return int(gigabytes * 1e9)


def private(path: Path) -> Path:
    """Creates the directory if need be and closes it to everyone else (mode 0700)."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path
