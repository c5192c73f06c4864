"""Runs a module of one's own, from the very files that its config names.

Each set of files is loaded once, apart from what the process has imported under the same names: a worker that lives
long computes with the files of the config, not with those of the day it started.
"""

import hashlib
import importlib
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path, PurePosixPath
from types import CodeType, ModuleType
from typing import Any, TypeVar

import jax

from engine.networks.module.adapters import Functions, Refused, functions
from engine.networks.module.config import ModuleConfig, Table
from engine.networks.module.source_files import found
from engine.networks.traced.checks import raised
from engine.problems import ConfigError, Problem
from engine.progress import Cancelled

Value = TypeVar("Value")

NAMED = "network.name"
"""The setting that names the module: what it does is told there."""

_loading = threading.RLock()


def functions_of(network: ModuleConfig, shape: tuple[int, ...]) -> Functions:
    """The functions of a network on examples of this shape, the same for the same network.

    Raises `ConfigError`: it is not what its config says, or raises something itself.
    """
    # Where a program is being traced, what a module computes as it is imported would be of that program alone.
    with _loading, jax.ensure_compile_time_eval():
        made_of = Table(network.arguments), Table(network.sources), Table(network.versions)
        return _functions_of(network.name, *made_of, shape)


@lru_cache(maxsize=32)
def _functions_of(name: str, arguments: Table, sources: Table, versions: Table, shape: tuple[int, ...]) -> Functions:
    thing: Any = _module(name.partition(":")[0], sources, versions, name)
    for part in name.partition(":")[2].split("."):
        if not hasattr(thing, part):
            raise ConfigError([Problem(NAMED, f"{name}: there is no {part} in it")])
        thing = getattr(thing, part)
    return guarded(name, lambda: functions(thing, arguments, shape))


@lru_cache(maxsize=32)
def _module(module: str, sources: Table, versions: Table, name: str) -> ModuleType:
    if problems := ModuleConfig(name=name, sources=sources, versions=versions).lacking:
        raise ConfigError(Problem(f"network.{problem.field}", problem.message) for problem in problems)
    files = found(module).files
    own = {_dotted(path): (file, sources[path]) for path, file in files.items() if file.suffix in SOURCE_SUFFIXES}
    with _aside(list(own)), _found_by(_Verified(own)):
        return guarded(name, lambda: importlib.import_module(module))


def _dotted(path: str) -> str:
    """The name of the module in a file of this path below a folder of Python's path."""
    parts = PurePosixPath(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@contextmanager
def _aside(names: Sequence[str]) -> Iterator[None]:
    """Modules of these names that are imported already stand aside meanwhile."""
    before = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    try:
        yield
    finally:
        sys.modules.update(before)


@contextmanager
def _found_by(finder: MetaPathFinder) -> Iterator[None]:
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Verified(MetaPathFinder):
    """Finds modules in these files, and runs what has the given digest alone."""

    def __init__(self, files: Mapping[str, tuple[Path, str]]):
        self._files = files

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        if fullname not in self._files:
            return None
        file, digest = self._files[fullname]
        within = [str(file.parent)] if file.stem == "__init__" else None
        loader = _Loader(fullname, str(file), digest)
        return spec_from_file_location(fullname, file, loader=loader, submodule_search_locations=within)


class _Loader(SourceFileLoader):
    """Compiles the text itself: what Python has compiled before is known by its time and length only."""

    def __init__(self, fullname: str, path: str, digest: str):
        super().__init__(fullname, path)
        self._digest = digest

    def get_code(self, fullname: str) -> CodeType:
        content = self.get_data(self.path)
        if hashlib.sha256(content).hexdigest() != self._digest:
            raise ImportError(f"{Path(self.path).name} changed while it was read: ask again")
        return compile(content, self.path, "exec", dont_inherit=True)


def guarded(name: str, call: Callable[[], Value]) -> Value:
    """What a call of code of others gives; whatever it raises as a `ConfigError` in one line."""
    try:
        with _settings_stay():
            return call()
    except (ConfigError, Cancelled, KeyboardInterrupt):
        raise
    except Refused as error:
        words = str(error)
    except BaseException as error:  # SystemExit too
        words = _words(name, error)
    raise ConfigError([Problem(NAMED, f"{name} {words}")])


@contextmanager
def _settings_stay() -> Iterator[None]:
    """JAX's settings are of the whole process: what is computed beside, or after, would be computed otherwise. Raises
    `Refused` where one was changed, and takes that back."""
    before, changed = dict(jax.config.values), []
    try:
        yield
    finally:
        changed += [name for name, value in before.items() if jax.config.values[name] != value]
        for name in changed:
            jax.config.update(name, before[name])
    if changed:
        raise Refused(f"sets {', '.join(changed)} of JAX, which all that is computed here shares: leave that out")


def _words(name: str, error: BaseException) -> str:
    """What was raised, and the line of the module's package that it came from."""
    package = name.partition(":")[0].split(".")[0]
    files = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_of(package, Path(frame.filename))]
    where = f" ({Path(files[-1].filename).name}, line {files[-1].lineno})" if files else ""
    return raised(error) + where


def _is_of(package: str, file: Path) -> bool:
    return file.stem == package or package in file.parts
