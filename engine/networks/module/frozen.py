"""A table that a config can hold: it has a hash, and in it 1, 1.0 and true are three values. Imports no JAX."""

from collections.abc import Mapping
from typing import Any, NoReturn

from pydantic import AfterValidator


class Table(dict[str, Any]):
    """Values by name, in the order of the names; none can be changed."""

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
