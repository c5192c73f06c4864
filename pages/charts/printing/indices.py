"""Indices below and above the line, in the text of an SVG: K_t and 10⁻³ as a printer sets them."""

import re

RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺⁽⁾ᵀᵃᵖⁱⁿ", "0123456789−+()Tapin", strict=True))
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₋₊₍₎ₗₙₖᵢⱼₜ", "0123456789−+()lnkijt", strict=True))
SIZE = 0.7
"""Of an index, over that of its text."""
SHIFTS = {"below": 0.22, "above": -0.38, "within": -0.2, "": 0.0}
"""Where it stands, in sizes of the text, downwards; "within" is the index of an exponent."""

_SYMBOL = r"(?<=[A-Za-zΑ-Ωα-ω*‖)\]])(?:(?<![A-Za-z]{2})|(?<=_[a-z][A-Z]))"
"""Behind one letter, not behind a word, which may have an underscore of its own."""
_BELOW = _SYMBOL + r"_(?:\{(?P<braced>[^{}]+)\}|(?P<below>[a-z]+|\d+|[A-Z∞]))"
_WORD = r"(?<=error)_(?P<word>\w)"
_CARET = r"\^(?:\((?P<exponent>[^()]+)\)|(?P<caret>[−-]?[\d.½]+))"
_SIGNS = rf"(?P<raised>[{''.join(RAISED)}]+)|(?P<lowered>[{''.join(LOWERED)}]+)"
INDEX = re.compile(f"{_BELOW}|{_WORD}|{_CARET}|{_SIGNS}")
TEXT = re.compile(r"(<text\b[^>]*?font-size=\"([\d.]+)(?:px)?\"[^>]*>)(.*?)(</text>)", re.S)
RUN = re.compile(r"(^|>)([^<>]+)(?=<|$)")


def pieces(text: str) -> list[tuple[str, str]]:
    """Parts of a text, each with where it stands, a name in `SHIFTS`."""
    found, at = [], 0
    for match in INDEX.finditer(text):
        if match.start() > at:
            found.append((text[at : match.start()], ""))
        found += _exponent(match["exponent"]) if match["exponent"] else [_index(match)]
        at = match.end()
    return [*found, (text[at:], "")] if at < len(text) else found


def _exponent(text: str) -> list[tuple[str, str]]:
    return [(part, "within" if where else "above") for part, where in pieces(text)]


def _index(match: re.Match[str]) -> tuple[str, str]:
    if match["raised"]:
        return "".join(RAISED[sign] for sign in match["raised"]), "above"
    if match["lowered"]:
        return "".join(LOWERED[sign] for sign in match["lowered"]), "below"
    if match["caret"]:
        return match["caret"].replace("-", "−"), "above"
    return match["braced"] or match["below"] or match["word"], "below"


def typeset(svg: str) -> str:
    """The SVG with indices in their places."""
    return TEXT.sub(
        lambda found: found[1] + RUN.sub(lambda run: run[1] + _set(run[2], float(found[2])), found[3]) + found[4], svg
    )


def _set(text: str, size: float) -> str:
    """Spans, each moved from where the one before stood."""
    parts = pieces(text)
    if all(not where for _, where in parts):
        return text
    spans, stood = [], 0.0
    for part, where in parts:
        moved = (SHIFTS[where] - stood) * size
        stood = SHIFTS[where]
        own = f' font-size="{SIZE * size:.2f}px"' if where else ""
        spans.append(f'<tspan dy="{moved:.2f}"{own}>{part}</tspan>')
    return "".join(spans)
