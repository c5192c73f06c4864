"""What the first visitor would otherwise wait for."""

import gc

import pandas as pd

from engine.data import DATASETS, generate


def warm() -> None:
    """Imports the libraries of pages and data, and lets Altair read its schema: a few seconds, once per server."""
    from altair.utils import schemapi

    from pages.charts.evolution import live_curve
    from pages.charts.specification import Specification
    from pages.views import evolution  # noqa: F401

    # Altair checks every part that it makes against its schema, a quarter of what a chart takes: the tests do that.
    schemapi.disable_debug_mode()
    rows = pd.DataFrame({"seed": [0, 0], "t": [0.0, 1.0], "residual": [1.0, 0.5]})
    Specification.of(live_curve(rows, "residual"))
    generate(DATASETS["digits"].from_dict({}))
    # Streamlit collects garbage after every redraw of a fragment: a quarter of a second over all that was imported.
    gc.collect()
    gc.freeze()
