"""A file of points of one's own: taken in by upload, kept in the cache, named in the draft by its digest."""

from collections.abc import Sequence

import streamlit as st

from engine.data.dataset import MAX_DIM, MAX_POINTS
from engine.data.file import Held, Source, held_in, taken_in
from engine.data.formats import MOST_ROWS
from engine.data.npz import SAVE
from pages.charts.words import plain, size
from pages.run.settings import Draft
from pages.run.upload import MOST_BYTES, Upload, source_in
from pages.shell.uploads import allowed, megabytes

NAMED = 10
"""Classes that the page names."""

UPLOAD = Upload("points", lambda given: taken_in(given).source, ("classes", "size", "test_size", "scaling"))
HELP = (
    f"npz (`{SAVE}`, or labels=classes), MNIST's idx (images and labels, both at once), or CIFAR's binary version. At "
    f"most {{}}, {MOST_ROWS:,} points of {MAX_DIM:,} numbers, of which a run draws up to {MAX_POINTS:,}. The file is "
    "kept in the cache as long as a result names it."
)


def points(draft: Draft, problems: Sequence[str]) -> None:
    """Upload of a file of points. `problems` are the config's with it, as Markdown."""
    st.file_uploader(
        "a file of points (npz, idx, bin)",
        key=UPLOAD.widget,
        accept_multiple_files=True,
        max_upload_size=megabytes(MOST_BYTES),
        help=HELP.format(size(allowed(MOST_BYTES))),
        on_change=UPLOAD.came,
    )
    for problem in UPLOAD.problems or problems:
        st.error(problem)
    if (source := source_in(draft, Source)) is not None:
        _in_use(source)


def class_names(draft: Draft) -> tuple[str, ...]:
    """Those of the file; none where there is no file, or no classes in it."""
    source = source_in(draft, Source)
    return source.classes if source else ()


def _in_use(source: Source) -> None:
    """Which file the page computes with, and what is in it."""
    lengths = " × ".join(map(str, source.shape))
    st.caption(plain(f"using {source.file}: {source.points:,} points of {lengths} numbers ({source.format})"))
    held = held_in(source.digests)
    remarks = held.remarks if isinstance(held, Held) else ()
    for note in [*UPLOAD.notes, _targets(source), *remarks]:
        st.caption(plain(f"· {note}"))
    st.button(
        "Take this file away", icon=":material/delete:", type="tertiary", key="no points", on_click=UPLOAD.start_over
    )


def _targets(source: Source) -> str:
    if not source.classes:
        return f"{source.outputs} target{'s' if source.outputs > 1 else ''}, of numbers"
    counted = [f"{name} ({count:,})" for name, count in zip(source.classes, source.counts, strict=True)]
    more = ", ..." if len(counted) > NAMED else ""
    return f"{len(counted)} classes: {', '.join(counted[:NAMED])}{more}"
