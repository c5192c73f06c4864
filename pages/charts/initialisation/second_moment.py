"""E[K^2]/E[K]^2 over beta: the ratio, its prefactor, its slope, its parts."""

import altair as alt
import numpy as np
import pandas as pd

from pages import theme
from pages.charts.assemble import layered
from pages.charts.initialisation import over_beta as over

RATIO = "E[K²] / E[K]²"
SLOPE = "slope of exp(5β)"
PARTS = {"ratio": "whole kernel", "weights": "weights", "bias": "biases", "mixed": "mixed"}
PART_COLOURS = {"ratio": theme.GREY, "weights": theme.BLUE, "bias": theme.VERMILION, "mixed": theme.VIOLET}


def ratio_chart(
    curves: pd.DataFrame | None,
    limit: pd.DataFrame | None,
    points: pd.DataFrame,
    widths: tuple[int, ...],
    largest: float,
    start: float = 1.0,
    breakdown: tuple[float, str] | None = None,
    subtitle: str = "",
) -> alt.LayerChart:
    """The first chart.

    Args:
        curves, limit: of `pages.initialisation.curves`; None where there is no law.
        points: of `ratio_points`.
        largest: end of the beta axis.
        start: the ratio at beta = 0, from where the slope is drawn.
        breakdown: beta from which Monte Carlo fails, and how that is said.
    """
    exact = [frame["ratio"].to_numpy(float) for frame in (curves, limit) if frame is not None]
    shown = np.concatenate([*exact, points["value"].to_numpy(float), [1.0]])
    y, domain = over.log_scale(shown, RATIO, () if exact else (np.exp(5 * min(largest, 40.0)),))
    x = over.beta_x(largest)
    names = over.colours(widths) | ({over.LIMIT: theme.ORANGE} if limit is not None else {}) | {SLOPE: theme.GREY}
    hue = over.colour(names)
    layers = over.region(breakdown[0], largest, breakdown[1], domain) if breakdown else []
    slope = pd.DataFrame({"beta": np.linspace(0, largest, 81)})
    slope["ratio"] = start * np.exp(np.minimum(5 * slope["beta"], 640))
    layers.append(over.straight(x, y("ratio"), slope[slope["ratio"] <= domain[1] * 1.5]))
    if limit is not None:
        layers.append(
            over.lines(limit.assign(series=over.LIMIT), x, y("ratio"), hue, strokeDash=[2, 3], strokeWidth=2.6)
        )
    if curves is not None:
        frame = over.named(curves.dropna(subset="ratio"))
        tooltip = [
            alt.Tooltip("series:N", title="width"),
            alt.Tooltip("depth:Q", title="hidden layers"),
            alt.Tooltip("beta:Q", title="β", format=".3~g"),
            alt.Tooltip("ratio:Q", title=RATIO, format=".4~g"),
            alt.Tooltip("prefactor:Q", title="over exp(5β)", format=".3~g"),
        ]
        layers += [over.lines(frame, x, y("ratio"), hue), over.pickable(frame, x, y("ratio"), hue, tooltip)]
    else:
        layers.append(over.lines(pd.DataFrame({"series": [*names], "beta": 0.0, "ratio": 1.0}), x, y("ratio"), hue))
    layers += over.point_layers(points, x, y, domain, hue, RATIO)
    question = "How much does the kernel vary from one initialisation to the next?"
    chart = layered(*layers, height=over.HEIGHT, title=theme.title(question, subtitle))
    return over.with_pick(chart) if curves is not None else chart


def prefactor_chart(
    curves: pd.DataFrame, limit: pd.DataFrame | None, widths: tuple[int, ...], largest: float
) -> alt.LayerChart:
    """ratio/exp(5 beta)."""
    values = [frame["prefactor"].to_numpy(float) for frame in (curves, limit) if frame is not None]
    y, _ = over.log_scale(np.concatenate([*values, [1.0]]), f"{RATIO} / exp(5β)")
    return over.small_panel(_panel(curves, limit, widths, largest, "prefactor", y, 1.0), "What is left beside exp(5β)?")


def slope_chart(
    curves: pd.DataFrame, limit: pd.DataFrame | None, widths: tuple[int, ...], largest: float
) -> alt.LayerChart:
    """d log ratio/d beta, against 5."""
    values = [frame["slope"].to_numpy(float) for frame in (curves, limit) if frame is not None]
    scale = alt.Scale(domain=list(theme.linear_domain(np.concatenate(values), (0.0, 5.0))), nice=False)

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", scale=scale, axis=theme.linear_axis("d log ratio / dβ"))

    return over.small_panel(_panel(curves, limit, widths, largest, "slope", y, 5.0), "Does it grow as fast as exp(5β)?")


def _panel(
    curves: pd.DataFrame, limit: pd.DataFrame | None, widths: tuple[int, ...], largest: float, field: str, y, level
) -> list[alt.Chart]:
    x = over.beta_x(largest)
    hue = over.colour(over.colours(widths) | {over.LIMIT: theme.ORANGE}, legend=False)
    flat = pd.DataFrame({"beta": [0.0, largest], field: level})
    layers = [over.straight(x, y(field), flat)]
    if limit is not None:
        layers.append(over.lines(limit.assign(series=over.LIMIT), x, y(field), hue, strokeDash=[2, 3], strokeWidth=2.6))
    frame = over.named(curves.dropna(subset=field))
    return [*layers, over.lines(frame, x, y(field), hue)]


def parts_table(curves: pd.DataFrame, width: int) -> pd.DataFrame:
    """Rows (beta, series, value) of one width."""
    own = curves[curves["width"] == width]
    return pd.concat(
        [
            pd.DataFrame({"beta": own["beta"], "depth": own["depth"], "series": label, "value": own[name]})
            for name, label in PARTS.items()
        ]
    ).dropna(subset="value")


def parts_chart(parts: pd.DataFrame, width: int, largest: float) -> alt.LayerChart:
    """Weight part, bias part, mixed and whole."""
    y, _ = over.log_scale(np.append(parts["value"].to_numpy(float), 1.0), "second moment over squared mean")
    present = set(parts["series"])
    hue = over.colour({label: PART_COLOURS[name] for name, label in PARTS.items() if label in present})
    x = over.beta_x(largest)
    question = f"Which part of the kernel varies, at n = {width:,}?"
    return layered(over.lines(parts, x, y("value"), hue), height=over.SMALL + 60, title=theme.title(question, size=13))
