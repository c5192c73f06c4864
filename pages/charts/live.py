"""Curves that grow while a run trains."""

import altair as alt
import pandas as pd

from pages import theme
from pages.charts.band import bands
from pages.charts.look import Look
from pages.charts.over_time import COLUMNS

LOG_VALUES = ("loss", "residual", "train_error", "test_error")


def live_curve(rows: pd.DataFrame, name: str, log_time: bool = True) -> alt.LayerChart:
    """One quantity so far, a line with points per seed.

    Args:
        rows: one per seed and checkpoint, in any order: `seed`, `t` and the quantity (`engine.progress.Progress.rows`).
            No rows, or rows without the quantity, give empty axes.
        name: of `engine.quantities`.
    """
    log_value = name in LOG_VALUES
    seeds = sorted(set(rows["seed"])) if len(rows) and name in rows else []
    palette = dict(zip([f"seed {seed}" for seed in seeds], _colours(name, len(seeds)), strict=True))
    look = Look(
        f"{theme.QUANTITIES[name].label.capitalize()} so far",
        theme.axis_title(name),
        palette,
        log_value=log_value,
        include=() if log_value else (0.0,),
        points=True,
    )
    return bands(
        _frame(rows, name, log_value) if seeds else _frame(_NOTHING.assign(**{name: []}), name, log_value),
        look,
        log_time,
    )


_NOTHING = pd.DataFrame({"seed": [], "t": []}, dtype=float)


def _frame(rows: pd.DataFrame, name: str, log_value: bool) -> pd.DataFrame:
    rows = rows[["seed", "t", name]].astype({"t": float, name: float}).rename(columns={name: "value"})
    rows = rows[rows["value"].abs() < float("inf")]
    rows = (rows[rows["value"] > 0] if log_value else rows).sort_values(["seed", "t"])
    series = "seed " + rows["seed"].astype(int).astype(str)
    return rows.assign(series=series, part="all", low=rows["value"], high=rows["value"]).reindex(columns=COLUMNS)


def _colours(name: str, count: int) -> list[str]:
    """The quantity's own colour for the first seed; further seeds cycle through the ordered ones."""
    others = [colour for colour in theme.ORDERED if colour != theme.COLOURS[name]]
    return [theme.COLOURS[name], *(others[index % len(others)] for index in range(count))][:count]
