"""How a chart over t looks, and the encodings that follow."""

from collections.abc import Mapping
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from pages import theme


@dataclass(frozen=True)
class Look:
    """How a chart over t looks.

    Attributes:
        question: which question the chart answers.
        y_title: label and symbol of the value.
        colours: series label -> colour, in the order of the legend.
        dashed: series drawn dashed.
        log_value: a log value axis.
        include: values that a linear value axis must show.
        log_beyond: a larger value turns a linear value axis logarithmic, without the values that are not positive.
        points: shows every point.
    """

    question: str
    y_title: str
    colours: Mapping[str, str]
    dashed: tuple[str, ...] = ()
    log_value: bool = False
    include: tuple[float, ...] = ()
    log_beyond: float = float("inf")
    points: bool = False

    def y(self, frame: pd.DataFrame, field: str = "value") -> alt.Y:
        """The value axis around everything in the frame of `over_time_table`."""
        values = frame[["value", "low", "high"]].to_numpy(float).ravel()
        if self.log_value:
            low, high = theme.log_domain(np.append(values, self.include))
            scale = alt.Scale(type="log", domain=[low, high], nice=False)
            return alt.Y(f"{field}:Q", scale=scale, axis=theme.log_axis(low, high, self.y_title))
        scale = alt.Scale(domain=list(theme.linear_domain(values, self.include)), nice=False)
        return alt.Y(f"{field}:Q", scale=scale, axis=theme.linear_axis(self.y_title))

    def colour(self, frame: pd.DataFrame) -> alt.Color:
        """Colour by series, with a legend where there are several."""
        present = [name for name in self.colours if name in set(frame["series"])]
        scale = alt.Scale(domain=present, range=[self.colours[name] for name in present])
        legend = theme.legend(symbolType="stroke") if len(present) > 1 else None
        return alt.Color("series:N", scale=scale, legend=legend)
