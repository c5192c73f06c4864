"""Files of the command line and of Python: what is read has limits, what is written is whole. For the doors alone."""

import contextlib
import json
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.config import RunConfig
from engine.data import contents, csv_file
from engine.data.file import taken_in
from engine.data.formats import MOST_BYTES
from engine.schema import ConfigError, Problem
from engine.texts import MOST_CHARACTERS, read


def read_config(path: Path) -> RunConfig:
    """The config in a YAML file, with the files that it names read in. Raises `ConfigError`."""
    return RunConfig.from_dict(with_files(read_yaml(path), path.parent))


def read_parts(path: Path) -> dict[str, Any]:
    """The values in a YAML file that holds a run config, or one under `run:` beside others. Raises `ConfigError`."""
    values = read_yaml(path)
    if not isinstance(values, dict) or "run" not in values:
        values = {"run": values}
    return values | {"run": with_files(values["run"], path.parent)}


def with_files(values: Any, folder: Path) -> Any:
    """The values of a run with the files read in that `data.path` or `probes.path` name. Raises `ConfigError`.

    A digest stands in the config; the bytes are given to `engine.data.contents`, from where a store keeps them.
    """
    for section in ("data", "probes"):
        data = values.get(section) if isinstance(values, dict) else None
        if isinstance(data, dict) and data.get("name") in READ_IN and "path" in data:
            others = {key: value for key, value in data.items() if key not in ("path", "labels_path", "content")}
            values = values | {section: others | READ_IN[data["name"]](data, folder)}
    return values


def _table(data: dict, folder: Path) -> dict[str, Any]:
    path = folder / str(data["path"])
    content = read_bytes(path, csv_file.MOST_BYTES)
    try:
        source, remarks = csv_file.taken_in(path.name, content)
    except ValueError as error:
        raise ConfigError([Problem(str(path), str(error))]) from None
    _note(remarks)
    contents.give(content)
    return {"source": source.to_dict()}


def _points(data: dict, folder: Path) -> dict[str, Any]:
    paths = [folder / str(data[name]) for name in ("path", "labels_path") if data.get(name) is not None]
    files = [(path.name, read_bytes(path, MOST_BYTES)) for path in paths]
    try:
        held = taken_in(files)
    except ValueError as error:
        raise ConfigError([Problem(str(paths[0]), str(error))]) from None
    _note(held.remarks)
    for _, content in files:
        contents.give(content)
    return {"source": held.source.to_dict()}


def _note(remarks: Iterable[str]) -> None:
    """How a file was read, where that is worth a word."""
    for remark in remarks:
        print(f"note: data.path: {remark}", file=sys.stderr)


READ_IN = {"csv": _table, "file": _points}


def read_yaml(path: Path) -> Any:
    """The plain values in a YAML file. Files of points that they name by digest are read in from `files/` beside it, as
    a bundle has them. Raises `ConfigError`.
    """
    try:
        values = read(_read_text(path))
        for beside in [path.parent / "files" / digest for digest in contents.named_in(values)]:
            if contents.is_digest(beside.name) and beside.is_file():
                contents.give(read_bytes(beside, MOST_BYTES))
        return values
    except ConfigError as error:
        raise ConfigError(Problem(problem.field or str(path), problem.message) for problem in error.problems) from None


def _read_text(path: Path) -> str:
    try:
        return read_bytes(path, MOST_CHARACTERS).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError([Problem(str(path), "cannot be read: not UTF-8 text")]) from None


def read_bytes(path: Path, most: int) -> bytes:
    """What is in a file of at most so many bytes. Raises `ConfigError`; waits for no pipe."""
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind):
            raise ValueError(f"is {'a folder' if stat.S_ISDIR(kind) else 'a pipe or device'}, not a file")
        with path.open("rb") as file:
            content = file.read(most + 1)
        if len(content) > most:
            raise ValueError(f"holds more than {most:,} bytes, at most {most:,} are read")
        return content
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
    raise ConfigError([Problem(str(path), f"cannot be read: {reason}")])


def make_folder(out: Path, names: Iterable[str]) -> None:
    """The folder for results of these names. Raises `ConfigError` before anything is computed."""
    for name in names:
        if (out / name).is_dir():
            raise ConfigError([Problem("--out", f"{out / name} is a folder: move it, or name another folder")])
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        reason = "is a file, not a folder" if out.is_file() else error.strerror
        raise ConfigError([Problem("--out", f"{out} cannot be written: {reason}")]) from None


def write(out: Path, files: Mapping[str, Callable[[Path], object]]) -> None:
    """Writes files aside and then renames them: each is whole, or as it was before. Raises `ConfigError`.

    Args:
        files: by name, what writes each to the path that it is given.
    """
    aside = {out / f".{os.getpid()}-{name}": out / name for name in files}
    try:
        for path, fill in zip(aside, files.values(), strict=True):
            fill(path)
        for path, name in aside.items():
            path.replace(name)
    except OSError as error:
        raise ConfigError([Problem("--out", f"{out} cannot be written: {error.strerror or error}")]) from None
    finally:
        for path in aside:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def write_json(values: Any, path: Path) -> None:
    """Raises `ValueError` for numbers that JSON has not: they are None by now."""
    path.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")
