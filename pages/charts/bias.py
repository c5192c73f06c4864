"""The inductive bias in motion: spectrum with its fit, cumulative target power, strength of K_0's modes, angles."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from engine.rkhs.result import RkhsResult, SeedSpaces, SetName
from pages.charts import theme
from pages.charts.animated import (
    Moving,
    animated,
    by_rank,
    current,
    frames_of,
    half,
    legend_layer,
    line,
    points,
    positive,
    tooltips,
    wide,
)
from pages.charts.encodings import index_x, layered, linear_y, log_y, side_by_side, sized, stacked
from pages.charts.kernel import KERNEL, KERNEL_0, spectrum_panel
from pages.charts.space import error_panel, error_timeline

NAMES = {KERNEL: "kernel", KERNEL_0: "kernel_0"}
PANEL_HEIGHT = 210
RIGHT_ANGLE = 90.0


@dataclass(frozen=True)
class BiasTables(Moving):
    """What `bias_chart` draws of one seed on one set of points.

    Attributes:
        spectrum: as `pages.charts.kernel.spectrum_panel` takes it.
        fit: a row for each end of the power law: `i`, empty where there is none.
        power: cumulative target power: a row per mode `i`, with `start` (K_0).
        strength: u_i^T K_t u_i/(tr K_t/p): a row per mode `i` of K_0, with `start`.
        angles: principal angles in degrees: a row per `i`.
    """

    spectrum: pd.DataFrame
    fit: pd.DataFrame
    power: pd.DataFrame
    strength: pd.DataFrame
    angles: pd.DataFrame


def bias_tables(result: RkhsResult, index: int, where: SetName) -> BiasTables:
    """The tables of the seed at this position."""
    seed = result.seeds[index]
    eigenvalues, floor = seed[f"{where}/eigenvalues"], seed[f"{where}/floor"]
    modes = np.arange(1, eigenvalues.shape[1] + 1)
    shown, masked = positive(eigenvalues)
    limit = result.arrays.get(f"limit/{where}/eigenvalues", np.full(len(modes), np.nan))
    relative = float(np.max(np.divide(floor, eigenvalues[:, 0], out=np.zeros(len(floor)), where=eigenvalues[:, 0] > 0)))
    spectrum = by_rank(shown).assign(limit=wide(positive(limit)[0][None])["f0"], floor=relative)
    rank = seed[f"{where}/rank"].astype(int)
    # Modes under the noise floor have no order and no direction of their own.
    above = modes <= rank[:, None]
    power = np.where(above, np.cumsum(seed[f"{where}/target_power"], axis=1), np.nan)
    strength = positive(seed[f"{where}/mode_strength"])[0][:, : rank[0]]
    angles = np.degrees(seed[f"{where}/angles"])
    angles = np.where((np.minimum(rank, rank[0]) >= angles.shape[1])[:, None], angles, np.nan)
    note = f"{masked:,} of {eigenvalues.size:,} modes lie under the noise floor and are not drawn."
    return BiasTables(
        error_timeline(seed),
        (note,) if masked else (),
        spectrum,
        _fit(seed, where),
        by_rank(power),
        by_rank(strength),
        wide(angles).assign(i=np.arange(1, angles.shape[1] + 1)),
    )


def _fit(seed: SeedSpaces, where: SetName) -> pd.DataFrame:
    """The power law's line at its two ends, through the middle of the eigenvalues in between, in logarithms."""
    exponents, ranges = seed[f"{where}/decay_exponent"], seed[f"{where}/decay_range"].astype(int)
    first, last = int(ranges[0, 0]), int(ranges[:, 1].min())
    ends = np.array([first, max(last, first)], float)
    values = np.full((len(exponents), 2), np.nan)
    for row, (exponent, (low, high)) in enumerate(zip(exponents, ranges, strict=True)):
        if np.isfinite(exponent):
            log_i, log_l = np.log(np.arange(low, high + 1)), np.log(seed[f"{where}/eigenvalues"][row, low - 1 : high])
            # Uniform weight in log i, as the bins of the fit have.
            weight = np.exp(-log_i)
            middle_i, middle_l = np.average(log_i, weights=weight), np.average(log_l, weights=weight)
            values[row] = np.exp(middle_l - exponent * (np.log(ends) - middle_i))
    return wide(values).assign(i=ends)


def bias_chart(tables: BiasTables, width: int = theme.PAGE_WIDTH, start: int = 0) -> alt.VConcatChart:
    """A time line over four panels, moved together by one scrubber."""
    panels = _spectrum(tables), _power(tables.power), _strength(tables.strength), _angles(tables.angles)
    panels = sized(panels, half(width), PANEL_HEIGHT)
    rows = [side_by_side(two, spacing=20) for two in (panels[:2], panels[2:])]
    return animated(stacked([error_panel(tables.timeline, width), *rows], spacing=14), len(tables.timeline), start)


def _spectrum(tables: BiasTables) -> alt.LayerChart:
    """The spectrum of the Evolution page, with the fitted power law while there is one."""
    panel = spectrum_panel(tables.spectrum)
    fitted = bool(np.any(np.isfinite(frames_of(tables.fit))))
    said = "dashed red: power law, where one is fitted" if fitted else ""
    panel.title = theme.panel_title("How fast do eigenvalues decay?", said)
    if fitted:
        eigenvalues: Any = panel.layer[-1].encoding
        law = line(current(tables.fit), theme.CRIMSON, strokeDash=[6, 3])
        panel.layer = [*panel.layer, law.encode(x=eigenvalues.x, y=eigenvalues.y)]
    return panel


def _power(frame: pd.DataFrame) -> alt.LayerChart:
    x, title = index_x(len(frame), "mode i"), f"share of the target, {theme.symbol('target_power')}"
    y = partial(linear_y, domain=(0.0, 1.02), title=title)
    return layered(
        legend_layer(NAMES),
        line(alt.Chart(frame[["i", "start"]].dropna()), "kernel_0").encode(x=x, y=y("start")),
        line(current(frame), "kernel").encode(x=x, y=y("value")),
        title=theme.panel_title("How many modes hold the target?"),
    )


def _strength(frame: pd.DataFrame) -> alt.LayerChart:
    count = len(frame)
    domain = theme.log_domain(np.append(frames_of(frame).ravel(), frame["start"]))
    x, y = index_x(count, "mode i of K_0"), partial(log_y, domain=domain, title=theme.axis_title("mode_strength"))
    now = points(current(frame), "kernel", count, 18)
    return layered(
        legend_layer(NAMES),
        line(alt.Chart(frame[["i", "start"]].dropna()), "kernel_0").encode(x=x, y=y("start")),
        now.encode(x=x, y=y("value"), tooltip=tooltips(count, "i", "value")),
        title=theme.panel_title("Which modes of K_0 gain, which lose?"),
    )


def _angles(frame: pd.DataFrame) -> alt.LayerChart:
    x = alt.X("i:O", axis=alt.Axis(title="angle j", labelAngle=0, **theme.AXIS))
    y = linear_y("value", (0.0, RIGHT_ANGLE), f"{theme.axis_title('principal_angles')} in degrees")
    bars = current(frame).mark_bar(color=theme.COLOURS["kernel"], opacity=0.85, aria=False, tooltip=None)
    title = theme.panel_title("How far has the leading eigenspace turned?")
    return layered(bars.encode(x=x, y=y), title=title)
