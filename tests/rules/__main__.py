"""Writes docs/sentences.md."""

from tests.rules import markdown
from tests.rules.detection import ROOT

DOCUMENT = ROOT / "docs" / "sentences.md"

if __name__ == "__main__":
    DOCUMENT.write_text(f"{markdown().rstrip()}\n")
