"""docs/theory.md names, for every formula, what computes it; comments of the code name more. All of it exists."""

import importlib
import re
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def named(*paths: Path) -> set[str]:
    """The dotted names in backticks; `cache.db` is a file."""
    texts = (path.read_text() for path in paths)
    return {name for text in texts for name in re.findall(r"`((?:engine|cache|pages)\.(?!db`)[\w.]+)`", text)}


THEORY = named(ROOT / "docs" / "theory.md")
CODE = named(*(path for part in ("engine", "cache", "pages", "deploy") for path in (ROOT / part).rglob("*.py")))


def test_they_name_many() -> None:
    assert min(len(THEORY), len(CODE)) > 50


@pytest.mark.parametrize("name", sorted(THEORY | CODE))
def test_what_is_named_exists(name: str) -> None:
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        reduce(member, parts[count:], module)
        return


def member(owner: Any, name: str) -> Any:
    """A field without a default stands in the annotations only."""
    return getattr(owner, name) if hasattr(owner, name) else owner.__annotations__[name]
