"""Every rule of docs/sentences.md with numbers for which its sentence must fall silent, and statements about a path
that read the whole of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import silent_comparisons
import silent_numbers
import silent_spaces
from silent_numbers import Seed, clear, expanded, studied, trained

from engine.regimes.boundaries import Boundary
from engine.regimes.result import Thresholds
from pages.views import evolution_words, map_words, study_words
from pages.views import expansion_words as perturb_words
from tests.rules import NO_FINDINGS, RULES, detection, left, markdown
from tests.rules.__main__ import DOCUMENT
from tests.rules.detection import writers

SILENT = silent_numbers.SILENT | silent_spaces.SILENT | silent_comparisons.SILENT
PATHS = silent_numbers.PATHS | silent_spaces.PATHS


def test_the_document_is_written_from_the_table() -> None:
    assert DOCUMENT.read_text() == f"{markdown().rstrip()}\n", "run python -m tests.rules"


def test_every_rule_names_a_function_and_has_numbers_that_silence_it() -> None:
    assert {rule.source for rule in RULES} == set(SILENT)
    assert {rule.source for rule in RULES if rule.path} == set(PATHS)


def test_no_function_that_writes_sentences_is_without_a_rule() -> None:
    assert left() == []
    named = [name for names in NO_FINDINGS.values() for name in names]
    ruled = [source for rule in RULES for source in (rule.source, *rule.also)]
    assert len(set(named + ruled)) == len(named + ruled)
    assert set(named) <= writers(), "named as no finding, but writes nothing"


def test_a_new_sentence_is_found_in_the_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    code = """
def finding(value) -> str:
    return f"the kernel has moved by {value:.2f}"
def fixed() -> list[str]:
    return ["This run is stable and always converged."]
def part(value):
    return f"by {value} of its whole size"
def finds(value):
    return part(value)
class Page:
    def method(self, value):
        said = [f"it rose from {value} to the end"]
def number(value) -> str:
    return f"{value:.3g}"
"""
    (tmp_path / "pages" / "page.py").write_text(code)
    monkeypatch.setattr(detection, "ROOT", tmp_path)
    for one in (detection.writers, detection._modules, detection._functions, detection._called):
        one.cache_clear()
    try:
        names = {"finding", "fixed", "part", "Page.method"}
        assert detection.writers() == {f"pages.page.{name}" for name in names}
        assert detection.covered({"pages.page.finds"}) == {"pages.page.finds", "pages.page.part"}
    finally:
        for one in (detection.writers, detection._modules, detection._functions, detection._called):
            one.cache_clear()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.source)
def test_it_falls_silent(rule: Any) -> None:
    said = SILENT[rule.source]()
    text = said if isinstance(said, str) else " ".join(said)
    assert rule.instead in text if rule.instead else not text


@pytest.mark.parametrize("source", PATHS)
def test_it_reads_the_whole_path(source: str) -> None:
    said, expected = PATHS[source]
    assert expected in " ".join([text] if isinstance(text := said(), str) else text)


def test_a_statement_about_stability_reads_the_whole_path() -> None:
    """Issue 12: "went from 1.8 to 0.989; the limit is 2: stable" beside four crossings and a peak of 2.7."""
    (said,) = evolution_words.stability(trained(Seed([1.8, 1.9, 1.95, 2.3, 1.9, 2.7, 0.989])))
    assert "was 1.8 at the start, 2.7 at its peak, and is 0.989 now" in said
    assert "it crossed the limit 2 4 times, first at t = 0.9" in said
    (calm,) = evolution_words.stability(trained(Seed([0.5, 0.6, 0.5])))
    assert calm.endswith(": stable, the limit is 2.")
    (flat,) = evolution_words.stability(trained(Seed([0.5, 0.5 + 1e-9, 0.5])))
    assert flat.endswith(" stayed at 0.5: stable, the limit is 2.")
    for seeds in ([Seed([0.5, 0.1, 0.5])], [Seed([0.5, 0.5]), Seed([0.5, 0.5]), Seed([0.1, 0.1])]):
        (moved,) = evolution_words.stability(trained(*seeds))
        assert "was 0.5 at the start, 0.5 at its peak, and is 0.5 now" in moved
    (near,) = evolution_words.stability(trained(Seed([0.5, 1.97, 0.5])))
    assert near.endswith("it reached the edge of stability, 2.")
    (some,) = evolution_words.stability(trained(Seed([0.5, 2.5, 2.6]), Seed([0.5, 0.6, 0.7])))
    assert "it crossed the limit 2 in 1 of 2 seeds 1 time, first at t = 0.3" in some
    (batches,) = evolution_words.stability(trained(Seed([0.5, 0.6, 0.5]), batch_size=1))
    assert "stable" not in batches
    assert "does not bound steps on 1 point" in batches


def test_a_study_says_a_law_with_its_interval_where_there_is_one() -> None:
    said = " ".join([study_words.answer(studied(clear)), *study_words.sentences(studied(clear), 0.1)])
    assert "The error of order 0 (lazy) as $n^{-" in said
    assert "**" not in said
    assert "(95%: " in said
    one = studied(clear, seeds=1)
    alone = " ".join([study_words.answer(one), *study_words.sentences(one, 0.1)])
    assert "[" not in alone
    assert "With one seed for each network there are no intervals." in alone


def test_what_checkpoints_saw_is_explained() -> None:
    (said,) = perturb_words._explained(expanded())
    assert "First order explains 80%" in said
    (missed,) = perturb_words._explained(expanded(seen=13 / 63))
    assert "the checkpoints see 21% of the largest lazy error" in missed
    (lazy,) = perturb_words._lazy(expanded())
    assert "by at most 30% of $\\|r(0)\\|$ over every step" in lazy


def test_p2_is_no_bound_where_it_is_an_estimate() -> None:
    found = {"order_0": Boundary(0.1, 0.08, 0.12), "p2": Boundary(0.02, 0.01, 0.03)}
    assert "estimate" not in map_words.altered(found, Thresholds())
    estimates = map_words.estimated(pd.DataFrame({"p2_error": [0.05, 0.2, np.nan]}))
    assert map_words.altered(found, Thresholds(), estimates).endswith("In 1 cell $P_2$ is an estimate, not a bound.")
