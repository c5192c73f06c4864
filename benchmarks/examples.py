"""The faint pictures of pages where nothing is computed yet, of runs computed here: `python -m benchmarks.examples`.

Of the preset "space_moves" where a page shows a run, and of the default settings of the whole kernel.
"""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("JAX_ENABLE_X64", "1")

import altair as alt
import vl_convert

from cache import Store, cached_compute
from engine.initialisation.config import GramSpectrumConfig
from engine.initialisation.result import GramResult
from engine.perturbation.config import PerturbationConfig, StudyConfig
from engine.perturbation.result import PerturbationResult, StudyResult
from engine.regimes.config import DEFAULT_MAP
from engine.regimes.result import Thresholds
from engine.rkhs.config import RkhsConfig
from engine.rkhs.result import RkhsResult
from engine.schema import Config
from engine.training.result import RunResult
from pages.charts import evolution, expansion, growth, initial_law, space_curves, study
from pages.charts.specification import data_as
from pages.run.presets import PRESETS
from pages.run.settings import config_of
from pages.shell.example import FOLDER, HEIGHT
from pages.shell.jobs import Standing
from pages.views.map_controls import MAPS
from pages.views.map_figures import Picture, View, plane_chart

GREY = "#808080"
"""Readable on white and on black."""
LOOK: dict[str, Any] = {
    "background": "transparent",
    "view": {"stroke": None},
    "axis": {"gridColor": GREY, "gridOpacity": 0.3, "domainColor": GREY, "labelColor": GREY, "titleColor": GREY},
    "legend": {"labelColor": GREY, "titleColor": GREY},
    "title": {"color": GREY, "subtitleColor": GREY},
}
WIDTH = 560
RUN = config_of(PRESETS["space_moves"].draft)
STUDIED = {
    "data": {"name": "circle", "size": 16, "test_size": 16, "frequencies": [1, 2]},
    "network": {"depth": 3, "activation": "erf"},
    "training": {"stability_fraction": 0.2, "max_steps": 400, "checkpoints": 30},
    "seeds": [0, 1, 2],
}
GRAM = {"setting": {"widths": [10, *[10_000] * 3, 1]}, "points": 32, "draws": 100, "seed": 0}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        compute = partial(cached_compute, Store(Path(folder)))
        for name, chart in charts(compute):
            (FOLDER / f"{name}.svg").write_bytes(drawn(chart))


def charts(compute: Callable[[str, Config], Any]) -> Iterator[tuple[str, Any]]:
    """With the names of their pages."""

    def along(curve: Any, result: Any, *chosen: Any) -> Any:
        return curve.chart(curve.table(result, *chosen).frame, log_time=True)

    run = RunResult.from_arrays(dict(compute("run", RUN)))
    yield "evolution", along(evolution.CURVES["drift"], run)
    orders = PerturbationResult.from_arrays(dict(compute("perturbation", PerturbationConfig.of(RUN))))
    yield "perturbation", along(expansion.OVER_TIME["order_error"], orders, ("P2",))
    spaces, curves = (
        RkhsResult.from_arrays(dict(compute("rkhs", RkhsConfig.from_dict({"run": RUN.to_dict()})))),
        space_curves.CURVES,
    )
    yield "norms", along(curves["norm_target"], spaces, "held_out")
    yield "function_space", growth.growth_chart(growth.growth_table(spaces.seeds[0]).frame)
    yield "inductive_bias", along(curves["alignment"], spaces)
    yield "generalisation", along(curves["kernel_error"], spaces, False)
    gram = GramResult.from_arrays(dict(compute("gram_spectrum", GramSpectrumConfig.from_dict(GRAM))))
    yield "study", study_chart(compute)
    yield "regimes", map_chart(compute)
    yield "initial_kernel", initial_law.spectrum_chart(initial_law.spectrum_table(gram).frame, "100 draws")


def study_chart(compute: Callable[[str, Config], Any]) -> Any:
    """The errors of each order over four widths."""
    config = StudyConfig.from_dict({"run": STUDIED, "widths": [32, 64, 128, 256]})
    result, row = StudyResult.from_arrays(dict(compute("perturbation_study", config))), study.LAWS["study_errors"]
    points, lines = study.study_table(result, row.series, "beta").frame, study.law_table(result, row.series, "beta")
    axes = study.Axes.around(points, lines, "beta", row.y_title)
    return study.law_chart(row, points, lines, axes, study.slope_labels(result, row.series, "beta"))


def map_chart(compute: Callable[[str, Config], Any]) -> Any:
    """The map over depth and width that its page opens with, of fewer cells."""
    grid = {"network.depth": (2, 4, 8, 16), "network.width": (8, 16, 32, 64, 128)}
    sweep = DEFAULT_MAP.model_copy(update={"grid": grid})
    results = {one.hash: compute("cell", one) for group in sweep.groups for one in group}
    view = View("elt", False, Thresholds())
    return plane_chart(Picture(MAPS["depth and width"], sweep, Standing(sweep.groups, results), view))


def drawn(chart: Any) -> bytes:
    """As SVG on no background."""
    with data_as(alt.to_values):
        spec = chart.to_dict()
    for part in ("usermeta", "config", "params"):
        spec.pop(part, None)
    return vl_convert.vegalite_to_svg({**spec, "width": WIDTH, "height": HEIGHT}, config=LOOK).encode()


if __name__ == "__main__":
    main()
