"""One line across the pages on function spaces: moved? cheaper? outside? better? No Streamlit here."""

from collections.abc import Sequence

from engine.rkhs.result import RkhsResult
from pages.charts.words import middle, number
from pages.views import error_words, function_space_words
from pages.views.spaces_words import SAME, determined_values, still

QUESTIONS = {
    "inductive_bias": "moved?", "norms": "cheaper?", "function_space": "outside?", "generalisation": "better?",
}  # fmt: skip
"""By page."""
UNKNOWN = "not determined"


def labels(result: RkhsResult) -> dict[str, str]:
    """Each question with its answer in a word or two, by page."""
    told = {
        "inductive_bias": moved(result),
        "norms": factor(determined_values(seed.cheaper() for seed in result.seeds)),
        "function_space": function_space_words.outside(result),
        "generalisation": factor(error_words.fewer(result)),
    }
    told |= (
        {"inductive_bias": "no", "norms": "the same space", "generalisation": "the same kernel"}
        if still(result)
        else {}
    )
    return {page: f"{asked} **{told[page]}**" for page, asked in QUESTIONS.items()}


def moved(result: RkhsResult) -> str:
    """What is left of K_0, held out: the median over seeds of centred alignment."""
    left = determined_values(seed["held_out/cka"][-1] for seed in result.seeds)
    return f"CKA with K₀ {number(middle(left), 2)}" if left else UNKNOWN


def factor(ratios: Sequence[float]) -> str:
    """A price or an error of K_0 over that of K_T: how many times less, or more, or that seeds disagree."""
    if not ratios:
        return UNKNOWN
    ratio = middle(ratios)
    if min(ratios) < 1 / SAME and max(ratios) > SAME:
        return "seeds disagree"
    if 1 / SAME < ratio < SAME:
        return "about the same"
    return f"yes, {number(ratio, 2)}×" if ratio > 1 else f"no, {number(1 / ratio, 2)}× more"
