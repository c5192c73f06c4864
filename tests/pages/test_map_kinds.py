"""The page Regime map of several kinds of network, or of one that has no β, without a browser."""

import io
import json
import re
from dataclasses import replace

import pandas as pd
import pytest
from pretend_engine import PretendEngine, texts
from regime_cells import stored
from streamlit.testing.v1 import AppTest

from cache import Failure
from cache.maps import Whole
from cache.run_folders import Record
from engine.regimes.config import DEFAULT_MAP, SweepConfig
from pages.run.draft_state import to_query
from pages.run.presets import shortest
from pages.run.settings import draft_of
from pages.shell.recipe import of_map
from pages.shell.shown import SHOWN
from pages.views.compared import picture_of
from pages.views.latex_conventions import of_map as conventions

SHAPES = {"map_depths": "1, 2, 4, 8", "map_widths": "16, 32, 64"}
GRID = {"network.depth": [1, 2, 4, 8], "network.width": [16, 32, 64]}
BESIDE = "beside residual"
LAW = {"scale": 0.8, "noise": 0.1}


def sweep_of(*kinds: str, grid: dict | None = None, **network: object) -> SweepConfig:
    values = {**DEFAULT_MAP.base, "network": {**DEFAULT_MAP.base["network"], **network}}
    many = {"network.kind": list(kinds)} if len(kinds) > 1 else {}
    if len(kinds) == 1:
        values["network"]["kind"] = kinds[0]
    return SweepConfig.from_dict({"base": values, "grid": {**(grid or GRID), **many}})


def known(pretend: PretendEngine, sweep: SweepConfig, **law: float) -> str:
    """Makes a map known; gives its key."""
    whole = Whole("sweep", sweep, sweep.groups)
    pretend.records[whole.key] = Record(whole.key, "sweep", sweep.to_dict(), "")
    pretend.results.update(stored(sweep, **{**LAW, **law}))
    return whole.key


def titles(app: AppTest) -> list[str]:
    return [json.dumps(json.loads(chart.proto.spec)["title"]["text"]) for chart in app.get("vega_lite_chart")]


def bold(app: AppTest) -> str:
    """The answer."""
    return next(element.value for element in app.markdown if element.value.startswith("**Beside"))


def test_kinds_beside_each_other_are_answered_bounded_and_drawn(pretend, opened):
    known(pretend, sweep_of("mlp", "resnet"))
    app = opened("regimes", map_networks=BESIDE, **SHAPES)
    assert not app.exception
    assert not app.error
    said = texts(app)
    assert said.startswith("Which kind of network is lazier at equal depth and width")
    found = re.search(
        r"the lazy error is ([\d.]+) times as large in residual ones \(95%: ([\d.]+) to ([\d.]+);", bold(app)
    )
    assert found
    ratio, low, high = map(float, found.groups())
    assert low < 0.5 < high  # that of the law they are made by
    assert ratio == pytest.approx(0.5, rel=0.1)
    assert "12 shapes" in bold(app)
    assert r"(exactly, by the law that goes as $\exp(5\beta)$)" in bold(app)
    assert r"in residual networks (95%: 0.818 to 1.22): branches of $1/\sqrt{L}$ damp it, and no growth" in bold(app)
    (lazy,) = [line for line in said.splitlines() if "Lazy training ends" in line]
    at = [float(text) for text in re.findall(r"\$ = ([\d.]+) \(90%", lazy)]
    assert at == pytest.approx([0.125, 0.25], rel=0.25)  # 0.1/0.8 and, at half the error, twice as far
    assert re.search(r"\$beta\$ = .* in fully connected networks and at \$L/n\$ = .* in residual networks", lazy)
    assert "The measured β of residual networks is" in said
    assert "it is determined in 12 of 12 cells" in said
    assert len(titles(app)) == 4
    assert "fully connected only" in said
    assert {button.key for button in app.button} >= {"report"}
    assert any(button.label == "Bundle (zip)" for button in app.get("download_button"))


def test_the_answer_follows_the_metric_and_falls_silent_where_it_is_not_compared(pretend, opened):
    known(pretend, sweep_of("mlp", "resnet"))
    drift = opened("regimes", map_networks=BESIDE, map_metric="drift", **SHAPES)
    assert "depth and width the drift is" in bold(drift)
    steps = opened("regimes", map_networks=BESIDE, map_metric="steps to the stop", **SHAPES)
    assert not steps.exception
    assert "Beside" not in texts(steps)
    assert "**From $L$ = 1 to 8 at $n$ = 16, $n,mathrm{CV}^2$" in texts(steps)


def test_one_kind_whose_cells_all_fail_costs_itself_only(pretend, opened):
    app = opened("regimes", map_networks=BESIDE, **SHAPES)
    app.button(key="run_sweep").click().run()
    results = stored(sweep_of("mlp", "resnet"), **LAW)
    for key, job in list(pretend.jobs.items()):
        if job.config.network.kind == "resnet":
            error = Failure("memory", "The cell does not fit into memory.")
            pretend.jobs[key] = replace(job, state="failed", error=error)
        else:
            pretend.results[key], pretend.jobs[key] = results[key], replace(job, state="finished")
    app.run()
    assert not app.exception
    said = texts(app)
    assert "Residual, depth 1, width 16: The cell does not fit into memory." in said
    assert "Residual: no cell is known, so nothing is said of it." in said
    assert "Fully connected: of 12 cells:" in said
    assert "Beside fully connected" not in said
    assert "in residual" not in said
    assert "Compute the other 12 of 24 cells" in [button.label for button in app.button]


def test_a_cancelled_map_of_kinds_goes_on_where_it_was(pretend, opened):
    app = opened("regimes", map_networks=BESIDE, **SHAPES)
    app.button(key="run_sweep").click().run()
    results = stored(sweep_of("mlp", "resnet"), **LAW)

    def finish(count: int) -> None:
        for key in [key for key, job in pretend.jobs.items() if not job.done][:count]:
            pretend.results[key], pretend.jobs[key] = results[key], replace(pretend.jobs[key], state="finished")
        app.run()
        assert not app.exception

    finish(5)
    app.button(key="cancel_sweep").click().run()
    assert "Cancelled; 5 of 24 cells are there" in texts(app)
    assert len(titles(app)) == 4  # what is known is drawn
    app.button(key="run_sweep").click().run()
    finish(99)
    assert "12 shapes" in bold(app)


def test_one_kind_without_a_beta_is_ordered_by_depth_over_width_and_says_so(pretend, opened):
    known(pretend, sweep_of("resnet", branch_scale="1/sqrt(L)"))
    app = opened("regimes", map_networks="residual", **SHAPES)
    assert not app.exception
    assert not app.error
    said = texts(app)
    assert said.startswith("Lazy, learning features, or unstable: does $L/n$ alone decide?")
    assert "L/n = 0.0156 to 0.5" in said
    assert "at equal L/n the lazy error of cells differs" in said
    assert re.search(r"Lazy training ends.*: at \$L/n\$ = 0\.2", said)
    assert "Does L/n alone decide?" in said
    rest = re.sub(r"measured β|exp\(5.?beta\)", "", said)
    assert "β" not in rest
    assert "beta" not in rest
    charts = " ".join(chart.proto.spec for chart in app.get("vega_lite_chart"))
    assert "hidden layers over width" not in charts
    assert r"\u03b2 = 1/" not in charts  # no lines of beta
    assert "L/n: depth over width" in charts


def test_the_branch_scale_is_a_setting_of_residual_maps(pretend, opened):
    app = opened("regimes", map_networks="residual", map_branch="1", **SHAPES)
    app.button(key="run_sweep").click().run()
    assert {job.config.network.branch for job in pretend.jobs.values()} == {1.0}


def test_output_scale_and_depth_over_width_of_kinds_without_a_beta(pretend, opened):
    query = {"map_map": "alpha and beta", "map_kinds": BESIDE, "map_alphas": "0.5, 2", "map_ratios": "0.125, 0.5"}
    app = opened("regimes", **query)
    app.button(key="run_sweep").click().run()
    assert {(job.config.network.kind, job.config.network.width) for job in pretend.jobs.values()} == {
        (kind, width) for kind in ("mlp", "resnet") for width in (8, 32)
    }
    pretend.results.update(stored(sweep_of("mlp", "resnet", depth=4, grid={"network.alpha": [0.5, 2.0],
        "network.width": [8, 32]}), **LAW))  # fmt: skip
    app = opened("regimes", **query)
    assert not app.exception
    said = texts(app)
    assert "Fully connected: at $beta$ = 0.125 the lazy error" in said
    assert "Residual: at $L/n$ = 0.125 the lazy error" in said
    axes = " ".join(chart.proto.spec for chart in app.get("vega_lite_chart"))
    assert "L/n: depth over width" in axes


def test_widths_that_a_ratio_makes_too_large_are_said_at_its_control(pretend, opened):
    app = opened("regimes", map_map="alpha and beta", map_kinds="residual", map_ratios="1e-9")
    assert not app.exception
    assert any(error.value.startswith("L/n: depth over width:") for error in app.error), [e.value for e in app.error]


@pytest.mark.parametrize(
    "query",
    [
        {"map_networks": "convolutional"},
        {"map_map": "alpha and beta", "map_kinds": "convolutional"},
        {"map_networks": "beside residual and convolutional", "map_data": "circle"},
    ],
)
def test_convolutions_on_points_are_refused_at_their_control(query, pretend, opened):
    app = opened("regimes", **query)
    assert not app.exception
    assert any(error.value.startswith("networks: conv takes images") for error in app.error)
    assert not pretend.asked


def test_an_old_link_opens_what_it_opened(pretend, opened):
    """The map of α and β took no notice of other kinds; a map of fully connected networks has the key that it had."""
    app = opened("regimes", map_map="alpha and beta", map_networks=BESIDE, map_betas="0.1, 0.5", map_alphas="1, 2")
    assert not app.warning
    app.button(key="run_sweep").click().run()
    assert {job.config.network.kind for job in pretend.jobs.values()} == {"mlp"}
    assert DEFAULT_MAP.hash == "40a9ca9a49d44038f2ca6c38f563c069d0564941864408fd256111e4119bfc35"


def test_a_held_map_of_kinds_stays_beside_the_next_kind_by_kind(pretend, opened):
    key = known(pretend, sweep_of("mlp", "resnet"), noise=0.0)
    known(pretend, sweep_of("mlp", "resnet", activation="tanh"), noise=0.0, scale=1.6)
    app = opened("regimes", map_networks=BESIDE, **SHAPES)
    next(button for button in app.button if button.label == "Hold").click().run()
    assert "This map is held" in texts(app)
    app.selectbox(key="map_activation").set_value("tanh").run()
    assert not app.exception
    said = texts(app)
    assert "Held: **activation** relu → tanh" in said
    assert said.count("Of 12 cells on both maps, the lazy error is larger on the second in 12") == 2
    assert said.count("times as large in residual ones") >= 3  # the answer, and both beside each other
    alone = opened("regimes", map_networks="residual", map_held=key, **SHAPES)
    assert not alone.exception
    assert picture_of(key) is not None


def test_what_explains_a_map_of_kinds_is_what_its_charts_have(pretend, opened):
    known(pretend, sweep_of("mlp", "resnet"))
    figures = opened("regimes", map_networks=BESIDE, **SHAPES).session_state[SHOWN].figures
    found = {figure.name: set(figure.quantities) for figure in figures}
    on_all = {"map.comparable", "map.elt", "map.failed"}
    assert found["regime_map_mlp"] == {*on_all, "map.stochastic"}
    assert found["regime_map_resnet"] == {*on_all, "map.cv2"}  # no exact law, so no edge is drawn
    assert found["regime_metric"] == {"map.elt", "map.kinds", "map.boundary", "map.comparable"}  # no law is fitted


def test_a_map_of_kinds_goes_home_with_its_conventions(pretend):
    sweep = sweep_of("mlp", "resnet")
    known(pretend, sweep)
    said = conventions(sweep)
    assert r"\beta = \sum_l 1/n_l" in said
    assert "Networks: (1) a fully connected network; NTK parameterization, relu; (2) a residual network, " in said
    assert "measured" in said
    assert said.isascii()
    assert said.count("$") % 2 == 0
    recipe = of_map(sweep, pd.DataFrame({"kind": ["mlp", "resnet"], "beta": [0.5, 0.5]}))
    kept = pd.read_parquet(io.BytesIO(recipe.numbers["runs.parquet"]()))
    assert kept["beta"].isna().tolist() == [False, True]
    assert kept["depth_per_width"].tolist() == [0.5, 0.5]


def test_a_clicked_cell_of_a_residual_map_opens_with_its_measured_beta(pretend, opened):
    sweep = sweep_of("mlp", "resnet")
    known(pretend, sweep)
    cell = next(cell for cell in sweep.cells if cell.run.network.kind == "resnet" and cell.run.network.depth == 4)
    app = opened(
        "evolution", **to_query(shortest(draft_of(cell.run.to_dict())[0])), v_map="map_networks=beside+residual"
    )
    assert not app.exception
    assert "On the map this cell is" in texts(app)
    (shown,) = [metric for metric in app.metric if metric.label == "measured β"]
    assert 0 < float(shown.value) < 4 / cell.run.network.width
