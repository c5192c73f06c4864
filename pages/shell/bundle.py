"""A result as one zip: figures with captions, their data, what computes them again. No Streamlit here."""

import io
import re
import threading
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pandas as pd

from engine.data import contents
from engine.networks.module.listed import modules_in
from engine.quantities import QUANTITIES, sources_of
from pages.charts.markup import latex
from pages.charts.panels import Panels
from pages.charts.printing import Choice, Kind, data_of, printed, taken_apart
from pages.charts.printing.paper import leaves
from pages.charts.specification import Specification
from pages.shell.recipe import Recipe, parquet
from pages.shell.shown import HASH, Drawn, Shown

MOST_BYTES = 200_000_000
"""Of all files, before they are packed."""
WRITTEN = (1980, 1, 1, 0, 0, 0)
"""The date of every file: the same content gives the same bytes."""
FRAME = "frame"
"""The parameter of charts that move (`pages.charts.animated`)."""
KINDS: tuple[Kind, ...] = ("pdf", "svg")

_ONE = threading.Lock()
"""Of a server's bundles one is made at a time: each may need as much memory as all its files."""


def bundle(page: Shown, recipe: Recipe) -> bytes:
    """The zip of what a page shows now."""
    with _ONE:
        return _zipped(stem(page, recipe), files(page, recipe))


def stem(page: Shown, recipe: Recipe) -> str:
    """Name of the zip and of the folder in it."""
    return f"kernel-drift-{_plain(page.title.lower())}-{recipe.identity[:8]}"


def files(page: Shown, recipe: Recipe) -> Iterator[tuple[str, bytes]]:
    """Every file by its path. README.txt comes last: only then is known what was left out."""
    figures, written, left_out, size = named(page.figures), [], [], 0
    for name, content in _all(page, recipe, figures):
        if size + len(content) > MOST_BYTES:
            left_out.append(name)
            continue
        size += len(content)
        written.append(name)
        yield name, content
    yield "README.txt", readme(page, recipe, figures, written, left_out).encode()


def _all(page: Shown, recipe: Recipe, figures: Sequence[tuple[str, Drawn]]) -> Iterator[tuple[str, bytes]]:
    quantities = list(dict.fromkeys(name for _, figure in figures for name in figure.quantities))
    plain = {
        **recipe.configs,
        **({"command.sh": recipe.script, "recompute.py": recipe.snippet} if recipe.commands else {}),
        "methods.tex": methods(page, recipe, quantities),
        "captions.md": captions(figures, recipe.identity),
        "captions.tex": latex_captions(figures, recipe.identity),
        "sources.bib": bibliography(quantities),
    }
    for name, text in plain.items():
        yield name, text.encode()
    asked = [config.to_dict() for config in (recipe.config, *recipe.also)]
    for digest in sorted({digest for values in asked for digest in contents.named_in(values)}):
        if (content := contents.find(digest)) is not None:
            yield f"files/{digest}", content
    for name, figure in figures:
        yield from _of_figure(name, figure, recipe.identity)
    for name, content in recipe.numbers.items():
        yield f"numbers/{name}", content()


def _of_figure(name: str, figure: Drawn, identity: str) -> Iterator[tuple[str, bytes]]:
    chart, stamp = taken_apart(figure.draw), {"config": identity}
    choice = Choice("page" if isinstance(chart, Panels) else "column", title=False, frame=_last_frame(chart))
    for kind in KINDS:
        file = printed(lambda: chart, kind, choice, stamp=stamp)
        yield f"figures/{name}.{kind}", file
    for part, table in data(figure):
        yield f"data/{name}{part}.csv", table.to_csv(index=False).encode()
        yield f"data/{name}{part}.parquet", parquet(table)


def _last_frame(chart: Panels | Specification) -> int | None:
    """Of a chart that moves."""
    params = [param for part in leaves(chart) for param in part().get("params", ()) if param["name"] == FRAME]
    return int(params[0]["bind"]["max"]) if params else None


def data(figure: Drawn) -> list[tuple[str, pd.DataFrame]]:
    """What the figure shows: its table, else those of its panels, with what the name of the file ends in."""
    if figure.frame is not None:
        return [("", figure.frame)]
    return [(f"-{part}", table.to_pandas()) for part, table in data_of(figure.draw).items()]


def named(figures: Iterable[Drawn]) -> list[tuple[str, Drawn]]:
    """Every figure under a name of its own that is one of a file."""
    found: dict[str, Drawn] = {}
    for figure in figures:
        name = first = _plain(figure.file or figure.name)
        while name in found:
            name = f"{first}-{len(found)}"
        found[name] = figure
    return list(found.items())


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-") or "figure"


def _zipped(folder: str, contents: Iterable[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents:
            about = zipfile.ZipInfo(f"{folder}/{name}", WRITTEN)
            about.external_attr = 0o644 << 16
            archive.writestr(about, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


# The texts of a bundle: what each file is, captions, methods, sources. No Streamlit here.

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
            f"Kernel Drift: {page.title}, config {recipe.identity[:HASH]}",
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
    held = [f"{name} (config {config[:HASH]})" if config else name for name, config in figure.beneath]
    thin = [f"Thin and dashed, {', '.join(held)}."] if held else []
    return " ".join([_ended(figure.label), *defined, *thin, *notes, f"Config {identity[:HASH]}."])


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
    return latex(f"Numbers were computed by Kernel Drift{with_these}; config ") + f"\\texttt{{{identity[:HASH]}}}."


def bibliography(quantities: Iterable[str]) -> str:
    """BibTeX of what these quantities name as their sources."""
    return "\n".join(source.bibtex for source in sources_of(quantities))
