"""The files and packages that make up a module of one's own, found on Python's path and read without running any.

Files in folders of the path are read; in archives and behind import hooks nothing is found. A file is named by its path
below the folder of Python's path that it lies in, so that names and digests are the same on every machine.
"""

import ast
import hashlib
import importlib.metadata
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES
from pathlib import Path

from engine.problems import did_you_mean

MOST_FILES = 500
MOST_BYTES = 10_000_000
"""Of all files of a module together."""

SUFFIXES = (*EXTENSION_SUFFIXES, *SOURCE_SUFFIXES)
"""In the order in which Python looks for them."""

OWN = ("engine", "cache", "pages")
"""Packages of this program: a change of theirs that changes a number changes the kind of a job (`engine.versions`)."""

HERE = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class ModuleSources:
    """What a module is made of.

    Attributes:
        sources: SHA-256 of each file below the project, by its path there.
        versions: of the packages that those files import, by the name of their distribution.
        files: where each of `sources` lies on this machine.
    """

    sources: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class _Place:
    """Where a module or package is.

    Attributes:
        folder: of Python's path that it was found in.
        file: None of a package without `__init__`.
        within: folders of its submodules.
    """

    folder: Path
    file: Path | None
    within: tuple[Path, ...] = ()


def found(module: str) -> ModuleSources:
    """What the module of this dotted name is made of: its file, those of the packages that it lies in, and all that
    these import, by any `import` in them.

    Raises `ValueError`, in one line that says what to do.
    """
    walk = _Walk(_folders())
    if walk.take(module) is None:
        where = "in a folder of Python's path: start in its folder, or add that to PYTHONPATH"
        raise ValueError(f"no module {module} {where}")
    walk.follow()
    return ModuleSources(dict(sorted(walk.sources.items())), _versions(walk.packages), walk.files)


def check_name(module: str, name: str) -> None:
    """Raises `ValueError` where the file of a module says plainly that nothing of this name is in it."""
    place = _Walk(_folders()).place(module)
    if place is None or place.file is None or place.file.suffix != ".py":
        return
    names = _defined(place.file.name, place.file.read_bytes())
    first = name.split(".")[0]
    if names is not None and first not in names:
        raise ValueError(f"no {first} in {place.file.name}.{did_you_mean(first, sorted(names))}")


class _Walk:
    """From module to module along their imports."""

    def __init__(self, folders: Sequence[Path]):
        self._folders = folders
        self._places: dict[str, _Place | None] = {}
        self._to_read: list[tuple[str, str, bytes, bool]] = []
        self._bytes = 0
        self.sources: dict[str, str] = {}
        self.files: dict[str, Path] = {}
        self.packages = {"jax"}

    def take(self, module: str) -> _Place | None:
        """Notes the files of a module and of the packages around it; None where there is none of this name."""
        parts = module.split(".")
        place = None
        for count in range(1, len(parts) + 1):
            name = ".".join(parts[:count])
            new = name not in self._places
            place = self.place(name)
            if place is None:
                return None
            if place.folder in _standard() or (parts[0] in OWN and place.folder.resolve() == HERE):
                return place
            if place.folder in _installed():
                self.packages.add(parts[0])
                return place
            if new and place.file is not None:
                self._note(name, place, place.file)
        return place

    def place(self, name: str) -> _Place | None:
        """Where a module is; None where it is not, or comes with Python."""
        if name not in self._places:
            self._places[name] = self._locate(name)
        return self._places[name]

    def follow(self) -> None:
        """What the files import, and so on."""
        while self._to_read:
            for imported in _imports(*self._to_read.pop()):
                self.take(imported)

    def _locate(self, name: str) -> _Place | None:
        package, _, last = name.rpartition(".")
        if not package:
            return None if last in sys.builtin_module_names else _in(self._folders, last)
        around = self.place(package)
        inside = _in(around.within, last) if around else None
        return _Place(around.folder, inside.file, inside.within) if around and inside else None

    def _note(self, name: str, place: _Place, file: Path) -> None:
        path, content = file.relative_to(place.folder).as_posix(), _read(file)
        self._bytes += len(content)
        self.files[path], self.sources[path] = file, hashlib.sha256(content).hexdigest()
        if len(self.files) > MOST_FILES or self._bytes > MOST_BYTES:
            most = f"{MOST_FILES} files, or {MOST_BYTES / 1e6:.0f} MB of them,"
            raise ValueError(f"imports more than {most} below {place.folder.name}: install some of it as a package")
        if file.suffix in SOURCE_SUFFIXES:
            self._to_read.append((path, name, content, bool(place.within)))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ValueError(f"{file.name} cannot be read: {error.strerror or error}") from None


def _in(folders: Sequence[Path], name: str) -> _Place | None:
    """The first module or package of this name in the folders; else the parts of a package without `__init__`."""
    parts = []
    for folder in folders:
        inside = folder / name
        for suffix in SUFFIXES:
            if (file := inside / f"__init__{suffix}").is_file():
                return _Place(folder, file, (inside,))
        for suffix in SUFFIXES:
            if (file := folder / f"{name}{suffix}").is_file():
                return _Place(folder, file)
        if inside.is_dir():
            parts.append(inside)
    return _Place(parts[0].parent, None, tuple(parts)) if parts else None


def _folders() -> list[Path]:
    """Those of Python's path."""
    return [path for path in map(Path.absolute, map(Path, sys.path)) if path.is_dir()]


def own_folders() -> list[Path]:
    """Those of Python's path that neither come with Python nor hold installed packages."""
    return [folder for folder in _folders() if folder not in _standard() | _installed()]


@lru_cache(maxsize=1)
def _standard() -> frozenset[Path]:
    """Folders of the standard library."""
    library = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")]
    return frozenset([*library, *(folder / "lib-dynload" for folder in library)])


@lru_cache(maxsize=1)
def _installed() -> frozenset[Path]:
    """Folders of installed packages: what lies there has a version."""
    places = (Path(sysconfig.get_path(name)) for name in ("purelib", "platlib"))
    return frozenset([*places, *(path for path in _folders() if path.name in ("site-packages", "dist-packages"))])


def _versions(packages: set[str]) -> dict[str, str]:
    """Of the distributions that these top-level packages come from."""
    names = {name for package in packages for name in _distributions(package)}
    return {name: importlib.metadata.version(name) for name in sorted(names)}


def _distributions(package: str) -> tuple[str, ...]:
    """Most are called as their package; it takes a second to ask all of the others."""
    try:
        return (importlib.metadata.distribution(package).name.lower(),)
    except importlib.metadata.PackageNotFoundError:
        return tuple(name.lower() for name in _all_distributions().get(package, ()))


@lru_cache(maxsize=1)
def _all_distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


# What a file says, read by Python's own parser.


def _parsed(file: str, content: bytes) -> ast.Module:
    try:
        return ast.parse(content)
    except SyntaxError as error:
        raise ValueError(f"{file} is not Python, line {error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"{file} is not Python: {error}") from None


@lru_cache(maxsize=1024)
def _imports(file: str, module: str, content: bytes, package: bool) -> tuple[str, ...]:
    """Dotted names that a file may import; a name that a package is asked for may be a submodule."""
    names: list[str] = []
    for node in ast.walk(_parsed(file, content)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and (base := _absolute(node, module, package)):
            names += [base, *(f"{base}.{alias.name}" for alias in node.names if alias.name != "*")]
    return tuple(dict.fromkeys(names))


def _absolute(node: ast.ImportFrom, module: str, package: bool) -> str:
    """The module that names are imported from; empty where that lies above the outermost package."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    kept = len(parts) - node.level + package
    return ".".join([*parts[:kept], *filter(None, [node.module])]) if kept > 0 else ""


@lru_cache(maxsize=64)
def _defined(file: str, content: bytes) -> frozenset[str] | None:
    """Names that a module binds outermost; None where only running it would tell."""
    names: set[str] = set()
    for node in _outermost(_parsed(file, content).body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        else:
            parts = (part for part in ast.walk(node) if isinstance(part, ast.Name))
            names |= {part.id for part in parts if isinstance(part.ctx, ast.Store)}
    return None if names & {"*", "__getattr__"} else frozenset(names)


def _outermost(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that a module runs itself, also those within `if`, `try` and `with`."""
    for node in body:
        yield node
        for part in ("body", "orelse", "finalbody"):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield from _outermost(getattr(node, part, ()))
        for handler in getattr(node, "handlers", ()):
            yield from _outermost(handler.body)
