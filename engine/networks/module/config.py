"""The config of a network of one's own: which module, with what arguments, made of which files. Imports no JAX."""

import keyword
import re
from collections.abc import Mapping
from math import isfinite, nan
from typing import Annotated, Any, Literal, NoReturn, Self

from pydantic import AfterValidator, Field, PrivateAttr, StringConstraints, field_validator, model_validator

from engine.networks.base import NetworkConfig
from engine.networks.layered import MAX_DEPTH
from engine.networks.module.listed import IDENTIFIER, NAME, refusal
from engine.networks.module.source_files import MOST_FILES, ModuleSources, check_name, found
from engine.problems import ConfigError, Problem, clipped, short_repr


class Table(dict[str, Any]):
    """Values by name, in the order of the names, that a config can hold: none can be changed, it has a hash, and in it
    1, 1.0 and true are three values."""

    def __init__(self, values: Mapping[str, Any]):
        super().__init__(sorted(values.items()))

    def __hash__(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return hash(_typed(self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict) and _typed(self) == _typed(Table(other))

    def __setitem__(self, *_: object) -> NoReturn:
        raise TypeError("a table of a config cannot be changed")

    __delitem__ = update = pop = popitem = clear = setdefault = __ior__ = __setitem__  # pyright: ignore


def _typed(table: Table) -> tuple[tuple[str, str, Any], ...]:
    return tuple((name, type(value).__name__, value) for name, value in table.items())


FROZEN = AfterValidator(Table)

LONGEST_NAME = 200
MOST_ARGUMENTS = 50
LONGEST_ARGUMENT = 200
"""Characters of one that is a text."""

Path = Annotated[str, StringConstraints(pattern=r"^\w[\w.+-]*(/\w[\w.+-]*)*$", max_length=300)]
Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Package = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
Version = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+!-]*$", max_length=100)]


class ModuleConfig(NetworkConfig):
    """A network of one's own (`engine.networks.module.adapters` says what it may be).

    `sources` and `versions` say which network this is, so that a result is of what it says. Left out, they are those of
    the files here and now; given, they stay as they are, and only such files may compute it (`lacking`).

    Attributes:
        name: `package.module:Name`, on Python's path.
        arguments: numbers, texts, true and false, that it is called with.
        sources: SHA-256 of its file and of all that this imports below the project, by path there.
        versions: of JAX, and of the installed packages that those files import.
        counted_depth: hidden layers, as whoever wrote it counts them; a measured beta
            (`engine.initialisation.spread`) is known where it is given.
    """

    HAS_READOUT = False

    kind: Literal["module"] = "module"
    name: Annotated[str, Field(max_length=LONGEST_NAME)]
    arguments: Annotated[dict[str, Any], Field(max_length=MOST_ARGUMENTS), FROZEN] = Field({}, validate_default=True)
    sources: Annotated[dict[Path, Digest], Field(max_length=MOST_FILES), FROZEN] = Field({}, validate_default=True)
    versions: Annotated[dict[Package, Version], Field(max_length=MOST_FILES), FROZEN] = Field({}, validate_default=True)

    counted_depth: Annotated[int, Field(ge=1, le=MAX_DEPTH)] | None = Field(
        None, exclude_if=lambda depth: depth is None
    )

    @model_validator(mode="before")
    @classmethod
    def _identify(cls, values: Any) -> Any:
        """Writes out which files and packages these are, where nothing of that is given."""
        if not isinstance(values, dict) or values.get("sources") or values.get("versions"):
            return values
        try:
            here = _here(values.get("name"))
        except ValueError:  # told once all else is right
            here = ModuleSources()
        return {**values, "sources": here.sources, "versions": here.versions}

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not NAME.fullmatch(name):
            raise ValueError(f"{short_repr(name)} given; package.module:Name is needed, such as my_nets:Transformer")
        return name

    @field_validator("arguments", mode="before")
    @classmethod
    def _are_scalars(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and (problems := [*_wrong_arguments(given)]):
            raise ConfigError(problems)
        return given

    @model_validator(mode="after")
    def _is_there(self) -> Self:
        if not self.sources and not self.versions:
            try:
                _here(self.name)
            except ValueError as error:
                raise ConfigError([Problem("name", str(error))]) from None
        return self

    _shape: tuple[int, ...] = PrivateAttr(())

    def on(self, shape: tuple[int, ...]) -> Self:
        """This network on points of this shape, which it is given them in."""
        network = self.model_copy()
        network._shape = shape
        return network

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a point; empty where nobody has said, and points are given flat."""
        return self._shape

    def parameter_count(self, input_dim: int, output_dim: int) -> int | None:
        return None

    def products(self, input_dim: int, output_dim: int) -> float:
        return nan

    def signals(self) -> float:
        return nan

    def pair_products(self, output_dim: int) -> float:
        return nan

    @property
    def layers_seconds(self) -> float:
        return nan

    @property
    def start_seconds(self) -> float:
        return nan

    @property
    def module(self) -> str:
        """The dotted name of the module."""
        return self.name.partition(":")[0]

    @property
    def lacking(self) -> list[Problem]:
        """What keeps the network from being computed here: it may not run, is gone, or no longer what it was."""
        if no := refusal(self.name):
            return [Problem("name", no)]
        try:
            here = found(self.module)
        except ValueError as error:
            return [Problem("name", str(error))]
        differing = [*_differing(self.sources, here.sources), *_differing(self.versions, here.versions)]
        if not differing:
            return []
        what = "; ".join(differing[:4]) + (f"; and {len(differing) - 4} more" if len(differing) > 4 else "")
        again = "leave sources and versions out to take it as it is"
        return [Problem("name", f"{self.name} is here another than the one asked for ({what}): {again}")]


def _wrong_arguments(given: Mapping[Any, Any]) -> list[Problem]:
    """What is wrong with each."""
    found = []
    for name, value in given.items():
        if not (isinstance(name, str) and re.fullmatch(IDENTIFIER, name, re.ASCII)) or keyword.iskeyword(name):
            found.append(Problem(clipped(str(name)), "no name of an argument"))
        elif isinstance(value, str) and len(value) > LONGEST_ARGUMENT:
            found.append(Problem(name, f"{len(value):,} characters given, at most {LONGEST_ARGUMENT} are passed on"))
        elif not isinstance(value, bool | int | float | str) or (isinstance(value, int) and abs(value) >= 2**63):
            found.append(Problem(name, f"{short_repr(value)} given; a number, a text, true or false is needed"))
        elif isinstance(value, float) and not isfinite(value):
            found.append(Problem(name, f"{short_repr(value)} given; a finite number is needed"))
    return found


def _here(name: Any) -> ModuleSources:
    """The files and versions of a name. Raises `ValueError` where there is none."""
    if not isinstance(name, str) or len(name) > LONGEST_NAME or (parts := NAME.fullmatch(name)) is None:
        raise ValueError("no name of a module")
    if no := refusal(name):
        raise ValueError(no)
    here = found(parts["module"])
    check_name(parts["module"], parts["name"])
    return here


def shortened(digest: str) -> str:
    """The beginning of a digest; a version as it is."""
    return digest[:8] if len(digest) == 64 else digest


def _differing(asked: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """What is another here, in words."""
    changed = [name for name in asked.keys() & here.keys() if asked[name] != here[name]]
    return [
        *(f"{name} is {shortened(here[name])}, not {shortened(asked[name])}" for name in sorted(changed)),
        *(f"no {name}" for name in sorted(asked.keys() - here.keys())),
        *(f"{name} is new" for name in sorted(here.keys() - asked.keys())),
    ]
