"""Numbers, problems and courses along a path in words. No Streamlit here."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.schema import Problem

MINUS = "−"
"""Of a number in a sentence."""
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])")
_IN_LABEL = re.compile(r"([\\`*$~\[\]<>]|(?<!\w)_|_(?!\w)|:(?=[\w/+-]+[:\[])|(?<=www)\.|(?<=http):|(?<=https):)")
"""What means something to Markdown within a line."""
_FORMULA = re.compile(
    r"(?<![^\s(])(?:[RS]\^\d+|S¹|\{-1, 1\}\^\d+|\|x\|(?:\^2)? = (?:n_0|\d[\d.]*)|\(1 \+ [\d.]+ cos θ\)/2π)(?=[,;\s]|$)"
)
"""Where the inputs of a dataset lie and how long they are, as `engine.data` writes it."""


def in_one(text: str | list[str]) -> str:
    """A title or subtitle without the breaks of its lines."""
    return text if isinstance(text, str) else " ".join(text)


def plain(text: str) -> str:
    """Text that Markdown shows as it stands."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def label(text: str) -> str:
    """The same as the label of a control, which is read aloud as it is written: few signs before others."""
    return _IN_LABEL.sub(r"\\\1", " ".join(text.split()))


def with_formulas(text: str) -> str:
    """Facts, which Markdown shows as they stand, with where the inputs lie as LaTeX: R^64, |x|^2 = n_0."""
    found, at = [], 0
    for match in _FORMULA.finditer(text):
        found += [_MARKDOWN.sub(r"\\\1", text[at : match.start()]), f"${_tex(match[0])}$"]
        at = match.end()
    return "".join([*found, _MARKDOWN.sub(r"\\\1", text[at:])])


def _tex(formula: str) -> str:
    formula = re.sub(r"\^(\d+)", r"^{\1}", formula).replace("R^", r"\mathbb{R}^").replace("S¹", "S^1")
    return re.sub(r"\{-1, 1\}", r"\\{-1, 1\\}", formula).replace("cos θ", r"\cos\theta").replace("π", r"\pi")


def bold(markdown: str) -> str:
    """A whole sentence in bold."""
    return f"**{markdown.replace('**', '')}**"


def sentence(problem: Problem, with_field: bool = True) -> str:
    """A problem as Markdown."""
    return plain(str(problem) if with_field else problem.message)


def number(value: float | None, digits: int = 3) -> str:
    """Three significant digits, powers of ten where they read better; a dash where there is no number."""
    if value is None or not np.isfinite(value):
        return "—"
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e5:
        text = signed(value, max(0, digits - 1 - int(np.floor(np.log10(abs(value))))))
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa}·10{superscript(int(exponent))}".replace("-", MINUS)


def exponential(log_value: float) -> str:
    """The number of this logarithm; a power of e where no float holds it."""
    return number(math.exp(log_value)) if abs(log_value) < 690 else f"e^{signed(log_value, 0)}"


def signed(value: float, places: int = 2) -> str:
    """The number with so many places behind the point; no zero is negative."""
    text = f"{abs(value):,.{places}f}"
    return f"{MINUS}{text}" if value < 0 and text.strip("0.") else text


def superscript(exponent: int) -> str:
    """The exponent of a power in text."""
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


FINEST = 7
"""Digits at most, to show a change."""


def change(start: float, end: float, joint: str = " → ", digits: int = 2) -> str:
    """Two numbers with as many digits as their difference needs: 1.04 → 1.05, not 1 → 1.1."""
    if np.isfinite(start + end) and start != end:
        off = end - start
        digits = next(
            (d for d in range(digits, FINEST) if abs(_rounded(end, d) - _rounded(start, d) - off) <= abs(off) / 4),
            FINEST,
        )
    return f"{number(start, digits)}{joint}{number(end, digits)}"


def _rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits - 1}e}")


def percent(value: float) -> str:
    """27%, 0.4%; from ten times on a factor: 23×."""
    if not np.isfinite(value):
        return "—"
    if abs(value) >= 10:
        return f"{number(value, 2)}×"
    if 0 < abs(value) < 1e-6:
        return f"{number(100 * value, 2)}%"
    shown = f"{100 * value:.0f}%" if abs(value) >= 0.095 else f"{100 * value:.2g}%"
    return shown.replace("-", MINUS, 1) if value < 0 else shown


def spread(values: Iterable[float | None], show=number) -> str:
    """One number, or the median and the range of several."""
    known = [value for value in values if value is not None and np.isfinite(value)]
    if not known:
        return "—"
    low, middle, high = (show(float(value)) for value in (min(known), np.median(known), max(known)))
    return middle if low == high else f"{middle} ({low} to {high})"


def middle(values: Iterable[float | None]) -> float:
    """The median of what is known, NaN of nothing."""
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else float("nan")


def duration(seconds: float) -> str:
    """0.4 s, 12 s, 3 min, 5 h."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    for unit, size in (("s", 1), ("min", 60), ("h", 3600)):
        if seconds < 100 * size or unit == "h":
            return f"{seconds / size:.0f} {unit}"
    return ""


def are(count: int) -> str:
    """1 of 4 values is, 2 of 4 are."""
    return "is" if count == 1 else "are"


def size(count: float) -> str:
    """Bytes: 430 MB, 1.2 GB."""
    for unit, scale in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if count < 995 * scale or unit == "GB":
            return f"{number(count / scale, 2 if count < 99.5 * scale else 3)} {unit}"
    return ""


def in_seeds(count: int, total: int) -> str:
    """ " in 1 of 2 seeds", where something holds in some of them only."""
    return "" if count == total else f" in {count} of {total} seeds"


def of_seeds(seeds: Iterable[int]) -> str:
    """seed 0; seeds 0, 1 and 2."""
    named = [*map(str, seeds)]
    return f"seed{'s' if len(named) > 1 else ''} {listing(named)}"


def cut(text: str, most: int) -> str:
    """The text, at most so many letters of it."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def listing(words: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


# How a number went along a run, in words that read its whole path. No Streamlit here.


def course(paths: Sequence[np.ndarray], steady: float, digits: int = 2) -> str:
    """What follows the name of a number: "rose from 0.2 to 0.6", "stayed at 0.4", or its start, stop and reach.

    A verb is used only where it holds on the whole path of every seed; numbers are medians over seeds. Empty where no
    path has two finite checkpoints.

    Args:
        paths: over checkpoints, one for each seed; those that are not finite are left out.
        steady: changes up to it are none.
    """
    known = [np.asarray(path, float) for path in paths]
    known = [path for path in known if len(path) > 1 and np.all(np.isfinite(path))]
    if not known:
        return ""
    start, end = (middle([float(path[at]) for path in known]) for at in (0, -1))
    whose = in_seeds(len(known), len(paths))
    if all(np.ptp(path) <= steady for path in known):
        return f"stayed at {number(end, digits)}{whose}"
    for verb, sign in (("rose", 1), ("fell", -1)):
        if all(_goes(sign * path, steady) for path in known):
            return f"{verb} from {change(start, end, ' to ', digits)}{whose}"
    low, high = (number(float(reach), 3) for reach in (min(map(np.min, known)), max(map(np.max, known))))
    ends = change(start, end, " at the start and ", digits)
    return f"was {ends} at the stop{whose}, between {low} and {high} on the way"


def _goes(path: np.ndarray, steady: float) -> bool:
    """Whether it ends higher, and never falls back by more than `steady`."""
    return bool(path[-1] - path[0] > steady and np.max(np.maximum.accumulate(path) - path) <= steady)


@dataclass(frozen=True)
class Headline:
    """One number at the top.

    Attributes:
        value: the median over seeds.
        more: the range over seeds and what it means, as Markdown.
        beside: a second number for the same thing.
    """

    label: str
    value: str
    more: str = ""
    beside: str = ""

    @classmethod
    def over_seeds(
        cls,
        label: str,
        values: Iterable[float | None],
        show: Callable[[float], str] = number,
        meaning: str = "",
        beside: str = "",
    ) -> "Headline":
        """The median of one value per seed; behind what it means, their range."""
        known = list(values)
        return cls(label, show(middle(known)), f"{meaning}Over seeds: {spread(known, show)}.", beside)

    @classmethod
    def at_both_ends(cls, label: str, start: float, end: float, more: str = "", digits: int = 2) -> "Headline":
        """The two numbers, or one where both read alike; one dash where neither is known."""
        one, other = change(start, end, "\n", digits).split("\n")
        if one != other:
            return cls(label, f"{one} → {other}", more)
        return cls(label, one, more, "at both ends" if np.isfinite(start) else "")
