"""What the page of any result has: headline numbers, notes on the data, the seed to look at, files, a pin."""

import json
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any, Protocol

import pandas as pd
import streamlit as st

import cache
from engine.progress import Arrays
from engine.schema import Config
from pages.charts.words import Headline, plain
from pages.shell import report_dialog
from pages.shell.bundle import bundle
from pages.shell.bundle import stem as bundle_name
from pages.shell.one_at_a_time import one_at_a_time
from pages.shell.recipe import Recipe, as_yaml, of_result, packed
from pages.shell.shown import HASH, shown
from pages.shell.switch import switch
from pages.shell.view import choice, chosen
from pages.shell.viewers import viewer

REFUSED = "not kept"
"""In the session, with the key of a result: why its switch did not do what it was set to."""


def numbers(found: Sequence[Headline]) -> None:
    """Headline numbers, up to four in a row."""
    for start in range(0, len(found), 4):
        for column, headline in zip(st.columns(min(4, len(found))), found[start : start + 4], strict=False):
            beside = headline.beside or None
            column.metric(headline.label, headline.value, beside, "off", help=headline.more or None, delta_arrow="off")


def say_notes(data: Sequence[str], network: Sequence[str] = ()) -> None:
    """What a reader should know of the data, and of a network of one's own, where there is anything."""
    for title, notes, icon in (("The data", data, "table_chart"), ("The network", network, "hub")):
        if notes:
            said = "\n".join([f"**{title}**", "", *(f"- {plain(note)}" for note in notes)])
            st.info(said, icon=f":material/{icon}:")


def warn(said: str) -> None:
    """A warning, where there is anything to say."""
    if said:
        st.warning(said, icon=":material/trending_flat:")


def seed_choice(result: Any, name: str = "seed") -> int:
    """The position of the seed to look at; `name` in `pages.shell.view.NAMES`."""
    seeds = [seed.facts["seed"] for seed in result.seeds]
    ask = choice if len(seeds) > 1 else chosen
    return seeds.index(ask("seed", seeds, name, seeds[0]))


def log_time(name: str = "axis") -> bool:
    """Whether time is on a log axis; `name` in `pages.shell.view.NAMES`."""
    return choice("time axis", ["log", "linear"], name) == "log"


def files(result: Any, arrays: Arrays, key: str, more: str = "") -> None:
    """Its files, the config that it answers, and whether the cache keeps it."""
    st.header("Take it with you")
    data_files(result, arrays)
    st.caption(plain(f"config {result.config.hash[:HASH]}{more}"))
    keep(key)


@st.fragment
@one_at_a_time()
def keep(key: str) -> None:
    """A switch: whether the result stays however full the cache is."""
    pinned = cache.current().store.pinned(key)
    switch("keep this result however full the cache is", f"keep {key[:16]}", pinned, partial(_keep, key))
    if refused := st.session_state.pop(f"{REFUSED} {key}", ""):
        st.error(plain(refused), icon=":material/error:")


def _keep(key: str, kept: bool) -> None:
    ownership = cache.current().ownership
    try:
        (ownership.pin if kept else ownership.unpin)(key, viewer())
    except (cache.CacheFault, cache.NotAllowed) as fault:
        st.session_state[f"{REFUSED} {key}"] = str(fault)


# Files that go out. Each is made when its button is clicked, not before.


class Numbers(Protocol):
    """A result that can be taken home."""

    @property
    def config(self) -> Config: ...
    @cached_property
    def summary(self) -> dict[str, Any]: ...
    def to_frame(self) -> pd.DataFrame: ...


def data_files(result: Numbers, arrays: Arrays) -> None:
    """Buttons for the numbers of a run."""
    stem = f"kernel-drift-{result.config.hash[:8]}"
    with st.container(horizontal=True):
        download("Curves (CSV)", lambda: result.to_frame().to_csv(index=False), f"{stem}.csv", "text/csv")
        download("Arrays (npz)", lambda: packed(arrays), f"{stem}.npz", "application/octet-stream")
        download("Config (YAML)", partial(as_yaml, result.config), f"{stem}.yaml", "application/yaml")
        download("Summary (JSON)", lambda: json.dumps(result.summary, indent=2), f"{stem}.json", "application/json")
        if (recipe := of_result(result.config, arrays)) is not None:
            _of_the_page(recipe)


def take_it_with_you(recipe: Recipe) -> None:
    """Bundle and report of a page whose numbers are those of its figures."""
    st.header("Take it with you")
    with st.container(horizontal=True):
        _of_the_page(recipe)


def _of_the_page(recipe: Recipe) -> None:
    """Buttons for all that the page shows."""
    page = shown()
    download("Bundle (zip)", partial(bundle, page, recipe), f"{bundle_name(page, recipe)}.zip", "application/zip")
    report_dialog.button(page, recipe)


def download(label: str, data: Callable[[], str | bytes], file_name: str, mime: str) -> None:
    """A button that saves a file, made when it is clicked."""
    st.download_button(
        label,
        data,  # pyright: ignore[reportArgumentType]
        file_name,
        mime,
        key=f"download {file_name}",
        on_click="ignore",
        icon=":material/download:",
    )
