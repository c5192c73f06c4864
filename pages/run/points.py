"""A file of points of one's own: taken in by upload, kept in the cache, named in the draft by its digest."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

import cache
from engine.data import contents
from engine.data.dataset import MAX_DIM, MAX_POINTS
from engine.data.file import Held, Source, held_in, taken_in
from engine.data.formats import MOST_ROWS
from engine.data.npz import SAVE
from engine.schema import ConfigError, Problem
from pages.charts.words import plain, sentence, size
from pages.run import draft_state
from pages.run.settings import Draft
from pages.shell.texts import value_of
from pages.shell.uploads import allowed, megabytes, too_large

MOST_BYTES = 20_000_000
"""Of an upload. The command line reads larger files."""
NAMED = 10
"""Classes that the page names."""

KEY = "points"
HELP = (
    f"npz (`{SAVE}`, or labels=classes), MNIST's idx (images and labels, both at once), or CIFAR's binary version. At "
    f"most {{}}, {MOST_ROWS:,} points of {MAX_DIM:,} numbers, of which a run draws up to {MAX_POINTS:,}. The file is "
    "kept in the cache as long as a result names it."
)


def points(draft: Draft, problems: Sequence[str]) -> None:
    """Upload of a file of points. `problems` are the config's with it, as Markdown."""
    st.file_uploader(
        "a file of points (npz, idx, bin)",
        key=_uploader(),
        accept_multiple_files=True,
        max_upload_size=megabytes(MOST_BYTES),
        help=HELP.format(size(allowed(MOST_BYTES))),
        on_change=_came,
    )
    for problem in list(map(sentence, st.session_state.get(f"{KEY} problems", []))) or problems:
        st.error(problem)
    if (source := _source(draft)) is not None:
        _in_use(source)


def class_names(draft: Draft) -> tuple[str, ...]:
    """Those of the file; none where there is no file, or no classes in it."""
    source = _source(draft)
    return source.classes if source else ()


def _source(draft: Draft) -> Source | None:
    text = draft.get("source", "")
    try:
        return Source.from_dict(value_of(text, "settings")) if text else None
    except ConfigError:  # said as a problem of the config
        return None


def _in_use(source: Source) -> None:
    """Which file the page computes with, and what is in it."""
    lengths = " × ".join(map(str, source.shape))
    st.caption(plain(f"using {source.file}: {source.points:,} points of {lengths} numbers ({source.format})"))
    held = held_in(source.digests)
    remarks = held.remarks if isinstance(held, Held) else ()
    for note in [*st.session_state.get(f"{KEY} notes", []), _targets(source), *remarks]:
        st.caption(plain(f"· {note}"))
    st.button("Take this file away", icon=":material/delete:", type="tertiary", key="no points", on_click=_start_over)


def _targets(source: Source) -> str:
    if not source.classes:
        return f"{source.outputs} target{'s' if source.outputs > 1 else ''}, of numbers"
    counted = [f"{name} ({count:,})" for name, count in zip(source.classes, source.counts, strict=True)]
    more = ", ..." if len(counted) > NAMED else ""
    return f"{len(counted)} classes: {', '.join(counted[:NAMED])}{more}"


@dataclass(frozen=True)
class _Taken:
    """What came of an upload."""

    source: Source | None = None
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def _came() -> None:
    """New files take the place of the old one, also where they cannot be read: nothing is computed under their name."""
    files = st.session_state[_uploader()]
    taken = _take(files) if files else _Taken()
    st.session_state[f"{KEY} problems"], st.session_state[f"{KEY} notes"] = taken.problems, taken.notes
    _use(taken.source)


def _take(files: Sequence) -> _Taken:
    name = files[0].name
    if problems := too_large(" and ".join(file.name for file in files), sum(file.size for file in files), MOST_BYTES):
        return _Taken(problems=tuple(problems))
    given = [(file.name, file.getvalue()) for file in files]
    try:
        source = taken_in(given).source
        by_digest = {contents.digest_of(content): content for _, content in given}
        keep = partial(cache.current().store.files.take, name=source.file)
        known, *_ = [keep(by_digest[digest]) for digest in source.digests]
    except ValueError as error:
        return _Taken(problems=(Problem("file", f"{name}: {error}"),))
    except cache.CacheFault as fault:
        return _Taken(problems=(Problem("file", f"{name} cannot be kept: {fault}"),))
    same = (f"the same as {known}, which is here already: it is called so",) if known != source.file else ()
    return _Taken(source.model_copy(update={"file": known}), notes=same)


def _use(source: Source | None) -> None:
    """The new file; classes and numbers of points of an older one are left out."""
    for name in ("classes", "size", "test_size", "scaling"):
        draft_state.edit(name, "")
    draft_state.edit("source", json.dumps(source.to_dict(), ensure_ascii=False) if source else "")


def _start_over() -> None:
    """No file, and an uploader that holds none: the same one can come again."""
    st.session_state[f"{KEY} problems"], st.session_state[f"{KEY} notes"] = (), ()
    _use(None)
    st.session_state[f"{KEY} uploads"] = st.session_state.get(f"{KEY} uploads", 0) + 1


def _uploader() -> str:
    """The key of the upload's widget."""
    return f"{KEY} file {st.session_state.get(f'{KEY} uploads', 0)}"
