"""Laws over networks: the error of each order against width, depth or alpha; drift against beta; where they cross."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import altair as alt
import numpy as np
import pandas as pd

from engine.perturbation.law import Crossing, PowerLaw
from engine.perturbation.result import StudyResult
from engine.problems import several
from pages.charts import theme
from pages.charts.encodings import by_series, layered, listed_x, log_y, tooltip
from pages.charts.expansion import BOUNDS, CURVES, FORETOLD, MEASURED, MOST, SERIES_COLOURS
from pages.charts.theme import Table
from pages.charts.words import are, number, signed

AXES = {"width": "width n", "depth": "depth L", "alpha": "output scale α", "beta": "β = Σ 1/n_l over hidden layers"}
SYMBOLS = {"width": "n", "depth": "L", "alpha": "α", "beta": "β"}
GRID = 40
"""Points of a law's line."""
HEIGHT = 380
FAR = 30.0
"""The axis follows a crossing up to this factor beyond the study."""


@dataclass(frozen=True)
class Laws:
    """A chart over the networks of a study, as a row.

    Attributes:
        question: its title.
        quantities: names of `engine.quantities` that explain it.
        series: by name in a study, what it draws.
    """

    question: str
    quantities: tuple[str, ...]
    series: Mapping[str, str]
    y_title: str
    subtitle: str = ""


LAWS = {
    "study_errors": Laws("How does what each order leaves scale?", ("order_error", "floor", "power_law"),
        {f"error_{name}": CURVES[name] for name in ("order_0", "order_1", "order_2", "full")},
        "error, sup ‖r − r_network‖ / ‖r(0)‖", "points: seeds; hollow: at the floor, not in the fit"),
    "study_crossing": Laws("Up to which β does the frozen kernel do?", ("order_error", "bound_P2", "power_law", "beta"),
        {"error_order_0": CURVES["order_0"], "bound_P2": BOUNDS["P2"]}, "error or bound, relative to ‖r(0)‖"),
    "study_drift": Laws("How large is ΔK at the stop?", ("drift", "drift_predicted", "power_law", "beta"),
        {"drift": MEASURED, "drift_predicted": FORETOLD}, theme.axis_title("drift"),
        "points: seeds; lines: fitted power laws"),
}  # fmt: skip
"""Name -> chart."""


@dataclass(frozen=True)
class Axes:
    """Log axes around points, lines and what else must show.

    Attributes:
        axis: name in `AXES`.
        across, up: domains.
        ticks: of the first.
    """

    axis: str
    y_title: str
    across: tuple[float, float]
    up: tuple[float, float]
    ticks: tuple[float, ...]

    @classmethod
    def around(
        cls,
        points: pd.DataFrame,
        lines: pd.DataFrame,
        axis: str,
        y_title: str,
        include: tuple[Sequence[float], Sequence[float]] = ((), ()),
    ) -> "Axes":
        across = theme.log_domain(np.concatenate([points["x"], include[0]]).astype(float))
        values = np.concatenate([points["value"], lines["value"], include[1]]).astype(float)
        up = theme.log_domain(np.minimum(values, MOST))
        own = sorted({float(value) for value in points["x"]})
        return cls(axis, y_title, across, up, tuple(theme.ticks(*across) if axis == "beta" else own))

    def x(self, field: str = "x") -> alt.X:
        return listed_x(field, self.across, AXES[self.axis], self.ticks)

    def y(self) -> alt.Y:
        return log_y("value", self.up, self.y_title)


def study_table(result: StudyResult, quantities: Mapping[str, str], axis: str) -> Table:
    """A row per run and quantity: `x`, `value`, `series`, `network`, `seed`, `fitted` (whether the law counts it)."""
    parts, missing = [], 0
    for name, label in quantities.items():
        values = np.asarray(result[name], float)
        shown = np.isfinite(values) & (values > 0)
        missing += int(np.sum(~shown)) if not np.all(np.isnan(values)) else 0
        frame = result.to_frame().assign(value=values, series=label, fitted=result.resolved(name), x=result[axis])
        parts.append(frame[shown][["x", "value", "series", "width", "depth", "alpha", "seed", "fitted"]])
    frame = pd.concat(parts, ignore_index=True)
    said = f"{several(missing, 'value')} {are(missing)} not positive or not finite and {are(missing)} not drawn."
    notes = [said] if missing else []
    if beyond := int(np.sum(frame["value"] > MOST)):
        notes.append(f"{beyond} of {len(frame)} values {are(beyond)} above {MOST:,.0f}, off the axis.")
    return Table(frame, tuple(notes))


def law_table(result: StudyResult, quantities: Mapping[str, str], axis: str) -> pd.DataFrame:
    """Lines of the fitted laws along `axis`: `x`, `value`, `series` and `line`, one for each value of other axes."""
    columns = {"x": "float", "value": "float", "series": "object", "line": "object"}
    parts = [pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})]
    grid = np.geomspace(result[axis].min(), result[axis].max(), GRID)
    for name, label in quantities.items():
        law = _law(result, name, axis)
        if law is None:
            continue
        others = [other for other in law.exponents if other != axis]
        networks = set(zip(*(result[other] for other in others), strict=True)) or {()}
        for values in sorted(networks):
            fixed = dict(zip(others, map(float, values), strict=True))
            line = f"{label} {fixed}"
            parts.append(pd.DataFrame({"x": grid, "value": law.value(**{axis: grid}, **fixed), "series": label}))
            parts[-1]["line"] = line
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)


def law_chart(
    row: Laws, points: pd.DataFrame, lines: pd.DataFrame, axes: Axes, slopes: Mapping[str, str]
) -> alt.LayerChart:
    """Points of every seed and the lines of the laws; `slopes` says each law behind its name in the legend."""
    present = set(points["series"])
    names = {label: f"{label}{slopes.get(label, '')}" for label in row.series.values() if label in present}
    colour = by_series({name: SERIES_COLOURS[label] for label, name in names.items()}, columns=2)
    x, y = axes.x(), axes.y()
    network = ((f"{name}:Q", "", ".4~g") for name in ("width", "depth", "alpha", "seed"))
    said = tooltip(*network, ("value:Q", "", ".3~g"))
    points = points.assign(series=points["series"].map(names))
    layers = []
    if len(lines):
        drawn = alt.Chart(lines.assign(series=lines["series"].map(names)))
        drawn = drawn.mark_line(strokeWidth=theme.LINE, clip=True)
        layers.append(drawn.encode(x=x, y=y, color=colour, detail=alt.Detail("line:N")))
    for fitted in (True, False):
        some = points[points["fitted"] == fitted]
        if len(some):
            mark = alt.Chart(some).mark_point(size=46, filled=fitted, opacity=0.85, clip=True)
            layers.append(mark.encode(x=x, y=y, color=colour, tooltip=said))
    return layered(*layers, height=HEIGHT, title=theme.title(subtitle=row.subtitle))


def crossing_chart(
    points: pd.DataFrame,
    lines: pd.DataFrame,
    slopes: Mapping[str, str],
    error: float,
    crossings: Mapping[str, Crossing | None],
) -> alt.LayerChart:
    """Order 0 and P2 against beta, the chosen error, and the beta where each law reaches it with its 95% interval."""
    row = LAWS["study_crossing"]
    found = {row.series[name]: at for name, at in crossings.items() if name in row.series and at is not None}
    # A crossing may lie outside the study, but the axis does not follow it over decades.
    low, high = float(points["x"].min()) / FAR, float(points["x"].max()) * FAR
    near = [at.beta for at in found.values() if low < at.beta < high]
    axes = Axes.around(points, lines, "beta", row.y_title, (near, (error,)))
    row = replace(row, subtitle=f"dashed: the error {number(error)}; bands: 95%")
    chart = law_chart(row, points, lines, axes, slopes)
    level = alt.Chart(pd.DataFrame({"x": list(axes.across), "value": error}))
    layers = [*chart.layer, level.mark_line(color=theme.GREY, strokeDash=[6, 4]).encode(x=axes.x(), y=axes.y())]
    for label, at in found.items():
        if axes.across[0] <= at.beta <= axes.across[1]:
            start, end = np.clip(at.interval or (at.beta, at.beta), *axes.across)
            mark = alt.Chart(pd.DataFrame({"x": [at.beta], "start": [start], "end": [end]}))
            span = mark.mark_rect(color=SERIES_COLOURS[label], opacity=0.15)
            layers.append(span.encode(x=axes.x("start"), x2=alt.X2("end")))
            layers.append(mark.mark_rule(color=SERIES_COLOURS[label], strokeWidth=1.6).encode(x=axes.x()))
    chart.layer = layers
    return chart


def slope_labels(result: StudyResult, quantities: Mapping[str, str], axis: str) -> dict[str, str]:
    """Label -> its law along the axis with the interval, as ": n^−0.88 [−0.95, −0.80]"; empty without a law."""
    found = {}
    for name, label in quantities.items():
        law = _law(result, name, axis)
        if law is not None:
            interval = law.intervals.get(axis)
            between = f" [{signed(interval[0])}, {signed(interval[1])}]" if interval else ""
            found[label] = f": {SYMBOLS[axis]}^{signed(law.exponents[axis])}{between}"
    return found


def _law(result: StudyResult, name: str, axis: str) -> PowerLaw | None:
    return (result.beta_laws if axis == "beta" else result.laws).get(name)
