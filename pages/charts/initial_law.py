"""The law of K(x, x) at initialisation, and spectra of the whole kernel."""

from collections.abc import Callable
from functools import partial

import altair as alt
import numpy as np
import pandas as pd
from scipy.special import log_ndtr

from engine.initialisation.result import GramResult, SampleResult
from pages.charts import theme
from pages.charts.encodings import by_series, index_x, layered, log_x, log_y, tooltip
from pages.charts.theme import Table

# The law of K(x, x): density and tail on log axes, against a log-normal of the same two moments.

DRAWN, LOGNORMAL = "draws", "log-normal, same two moments"
NAMES = {DRAWN: theme.BLUE, LOGNORMAL: theme.ORANGE}
K_TITLE = "K(x, x)"
LEAST = 10
"""Draws in a bin, which is joined with its neighbours until it has so many."""


def histogram_table(drawn: SampleResult) -> pd.DataFrame:
    """A row per bin: `low`, `high`, `middle` (geometric), `density` per unit of log10 K, `count`, and `tail`, the
    share of draws above `low`. Thin bins are joined."""
    edges, counts = np.asarray(drawn.histogram_edges, float), drawn.histogram_counts
    total = max(int(counts.sum() + drawn.histogram_zeros), 1)
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
    histogram: pd.DataFrame, lognormal: pd.DataFrame, log_mean: float, subtitle: str = "", bars: bool = True
) -> alt.LayerChart:
    """The histogram, in bars or as a line, and the log-normal over it."""
    densities = histogram["density"].to_numpy(float)
    up = theme.log_domain(np.append(densities, lognormal["density"].max()), lowest=densities.min() / 3)
    x = partial(log_x, domain=reach(histogram, log_mean), title=K_TITLE)
    y, hue = log_y("density", up, "density per decade of K"), by_series(NAMES, columns=2)
    said = tooltip(
        ("low:Q", "K from", ".4~g"), ("high:Q", "to", ".4~g"), ("count:Q", "draws", ","), ("density:Q", "", ".3~g")
    )
    if bars:
        mark = alt.Chart(histogram.assign(series=DRAWN)).mark_rect(opacity=0.45, clip=True)
        drawn = mark.encode(x=x("low"), x2=alt.X2("high"), y=y, y2=alt.Y2Value("height"), color=hue, tooltip=said)
    else:
        drawn = _line(histogram.assign(K=histogram["middle"]), DRAWN, x, y, hue)
    layers = [drawn, _line(lognormal[lognormal["density"] >= up[0]], LOGNORMAL, x, y, hue), *_mean(x, log_mean)]
    return layered(*layers, height=400, title=theme.title(subtitle=subtitle))


def tail_chart(histogram: pd.DataFrame, lognormal: pd.DataFrame, log_mean: float, subtitle: str = "") -> alt.LayerChart:
    """P(K > k)."""
    tails = histogram["tail"].to_numpy(float)
    up = theme.log_domain(np.append(tails, 1.0), lowest=tails.min() / 3)
    x = partial(log_x, domain=reach(histogram, log_mean), title=K_TITLE)
    y, hue = log_y("tail", up, "P(K > k)"), by_series(NAMES, columns=2)
    alone = len(histogram) == 1  # of which no line can be drawn
    steps = alt.Chart(histogram.assign(series=DRAWN)).mark_line(strokeWidth=theme.LINE, clip=True, point=alone)
    said = tooltip(("low:Q", "k", ".4~g"), ("tail:Q", "P(K > k)", ".3~g"))
    drawn = steps.encode(x=x("low"), y=y, color=hue, tooltip=said)
    layers = [drawn, _line(lognormal[lognormal["tail"] >= up[0]], LOGNORMAL, x, y, hue), *_mean(x, log_mean)]
    return layered(*layers, height=400, title=theme.title(subtitle=subtitle))


def _line(frame: pd.DataFrame, series: str, x: Callable[[str], alt.X], y: alt.Y, hue: alt.Color) -> alt.Chart:
    mark = alt.Chart(frame.assign(series=series)).mark_line(strokeWidth=theme.LINE, clip=True)
    return mark.encode(x=x("K"), y=y, color=hue)


def _mean(x: Callable[[str], alt.X], log_mean: float) -> list[alt.Chart]:
    table = pd.DataFrame({"K": [float(np.exp(log_mean))], "text": ["E[K]"]})
    rule = alt.Chart(table).mark_rule(color=theme.GREY, strokeDash=[5, 3], strokeWidth=1.5).encode(x=x("K"))
    words = alt.Chart(table).mark_text(align="left", baseline="top", dx=4, dy=3, color=theme.INK)
    return [rule, words.encode(x=x("K"), y=alt.YValue(0), text=alt.Text("text:N"))]


# Spectra of the whole kernel at initialisation: mean, band and infinite width, and each eigenvalue over its limit.

MEAN, LIMIT = "mean over draws", "infinite width"
SPECTRUM_NAMES = {MEAN: theme.BLUE, LIMIT: theme.ORANGE}
ROUNDING = 1e-13
"""Relative to the largest eigenvalue: smaller ones are rounding."""


def spectrum_table(drawn: GramResult) -> Table:
    """A row per rank i = 1 .. p: `mean`, `low`, `high` (5% and 95%), `limit`, and `ratio`, `ratio_low`, `ratio_high`
    over the limit. NaN where an eigenvalue is rounding."""
    spectra = drawn.spectra
    p = spectra.shape[1]
    mean = spectra.mean(axis=0)
    low, high = np.quantile(spectra, [0.05, 0.95], axis=0)
    limit = drawn.infinite_width if "infinite_width" in drawn else np.full(p, np.nan)
    floor = ROUNDING * p * max(float(mean.max()), float(np.nanmax(limit, initial=0.0)))
    values = {"mean": mean, "low": low, "high": high, "limit": limit}
    shown = {name: np.where(column > floor, column, np.nan) for name, column in values.items()}
    masked = int(np.isnan(shown["mean"]).sum())
    frame = pd.DataFrame({"i": np.arange(1, p + 1), **shown})
    for name, column in (("ratio", "mean"), ("ratio_low", "low"), ("ratio_high", "high")):
        frame[name] = frame[column] / frame["limit"]
    note = f"{masked} of {p} mean eigenvalues are at rounding level and are not drawn."
    return Table(frame, (note,) if masked else ())


def spectrum_chart(frame: pd.DataFrame, subtitle: str = "") -> alt.LayerChart:
    """Eigenvalues over rank, log-log."""
    domain = theme.log_domain(frame[["mean", "high", "limit"]].to_numpy(float).ravel(), frame["mean"].min() / 5)
    frame = frame.assign(low=frame["low"].fillna(domain[0]))
    x, y = index_x(len(frame), "rank i"), partial(log_y, domain=domain, title="eigenvalue λ_i of K_0")
    layers = _drawn(frame, x, y, ("mean", "low", "high"))
    limit = frame.dropna(subset="limit")
    if len(limit):
        line = alt.Chart(limit.assign(series=LIMIT)).mark_line(strokeDash=[5, 3], strokeWidth=theme.LINE, clip=True)
        layers.append(line.encode(x=x, y=y("limit"), color=by_series(SPECTRUM_NAMES, columns=2)))
    return layered(*layers, height=420, title=theme.title(subtitle=subtitle))


def relative_chart(frame: pd.DataFrame) -> alt.LayerChart:
    """Eigenvalues over those of the limit."""
    drawn = frame.dropna(subset="ratio")
    domain = theme.log_domain(np.append(drawn[["ratio", "ratio_low", "ratio_high"]].to_numpy(float).ravel(), 1.0))
    x, y = index_x(len(frame), "rank i"), partial(log_y, domain=domain, title="λ_i / λ_i at infinite width")
    flat = pd.DataFrame({"i": [1, max(len(frame), 2)], "ratio": 1.0})
    line = alt.Chart(flat).mark_line(color=theme.ORANGE, strokeDash=[5, 3], strokeWidth=theme.LINE, clip=True)
    layers = _drawn(drawn, x, y, ("ratio", "ratio_low", "ratio_high"))
    return layered(*layers, line.encode(x=x, y=y("ratio")), height=420)


def _drawn(frame: pd.DataFrame, x: alt.X, y: Callable[[str], alt.Y], names: tuple[str, str, str]) -> list[alt.Chart]:
    """Band, line and points."""
    mean, low, high = names
    frame, hue = frame.dropna(subset=mean).assign(series=MEAN), by_series(SPECTRUM_NAMES, columns=2)
    band = alt.Chart(frame.dropna(subset=[low, high])).mark_area(opacity=0.22, color=theme.BLUE, clip=True)
    numbers = ((f"{name}:Q", "", ".4~g") for name in (*names, "limit") if name in frame)
    line = alt.Chart(frame).mark_line(strokeWidth=theme.LINE, clip=True)
    points = alt.Chart(frame).mark_point(filled=True, size=26, opacity=1, clip=True)
    return [
        band.encode(x=x, y=y(low), y2=alt.Y2(high)),
        line.encode(x=x, y=y(mean), color=hue),
        points.encode(x=x, y=y(mean), color=hue, tooltip=tooltip(("i:Q", "rank"), *numbers)),
    ]
