"""What the page of any result has: headline numbers, notes on the data, the seed to look at, files, a pin."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

import cache
from engine.progress import Arrays
from pages.charts.words import Headline, plain
from pages.shell import downloads


def numbers(found: Sequence[Headline]) -> None:
    """Headline numbers, up to four in a row."""
    for start in range(0, len(found), 4):
        for column, headline in zip(st.columns(min(4, len(found))), found[start : start + 4], strict=False):
            beside = headline.beside or None
            column.metric(headline.label, headline.value, beside, "off", help=headline.more or None, delta_arrow="off")


def say_data_notes(notes: Sequence[str]) -> None:
    """What a reader should know of the data, where there is anything."""
    if notes:
        st.info("\n".join(["**The data**", "", *(f"- {plain(note)}" for note in notes)]), icon=":material/table_chart:")


def warn(said: str) -> None:
    """A warning, where there is anything to say."""
    if said:
        st.warning(said, icon=":material/trending_flat:")


def seed_choice(result: Any, name: str) -> int:
    """The position of the seed to look at; `name` is unique on the page."""
    seeds = [seed.facts["seed"] for seed in result.seeds]
    if len(seeds) == 1:
        return 0
    chosen = st.segmented_control("seed", seeds, default=seeds[0], required=True, key=f"{name} seed {seeds}")
    return seeds.index(chosen)


def log_time(name: str) -> bool:
    """Whether time is on a log axis; `name` is unique on the page."""
    return (
        st.segmented_control("time axis", ["log", "linear"], default="log", required=True, key=f"{name} axis") == "log"
    )


def files(result: Any, arrays: Arrays, key: str, more: str = "") -> None:
    """Its files, the config that it answers, and whether the cache keeps it."""
    st.subheader("Take it with you")
    downloads.data_files(result, arrays)
    st.caption(plain(f"config {result.config.hash[:16]}{more}"))
    keep(key)


@st.fragment
def keep(key: str) -> None:
    """A switch: whether the result stays however full the cache is."""
    engine = cache.current()
    pinned = engine.store.pinned(key)
    kept = st.toggle("keep this result however full the cache is", value=pinned, key=f"keep {key[:16]}")
    if kept != pinned:
        try:
            (engine.pin if kept else engine.unpin)(key)
        except cache.CacheFault as fault:
            st.error(plain(str(fault)), icon=":material/error:")
