"""E[Delta K_t]/E[K] over t, against the straight line of the first step."""

import altair as alt
import numpy as np
import pandas as pd

from engine.initialisation.estimates import NORMAL_95
from engine.progress import Arrays
from pages import theme
from pages.charts.assemble import layered
from pages.charts.initialisation import over_beta as over

CHANGE = "ΔK_t / E[K]"
MEAN, LINE, MEDIAN = "mean over networks", "first step, t E[dK/dt]", "median network"
COLOURS = {MEAN: theme.BLUE, LINE: theme.GREY, MEDIAN: theme.GREEN}


def beyond_table(arrays: Arrays) -> pd.DataFrame:
    """Rows over `t`: `mean`, with 1.96 standard errors to either side in `low`, `high`; `few`, `median`, `many` at 5,
    50 and 95% of the networks drawn;
    `line` t E[dK/dt]. All divided by E[K], exact where it is known; `residual` the mean ||f - y|| over its start."""
    unit = float(arrays.get("exact_K", arrays["K_mean"]))
    mean, error = arrays["change_mean"] / unit, NORMAL_95 * arrays["change_error"] / unit
    few, median, many = arrays["change_quantiles"] / unit
    return pd.DataFrame(
        {
            "t": arrays["times"],
            "mean": mean,
            "low": mean - error,
            "high": mean + error,
            "few": few,
            "median": median,
            "many": many,
            "line": arrays["extrapolation"] / unit,
            "residual": arrays["residual_mean"],
        }
    )


def beyond_chart(table: pd.DataFrame) -> alt.LayerChart:
    """The chart. The straight line may leave the axis, which is that of the networks."""
    first, last = float(table["t"].min()), float(table["t"].max())
    x = alt.X(
        "t:Q",
        scale=alt.Scale(type="log", domain=[first / 1.15, last * 1.15], nice=False),
        axis=theme.log_axis(first / 1.15, last * 1.15, "t = η_eff × step"),
    )
    values = table[["low", "high", "few", "many"]].to_numpy(float)
    low, high = theme.linear_domain(values, (0.0,))

    def y(field: str) -> alt.Y:
        scale = alt.Scale(domain=[low, high], nice=False)
        return alt.Y(f"{field}:Q", scale=scale, axis=theme.linear_axis(f"{CHANGE}, no unit"))

    hue = over.colour(COLOURS)
    band = alt.Chart(table).mark_area(color=theme.BLUE, opacity=0.13, clip=True)
    curves = table.melt("t", ["median", "line"], "series", "value").replace({"median": MEDIAN, "line": LINE})
    dash = alt.StrokeDash("series:N", scale=alt.Scale(domain=[MEDIAN, LINE], range=[[1, 0], [7, 4]]), legend=None)
    rules = alt.Chart(table.assign(series=MEAN)).mark_rule(strokeWidth=1.8, clip=True)
    points = alt.Chart(table.assign(series=MEAN)).mark_point(size=72, filled=True, opacity=1, clip=True)
    tooltip = [
        alt.Tooltip("t:Q", format=".3~g"),
        alt.Tooltip("mean:Q", title="mean", format=".4~g"),
        alt.Tooltip("low:Q", title="±1.96 s.e., from", format=".4~g"),
        alt.Tooltip("high:Q", title="to", format=".4~g"),
        alt.Tooltip("few:Q", title="5% of networks below", format=".4~g"),
        alt.Tooltip("many:Q", title="5% above", format=".4~g"),
        alt.Tooltip("line:Q", title="first step", format=".4~g"),
        alt.Tooltip("residual:Q", title="residual left", format=".3~g"),
    ]
    question = "How far does the first step's rate carry?"
    return layered(
        over.straight(x, y("level"), pd.DataFrame({"t": [first / 1.15, last * 1.15], "level": 0.0}), opacity=0.5),
        band.encode(x=x, y=y("few"), y2=alt.Y2("many")),
        over.lines(curves, x, y("value"), hue).encode(strokeDash=dash),
        rules.encode(x=x, y=y("low"), y2=alt.Y2("high"), color=hue),
        points.encode(x=x, y=y("mean"), color=hue, tooltip=tooltip),
        height=over.SMALL + 100,
        title=theme.title(question, "bars: 1.96 standard errors; band: 90% of the networks drawn"),
    )


def parting(table: pd.DataFrame) -> str:
    """Until when the straight line holds, in words."""
    apart = (table["line"] < table["low"]) | (table["line"] > table["high"])
    if not apart.any():
        return "The first step's line lies within the bars of the mean at every time shown."
    first = table[apart].iloc[0]
    ratio = first["mean"] / first["line"] if first["line"] else np.nan
    share = f": the mean is {ratio:.3g} times the line there" if np.isfinite(ratio) else ""
    held = table["t"][table["t"] < first["t"]]
    until = f"holds up to t = {held.max():.3g} and " if len(held) else ""
    return f"The first step's line {until}leaves the bars of the mean at t = {first['t']:.3g}{share}."
