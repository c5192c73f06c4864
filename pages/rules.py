"""The rule of every computed sentence, as data: what permits it, what silences it, and what is said instead.

`python -m pages.rules` writes docs/sentences.md from it. tests/pages/test_rules.py holds the file to this table, and
has numbers for which each sentence must fall silent. No Streamlit here.
"""

from dataclasses import dataclass
from importlib import import_module
from inspect import getmembers, isfunction, signature
from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "docs" / "sentences.md"
MODULES = (
    "pages.findings",
    "pages.perturb.words",
    "pages.perturb.study_words",
    "pages.regime_map.words",
    "pages.rkhs.bias_words",
    "pages.rkhs.error_words",
    "pages.rkhs.norm_words",
    "pages.rkhs.space_words",
    "pages.rkhs.words",
)
"""Where sentences are computed: every function there that returns sentences (`list[str]`) has a rule, or lacks one."""


@dataclass(frozen=True)
class Rule:
    """Of one function that computes a sentence.

    Attributes:
        source: module and function.
        says: the sentence, with ... for its numbers.
        permitted: the condition, or the interval, that permits it.
        silent: what silences it.
        instead: a part of what is then said; empty where nothing is.
    """

    source: str
    says: str
    permitted: str
    silent: str
    instead: str = ""


RULES = (
    Rule(
        "pages.findings._stability",
        "η_eff λ_max was ... at the start, ... at its peak, and is ... now: it crossed the limit ... times, first at "
        "t = ...",
        "every checkpoint of the path is read; 'stable' only where all of them lie below the limit, and no peak comes "
        "within 5% of it",
        "the run diverged, its kernel was dead, it has one checkpoint, or a value is not finite; with minibatches "
        "nothing is judged",
    ),
    Rule(
        "pages.findings._alignment",
        "Its alignment with the target on held-out points rose from ... to ...",
        "it changed by more than .005; as many digits as the difference needs",
        "either end is not finite",
    ),
    Rule(
        "pages.perturb.words._lazy",
        "The frozen kernel K_0 misses the network by at most ... over every step",
        "the supremum over every step of the run; 'at a checkpoint' for results that know their checkpoints only",
        "the error is 0 or not finite",
    ),
    Rule(
        "pages.perturb.words._explained",
        "First order explains ... of the deviation from lazy training, first and second order together ...",
        "checkpoints see at least 80% of the largest lazy error of the path",
        "they see less",
        "**not determined**",
    ),
    Rule(
        "pages.perturb.words._modes",
        "Modes ... of K_0 carry ... of the squared deviation at the checkpoint where it is largest",
        "checkpoints see at least 80% of the largest lazy error of the path",
        "they see less, or nothing deviates",
    ),
    Rule(
        "pages.perturb.study_words._errors",
        "The error of order 0 as n^... [..., ...]",
        "the 95% t interval of the exponent leaves 0 out, or is shorter than .2; with one seed for each network, which "
        "has no interval, R^2 is at least .9",
        "neither holds",
        "**no law is determined**",
    ),
    Rule(
        "pages.perturb.study_words._drift",
        "The drift at the stop follows ... β^... [..., ...]",
        "as for the orders",
        "neither holds",
        "**No law of the drift is determined**",
    ),
    Rule(
        "pages.perturb.study_words._crossings",
        "Order 0 errs by ... at β = ... (95%: ... to ...)",
        "the exponent of the law is surely above 0 (Fieller's interval is bounded), or there is one seed and no "
        "interval",
        "the exponent could be 0",
        "**not determined**",
    ),
    Rule(
        "pages.regime_map.words.edges",
        "Lazy training ends (elt = ...): at β = ... (90% of resamples, for these points: ... to ...)",
        "at least 6 cells at 3 values of β, runs on both sides, odds that grow with β, a boundary inside the map",
        "any of them fails",
        "not enough data",
    ),
    Rule(
        "pages.regime_map.words.no_sharp_edge",
        "There is no sharp lazy boundary: twice the threshold moves it to β = ...",
        "both boundaries exist",
        "either does not",
    ),
    Rule(
        "pages.regime_map.words.altered",
        "On the training points ΔK_t alters the dynamics from β = ...",
        "the boundary of the training lazy error exists; P_2 is called a bound only where its looks settle it to 15%",
        "there is no such boundary",
    ),
    Rule(
        "pages.regime_map.words.grows",
        "The ... grows like ... β^... ± ... (95%)",
        "at least 6 cells at 3 values of β, and a 95% t interval of the exponent that leaves 0 out",
        "the interval holds 0",
        "**no law in β is determined**",
    ),
    Rule(
        "pages.regime_map.words.verdict",
        "Does β alone decide? No / Not rejected (p = ...). At fixed β it goes as L^... ± ... (95%)",
        "at least 3 values of β with 2 depths each, and several networks in a cell; the depth exponent only with its "
        "interval, and as nothing where that holds 0",
        "there are fewer",
        "Not enough data: at least 3 values of β",
    ),
)


def written() -> dict[str, tuple[str, ...]]:
    """Functions that compute sentences, by module."""
    return {name: _sentences(name) for name in MODULES}


def _sentences(name: str) -> tuple[str, ...]:
    module = import_module(name)
    own = [(key, found) for key, found in getmembers(module, isfunction) if found.__module__ == name]
    gathers = ("sentences", "motion", "curve_sentences")  # they only string others together
    return tuple(key for key, found in own if signature(found).return_annotation == list[str] and key not in gathers)


def left() -> list[str]:
    """Functions that compute sentences and have no rule yet."""
    ruled = {rule.source for rule in RULES}
    return [source for name, keys in written().items() for key in keys if (source := f"{name}.{key}") not in ruled]


def markdown() -> str:
    """docs/sentences.md."""
    lines = [
        "# The rule of every computed sentence",
        "",
        "Written by `python -m pages.rules` from `pages/rules.py`; a test compares them, and has numbers for which",
        "each sentence must fall silent.",
        "",
        "| sentence | permitted by | silenced by | said instead | source |",
        "|---|---|---|---|---|",
    ]
    for rule in RULES:
        instead = rule.instead.replace("**", "") or "nothing"
        cells = (rule.says, rule.permitted, rule.silent, instead, f"`{rule.source}`")
        lines.append(f"| {' | '.join(cells)} |")
    rest = left()
    lines += ["", f"## Without a rule yet: {len(rest)}", "", *(f"- `{source}`" for source in rest), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    DOCUMENT.write_text(markdown())
