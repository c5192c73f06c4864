"""The planted formulas: data in `formulas/*.toml`, by the module of the engine that they are planted in."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FORMULAS = Path(__file__).parent / "formulas"


@dataclass(frozen=True)
class Formula:
    """One wrong formula.

    Attributes:
        file: what it is planted in.
        name: of the formula, unique.
        right, wrong: text of the source, found exactly once, and what takes its place.
        fault: what is wrong with it.
        tests: files that reach the module, those most likely to see it first.
        equivalent: why no test can tell it from the right one; empty for all others.
    """

    file: str
    name: str
    right: str
    wrong: str
    fault: str
    tests: tuple[str, ...]
    equivalent: str = ""

    def planted(self, source: str) -> str:
        """The source with the wrong formula. Raises `ValueError` unless the right one is found exactly once."""
        found = source.count(self.right)
        if found != 1:
            raise ValueError(f"{self.name}: found {found} times in {self.file}, not once: mend its text")
        return source.replace(self.right, self.wrong)


def formulas(pattern: str = "") -> list[Formula]:
    """Those with the pattern in their file or name, in the order of the files."""
    found = [formula for path in sorted(FORMULAS.glob("*.toml")) for formula in _read(path.read_text())]
    return [formula for formula in found if pattern in f"{formula.file} {formula.name}"]


def files_of_tests(chosen: Sequence[Formula]) -> list[str]:
    """Every file of tests that they name, once."""
    return list(dict.fromkeys(test for formula in chosen for test in formula.tests))


def _read(text: str) -> list[Formula]:
    return [
        Formula(**{"file": module["file"], "tests": tuple(one.pop("tests", module["tests"])), **one})
        for module in tomllib.loads(text)["module"]
        for one in module["formula"]
    ]
