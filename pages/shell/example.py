"""What a page would show: a faint picture of another run, where nothing is computed and computing is not cheap.

`python -m benchmarks.examples` computes the runs and draws the pictures.
"""

from base64 import b64encode
from functools import cache
from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).with_name("examples")
SAID = "Not computed yet. Such a picture comes of it; this one, faint, is of another run."
HEIGHT = 280


def example(name: str) -> None:
    """The line and the picture of this name, as one element."""
    st.html(_html(name))


@cache
def _html(name: str) -> str:
    picture = b64encode((FOLDER / f"{name}.svg").read_bytes()).decode()
    return (
        f'<figure style="margin: 0" class="example"><figcaption style="opacity: 0.7">{SAID}</figcaption>'
        f'<img alt="An example of another run" src="data:image/svg+xml;base64,{picture}" '
        f'style="opacity: 0.4; max-width: 100%; height: {HEIGHT}px; margin-top: 0.75rem"></figure>'
    )
