"""A sentence of a page as HTML that stands alone: Markdown's marks as tags, formulas as MathML, all else escaped."""

import re
from collections.abc import Callable
from html import escape

from latex2mathml.converter import convert

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
