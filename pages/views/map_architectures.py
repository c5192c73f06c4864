"""The same map of several kinds of network, side by side, and what their kernels at initialisation do."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import streamlit as st

from engine.regimes.config import SweepConfig
from pages.charts.words import listing, number
from pages.run.labels import NETWORK_LABELS
from pages.shell.answer import find
from pages.shell.figure import show
from pages.shell.jobs import Standing
from pages.views.map_controls import Map
from pages.views.map_figures import Picture, View
from pages.views.regime_map import open_cell


def pictures(chosen: Map, sweep: SweepConfig, found: Standing, view: View) -> dict[str, Picture]:
    """One of each kind of network."""
    known = replace(found, failures={})  # their places are those of the whole
    return {kind: Picture(chosen, own, known, view) for kind, own in sweep.architectures.items()}


def charts(side_by_side: Mapping[str, Picture], page: str) -> None:
    """Their planes; a click opens the run of a cell on a page."""
    places = [*st.columns(2, gap="large"), *st.columns(2, gap="large")]
    for column, (kind, picture) in zip(places, side_by_side.items(), strict=False):
        figure = picture.plane()
        with column:
            picked = show(replace(figure, name=f"{figure.name}_{kind}", question=NETWORK_LABELS[kind]))
        if picked and "cell" in picked[0]:
            open_cell(picture.sweep.cells[int(picked[0]["cell"])], page)


def findings(side_by_side: Mapping[str, Picture]) -> None:
    """What the whole maps say beside each other."""
    find([compared({kind: picture.cells for kind, picture in side_by_side.items()})])


def compared(tables: Mapping[str, pd.DataFrame]) -> str:
    """CV^2 of the kernel at initialisation of each kind at the shape, known of all, of most depth over width; empty
    where none is."""
    spreads = {
        kind: cells.set_index(["depth", "width"])["cv2"].dropna() for kind, cells in tables.items() if len(cells)
    }
    if len(spreads) < len(tables) or not spreads:
        return ""
    common = set.intersection(*(set(spread.index) for spread in spreads.values()))
    if not common:
        return ""
    depth, width = max(common, key=lambda shape: (shape[0] / shape[1], shape[0]))
    said = [f"{number(spread[depth, width])} ({NETWORK_LABELS[kind]})" for kind, spread in spreads.items()]
    at = rf"At depth {depth:g} and width {width:g} $\mathrm{{CV}}^2$ of the kernel at initialisation"
    return f"{at} is {listing(said)}."
