"""Indices below and above the line, in the text of an SVG: K_t and 10⁻³ as a printer sets them."""

import re

RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺⁽⁾ᵀᵃᵖⁱⁿˡ", "0123456789−+()Tapinl", strict=True))
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₋₊₍₎ₗₙₖᵢⱼₜ", "0123456789−+()lnkijt", strict=True))
SIZE = 0.7
"""Of an index, over that of its text."""
SHIFTS = {"below": 0.22, "above": -0.38, "within": -0.2, "": 0.0}
"""Where it stands, in sizes of the text, downwards; "within" is the index of an exponent."""

_SYMBOL = r"(?<=[A-Za-zΑ-Ωα-ω*‖)\]ˡ])(?:(?<![A-Za-z]{2})|(?<=_[a-z][A-Z]))"
"""Behind one letter, not behind a word, which may have an underscore of its own."""
_BELOW = _SYMBOL + r"_(?:\{(?P<braced>[^{}]+)\}|(?P<below>[a-z]+|\d+|[A-Z∞]))"
_WORD = r"(?<=error)_(?P<word>\w)"
_CARET = r"\^(?:\((?P<exponent>[^()]+)\)|(?P<caret>[−-]?[\d.½]+(?:±[\d.]+)?))"
_SIGNS = rf"(?P<raised>[{''.join(RAISED)}]+)|(?P<lowered>[{''.join(LOWERED)}]+)"
INDEX = re.compile(f"{_BELOW}|{_WORD}|{_CARET}|{_SIGNS}")
TEXT = re.compile(r"(<text\b[^>]*?font-size=\"([\d.]+)(?:px)?\"[^>]*>)(.*?)(</text>)", re.S)
TAGS = re.compile(r"(<[^>]*>)")
DOWN = re.compile(r' dy="(-?[\d.]+)"')


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
    return TEXT.sub(lambda found: found[1] + _lines(found[3], float(found[2])) + found[4], svg)


def _lines(inside: str, size: float) -> str:
    """What is in a text: its lines, of which each goes down from where the one before has ended."""
    done, stood = [], 0.0
    for part in TAGS.split(inside):
        if part.startswith("<"):
            line, stood = (DOWN.search(part), stood) if stood else (None, 0.0)
            done.append(
                f'{part[: line.start()]} dy="{float(line[1]) - stood:.2f}"{part[line.end() :]}' if line else part
            )
            stood = 0.0 if line else stood
        elif part:
            spans, stood = _spans(part, size, stood)
            done.append(spans)
    return "".join(done)


def _spans(text: str, size: float, stood: float) -> tuple[str, float]:
    """The parts of a line, each moved from where the one before stood, and where the last one stands."""
    spans = []
    for part, where in pieces(text):
        moved, stood = SHIFTS[where] * size - stood, SHIFTS[where] * size
        own = f' font-size="{SIZE * size:.2f}px"' if where else ""
        # A shift of its own, though 0, would take the place of the line's.
        spans.append(f'<tspan dy="{moved:.2f}"{own}>{part}</tspan>' if moved or own else part)
    return "".join(spans), stood
