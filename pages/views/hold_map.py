"""Hold, of maps: one stays beside the next, with what differs, the labels that changed, and their difference."""

from functools import partial

import streamlit as st

import cache
from cache.claims import claimant
from cache.maps import Whole
from cache.ownership import title
from pages.charts.words import plain
from pages.run.differing import from_to, labels, settings_in
from pages.shell.form import Form
from pages.shell.viewers import viewer
from pages.views import regime_map
from pages.views.compare import picture_of, show_maps
from pages.views.hold_parts import GONE, held_already, hold_button, release_button
from pages.views.map_figures import Picture

NAME = "held"
"""Of the held map's key in the link."""
HELD_NOW = "This map is held: change a setting, and it stays beside the next one."
HELP = "Keeps this map beside the next one, with their difference."
ELSEWHERE = "The two maps span different planes, so there is no difference to draw."


def button(form: Form, picture: Picture) -> None:
    """Holds the map that is shown, once it is known here; nothing where it is held already."""
    key = _key(picture)
    if form.given(NAME) != key and cache.current().store.index.get(key) is not None:
        hold_button(partial(form.set, NAME, key), 0, HELP)


def show(form: Form, picture: Picture) -> None:
    """The held map beside this one; nothing where none is held."""
    key, release = form.given(NAME), partial(form.set, NAME, "")
    if not key:
        return
    st.header("Beside the held map")
    if key == _key(picture):
        held_already(HELD_NOW, release)
        return
    release_button("", "map", release)
    other = picture_of(key, picture.view.thresholds)
    if other is None:
        st.caption(GONE)
        return
    settings = [settings_in(one.sweep.to_dict(), _key(one)) for one in (other, picture)]
    known = title(cache.current().store.claims.listed(key), claimant(viewer()))
    names = labels(settings, [known, ""], ["held map", "this map"])
    st.markdown(f"Held: {from_to(*settings)}.")
    for column, one, name in zip(st.columns(2), (other, picture), names, strict=True):
        column.markdown(f":small[{plain(name)}]")
        if said := regime_map.said(one):
            column.markdown(f"**{said.replace('**', '')}**")
    if len(picture.cells):
        show_maps([(names[0], other), (names[1], picture)], f"held {key} {_key(picture)} {picture.view}")
    if other.map != picture.map:
        st.caption(ELSEWHERE)


def _key(picture: Picture) -> str:
    return Whole("sweep", picture.sweep, picture.sweep.groups).key
