"""`python -m tests.mutants`: plants every wrong formula, one at a time, and says which the quick tests do not see."""

import argparse
import os
import queue
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from tests.mutants.formula import ROOT, Formula, files_of_tests, formulas
from tests.mutants.trial import BROKEN, KILLED, SURVIVED, Outcome, Tree

Thing = TypeVar("Thing")

LEAST, TIMES = 120.0, 4.0
"""Seconds, and times what its tests take with nothing planted, after which a formula counts as killed by a hang."""
MOST = 1200.0
"""Seconds for one file of tests with nothing planted."""


def main() -> int:
    options = _options()
    chosen = formulas(options.only)
    if options.list or not chosen:
        for formula in chosen:
            print(f"{formula.file}: {formula.name}: {formula.fault}\n    {' '.join(formula.tests)}")
        print(f"{len(chosen)} formulas")
        return 0 if chosen else 2
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-", dir=os.environ.get("TMPDIR")) as folder:
        trees: queue.Queue[Tree] = queue.Queue()
        for number in range(options.processes):
            trees.put(Tree(ROOT, Path(folder) / str(number), Path(folder) / "compiled"))
        alone = dict(zip(files_of_tests(chosen), _each(trees, files_of_tests(chosen), _unplanted), strict=True))
        failing = [test for test, outcome in alone.items() if outcome.end != SURVIVED]
        if failing:
            print(f"\nfail with nothing planted: {', '.join(failing)}: mend these first")
            return 1

        def planted(tree: Tree, formula: Formula) -> Outcome:
            usual = sum(alone[test].seconds for test in formula.tests)
            outcome = tree.try_out(formula, max(LEAST, TIMES * usual))
            print(_line(formula, outcome), flush=True)
            return outcome

        outcomes = dict(zip(chosen, _each(trees, chosen, planted), strict=True))
    print(f"\n{_account(outcomes)}, {(time.monotonic() - began) / 60:.0f} minutes")
    return 1 if any(map(_is_wrong, outcomes, outcomes.values())) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="those with this in their file or name")
    parser.add_argument("--list", action="store_true", help="say what would be planted, and plant nothing")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="at once; one per core")
    return parser.parse_args()


def _each(
    trees: "queue.Queue[Tree]", things: Sequence[Thing], trial: Callable[[Tree, Thing], Outcome]
) -> list[Outcome]:
    """A trial of each thing, on as many trees at once as there are."""

    def one(thing: Thing) -> Outcome:
        tree = trees.get()
        try:
            return trial(tree, thing)
        finally:
            trees.put(tree)

    with ThreadPoolExecutor(trees.qsize()) as pool:
        return list(pool.map(one, things))


def _unplanted(tree: Tree, test: str) -> Outcome:
    outcome = tree.run([test], MOST)
    said = "passes" if outcome.end == SURVIVED else f"FAILS ({outcome.how})"
    print(f"nothing planted: {test} {said}, {outcome.seconds:.0f} s", flush=True)
    return outcome


def _is_wrong(formula: Formula, outcome: Outcome) -> bool:
    """Broken, not seen, or seen though it is named equivalent."""
    return outcome.end != (SURVIVED if formula.equivalent else KILLED)


def _line(formula: Formula, outcome: Outcome) -> str:
    mark = "!!" if _is_wrong(formula, outcome) else "  "
    end = f"equivalent ({outcome.end})" if formula.equivalent else outcome.end
    by = f" by {outcome.test} ({outcome.how})" if outcome.end != SURVIVED else ""
    return f"{mark} {end}: {formula.file} {formula.name}{by}, {outcome.seconds:.0f} s"


def _account(outcomes: dict[Formula, Outcome]) -> str:
    ends = [outcome.end for outcome in outcomes.values()]
    how = [outcome.how for outcome in outcomes.values() if outcome.end == KILLED]
    equivalent = sum(bool(formula.equivalent) for formula in outcomes)
    return (
        f"{len(ends)} formulas: {ends.count(KILLED)} killed ({how.count('assertion')} by an assertion, "
        f"{how.count('timeout')} by a hang, the others by an error), {ends.count(SURVIVED)} survived "
        f"({equivalent} are named equivalent), {ends.count(BROKEN)} are no formulas"
    )


if __name__ == "__main__":
    sys.exit(main())
