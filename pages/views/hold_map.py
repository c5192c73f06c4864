"""Hold, of maps: they stay beside the next, with what differs, the labels that changed, and each difference."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import streamlit as st

import cache
from cache.maps import Whole
from pages.charts.words import bold, plain, sentence
from pages.run.differing import labels, settings_in
from pages.shell.form import Form
from pages.shell.held import NAME, keys_in
from pages.shell.viewers import name_given
from pages.views import regime_map
from pages.views.compare import show_maps
from pages.views.compared import picture_of
from pages.views.hold_parts import GONE, held_already, hold_button, release_button
from pages.views.hold_words import apart
from pages.views.map_figures import Picture

HELD_NOW = "This map is held: change a setting, and it stays beside the next one."
HELP = "Keeps this map beside the next ones, with their difference."
ELSEWHERE = "A held map spans another plane than this one: there is no difference to draw."


@dataclass(frozen=True)
class Side:
    """A held map beside the present one.

    Attributes:
        picture: None where it is not here any more.
        name: what it is called.
    """

    key: str
    picture: Picture | None
    name: str = "a held map"


def told(form: Form, picture: Picture) -> list[tuple[str, Picture]]:
    """Under the answer of the map that is shown: Hold, or that it is held; in what others that are held differ, and the
    way to let each go. Returns those that are here, by what they are called, the present one last; nothing where none
    is."""
    held, wrong = keys_in(form.given(NAME))
    for problem in wrong:
        st.warning(sentence(problem))
    own = _key(picture)
    others = [key for key in held if key != own]
    if own in held:
        held_already(HELD_NOW, partial(_put, form, others))
    elif cache.current().store.index.get(own) is not None:
        hold_button(partial(_put, form, [*held, own]), len(held), HELP)
    if not others:
        return []
    sides, name, line = _sides(others, picture)
    there = [(side.name, side.picture) for side in sides if side.picture is not None]
    with st.container(horizontal=True, vertical_alignment="center", key="held"):
        if there:
            st.markdown(line)
        for side in sides:
            release_button(side.name, side.key, partial(_put, form, [key for key in held if key != side.key]))
            if side.picture is None:
                st.caption(GONE, width="content")
    return [*there, (name, picture)] if there else []


def show(held: Sequence[tuple[str, Picture]]) -> None:
    """What `told` returned: their answers side by side, the maps, and the difference of each to the present one."""
    if not held:
        return
    st.header("Beside the held map" if len(held) == 2 else "Beside the held maps")
    for column, (name, one) in zip(st.columns(len(held)), held, strict=True):
        column.markdown(f":small[{plain(name)}]")
        if said := regime_map.said(one):
            column.markdown(bold(said))
    *others, (_, picture) = held
    if len(picture.cells):
        names = " ".join(_key(one) for _, one in held)
        show_maps(held, f"held {names} {picture.view}", each_against_last=True)
    if any(one.map != picture.map for _, one in others):
        st.caption(ELSEWHERE)


def _sides(keys: Sequence[str], picture: Picture) -> tuple[list[Side], str, str]:
    """The held maps, what the present one is called beside them, and what differs, in a line."""
    found = {key: one for key in keys if (one := picture_of(key))}
    pictures = {key: replace(one, view=replace(picture.view, coloured=True)) for key, one in found.items()}
    settings = [settings_in(one.sweep.to_dict(), _key(one)) for one in (*pictures.values(), picture)]
    kinds = ["held map"] * len(pictures) + ["this map"]
    *names, own = labels(settings, [*map(name_given, pictures), ""], kinds)
    by_key = dict(zip(pictures, names, strict=True))
    sides = [Side(key, pictures[key], by_key[key]) if key in pictures else Side(key, None) for key in keys]
    return sides, own, apart(settings, "this map")


def _put(form: Form, keys: Sequence[str]) -> None:
    form.set(NAME, ",".join(keys))


def _key(picture: Picture) -> str:
    return Whole("sweep", picture.sweep, picture.sweep.groups).key
