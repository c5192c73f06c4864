"""Regime map: ensembles over depth, width, output scale or step, by regime, and whether beta alone decides."""

import json
import time
from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import cache
from cache.maps import Whole
from engine.networks.kinds import built_in, depth_per_width
from engine.problems import several
from engine.regimes.config import SweepConfig
from pages.charts.map_names import KIND_NAMES
from pages.charts.words import duration, number
from pages.run import named_run
from pages.run.asking import PAUSE
from pages.shell import held
from pages.shell.form import Form
from pages.shell.gathering import sidebar_bar
from pages.shell.jobs import Request, Standing, batch_of, computed_on, in_flight, offer, standing, watch
from pages.shell.link import here
from pages.shell.people import barred
from pages.shell.shown import shown
from pages.shell.viewers import viewer
from pages.views import hold_map, map_controls, regime_map
from pages.views.map_figures import Picture

SHARE = 4
"""A picture in the making is drawn again after this many times what drawing took: the sweep needs the processor."""
DRAWN, NOTED = "regime map drawn", "regime map noted"
PREFIX = "map_"
MORE = (
    "Each cell is an ensemble of trained networks, all to the same residual: lazy, learning features, or unstable. "
    "Do depth and width enter through β only?"
)


def page() -> None:
    """The page, top to bottom."""
    form = Form("regimes", PREFIX, named_run.map_texts)
    st.title("Regime map", help=MORE)
    if form.missing:
        named_run.refuse(form.missing, "map")
        st.button("Open the default map", icon=":material/undo:", on_click=form.start_over)
        return
    bar = sidebar_bar()
    chosen, kinds, asked = map_controls.show(form)
    question = chosen.asked_of(kinds)
    st.markdown(question)
    shown().title, shown().question = "Regime map", question
    sweep, seconds = asked.config, asked.cost
    if not form.fine() or sweep is None or seconds is None:
        return
    bar.markdown(in_short(sweep, sum(seconds)))
    view, opens = regime_map.choices(form)
    form.say_left_out(("q", held.NAME, *map_controls.SOMEWHERE))  # drawn below, or on another map
    request = request_of(sweep)
    found = standing(request)
    flying = found.missing and in_flight(request, found)
    note(request, sweep, found)
    if flying:

        def draw(found: Standing, _: object) -> None:
            """Its cells as they come."""
            began, drawn = time.monotonic(), due(sweep, found)
            regime_map.charts(Picture(chosen, sweep, drawn, view), opens, whole=False)
            if drawn is found:
                until = time.monotonic() + max(PAUSE, SHARE * (time.monotonic() - began))
                st.session_state[DRAWN] = sweep.hash, found, until

        watch(request, seconds=seconds, draw=draw)
        return
    picture = Picture(chosen, sweep, found, view)
    regime_map.say_answer(picture, Whole("sweep", sweep, sweep.groups).key)
    beside = hold_map.told(form, picture)
    compute(request, sweep, seconds, found, bar)
    regime_map.charts(picture, opens, whole=True)
    regime_map.findings(picture, form)
    hold_map.show(beside)


def request_of(sweep: SweepConfig) -> Request:
    """The cells. Of the sweeps of a viewer only the last goes on."""

    def where(place: int) -> str:
        network = built_in(sweep.cells[place].run.network)
        kind = f"{KIND_NAMES[network.kind]}, " if sweep.architectures else ""
        return f"{kind}depth {network.depth}, width {network.width}".capitalize()

    return Request("run_sweep", "cancel_sweep", "cell", sweep.groups, "cell", where, alone=True)


def note(request: Request, sweep: SweepConfig, found: Standing) -> None:
    """Lists the map among the runs once it was asked for, or is whole."""
    asked = batch_of(request) is not None or not found.missing
    if asked and not barred() and st.session_state.get(NOTED) != sweep.hash:
        cache.current().note(Whole("sweep", sweep, sweep.groups), viewer(), here())
        st.session_state[NOTED] = sweep.hash


def in_short(sweep: SweepConfig, seconds: float) -> str:
    """What a map comes to: beta, networks, seconds."""
    betas = [cell.run.beta for cell in sweep.cells if cell.run.beta is not None]
    ratios = [depth_per_width(cell.run.network) for cell in sweep.cells]
    own = f"**β = {_reach(betas)}**{' (fully connected only)' if len(betas) < len(ratios) else ''}" if betas else ""
    other = f"**L/n = {_reach(ratios)}**" if len(betas) < len(ratios) else ""
    spans = " · ".join(part for part in (own, other) if part)
    return f"{spans} · {len(sweep.cells):,} × {len(sweep.seeds)} networks · about {duration(seconds)}"


def _reach(values: Sequence[float]) -> str:
    return " to ".join(dict.fromkeys(map(number, (min(values), max(values)))))


def compute(
    request: Request, sweep: SweepConfig, seconds: Sequence[float], found: Standing, bar: DeltaGenerator
) -> None:
    """What the map costs or has cost, and the button that computes what is missing."""
    cells, missing = len(sweep.cells), len(found.missing)
    if not missing:
        took = sum(json.loads(str(arrays["meta"]))["seconds"] for arrays in found.results.values())
        what = f"{several(cells, 'cell')} of {several(len(sweep.seeds), 'network')}"
        st.caption(f"{what} took {duration(took)} of computing; estimated {duration(sum(seconds))}.")
        return
    label = f"Compute the other {missing} of {cells} cells" if missing < cells else f"Compute {several(cells, 'cell')}"
    about = duration(sum(seconds[place] for place in found.missing))
    note = (
        f"About {about} of computing on one processor, cheap cells first; what is known already is not computed "
        f"again. {computed_on(cache.current().device())}"
    )
    like = "regimes" if missing == cells else ""
    offer(request, found, lambda past: label, [note], primary=True, bar=bar, like=like)


def due(sweep: SweepConfig, found: Standing) -> Standing:
    """What to draw: the newest cells, or those of the last picture while it is too early for another. The first cells
    are never too early."""
    drawn, last, until = st.session_state.get(DRAWN, ("", found, 0.0))
    if drawn != sweep.hash:
        return found
    early = time.monotonic() < until and len(last.results) > 0
    return last if early or len(found.results) == len(last.results) else found


page()
