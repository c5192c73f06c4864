"""Every planted formula is found where it is to be planted, and the verdicts of a trial are the right ones."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.mutants.formula import ROOT, Formula, files_of_tests, formulas
from tests.mutants.trial import BROKEN, KILLED, SURVIVED, Tree

ALL = formulas()


@pytest.mark.parametrize("formula", ALL, ids=lambda formula: f"{formula.file}:{formula.name}")
def test_a_formula_is_found_once_and_is_a_program(formula: Formula):
    source = (ROOT / formula.file).read_text()
    planted = formula.planted(source)  # raises unless it is found once
    assert planted != source
    compile(planted, formula.file, "exec")
    assert formula.tests
    assert formula.fault


def test_there_are_enough_each_with_its_name():
    assert sum(not formula.equivalent for formula in ALL) >= 100
    assert max(Counter((formula.file, formula.name) for formula in ALL).values()) == 1
    assert [test for test in files_of_tests(ALL) if not (ROOT / test).is_file()] == []


def test_a_text_that_is_not_found_once_is_an_error():
    formula = Formula("engine/numerics.py", "twice", "a", "b", "", ())
    with pytest.raises(ValueError, match=r"twice: found 2 times in engine/numerics\.py, not once"):
        formula.planted("a a")
    with pytest.raises(ValueError, match="found 0 times"):
        formula.planted("")


ENGINE = "def area(r):\n    return 3 * r**2\n"
TESTS = """
import pytest
from area import area

def test_area():
    assert area(2) == 12

@pytest.mark.long
def test_long():
    assert False
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """A copy of a repository of two files, whose tests need none of pytest's plugins."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    original = tmp_path / "original"
    original.mkdir()
    (original / "area.py").write_text(ENGINE)
    (original / "test_area.py").write_text(TESTS)
    (original / "pytest.ini").write_text("[pytest]\naddopts = -m 'not long'\nmarkers = long\n")
    subprocess.run(["git", "init", "-q"], cwd=original, check=True)
    return Tree(original, tmp_path / "copy", tmp_path / "compiled")


@pytest.mark.parametrize(
    ("wrong", "end", "how"),
    [
        ("3 * r**2 + 0", SURVIVED, ""),
        ("3 * r**3", KILLED, "assertion"),
        ("3 // (r - 2)", KILLED, "ZeroDivisionError"),
        ("3 * radius**2", BROKEN, "NameError"),
        ("3 * r**2 * [", BROKEN, "SyntaxError"),
    ],
)
def test_how_a_formula_ends(tree: Tree, wrong: str, end: str, how: str):
    formula = Formula("area.py", "area", "3 * r**2", wrong, "", ("test_area.py",))
    outcome = tree.try_out(formula, 60)
    assert outcome.end == end
    assert how in outcome.how
    assert (tree.at / "area.py").read_text() == ENGINE  # taken out again
    assert outcome.test == ("test_area::test_area" if end == KILLED or how == "NameError" else "")


def test_a_hang_is_ended(tree: Tree):
    wrong = "__import__('time').sleep(60)"
    outcome = tree.try_out(Formula("area.py", "hang", "3 * r**2", wrong, "", ("test_area.py",)), 3)
    assert (outcome.end, outcome.how) == (KILLED, "timeout")
    assert outcome.seconds < 30


def test_no_tests_are_no_survivor(tree: Tree):
    outcome = tree.run(["test_missing.py"], 60)
    assert outcome.end == BROKEN
    assert "test_missing.py" in outcome.how
