"""docs/theory.md names, for every formula, what computes it."""

import importlib
import re
from functools import reduce
from pathlib import Path

import pytest

THEORY = Path(__file__).parents[2] / "docs" / "theory.md"
NAMES = sorted(set(re.findall(r"`(engine\.[\w.]+)`", THEORY.read_text())))


def test_it_names_many() -> None:
    assert len(NAMES) > 50


@pytest.mark.parametrize("name", NAMES)
def test_what_it_names_exists(name: str) -> None:
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        reduce(getattr, parts[count:], module)
        return
