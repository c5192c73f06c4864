"""|E[dK/dt]|/E[K] over beta at the first step, and E[Delta K_t]/E[K] over t beyond it."""

import math
from functools import partial

import altair as alt
import numpy as np
import pandas as pd

from engine.initialisation.estimates import NORMAL_95
from engine.initialisation.result import DriftResult
from pages.charts import initial_ratio as over
from pages.charts import theme
from pages.charts.encodings import by_series, layered, linear_y, log_x, tooltip

# |E[dK/dt]|/E[K] over beta, with its sign, and its prefactor.

SIZE = "|E[dK/dt]| / E[K], per unit of time"
SLOPE = "slope of (dβ/n₀) exp(5β)"
SIGNS = {-1: "falls (−)", 1: "grows (+)"}


def signed(curves: pd.DataFrame) -> pd.DataFrame:
    """Columns `series`, `way` and `run`: a stretch of one sign, so that no line crosses a change of sign."""
    frame = over.named(curves)
    change = (frame["sign"] != frame["sign"].shift()) | (frame["width"] != frame["width"].shift())
    way = frame["sign"].map(SIGNS).fillna("is 0")
    return frame.assign(way=way, run=change.cumsum()).dropna(subset="size")


def drift_chart(
    curves: pd.DataFrame | None,
    slopes: pd.DataFrame,
    points: pd.DataFrame,
    widths: tuple[int, ...],
    largest: float,
    subtitle: str = "",
) -> alt.LayerChart:
    """The first chart. `slopes`: columns beta and size, the paper's rate, anchored at will."""
    shown = points["value"].to_numpy(float)
    if curves is not None:
        shown = np.append(shown, curves["size"].to_numpy(float))
    y, domain = over.log_scale(shown if len(shown) else slopes["size"].to_numpy(float), SIZE)
    x = over.beta_x(largest)
    hue = by_series(over.colours(widths) | {SLOPE: theme.GREY}, columns=5)
    inside = slopes[(slopes["size"] <= domain[1]) & (slopes["size"] >= domain[0])]
    layers = [over.straight(x, y("size"), inside)]
    if curves is not None:
        frame = signed(curves)
        legend = over.below(2, symbolType="stroke", symbolStrokeColor=theme.GREY)
        said = tooltip(*over.PLACE, ("size:Q", "|E[dK/dt]| / E[K]", ".4~g"), ("way:N", "the kernel"))
        layers += [
            _by_sign(over.lines(frame, x, y("size"), hue), legend),
            over.pickable(frame, x, y("size"), hue, said),
        ]
    else:
        empty = pd.DataFrame({"series": [over.label(width) for width in widths], "beta": 0.0, "size": domain[0]})
        layers.append(over.lines(empty, x, y("size"), hue))
    layers += over.point_layers(points, x, y, domain, hue, "value")
    return layered(*layers, height=over.HEIGHT, title=theme.title(subtitle=subtitle))


def _by_sign(lines: alt.Chart, legend: alt.Legend | None) -> alt.Chart:
    """Dotted where the mean kernel grows."""
    scale = alt.Scale(domain=list(SIGNS.values()), range=[[1, 0], [3, 3]])
    dash = alt.StrokeDash("way:N", scale=scale, legend=legend)
    return lines.encode(detail=alt.Detail("run:N"), strokeDash=dash)


def drift_prefactor_chart(curves: pd.DataFrame, widths: tuple[int, ...], largest: float) -> alt.LayerChart:
    """The exact size over (d beta/n_0) exp(5 beta)."""
    frame = signed(curves).dropna(subset="prefactor")
    y, _ = over.log_scale(frame["prefactor"].to_numpy(float), "size / rate")
    hue = by_series(over.colours(widths), columns=0)
    return over.small_panel(_by_sign(over.lines(frame, over.beta_x(largest), y("prefactor"), hue), None))


def signed_axis(low: float, high: float, unit: float) -> alt.Axis:
    """0 and a few powers of ten on both sides."""
    values = [0.0]
    for sign, reach in ((1, high), (-1, -low)):
        if reach > unit:
            decades = range(math.ceil(math.log10(unit)), math.floor(math.log10(reach)) + 1)
            values += [sign * 10.0**k for k in decades if (decades[-1] - k) % (1 + len(decades) // 4) == 0]
            if not decades:
                values.append(sign * float(f"{reach / 1.3:.0e}"))
    words = {value: ("−" if value < 0 else "") + theme.power(abs(value)) for value in values if value}
    expression = f"datum.value == 0 ? '0' : {theme.label_expression(words)}"
    return alt.Axis(title="E[dK/dt] / E[K], signed", values=values, labelExpr=expression, **theme.AXIS)


def sign_chart(curves: pd.DataFrame, widths: tuple[int, ...], largest: float) -> alt.LayerChart:
    """The signed value on a symmetric log axis: where it crosses 0 the kernel turns from growing to falling."""
    frame = signed(curves)
    frame = frame.assign(value=frame["sign"] * frame["size"])
    values = frame["value"].to_numpy(float)
    reach = max(float(np.max(np.abs(values), initial=0.0)), 1e-12)
    unit = float(np.quantile(np.abs(values), 0.1)) if len(values) else 1.0
    top, bottom = (reach * 1.3 if np.any(values > 0) else unit / 3), (-reach * 1.3 if np.any(values < 0) else -unit / 3)
    scale = alt.Scale(type="symlog", constant=unit / 5 or 1.0, domain=[bottom, top], nice=False)
    y = alt.Y("value:Q", scale=scale, axis=signed_axis(bottom, top, unit))
    x = over.beta_x(largest)
    zero = pd.DataFrame({"beta": [0.0, largest], "value": 0.0})
    hue = by_series(over.colours(widths), columns=0)
    return over.small_panel(over.straight(x, y, zero), over.lines(frame, x, y, hue))


# E[Delta K_t]/E[K] over t, against the straight line of the first step.

CHANGE = "ΔK_t / E[K]"
MEAN, LINE, MEDIAN = "mean over networks", "first step, t E[dK/dt]", "median network"
COLOURS = {MEAN: theme.BLUE, LINE: theme.GREY, MEDIAN: theme.GREEN}


def beyond_table(found: DriftResult) -> pd.DataFrame:
    """Rows over `t`: `mean`, with 1.96 standard errors to either side in `low`, `high`; `few`, `median`, `many` at 5,
    50 and 95% of the networks drawn; `line` t E[dK/dt]. All divided by E[K], exact where it is known; `residual` the
    mean ||f - y|| over its start.
    """
    unit = float(found.exact_K if "exact_K" in found else found.K_mean)
    mean, error = found.change_mean / unit, NORMAL_95 * found.change_error / unit
    few, median, many = found.change_quantiles / unit
    return pd.DataFrame(
        {
            "t": found.times,
            "mean": mean,
            "low": mean - error,
            "high": mean + error,
            "few": few,
            "median": median,
            "many": many,
            "line": found.extrapolation / unit,
            "residual": found.residual_mean,
        }
    )


def beyond_chart(table: pd.DataFrame) -> alt.LayerChart:
    """The chart. The straight line may leave the axis, which is that of the networks."""
    first, last = float(table["t"].min()), float(table["t"].max())
    across = first / 1.15, last * 1.15
    x = log_x("t", across, "t = η_eff × step")
    up = theme.linear_domain(table[["low", "high", "few", "many"]].to_numpy(float), (0.0,))
    y, hue = partial(linear_y, domain=up, title=f"{CHANGE}, no unit"), by_series(COLOURS, columns=5)
    band = alt.Chart(table).mark_area(color=theme.BLUE, opacity=0.13, clip=True)
    curves = table.melt("t", ["median", "line"], "series", "value").replace({"median": MEDIAN, "line": LINE})
    dash = alt.StrokeDash("series:N", scale=alt.Scale(domain=[MEDIAN, LINE], range=[[1, 0], [7, 4]]), legend=None)
    rules = alt.Chart(table.assign(series=MEAN)).mark_rule(strokeWidth=1.8, clip=True)
    points = alt.Chart(table.assign(series=MEAN)).mark_point(size=72, filled=True, opacity=1, clip=True)
    said = tooltip(
        ("t:Q", "", ".3~g"),
        ("mean:Q", "mean", ".4~g"),
        ("low:Q", "±1.96 s.e., from", ".4~g"),
        ("high:Q", "to", ".4~g"),
        ("few:Q", "5% of networks below", ".4~g"),
        ("many:Q", "5% above", ".4~g"),
        ("line:Q", "first step", ".4~g"),
        ("residual:Q", "residual left", ".3~g"),
    )
    return layered(
        over.straight(x, y("level"), pd.DataFrame({"t": across, "level": 0.0}), opacity=0.5),
        band.encode(x=x, y=y("few"), y2=alt.Y2("many")),
        over.lines(curves, x, y("value"), hue).encode(strokeDash=dash),
        rules.encode(x=x, y=y("low"), y2=alt.Y2("high"), color=hue),
        points.encode(x=x, y=y("mean"), color=hue, tooltip=said),
        height=over.SMALL + 100,
        title=theme.title(subtitle="bars: 1.96 standard errors; band: 90% of the networks drawn"),
    )


def parting(table: pd.DataFrame) -> str:
    """Until when the straight line holds, in words; empty where a mean has no interval."""
    if not np.all(np.isfinite(table[["line", "low", "high"]].to_numpy(float))):
        return ""
    apart = (table["line"] < table["low"]) | (table["line"] > table["high"])
    if not apart.any():
        return "The first step's line lies within the bars of the mean at every time shown."
    first = table[apart].iloc[0]
    ratio = first["mean"] / first["line"] if first["line"] else np.nan
    share = f": the mean is {ratio:.3g} times the line there" if np.isfinite(ratio) else ""
    held = table["t"][table["t"] < first["t"]]
    until = f"holds up to t = {held.max():.3g} and " if len(held) else ""
    return f"The first step's line {until}leaves the bars of the mean at t = {first['t']:.3g}{share}."
