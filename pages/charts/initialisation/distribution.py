"""The law of K(x, x): density and tail on log axes, against a log-normal of the same two moments."""

import altair as alt
import numpy as np
import pandas as pd
from scipy.special import log_ndtr

from engine.progress import Arrays
from pages import theme
from pages.charts.assemble import layered

DRAWN, LOGNORMAL = "draws", "log-normal, same two moments"
NAMES = {DRAWN: theme.BLUE, LOGNORMAL: theme.ORANGE}
K_TITLE = "K(x, x)"
LEAST = 10
"""Draws in a bin, which is joined with its neighbours until it has so many."""


def histogram_table(arrays: Arrays) -> pd.DataFrame:
    """A row per bin: `low`, `high`, `middle` (geometric), `density` per unit of log10 K, `count`, and `tail`, the
    share of draws above `low`. Thin bins are joined."""
    edges, counts = np.asarray(arrays["histogram_edges"], float), np.asarray(arrays["histogram_counts"])
    total = max(int(counts.sum() + arrays["histogram_zeros"]), 1)
    lows, highs, sums, start, held = [], [], [], 0, 0
    for i, count in enumerate(counts.tolist()):
        held += count
        if held >= LEAST or i == len(counts) - 1:
            if held:
                lows.append(edges[start])
                highs.append(edges[i + 1])
                sums.append(held)
            start, held = i + 1, 0
    low, high, count = np.array(lows), np.array(highs), np.array(sums)
    above = np.cumsum(count[::-1])[::-1]
    return pd.DataFrame(
        {
            "low": low,
            "high": high,
            "middle": np.sqrt(low * high),
            "count": count,
            "density": count / total / np.log10(high / low),
            "tail": above / total,
        }
    )


def lognormal_table(log_mean: float, log_ratio: float, low: float, high: float) -> pd.DataFrame:
    """`K`, `density` per unit of log10 K and `tail` P(K > k) of the log-normal; empty where the ratio is 1."""
    spread = np.sqrt(max(log_ratio, 0.0))
    if spread < 1e-6:
        return pd.DataFrame({"K": [], "density": [], "tail": []}, dtype=float)
    log_K = np.linspace(np.log(low), np.log(high), 241)
    z = (log_K - log_mean + log_ratio / 2) / spread
    return pd.DataFrame(
        {
            "K": np.exp(log_K),
            "density": np.log(10) * np.exp(-(z**2) / 2) / (spread * np.sqrt(2 * np.pi)),
            "tail": np.exp(log_ndtr(-z)),
        }
    )


def reach(histogram: pd.DataFrame, log_mean: float) -> tuple[float, float]:
    """Ends of the K axis: all draws and the mean."""
    return theme.log_domain(np.array([histogram["low"].min(), histogram["high"].max(), np.exp(log_mean)]))


def density_chart(
    histogram: pd.DataFrame, lognormal: pd.DataFrame, log_mean: float, subtitle: str = ""
) -> alt.LayerChart:
    """The histogram, and the log-normal over it."""
    densities = histogram["density"].to_numpy(float)
    low, high = theme.log_domain(np.append(densities, lognormal["density"].max()), lowest=densities.min() / 3)
    x = _k_axis(histogram, log_mean)
    y = _y(low, high, "density", "density per decade of K")
    hue = _hue()
    bars = alt.Chart(histogram.assign(series=DRAWN, floor=low)).mark_rect(opacity=0.45, clip=True)
    tooltip = [
        alt.Tooltip("low:Q", title="K from", format=".4~g"),
        alt.Tooltip("high:Q", title="to", format=".4~g"),
        alt.Tooltip("count:Q", title="draws", format=","),
        alt.Tooltip("density:Q", format=".3~g"),
    ]
    drawn = bars.encode(x=x("low"), x2=alt.X2("high"), y=y, y2=alt.Y2("floor"), color=hue, tooltip=tooltip)
    layers = [drawn, _line(lognormal[lognormal["density"] >= low], x, y, hue), *_mean(x, log_mean)]
    question = "How is the kernel distributed over initialisations?"
    return layered(*layers, height=400, title=theme.title(question, subtitle))


def tail_chart(histogram: pd.DataFrame, lognormal: pd.DataFrame, log_mean: float, subtitle: str = "") -> alt.LayerChart:
    """P(K > k)."""
    tails = histogram["tail"].to_numpy(float)
    low, high = theme.log_domain(np.append(tails, 1.0), lowest=tails.min() / 3)
    x, y, hue = _k_axis(histogram, log_mean), _y(low, high, "tail", "P(K > k)"), _hue()
    steps = alt.Chart(histogram.assign(series=DRAWN)).mark_line(strokeWidth=theme.LINE, clip=True)
    drawn = steps.encode(
        x=x("low"),
        y=y,
        color=hue,
        tooltip=[
            alt.Tooltip("low:Q", title="k", format=".4~g"),
            alt.Tooltip("tail:Q", title="P(K > k)", format=".3~g"),
        ],
    )
    layers = [drawn, _line(lognormal[lognormal["tail"] >= low], x, y, hue), *_mean(x, log_mean)]
    question = "How heavy is the tail?"
    return layered(*layers, height=400, title=theme.title(question, subtitle))


def _k_axis(histogram: pd.DataFrame, log_mean: float):
    low, high = reach(histogram, log_mean)
    scale = alt.Scale(type="log", domain=[low, high], nice=False)

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=scale, axis=theme.log_axis(low, high, K_TITLE))

    return x


def _y(low: float, high: float, field: str, title: str) -> alt.Y:
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    return alt.Y(f"{field}:Q", scale=scale, axis=theme.log_axis(low, high, title))


def _hue() -> alt.Color:
    scale = alt.Scale(domain=list(NAMES), range=list(NAMES.values()))
    return alt.Color("series:N", scale=scale, legend=theme.legend(2, symbolType="stroke"))


def _line(frame: pd.DataFrame, x, y: alt.Y, hue: alt.Color) -> alt.Chart:
    mark = alt.Chart(frame.assign(series=LOGNORMAL)).mark_line(strokeWidth=theme.LINE, clip=True)
    return mark.encode(x=x("K"), y=y, color=hue)


def _mean(x, log_mean: float) -> list[alt.Chart]:
    table = pd.DataFrame({"K": [float(np.exp(log_mean))], "text": ["E[K]"]})
    rule = alt.Chart(table).mark_rule(color=theme.GREY, strokeDash=[5, 3], strokeWidth=1.5).encode(x=x("K"))
    words = alt.Chart(table).mark_text(align="left", baseline="top", dx=4, dy=3, color=theme.GREY)
    return [rule, words.encode(x=x("K"), y=alt.value(0), text="text:N")]
