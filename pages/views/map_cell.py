"""On the page of a run: what maps know of it, and the way back to the map whose cell was clicked."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

import pandas as pd
import streamlit as st

import cache
from engine.config import RunConfig
from engine.initialisation.spread import MEASURED_BETA
from engine.networks.kinds import built_in
from engine.quantities import QUANTITIES
from engine.regimes.config import Cell, SweepConfig
from engine.regimes.grid import DEPTH
from engine.regimes.result import Thresholds, cells_frame, runs_frame
from engine.schema import ConfigError
from pages.charts.map_names import METRICS
from pages.charts.words import Headline, number
from pages.run.draft_state import to_query
from pages.run.presets import DEFAULT, shortest
from pages.run.settings import draft_of
from pages.shell import view
from pages.shell.link import address
from pages.shell.result import numbers
from pages.shell.texts import value_of
from pages.views import map_words

MAP = "map"
"""The name in `pages.shell.view.NAMES`: the parameters of the map."""
PREFIX = "map_"
SHOWN = ("elt", "drift", "shape_drift", "residual_lazy_error", "test_error", "cv2", "failed", "steps")


def open_cell(cell: Cell, file: str) -> None:
    """The run of a cell on another page, with the same config."""
    query = to_query(shortest(draft_of(cell.run.to_dict())[0]))
    st.switch_page(file, query_params=(query or {"preset": DEFAULT}) | to_cell())


def to_cell() -> dict[str, str]:
    """What the link of a cell says of the map, which is the page that is shown."""
    return {f"{view.VIEW}{MAP}": urlencode({name: text for name, text in address().items() if name.startswith(PREFIX)})}


def way_back() -> None:
    """A link to the map, as it was looked at; nothing where no cell was clicked."""
    if view.told(MAP):
        label, icon = "Back to the map", ":material/arrow_back:"
        st.page_link("regimes.py", label=label, icon=icon, query_params=_map())


def show(run: RunConfig) -> bool:
    """What is known of the run as the cell of a map, with the label that the map gives it. False: nothing."""
    bounds = _thresholds(_map())
    known = _known(run, bounds)
    if known is None:
        return False
    st.markdown(map_words.cell(known))
    numbers([*(_headline(known, name) for name in SHOWN if pd.notna(known[name])), *_measured_beta(known)])
    definitions = map_words.definitions(bounds)
    with st.expander("What the labels mean"):
        st.markdown("\n".join(f"- **{label}**: {said}" for label, said in definitions.items()))
    st.markdown(
        "A map keeps these numbers of each network, and no curves: the spectrum, the kernel and the learned function "
        "over time come with the whole run."
    )
    return True


def _headline(known: pd.Series, name: str) -> Headline:
    """The median over the networks, its range in quartiles, and what it means."""
    low, high = known.get(f"{name}_low"), known.get(f"{name}_high")
    reach = "" if low is None or high is None else f"Quartiles {number(low)} to {number(high)}. "
    return Headline(METRICS[name].label, number(known[name]), f"{reach}{METRICS[name].definition}")


def _measured_beta(known: pd.Series) -> list[Headline]:
    """Of a network that has no beta of its own, with its interval."""
    if MEASURED_BETA[0] not in known:
        return []
    at, low, high = (number(known[name]) for name in MEASURED_BETA)
    about, determined = QUANTITIES["measured_beta"], pd.notna(known[MEASURED_BETA[0]])
    return [Headline(about.label, at, about.definition, f"{low} to {high}" if determined else "not determined")]


def _known(run: RunConfig, bounds: Thresholds) -> pd.Series | None:
    """The row of `cells_frame`; None where none of its networks is known."""
    values = {name: value for name, value in run.to_dict().items() if name != "seeds"}
    try:
        grid = {DEPTH: [built_in(run.network).depth]}
        sweep = SweepConfig.from_dict({"base": values, "grid": grid, "seeds": list(run.seeds)})
    except ConfigError:  # no network that a map has
        return None
    engine, parts = cache.current(), [part for cell in sweep.cells for part in cell.parts]
    found = {part.hash: arrays for part in parts if (arrays := engine.lookup("cell", part)) is not None}
    return cells_frame(runs_frame(sweep, found), bounds).iloc[0] if found else None


def _map() -> dict[str, str]:
    """The parameters of the map."""
    return {name: text for name, text in parse_qsl(view.told(MAP)) if name.startswith(PREFIX)}


def _thresholds(query: Mapping[str, str]) -> Thresholds:
    """Those of the map; its own where it has no others."""
    given = {
        name: value_of(query.get(f"{PREFIX}{name}", ""), "number") for name in ("lazy", "strong", "spread", "failed")
    }
    return Thresholds(
        **{name: float(value) for name, value in given.items() if isinstance(value, int | float) and value > 0}
    )
