"""The rule of every computed sentence, as data: what permits it, what silences it, and what is said instead.

A module for each page. `python -m tests.rules` writes docs/sentences.md. tests/pages/test_rules.py holds the file to
these tables, finds functions without a rule by reading the source (`tests.rules.detection`), and has numbers for which
each sentence must fall silent.
"""

from collections.abc import Iterator

from tests.rules import compared, ensembles, runs, spaces
from tests.rules.detection import NO_FINDINGS, covered, writers
from tests.rules.rule import Rule

PAGES = {
    "A run, its data and its cost": runs.RUN,
    "Perturbation": runs.PERTURBATION,
    "Function spaces": spaces.RULES,
    "Regime map": ensembles.REGIMES,
    "Initialisation": ensembles.INITIALISATION,
    "Runs side by side": compared.RULES,
    "Beside charts": runs.CHARTS,
}
RULES: tuple[Rule, ...] = tuple(rule for rules in PAGES.values() for rule in rules)


def left() -> list[str]:
    """Functions that write sentences and have no rule yet."""
    ruled = {source for rule in RULES for source in (rule.source, *rule.also)}
    return sorted(writers() - covered(ruled) - {name for names in NO_FINDINGS.values() for name in names})


def markdown() -> str:
    """docs/sentences.md."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "# The rule of every computed sentence"
    yield ""
    yield "Written by `python -m tests.rules` from the package `tests/rules`; a test compares them, and has numbers for"
    yield "which each sentence must fall silent, and whole paths for those that speak about one."
    for page, rules in PAGES.items():
        yield from ("", f"## {page}", "")
        yield "| sentence | permitted by | path | silenced by | said instead | source |"
        yield "|---|---|---|---|---|---|"
        for rule in rules:
            sources = ", ".join(f"`{source}`" for source in (rule.source, *rule.also))
            instead = rule.instead.replace("**", "") or "nothing"
            yield f"| {' | '.join((rule.says, rule.permitted, rule.path, rule.silent, instead, sources))} |"
    yield from ("", "## Texts that are no findings", "")
    yield from (f"- {what}: {', '.join(f'`{name}`' for name in names)}" for what, names in NO_FINDINGS.items())
    rest = left()
    yield from ("", f"## Without a rule yet: {len(rest)}", "", *(f"- `{source}`" for source in rest))
