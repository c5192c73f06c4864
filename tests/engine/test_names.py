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


def test_no_comment_names_a_section_or_a_test_that_is_not_there() -> None:
    parts = ("engine", "cache", "pages", "deploy", "tests")
    code = "\n".join(path.read_text() for part in parts for path in (ROOT / part).rglob("*.py"))
    sections = set(re.findall(r"^## (\d+)\.", (ROOT / "docs" / "theory.md").read_text(), re.MULTILINE))
    assert set(re.findall(r"theory\.md (\d+)", code)) <= sections
    figures = (ROOT / "docs" / "figures.md").read_text()
    tests = set(re.findall(r"[\w/]+/test_\w+\.py", figures))
    assert len(tests) > 10
    assert [name for name in tests if not any((ROOT / at / name).exists() for at in ("", "tests/engine"))] == []
    settings = set(re.findall(r"`([\w-]+\.yaml)`", figures))
    assert settings == {path.name for path in (ROOT / "tests" / "data" / "trials").iterdir()}


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
