"""SECURITY.md names the tests that hold its promises: they must exist."""

import re
from pathlib import Path

from pages.shell.gate.limits import BYTES, BYTES_OF_ALL, FILES, PAGES, PAGES_OF_ONE

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "SECURITY.md").read_text()


def test_each_promise_names_a_test_that_exists():
    promised = TEXT.partition("## What is promised")[2].partition("\n## ")[0]
    rows = [line for line in promised.splitlines() if line.startswith("| ") and "held by" not in line]
    assert len(rows) >= 9
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)`", row)
        assert named, row
        assert [path for path in named if not (ROOT / path).is_file()] == []


def test_its_limits_are_those_of_the_gate():
    assert f"{FILES} files and {BYTES / 1e6:g} MB on the server, all sessions {BYTES_OF_ALL / 1e6:g} MB" in TEXT
    assert f"{PAGES} pages are open at most, {PAGES_OF_ONE} from one address" in TEXT
