"""The rows of all sections: JSON that is written after every row, and tables in Markdown."""

import json
import math
import os
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Task = tuple[str, Callable[[], Row]]
"""A name and what measures it."""


@dataclass(frozen=True)
class Section:
    """Measurements of one kind.

    Attributes:
        name, title: on the command line and in the report.
        tasks: one row each. What one raises stands in its row; the others go on.
        seconds: what they may take; those that it leaves no time for are named as not done.
    """

    name: str
    title: str
    tasks: Iterable[Task]
    seconds: float


class Report:
    """What has been measured so far.

    Args:
        facts: of the device and of the versions.
        out: file that is written anew after every row, whole at any moment; None for none.
    """

    def __init__(self, facts: Row, out: Path | None) -> None:
        self.found: Row = {**facts, "finished": False, "sections": {}}
        self.out = out
        self.keep()

    def run(self, section: Section) -> None:
        """Measures every task of a section, as far as its time goes."""
        began, rows = time.monotonic(), []
        self.found["sections"][section.name] = {"title": section.title, "rows": rows}
        for name, measure in section.tasks:
            if time.monotonic() - began > section.seconds:
                row: Row = {"error": f"not done: the {section.seconds:.0f} s of its section had passed"}
            else:
                row = attempted(measure)
            rows.append({"name": name, **row})
            print(f"{section.name}: {line(rows[-1])}", flush=True)
            self.keep()

    def end(self) -> None:
        self.found["finished"] = True
        self.keep()

    def keep(self) -> None:
        if self.out:
            draft = self.out.with_name(self.out.name + ".part")
            draft.write_text(json.dumps(self.found, indent=1) + "\n")
            os.replace(draft, self.out)

    @property
    def faults(self) -> list[str]:
        """What failed, was not done, or is not right."""
        rows = [(name, row) for name, section in self.found["sections"].items() for row in section["rows"]]
        return [f"{name}, {row['name']}" for name, row in rows if "error" in row or row.get("holds") is False]

    def markdown(self) -> str:
        """All sections, ready for RESULTS.md."""
        facts = ", ".join(f"{name} {value}" for name, value in self.found["versions"].items())
        said = [
            f"## On {self.found['device']}: `python -m benchmarks.device`",
            f"{facts}. {self.found['settings']}",
            "",
        ]
        for section in self.found["sections"].values():
            said += [f"### {section['title']}", *table(section["rows"]), ""]
        return "\n".join(said)


NOT_SHOWN = ("traceback", "seconds")
"""Of a row: in JSON only."""


def attempted(measure: Callable[[], Row]) -> Row:
    """The row and its seconds, or what went wrong in its place. Numbers that JSON lacks are words."""
    began = time.monotonic()
    try:
        row = measure() | {"seconds": time.monotonic() - began}
        return {name: str(value) if _lost(value) else value for name, value in row.items()}
    except Exception as error:
        words = " ".join(str(error).split())[:200]
        return {"error": f"{type(error).__name__}: {words}", "traceback": traceback.format_exc()}


def _lost(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def table(rows: list[Row]) -> list[str]:
    """A table with a column for each thing that any row has; what went wrong stands in the last column."""
    columns = list(dict.fromkeys(name for row in rows for name in row if name not in (*NOT_SHOWN, "error")))
    columns += ["error"] if any("error" in row for row in rows) else []
    lines = [columns, ["---"] * len(columns), *([shown(row.get(name, "")) for name in columns] for row in rows)]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def line(row: Row) -> str:
    return ", ".join(f"{name} {shown(value)}" for name, value in row.items() if name not in NOT_SHOWN)


def shown(value: Any) -> str:
    """A value in a cell."""
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return f"{value:.3g}" if isinstance(value, float) else str(value).replace("|", "/")
