"""The sweep behind a map: what is known of it, run and cancel, and how far it is."""

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

import streamlit as st

import cache
from cache.batch import Batch
from engine.progress import Arrays
from engine.regimes.config import SweepConfig
from pages.charts.words import duration, plain, several
from pages.shell.batch import computed_on, outdated
from pages.shell.viewers import Shared, viewer
from pages.views.map_controls import Asked

KIND = "cell"
MOST_VIEWERS = 64
SHOWN_FAILURES = 3


@dataclass(frozen=True)
class Standing:
    """What is known of a sweep.

    Attributes:
        results: "result" entries by the hash of their part.
        failures: why a cell is missing, by its place in `config.cells`.
    """

    config: SweepConfig
    results: Mapping[str, Arrays]
    failures: Mapping[int, str] = field(default_factory=dict)
    cancelled: bool = False

    def missing(self) -> list[int]:
        """Places of the cells that are not there yet, wholly."""
        cells = enumerate(self.config.cells)
        return [index for index, cell in cells if not all(part.hash in self.results for part in cell.parts)]

    def state(self) -> str:
        """Names what can be drawn of it: the same text, the same picture."""
        return f"{self.config.hash} {len(self.results)} {sorted(self.failures)}"

    def computing_seconds(self) -> float:
        """What its results took to compute, whenever that was."""
        return sum(json.loads(str(arrays["meta"]))["seconds"] for arrays in self.results.values())


class Started:
    """The sweep that a viewer has started. Thread-safe: two tabs of one browser drive the same.

    Attributes:
        to_do: places of the cells that were not known at the start.
    """

    def __init__(self, config: SweepConfig, who: str):
        self.began = time.monotonic()
        self.cancelled = False
        self.config = config
        self._batch = Batch(cache.current(), KIND, config.groups, who, "cells")
        self._lock = threading.Lock()
        self.step()
        self.to_do = self.standing().missing()

    def step(self) -> bool:
        """Goes on; whether there is anything left to do."""
        with self._lock:
            self._batch.step()
            return not self._batch.done

    def cancel(self) -> None:
        with self._lock:
            self.cancelled = self.cancelled or not self._batch.done
            self._batch.cancel()

    @property
    def done(self) -> bool:
        with self._lock:
            return self._batch.done

    @property
    def waits(self) -> str:
        """What its jobs wait for, such as a worker."""
        return self._batch.waits

    def standing(self) -> Standing:
        with self._lock:
            return Standing(self.config, dict(self._batch.results), dict(self._batch.failures), self.cancelled)


class Sweeps:
    """The last sweep of every viewer: a reload of the page finds it again. Thread-safe."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, Started] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, config: SweepConfig, who: str) -> None:
        """Starts a sweep in place of the viewer's former one, which is given up."""
        with self._lock:
            former = self._last.pop(who, None)
            if former:
                former.cancel()
            self._last[who] = Started(config, who)
            while len(self._last) > MOST_VIEWERS:
                self._last.popitem(last=False)

    def of(self, config: SweepConfig, who: str) -> Started | None:
        with self._lock:
            found = self._last.get(who)
            return found if found and found.config.hash == config.hash else None


sweeps = Shared(Sweeps)
"""`sweeps()` gives those of this server."""


def running(config: SweepConfig) -> Started | None:
    """This viewer's sweep while it runs."""
    started = sweeps().of(config, viewer())
    return started if started and not started.done else None


def standing(config: SweepConfig) -> Standing:
    """What is known, without asking for anything."""
    started = sweeps().of(config, viewer())
    found = started.standing() if started else Standing(config, {})
    parts = [part for cell in config.cells for part in cell.parts if part.hash not in found.results]
    known = {part.hash: arrays for part in parts if (arrays := cache.current().lookup(KIND, part)) is not None}
    return Standing(config, {**found.results, **known}, found.failures, found.cancelled)


def offer(asked: Asked, found: Standing) -> None:
    """What the map costs or has cost, and the button that computes what is missing."""
    missing = found.missing()
    cells = len(asked.sweep.cells)
    for index in list(found.failures)[:SHOWN_FAILURES]:
        run = asked.sweep.cells[index].run
        where = f"Depth {run.network.depth}, width {run.network.width}"
        st.error(f"{where}: {plain(found.failures[index])}", icon=":material/error:")
    if len(found.failures) > SHOWN_FAILURES:
        st.error(f"{len(found.failures) - SHOWN_FAILURES} more cells failed.", icon=":material/error:")
    if not missing:
        estimated, took = duration(sum(asked.seconds)), duration(found.computing_seconds())
        what = f"{several(cells, 'cell')} of {several(len(asked.sweep.seeds), 'network')}"
        st.caption(f"{what} took {took} of computing; estimated {estimated}.")
        return
    parts = (part for index in missing for part in asked.sweep.cells[index].parts)
    old = next((old for part in parts if (old := cache.current().earlier(KIND, part)) is not None), None)
    if old is not None:
        st.info(f"Some of these cells: {outdated(old)}", icon=":material/history:")
    if found.cancelled:
        st.info(f"Cancelled; {cells - len(missing)} of {cells} cells are there.", icon=":material/cancel:")
    label = (
        f"Compute {several(cells, 'cell')}"
        if len(missing) == cells
        else f"Compute the other {len(missing)} of {cells} cells"
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            label,
            type="primary",
            icon=":material/play_arrow:",
            key="run_sweep",
            on_click=sweeps().start,
            args=(asked.sweep, viewer()),
        )
        about = duration(sum(asked.seconds[index] for index in missing))
        st.caption(
            f"About {about} of computing on one processor, cheap cells first; what is known already is not computed "
            f"again. {computed_on(cache.current().device())}"
        )


def progress(asked: Asked, started: Started, found: Standing) -> None:
    """How far a sweep is, how long it may take, and the way to stop it."""
    cells, missing = len(asked.sweep.cells), found.missing()
    took = time.monotonic() - started.began
    left = _left(asked, started.to_do, missing, took)
    st.markdown(f"**Running** for {duration(took)}: {cells - len(missing)} of {cells} cells{left}.{_waits(started)}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress((cells - len(missing)) / cells)
        if st.button("Cancel", icon=":material/stop:", key="cancel_sweep"):
            started.cancel()
            st.rerun()
    st.caption(f"The sweep goes on while this page is open. {computed_on(cache.current().device())}")


def _waits(started: Started) -> str:
    return f" It waits: {plain(started.waits)}." if started.waits else ""


def _left(asked: Asked, to_do: list[int], missing: list[int], took: float) -> str:
    """By the pace so far, once there is one."""
    left = sum(asked.seconds[index] for index in missing)
    done = sum(asked.seconds[index] for index in to_do) - left
    return f", about {duration(took * left / done)} to go" if done > 0 and left > 0 and took > 5 else ""
