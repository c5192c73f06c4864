"""A sentence of a page, which is Markdown, as LaTeX and as HTML."""

import re
from collections.abc import Callable
from html import escape

from latex2mathml.converter import convert

# As LaTeX: Markdown's marks taken off, mathematics kept, symbols as commands.

_MATH = re.compile(r"(\$[^$]+\$)")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()<>#+\-.!|~$:&])")
_POWER = re.compile(r"(?:·10)?([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_BELOW = re.compile(r"([₀₁₂₃₄₅₆₇₈₉]+)")
_NAME = re.compile(r"(?<![A-Za-z])([KHf])_([A-Za-z0-9∞]+)")
"""A symbol with its index in running text: K_0, H_T."""
_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_SPECIAL = str.maketrans({sign: f"\\{sign}" for sign in "%&#_"})
SYMBOLS = {
    "α": r"\alpha", "β": r"\beta", "η": r"\eta", "λ": r"\lambda", "σ": r"\sigma", "φ": r"\varphi", "Δ": r"\Delta",
    "Σ": r"\sum", "√": r"\surd", "∞": r"\infty", "±": r"\pm", "×": r"\times", "·": r"\cdot", "→": r"\to", "≤": r"\le",
    "≥": r"\ge", "≈": r"\approx", "°": r"^\circ", "‖": r"\|", "−": "-",
}  # fmt: skip
"""Unicode of running text -> LaTeX within mathematics."""


def latex(markdown: str) -> str:
    """The sentence, to be set between other sentences of a paper."""
    parts = _MATH.split(markdown.replace("**", ""))
    return "".join(part if place % 2 else _text(part) for place, part in enumerate(parts))


def _text(text: str) -> str:
    """Running text, without mathematics between dollars."""
    plain = _ESCAPED.sub(lambda found: found[1], text)
    named = _MATH.split(_NAME.sub(lambda found: f"${found[1]}_{{{found[2]}}}$", plain))
    return "".join(_symbols(part) if place % 2 else _running(part) for place, part in enumerate(named))


def _running(text: str) -> str:
    text = _POWER.sub(_raised, text.translate(_SPECIAL))
    text = _BELOW.sub(lambda found: f"$_{{{found[1].translate(_LOWERED)}}}$", text)
    parts = _MATH.split(text)
    whole = "".join(part if place % 2 else _symbols(part, "$") for place, part in enumerate(parts))
    return whole.replace("$$", "")


def _raised(found: re.Match[str]) -> str:
    times = r"\cdot 10" if found[0].startswith("·10") else ""
    return f"${times}^{{{found[1].translate(_RAISED)}}}$"


def _symbols(text: str, mark: str = "") -> str:
    for sign, command in SYMBOLS.items():
        text = text.replace(sign, f"{mark}{command}{mark}" if mark else f"{command} ")
    return text


# As HTML that stands alone: Markdown's marks as tags, formulas as MathML, all else escaped.

_MARK = re.compile(
    r"\$\$?(?P<math>(?:\\.|[^$\\])+)\$\$?"
    r"|\\(?P<escaped>[\\`*_{}\[\]()<>#+\-.!|~$:&%])"
    r"|\*\*(?P<bold>(?:\\.|[^*])+)\*\*"
    r"|`(?P<code>[^`]+)`"
    r"|\[(?P<label>(?:\\.|[^\]])*)\]\((?P<link>https://[^\s)]+)\)"
)
"""What stands for something else. A link leads to another host over TLS, or is none."""

_TEX = (("--", "–"), ("\\%", "%"), ("\\&", "&"), ("\\_", "_"), ("\\#", "#"))
_ATTRIBUTES = re.compile(r"\\(href|style|class|color|textcolor|mathchoice)")
_TYPED = re.compile(r"\\texttt\{([^}]*)\}")


def html(markdown: str) -> str:
    """The sentence, between tags of a document."""
    found, at = [], 0
    for mark in _MARK.finditer(markdown):
        found += [escape(markdown[at : mark.start()]), _tagged(mark)]
        at = mark.end()
    return "".join([*found, escape(markdown[at:])])


def of_latex(text: str) -> str:
    """The same of a sentence as LaTeX (`pages.views.latex_conventions`)."""
    text = _TYPED.sub(r"`\1`", text)
    for sign, meant in _TEX:
        text = text.replace(sign, meant)
    return html(text)


def _tagged(mark: re.Match[str]) -> str:
    kind = mark.lastgroup or ""
    return TAGS["link" if kind == "label" else kind](mark)


def mathml(formula: str) -> str:
    """A formula of LaTeX; as it is typed where it cannot be drawn, or would bring attributes of its own."""
    # What is converted lets signs of HTML within \text through.
    safe = formula.replace("<", r"\lt ").replace(">", r"\gt ")
    try:
        if _ATTRIBUTES.search(formula):
            raise ValueError
        return convert(safe)
    except Exception:  # it has twelve of its own, without a common base
        return f"<code>{escape(formula)}</code>"


TAGS: dict[str, Callable[[re.Match[str]], str]] = {
    "math": lambda mark: mathml(mark["math"]),
    "escaped": lambda mark: escape(mark["escaped"]),
    "bold": lambda mark: f"<strong>{html(mark['bold'])}</strong>",
    "code": lambda mark: f"<code>{escape(mark['code'])}</code>",
    "link": lambda mark: f'<a href="{escape(mark["link"])}" rel="noreferrer">{html(mark["label"])}</a>',
}
