"""A diskcache `Disk` that never unpickles (CVE-2025-69872: who can write the directory could run code)."""

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Any

import diskcache
from diskcache.core import MODE_BINARY, MODE_RAW, UNKNOWN


class UnsafeEntryError(ValueError):
    """An entry that is neither bytes, text nor a number: not written by this program."""


class BytesDisk(diskcache.Disk):
    """Keys are text; values are bytes, text or numbers. Everything else is refused, both ways."""

    def put(self, key: Any) -> Any:
        if type(key) is not str:
            raise TypeError(f"a cache key is text, got {type(key).__name__}")
        return key, True

    def get(self, key: Any, raw: bool) -> str:
        if not raw or type(key) is not str:
            raise UnsafeEntryError("a key in the cache is not text: refused to unpickle it")
        return key

    def store(self, value: Any, read: bool, key: Any = UNKNOWN) -> Any:
        if type(value) in (str, int, float) and not read:
            return 0, MODE_RAW, None, value
        if type(value) is not bytes or read:
            raise TypeError(f"a cache value is bytes, text or a number, got {type(value).__name__}")
        if len(value) < self.min_file_size:
            return 0, MODE_RAW, None, sqlite3.Binary(value)
        filename, path = self.filename()
        try:
            self._write(path, [value], "xb")
        except OSError:
            # diskcache would leave the part that fitted, on a disk which is already full.
            with contextlib.suppress(OSError):
                os.remove(path)
            raise
        return len(value), MODE_BINARY, filename, None

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        if mode == MODE_BINARY and filename is not None and not read:
            return Path(self._directory, filename).read_bytes()
        if mode == MODE_RAW:
            return bytes(value) if isinstance(value, bytes | memoryview) else value
        raise UnsafeEntryError(f"an entry is stored in mode {mode}: refused to unpickle it")
