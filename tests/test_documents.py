"""Paths, links, tables and commands that the documents name are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path
    for path in (
        *ROOT.glob("*.md"),
        *(file for part in ("docs", "deploy", "tests") for file in (ROOT / part).rglob("*.md")),
    )
    if path.name != "CHANGELOG.md"  # it tells of what has gone
)
PATH = re.compile(r"`((?:app\.py|(?:pages|cache|engine|tests|docs|deploy|benchmarks)/[\w./-]*))`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
TABLE = re.compile(r"`([A-Z_]{3,})` \(`([\w/]+\.py)`")
"""A name of a module, and in parentheses where it is."""
INSIDE = re.compile(r"`([\w.]+)` in `((?:pages|cache|engine|tests)/[\w/]+\.py)`")
"""A function, a class or a name, and where it is."""
MODULE = re.compile(r"python -m ((?:tests|benchmarks|engine)[\w.]*)")
COMMAND = re.compile(r"python -m engine (\w+)")
TARGET = re.compile(r"[`\n]make ([a-z-]+)[` ]")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_document_names_is_there(document: Path) -> None:
    text = document.read_text()
    missing = [name for name in PATH.findall(text) if not (ROOT / name).exists()]
    missing += [name for name in LINK.findall(text) if not (document.parent / name).exists()]
    missing += [f"{name} in {file}" for name, file in TABLE.findall(text) if not has(ROOT / file, rf"\s*{name}\b")]
    missing += [f"{name} in {file}" for name, file in INSIDE.findall(text) if not defines(ROOT / file, name)]
    missing += [name for name in MODULE.findall(text) if not is_run(ROOT / name.replace(".", "/"))]
    commands = ROOT / "engine" / "__main__.py"
    missing += [name for name in COMMAND.findall(text) if not has(commands, rf'def {name}\(|@app\.command\("{name}"\)')]
    missing += [name for name in TARGET.findall(text) if not has(ROOT / "Makefile", rf"([\w-]+ )*{name}( [\w-]+)*:")]
    assert missing == []


def test_the_readme_names_much() -> None:
    text = (ROOT / "README.md").read_text()
    assert (
        min(len(PATH.findall(text)), len(LINK.findall(text)), len(COMMAND.findall(text)), len(TABLE.findall(text))) > 9
    )


def has(file: Path, line: str) -> bool:
    """Whether a line of a file begins so."""
    return re.search(rf"^(?:{line})", file.read_text(), re.MULTILINE) is not None


def defines(file: Path, name: str) -> bool:
    """Whether a file has a function, a class or a name, also of a class, as the last part of this name."""
    return has(file, rf"\s*(?:def |class )?{name.rpartition('.')[2]}\b")


def is_run(module: Path) -> bool:
    return module.with_suffix(".py").exists() or (module / "__main__.py").exists()
