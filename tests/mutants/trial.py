"""One trial: tests on a copy of the tree, with a wrong formula planted in it or none."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.formula import Formula

CRASHES = (
    "AttributeError", "ImportError", "IndentationError", "IndexError", "KeyError", "ModuleNotFoundError", "NameError",
    "SyntaxError", "TypeCheckError", "TypeError", "UnboundLocalError",
)  # fmt: skip
"""What is raised by a text that is no formula: a crash kills it, but says nothing of the tests."""

KILLED, SURVIVED, BROKEN = "killed", "survived", "broken"


@dataclass(frozen=True)
class Outcome:
    """What became of a trial.

    Attributes:
        end: "killed", "survived", or "broken": it crashed as a text that is no formula would, or no test ran.
        how: "assertion", the name of an exception, or "timeout"; of a broken one what pytest said.
        test: that failed first.
        seconds: it took.
    """

    end: str
    how: str
    test: str
    seconds: float


class Tree:
    """A copy of the tracked files, in which formulas are planted and taken out again. The original is never touched."""

    def __init__(self, original: Path, at: Path, compiled: Path):
        self.at, self.compiled = at, compiled
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=original, check=True, capture_output=True, text=True,
        )  # fmt: skip
        for name in filter(None, listed.stdout.split("\0")):
            if (original / name).is_file():
                (at / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(original / name, at / name)

    def try_out(self, formula: Formula, seconds: float) -> Outcome:
        """The tests of a formula with the formula planted; stops at the first that fails."""
        path = self.at / formula.file
        source = path.read_text()
        path.write_text(formula.planted(source))
        try:
            return self.run(formula.tests, seconds)
        finally:
            path.write_text(source)

    def run(self, tests: Sequence[str], seconds: float) -> Outcome:
        """The quick ones of these tests (pyproject.toml), as the tree is."""
        report = self.at / "report.xml"
        report.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
        began = time.monotonic()
        process = subprocess.Popen(
            [*command, *tests],
            cwd=self.at, env=self._environment(), start_new_session=True, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return Outcome(KILLED, "timeout", "", time.monotonic() - began)
        finally:
            _end(process)
        return _outcome(process.returncode, report, said, time.monotonic() - began)

    def _environment(self) -> dict[str, str]:
        # Bytecode is told stale by the second and the size: a formula of the same length would not be seen.
        return {
            **os.environ,
            "PYTHONPATH": str(self.at),
            "PYTHONDONTWRITEBYTECODE": "1",
            "JAX_COMPILATION_CACHE_DIR": os.environ.get("JAX_COMPILATION_CACHE_DIR", str(self.compiled)),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }


def _end(process: subprocess.Popen) -> None:
    """Ends it with all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _outcome(code: int, report: Path, said: str, seconds: float) -> Outcome:
    if code == 0:
        return Outcome(SURVIVED, "", "", seconds)
    last = "\n".join(said.strip().splitlines()[-12:])
    if code != 1 or not report.exists():
        return Outcome(BROKEN, last, "", seconds)
    for case in ElementTree.parse(report).iter("testcase"):
        for failed in (*case.iter("failure"), *case.iter("error")):
            how = _how(failed.get("message", ""))
            test = f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"
            return Outcome(BROKEN if how in CRASHES else KILLED, how, test, seconds)
    return Outcome(BROKEN, last, "", seconds)


def _how(message: str) -> str:
    """ "assertion", "timeout", or the name of the exception of a failure's message."""
    message = re.sub(r'^failed on (setup|teardown) with "', "", message)
    if message.startswith("Failed: Timeout"):
        return "timeout"
    if re.match(r"assert\b|AssertionError|Failed: ", message):
        return "assertion"
    name = re.match(r"[\w.]+", message)
    return name[0].rpartition(".")[2] if name else "unknown"
