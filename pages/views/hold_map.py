"""Hold, of maps: they stay beside the next, with what differs, the labels that changed, and each difference."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import streamlit as st

import cache
from cache.claims import claimant
from cache.maps import Whole
from cache.ownership import title
from pages.charts.words import plain, sentence
from pages.run.differing import from_to, in_one_line, labels, settings_in
from pages.shell.form import Form
from pages.shell.held import NAME, keys_in
from pages.shell.viewers import viewer
from pages.views import regime_map
from pages.views.compare import show_maps
from pages.views.compared import picture_of
from pages.views.hold_parts import GONE, held_already, hold_button, release_button
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


def button(form: Form, picture: Picture) -> None:
    """Holds the map that is shown, once it is known here; nothing where it is held already."""
    key, (held, _) = _key(picture), keys_in(form.given(NAME))
    if key not in held and cache.current().store.index.get(key) is not None:
        hold_button(partial(_put, form, [*held, key]), len(held), HELP)


def show(form: Form, picture: Picture) -> None:
    """The held maps beside this one; nothing where none is held."""
    held, wrong = keys_in(form.given(NAME))
    for problem in wrong:
        st.warning(sentence(problem))
    if not held:
        return
    own = _key(picture)
    others = [key for key in held if key != own]
    st.header("Beside the held map" if len(others) < 2 else "Beside the held maps")
    if own in held:
        held_already(HELD_NOW, partial(_put, form, others))
    if not others:
        return
    sides, name, line = _sides(others, picture)
    with st.container(horizontal=True, vertical_alignment="center"):
        for side in sides:
            release_button(side.name, side.key, partial(_put, form, [key for key in held if key != side.key]))
            if side.picture is None:
                st.caption(GONE, width="content")
    there = [(side.name, side.picture) for side in sides if side.picture is not None]
    if not there:
        return
    st.markdown(line)
    for column, (called, one) in zip(st.columns(len(there) + 1), [*there, (name, picture)], strict=True):
        column.markdown(f":small[{plain(called)}]")
        if said := regime_map.said(one):
            column.markdown(f"**{said.replace('**', '')}**")
    if len(picture.cells):
        names = " ".join([*others, own])
        show_maps([*there, (name, picture)], f"held {names} {picture.view}", each_against_last=True)
    if any(one.map != picture.map for _, one in there):
        st.caption(ELSEWHERE)


def _sides(keys: Sequence[str], picture: Picture) -> tuple[list[Side], str, str]:
    """The held maps, what the present one is called beside them, and what differs, in a line."""
    found = {key: one for key in keys if (one := picture_of(key))}
    pictures = {key: replace(one, view=replace(picture.view, coloured=True)) for key, one in found.items()}
    settings = [settings_in(one.sweep.to_dict(), _key(one)) for one in (*pictures.values(), picture)]
    known = [title(cache.current().store.claims.listed(key), claimant(viewer())) for key in pictures]
    kinds = ["held map"] * len(pictures) + ["this map"]
    *names, own = labels(settings, [*known, ""], kinds)
    called = dict(zip(pictures, names, strict=True))
    sides = [Side(key, pictures[key], called[key]) if key in pictures else Side(key, None) for key in keys]
    line = f"Held: {from_to(*settings)}." if len(settings) == 2 else f"Held beside this map. {in_one_line(settings)}"
    return sides, own, line


def _put(form: Form, keys: Sequence[str]) -> None:
    form.set(NAME, ",".join(keys))


def _key(picture: Picture) -> str:
    return Whole("sweep", picture.sweep, picture.sweep.groups).key
