"""An animated chart as a moving picture: GIF, or MP4 where PyAV is installed (`pip install -e .[video]`)."""

import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from importlib.util import find_spec
from typing import Any, Literal

import vl_convert
from PIL import Image

from pages.charts.printing import Choice, Draw, Stamp, sheet_of, taken_apart
from pages.charts.printing.stamping import as_json

Motion = Literal["gif", "mp4"]
MOTIONS: dict[Motion, str] = {"gif": "image/gif", "mp4": "video/mp4"}
"""Kinds of moving picture and their MIME types."""
MOST = 60
"""Frames of a picture; of more checkpoints so many, evenly spread, the last one among them."""
DOTS = 150
"""To the inch."""
PALETTE = 128
"""Of a GIF."""
NO_VIDEO = "MP4 needs PyAV on the server, which is not installed there (`pip install -e .[video]`)."


def can_film() -> bool:
    """Whether MP4 can be made here."""
    return find_spec("av") is not None


def filmed(draw: Draw, kind: Motion, frames: int, *, fps: int, choice: Choice, stamp: Stamp) -> bytes:
    """The moving picture of a chart with so many frames; its `frame` is not looked at.

    Raises:
        RuntimeError: MP4 without PyAV, with what to do.
    """
    if kind == "mp4" and not can_film():
        raise RuntimeError(NO_VIDEO)
    pictures = [*_pictures(draw, shown(frames), choice)]
    size = max(one.width for one in pictures), max(one.height for one in pictures)
    size = tuple(side + side % 2 for side in size)
    sheets = [_on(one, (size[0], size[1])) for one in pictures]
    return (_gif if kind == "gif" else _mp4)(sheets, fps, as_json(stamp))


def shown(frames: int) -> list[int]:
    """Positions of the frames that are drawn."""
    count = min(frames, MOST)
    return sorted({round(at * (frames - 1) / max(count - 1, 1)) for at in range(count)})


def _pictures(draw: Draw, positions: Sequence[int], choice: Choice) -> Iterator[Image.Image]:
    chart = taken_apart(draw)
    for at in positions:
        drawn = sheet_of(chart, Choice(choice.width, choice.title, choice.panel, at))
        yield Image.open(io.BytesIO(vl_convert.svg_to_png(drawn, ppi=DOTS))).convert("RGB")


def _on(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """On a white sheet: titles that say what is shown may take a line more or less."""
    sheet = Image.new("RGB", size, "white")
    sheet.paste(picture)
    return sheet


def _gif(sheets: Sequence[Image.Image], fps: int, told: str) -> bytes:
    buffer = io.BytesIO()
    first, *rest = [sheet.quantize(PALETTE, dither=Image.Dither.NONE) for sheet in sheets]
    first.save(buffer, "GIF", save_all=True, append_images=rest, duration=1000 / fps, loop=0, comment=told.encode())
    return buffer.getvalue()


def _mp4(sheets: Sequence[Image.Image], fps: int, told: str) -> bytes:
    import av  # an extra, of which the server may have none

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as film:
        film.metadata["comment"] = told
        stream: Any = film.add_stream("libx264", rate=Fraction(fps))
        stream.width, stream.height = sheets[0].size
        stream.pix_fmt = "yuv420p"
        for sheet in sheets:
            film.mux(stream.encode(av.VideoFrame.from_image(sheet)))
        film.mux(stream.encode())
    return buffer.getvalue()
