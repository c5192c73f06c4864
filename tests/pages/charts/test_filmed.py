"""Moving pictures: opened, counted, and told apart frame by frame."""

import io
from importlib.util import find_spec
from typing import Any

import altair as alt
import av
import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageSequence

from pages.charts import theme
from pages.charts.animated import animated, current, line
from pages.charts.encodings import layered
from pages.charts.printing import Choice, moving
from pages.charts.printing.moving import MOST, NO_VIDEO, filmed, shown

STAMP = {"config": "c0ffee" * 8}
FRAMES = 4


def chart() -> Any:
    """A level line, higher from frame to frame."""
    columns = {f"f{at}": [float(at), float(at)] for at in range(FRAMES)}
    drawn = line(current(pd.DataFrame({"x": [0.0, 1.0], **columns})), "kernel")
    panel = layered(drawn.encode(x="x:Q", y=alt.Y("value:Q", scale=alt.Scale(domain=[0, FRAMES], nice=False))))
    panel.title = theme.title("Where is it?")
    return animated(panel, FRAMES)


def film(kind: Any) -> bytes:
    return filmed(chart, kind, FRAMES, fps=5, choice=Choice(), stamp=STAMP)


def heights(pictures: list[np.ndarray]) -> list[float]:
    """Where the blue line is, in pixels from the top."""
    found = []
    for picture in pictures:
        red, _, blue = (picture[..., channel].astype(int) for channel in range(3))
        found.append(float(np.median(np.nonzero(blue - red > 90)[0])))
    return found


def rises_evenly(pictures: list[np.ndarray]) -> bool:
    steps = -np.diff(heights(pictures))
    return len(pictures) == FRAMES and bool(np.all(steps > 10)) and bool(np.ptp(steps) <= 2)


def test_a_gif_moves_as_the_chart_does():
    gif = Image.open(io.BytesIO(film("gif")))
    assert gif.info["duration"] == 200
    assert STAMP["config"].encode() in gif.info["comment"]
    assert rises_evenly([np.array(frame.convert("RGB")) for frame in ImageSequence.Iterator(gif)])


def test_an_mp4_moves_as_the_chart_does():
    with av.open(io.BytesIO(film("mp4"))) as file:
        (stream,) = file.streams.video
        assert stream.average_rate == 5
        assert STAMP["config"] in file.metadata["comment"]
        assert rises_evenly([frame.to_ndarray(format="rgb24") for frame in file.decode(stream)])


def test_where_pyav_is_absent_an_mp4_is_refused_in_words(monkeypatch):
    monkeypatch.setattr(moving, "find_spec", lambda name: None if name == "av" else find_spec(name))
    with pytest.raises(RuntimeError, match="PyAV") as refused:
        film("mp4")
    assert str(refused.value) == NO_VIDEO
    assert film("gif")[:3] == b"GIF"


@pytest.mark.parametrize("frames", [1, 2, MOST, MOST + 1, 1000])
def test_of_many_frames_some_are_drawn_from_the_first_to_the_last(frames):
    at = shown(frames)
    assert (at[0], at[-1]) == (0, frames - 1)
    assert len(at) == len(set(at)) == min(frames, MOST)
    assert frames == 1 or max(np.diff(at)) - min(np.diff(at)) <= 1
