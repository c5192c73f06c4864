"""What this viewer has asked for and is not done with, wherever they come back."""

import streamlit as st

import cache
from cache.batches import OpenBatch
from cache.run_folders import label
from pages.charts.words import percent, plain
from pages.shell.link import parted
from pages.shell.one_at_a_time import one_at_a_time
from pages.shell.people import only_while_in
from pages.shell.viewers import viewer

REDRAW = 2.0
"""Seconds between two looks."""


def show() -> None:
    """Nothing where there is none."""
    if _mine():
        st.markdown("**My jobs**")
        _lines()


@st.fragment(run_every=REDRAW)
@one_at_a_time()
def _lines() -> None:
    only_while_in()
    with st.container(gap=None):
        for found in _mine():
            page, query = parted(found.order.link)
            st.page_link(
                f"{page or 'home'}.py",
                label=plain(words(found)),
                icon=":material/hourglass_top:" if not found.batch.done else ":material/done:",
                query_params=query,
            )


def words(found: OpenBatch) -> str:
    """What it is and how it stands, such as "cell: 12 of 30 cells, goes on without its page"."""
    order, batch = found.order, found.batch
    configs = [config for group in order.groups for config in group]
    what = label(configs[0]) if len(configs) == 1 else batch.message
    running = [job for job in batch.flying if job.state == "running"]
    if batch.done:
        state = next(iter(batch.failures.values()), "done" if batch.finished else "cancelled")
    elif running:
        state = f"running, {percent(running[0].fraction)}" if len(configs) == 1 else "running"
    else:
        state = batch.waits or "waiting"
    stays = ", goes on without its page" if found.stays and not batch.done else ""
    return f"{order.unit.capitalize()}: {what} · {state}{stays}"


def _mine() -> list[OpenBatch]:
    """Without what Home itself shows."""
    return [found for found in cache.current().batches.listed(viewer()) if found.order.link.partition("?")[0] != "/"]
