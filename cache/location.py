"""Where results live, and how much room they may take."""

import errno
import os
import stat
from pathlib import Path

import platformdirs

from cache.failure import CacheFault, words

DIRECTORY_VARIABLE = "KERNEL_DRIFT_CACHE"
SIZE_VARIABLE = "KERNEL_DRIFT_CACHE_GB"
DEFAULT_SIZE_GB = 10.0
LARGEST_GB = 1e9


def directory(within: Path | None = None) -> Path:
    """This account's own folder inside this one, else the one that `KERNEL_DRIFT_CACHE` names, else the platform's.

    The named folder may be a group's: it is left as it is. Keep it off NFS (SQLite locks). Raises `CacheFault`.
    """
    chosen = within or os.environ.get(DIRECTORY_VARIABLE)
    try:
        named = Path(chosen).expanduser().resolve() if chosen else Path(platformdirs.user_cache_dir("kernel-drift"))
    except RuntimeError as error:  # a home that nobody has, a link to itself
        raise CacheFault(f"{DIRECTORY_VARIABLE} is {chosen!r}: {error}") from error
    return named / f"store-{os.getuid()}"


def size_limit() -> int:
    """Bytes the results may take: `KERNEL_DRIFT_CACHE_GB`, else 10 GB. Raises `CacheFault` unless positive."""
    given = os.environ.get(SIZE_VARIABLE, DEFAULT_SIZE_GB)
    try:
        gigabytes = float(given)
    except ValueError:
        gigabytes = -1.0
    if not 0 < gigabytes < LARGEST_GB:
        raise CacheFault(f"{SIZE_VARIABLE} is {given!r}: give a positive number of gigabytes, such as 10")
    return int(gigabytes * 1e9)


def private(path: Path) -> Path:
    """Creates a folder of our own if need be and closes it to everyone else (mode 0700).

    Raises `OSError` where the disk does not allow it, `CacheFault` where what is there is not ours.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.stat()
    # In a group's folder another account may have made a link of this name, to a folder of ours.
    if {found.st_uid, path.lstat().st_uid} != {os.getuid()}:
        raise CacheFault(f"{path} belongs to another account: name another folder by {DIRECTORY_VARIABLE}")
    if stat.S_IMODE(found.st_mode) != 0o700:
        path.chmod(0o700)
    return path


def usable(path: Path) -> OSError | None:
    """Makes the folder where results live. Gives the trouble of a disk that is full or read-only, which may pass.

    Raises `CacheFault` where the name itself is at fault: a file stands there, or nothing may be made there.
    """
    try:
        private(path)
    except (FileExistsError, NotADirectoryError) as error:
        raise CacheFault(f"{path.parent} is not a folder: {DIRECTORY_VARIABLE} names the folder for results") from error
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EACCES, errno.EPERM):
            raise CacheFault(cannot_write(path, words(error))) from error
        return error
    return None


def check_location() -> None:
    """Raises `CacheFault` where what the environment says of the cache cannot be."""
    size_limit()
    usable(directory())


def cannot_write(path: Path, why: str) -> str:
    """The one line about a cache that cannot be written."""
    return f"the cache in {path} cannot be written: {why}. Mend that, or name another by {DIRECTORY_VARIABLE}"
