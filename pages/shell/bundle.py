"""A result as one zip: figures with captions, their data, what computes them again. No Streamlit here."""

import io
import re
import threading
import zipfile
from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from engine.data import contents
from pages.charts.panels import Panels
from pages.charts.printing import Kind, data_of, printed, taken_apart
from pages.charts.printing.paper import leaves
from pages.charts.specification import Specification
from pages.shell import bundle_texts as texts
from pages.shell.recipe import Recipe, parquet
from pages.shell.shown import Drawn, Shown

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
    yield "README.txt", texts.readme(page, recipe, figures, written, left_out).encode()


def _all(page: Shown, recipe: Recipe, figures: Sequence[tuple[str, Drawn]]) -> Iterator[tuple[str, bytes]]:
    quantities = list(dict.fromkeys(name for _, figure in figures for name in figure.quantities))
    plain = {
        **recipe.configs,
        **({"command.sh": recipe.script, "recompute.py": recipe.snippet} if recipe.commands else {}),
        "methods.tex": texts.methods(page, recipe, quantities),
        "captions.md": texts.captions(figures, recipe.identity),
        "captions.tex": texts.latex_captions(figures, recipe.identity),
        "sources.bib": texts.bibliography(quantities),
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
    width, frame = "page" if isinstance(chart, Panels) else "column", _last_frame(chart)
    for kind in KINDS:
        file = printed(lambda: chart, kind, width=width, title=False, frame=frame, stamp=stamp)
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
