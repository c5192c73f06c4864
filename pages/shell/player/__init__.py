"""Plays an animated chart in the browser: no server call per frame, no iframe.

Vega binds the chart's `frame` parameter to a range input. The player finds that input through the class that
Streamlit gives to the container of a key, hides it, and steps it from `requestAnimationFrame`.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2 import component

SPEEDS = (5, 10, 20, 30)
"""Frames a second to choose from."""

PLAY_SECONDS = 7
"""The speed at first is the one that plays the whole in about this time."""


def show(
    draw: Callable[[], object],
    labels: Sequence[str],
    key: str,
    start: int = 0,
    autoplay: bool = False,
    moved: Callable[[int], None] | None = None,
) -> None:
    """The chart under its player, in a container of this key.

    Args:
        draw: puts a chart with a `frame` parameter (`pages.charts.animated`) on the page.
        labels: one line per frame, read out by screen readers.
        key: unique on the page.
        start: frame shown first, and again when `labels` change.
        autoplay: plays as soon as the chart is there, unless the reader prefers reduced motion.
        moved: takes the frame at which the reader has stopped, not the last one of `autoplay`. From a callback.
    """
    with st.container(key=key):
        controls(key, labels, start, autoplay, moved)
        draw()


def controls(
    key: str,
    labels: Sequence[str],
    start: int = 0,
    autoplay: bool = False,
    moved: Callable[[int], None] | None = None,
) -> None:
    """The player alone: it moves every animated chart in the container of this key."""
    name = f"{key}-player"
    data = {"container": key, "labels": list(labels), "start": start, "autoplay": autoplay}
    data |= {"speeds": SPEEDS, "speed": speed(len(labels)), "tells": moved is not None}

    def told() -> None:
        frame = getattr(st.session_state.get(name), "frame", None)  # its page may be left by then
        if moved and isinstance(frame, int | float) and 0 <= frame < len(labels):
            moved(int(frame))

    _component()(data=data, key=name, **({"on_frame_change": told} if moved else {}))


def speed(frames: int) -> int:
    """Of `SPEEDS`, the one that comes nearest to playing this many frames in `PLAY_SECONDS`."""
    return min(SPEEDS, key=lambda fps: abs(fps - frames / PLAY_SECONDS))


@cache
def _component() -> Callable[..., object]:
    html, css, js = (Path(__file__).with_name(f"player.{kind}").read_text() for kind in ("html", "css", "js"))
    return component("kernel_drift_player", html=html, css=css, js=js)
