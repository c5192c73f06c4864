"""What a chart draws, and what it leaves out."""

from typing import NamedTuple

import pandas as pd


class Table(NamedTuple):
    """What a chart is made from.

    Attributes:
        frame: what the chart draws.
        notes: sentences about what is not drawn (values that a log axis cannot show, seeds that stopped early), for
            the page to say beneath the chart. Empty where everything is drawn.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
