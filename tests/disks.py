"""Disks that go wrong, for tests: small ones, read-only ones, and one that fails at a chosen write."""

import contextlib
import gc
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def mounted(place: Path, size: str = "8m") -> Iterator[Path]:
    """A small file system of its own (Linux, root); skipped, with the reason shown, where that may not be made."""
    place.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> Path:
    """Leaves not a byte free; removing the file that it gives makes room again."""
    filler = place / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)
    return filler


@contextlib.contextmanager
def read_only(place: Path) -> Iterator[None]:
    """A mounted file system that takes no writes meanwhile."""
    gc.collect()  # databases of threads that have ended, which keep it busy
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)


@contextlib.contextmanager
def read_only_over(place: Path) -> Iterator[None]:
    """The same for one that is in use: what is open stays open, whatever is opened meanwhile takes no writes."""
    subprocess.run(["mount", "--bind", str(place), str(place)], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


class FailingWrite:
    """Makes the k-th change of the disk by this process fail as on a full disk, and all after it if `for_good`.

    It counts what Python writes: opening to write, writing through, renaming, unlinking, making a folder.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, place: Path):
        self.failing = range(0)
        self.count = 0
        self._place = str(place)
        for name in ("mkdir", "rename", "unlink", "fsync", "link", "utime"):
            monkeypatch.setattr(os, name, self._counting(getattr(os, name)))
        opened = Path.open

        def open_(path: Path, mode: str = "r", *rest, **options):
            if "r" not in mode:
                self._one_more(str(path))
            return opened(path, mode, *rest, **options)

        monkeypatch.setattr(Path, "open", open_)

    def at(self, k: int, for_good: bool) -> None:
        """From now on counts anew."""
        self.count = 0
        self.failing = range(k, 10**9 if for_good else k + 1)

    def _counting(self, function):
        def counted(*arguments, **options):
            self._one_more(str(arguments[0]))
            return function(*arguments, **options)

        return counted

    def _one_more(self, what: str) -> None:
        if what.startswith(self._place) or what.isdigit():
            self.count += 1
            if self.count - 1 in self.failing:
                raise OSError(28, os.strerror(28), what)
