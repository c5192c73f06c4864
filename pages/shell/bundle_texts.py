"""The texts of a bundle: what each file is, captions, methods, sources. No Streamlit here."""

import re
from collections.abc import Iterable, Mapping, Sequence

from engine.networks.module.listed import modules_in
from engine.quantities import QUANTITIES, sources_of
from pages.charts.latex import latex
from pages.shell.recipe import Recipe
from pages.shell.shown import Drawn, Shown

SHOWN_DIGITS = 16
"""Of a config's hash in a text."""

FOLDERS = {
    "figures/": "each figure of the page as PDF and SVG, a column or a page wide, without its title (see captions)",
    "files/": "the points that the config names by their SHA-256: command.sh and recompute.py read them from here",
    "data/": "what each figure shows, as CSV and as Parquet (the same numbers)",
    "numbers/": "the result itself, which recompute.py compares with",
}
FILES = {
    "command.sh": "computes the result again on the command line, into recomputed/",
    "recompute.py": "computes it again in Python, and prints how far the numbers are from those kept here",
    "methods.tex": "a paragraph for a paper: conventions with the numbers used, and sources to cite",
    "captions.md": "captions of the figures, as Markdown",
    "captions.tex": "captions of the figures, as LaTeX",
    "sources.bib": "BibTeX of the sources that the definitions name",
}
CONFIG = "what was asked for; computes the result again"
RECORDED = {
    "files/": "the recording itself, by its SHA-256: python -m engine import takes it in",
    "numbers/": "what is said of it",
}
IDENTITY = "what was recorded, and of which file it is said"
"""Of a recording, which only its own loop can compute."""

_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def readme(
    page: Shown, recipe: Recipe, figures: Sequence[tuple[str, Drawn]], written: Sequence[str], left_out: Sequence[str]
) -> str:
    """What each file is, and what is not there."""
    folders = FOLDERS if recipe.commands else FOLDERS | RECORDED
    known = {**dict.fromkeys(recipe.configs, CONFIG if recipe.commands else IDENTITY), **FILES, **folders}
    there = [name for name in known if any(path == name or path.startswith(name) for path in written)]
    lines = [f"{name.ljust(max(map(len, there)) + 2)}{known[name]}" for name in there]
    shown = [f"- {name}: {figure.label}" for name, figure in figures]
    if any(figure.beneath for _, figure in figures):
        shown += ["", "Held results are in figures/ and data/ only: what is computed again is the present one."]
    missing = ["", "Left out, for the zip would be too large:", *(f"- {name}" for name in left_out)] if left_out else []
    return "\n".join(
        [
            f"Kernel Drift: {page.title}, config {recipe.identity[:SHOWN_DIGITS]}",
            "",
            *lines,
            *_not_here(recipe),
            "",
            "Figures as they stood on the page, those that move at their last frame. Those of tabs, seeds or choices",
            "that the page did not show are not here:",
            *shown,
            *missing,
            "",
        ]
    )


def _not_here(recipe: Recipe) -> list[str]:
    """The files of networks of one's own, which a bundle has not got."""
    asked = [values for one in (recipe.config, *recipe.also) for values in modules_in(one.to_dict())]
    files = {f"{path} (SHA-256 {digest})" for values in asked for path, digest in values["sources"].items()}
    if not files:
        return []
    return ["", "Needed beside, in a folder of PYTHONPATH, and not here:", *(f"- {file}" for file in sorted(files))]


def captions(figures: Sequence[tuple[str, Drawn]], identity: str) -> str:
    """As Markdown, a paragraph for each figure."""
    return "\n\n".join(f"**{name}.** {_caption(figure, identity)}" for name, figure in figures) + "\n"


def latex_captions(figures: Sequence[tuple[str, Drawn]], identity: str) -> str:
    """As LaTeX, a command for each figure."""
    texts = {name: latex(_LINK.sub(r"\1", _caption(figure, identity))) for name, figure in figures}
    return "\n\n".join(f"% {name}\n\\caption{{{text}}}" for name, text in texts.items()) + "\n"


def _caption(figure: Drawn, identity: str) -> str:
    """Its question, what is drawn and how that is defined, what it leaves out."""
    told = [QUANTITIES[name] for name in figure.quantities]
    defined = [f"{one.label[0].upper()}{one.label[1:]}: {_ended(one.definition)}" for one in told]
    notes = [_ended(note) for note in figure.notes if note]
    held = [f"{name} (config {config[:SHOWN_DIGITS]})" if config else name for name, config in figure.beneath]
    thin = [f"Thin and dashed, {', '.join(held)}."] if held else []
    return " ".join([_ended(figure.label), *defined, *thin, *notes, f"Config {identity[:SHOWN_DIGITS]}."])


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def methods(page: Shown, recipe: Recipe, quantities: Iterable[str]) -> str:
    """The answer, conventions with the numbers used, what computed them, and what to cite."""
    cited = ",".join(source.key for source in sources_of(quantities))
    lines = [
        latex(page.answer) if page.answer else "",
        page.conventions(),
        _computed(recipe.identity, recipe.versions),
        f"Definitions follow \\citet{{{cited}}}." if cited else "",
    ]
    return "\n".join(filter(None, lines)) + "\n"


def _computed(identity: str, versions: Mapping[str, str]) -> str:
    named = {name: text for name, text in versions.items() if name not in ("device", "result")}
    tools = ", ".join(f"{name} {text}" for name, text in named.items())
    where = f" on {versions['device']}" if "device" in versions else ""
    with_these = f" with {tools}{where}" if tools else ""
    return (
        latex(f"Numbers were computed by Kernel Drift{with_these}; config ") + f"\\texttt{{{identity[:SHOWN_DIGITS]}}}."
    )


def bibliography(quantities: Iterable[str]) -> str:
    """BibTeX of what these quantities name as their sources."""
    return "\n".join(source.bibtex for source in sources_of(quantities))
