"""The page Regime map in every state, without a browser."""

import json
import re
from dataclasses import replace

import pytest
from pretend_engine import MAIN, PretendEngine, charts, question, texts
from regime_cells import part, stored
from streamlit.testing.v1 import AppTest

from cache import Failure
from engine.config import RunConfig
from engine.regimes.config import DEFAULT_MAP, SweepConfig
from engine.regimes.result import Thresholds
from pages.run.draft_state import from_query, to_query
from pages.run.presets import shortest
from pages.run.settings import config_of, draft_of
from pages.views import regime_map
from pages.views.map_controls import DATA, MAPS

SMALL = {"map_depths": "2, 4", "map_widths": "8, 16, 32"}
OTHERS = {
    "alpha and beta": {"map_alphas": "0.1, 1", "map_betas": "0.1, 0.5"},
    "rate and width": {"map_rates": "0.5, 1.9, 4", "map_widths": "8, 32"},
}


def keys(app: AppTest) -> set[str | None]:
    return {button.key for button in app.button}


def asked(pretend: PretendEngine) -> list[RunConfig]:
    return [job.config for job in pretend.jobs.values()]  # pyright: ignore[reportReturnType]


def finish(pretend: PretendEngine, count: int, **law: float) -> None:
    """Ends so many of the jobs under way."""
    flying = [key for key, job in pretend.jobs.items() if not job.done]
    for key in flying[:count]:
        pretend.results[key] = part(pretend.jobs[key].config, **law)  # pyright: ignore[reportArgumentType]
        pretend.jobs[key] = replace(pretend.jobs[key], state="finished")


def test_opens_with_the_default_map_and_computes_nothing_by_itself(pretend, opened):
    app = opened("regimes")
    assert not app.exception
    assert not app.error
    assert not pretend.asked
    assert next(b for b in app.button if b.key == "run_sweep").label == "Compute 30 cells"
    assert re.search(r"About \d+ (s|min) of computing", texts(app))
    assert len(charts(app)) == 1  # the plan, with the exact edge of the stochastic kernel
    app.button(key="run_sweep").click().run()
    assert {run.hash for run in asked(pretend)} == {part.hash for group in DEFAULT_MAP.groups for part in group}


def test_run_then_watch_cells_come_then_read(pretend, opened):
    app = opened("regimes", **SMALL)
    app.button(key="run_sweep").click().run()
    assert not app.exception
    assert "0 of 6 cells" in texts(app)
    widths = [config.network.width for config in asked(pretend)]
    assert sorted(widths) == [8, 8, 16, 16, 32, 32]
    assert widths[0] == 8  # cheap ones first
    finish(pretend, 2)
    app.run()
    assert "2 of 6 cells" in texts(app)
    assert len(charts(app)) == 2
    finish(pretend, 9)
    app.run()
    assert not app.exception
    said = texts(app)
    assert "6 cells of 4 networks took 12 s of computing; estimated" in said
    assert "Of 6 cells:" in said
    assert "run_sweep" not in keys(app)
    assert len(charts(app)) == 3
    for spec in charts(app):
        assert question(spec).endswith("?")


def test_cancel_and_go_on(pretend, opened):
    app = opened("regimes", **SMALL)
    app.button(key="run_sweep").click().run()
    finish(pretend, 2)
    app.run()
    app.button(key="cancel_sweep").click().run()
    assert {job.state for job in pretend.jobs.values()} == {"finished", "cancelled"}
    assert "Cancelled; 2 of 6 cells are there" in texts(app)
    assert next(b for b in app.button if b.key == "run_sweep").label == "Compute the other 4 of 6 cells"
    app.button(key="run_sweep").click().run()
    assert "2 of 6 cells" in texts(app)
    finish(pretend, 9)
    app.run()
    assert not app.exception
    assert "Of 6 cells:" in texts(app)


def test_a_sweep_in_place_of_another_gives_the_former_up(pretend, opened):
    app = opened("regimes", **SMALL)
    app.button(key="run_sweep").click().run()
    first = set(pretend.jobs)
    app.text_input(key="map_widths").set_value("64").run()
    assert not app.exception
    assert "run_sweep" in keys(app)  # what was asked for before is no order for this
    app.button(key="run_sweep").click().run()
    assert {pretend.jobs[key].state for key in first} == {"cancelled"}
    assert "0 of 2 cells" in texts(app)


def test_who_comes_while_all_that_is_missing_is_under_way_watches_it_too(pretend, opened):
    first = opened("regimes", **SMALL)
    first.button(key="run_sweep").click().run()
    second = opened("regimes", **SMALL)
    assert not second.exception
    assert "cancel_sweep" in keys(second)
    assert len(pretend.jobs) == 6
    first.text_input(key="map_widths").set_value("8").run()  # of the same sweep: watched, and nothing is given up
    assert "0 of 2 cells" in texts(first)
    assert {job.state for job in pretend.jobs.values()} == {"queued"}


def test_a_cell_that_fails_costs_itself_only_and_says_why(pretend, opened):
    app = opened("regimes", **SMALL)
    app.button(key="run_sweep").click().run()
    for key, job in list(pretend.jobs.items()):
        if job.config.network.width == 16:  # pyright: ignore[reportAttributeAccessIssue]
            error = Failure("memory", "The cell does not fit into memory.")
            pretend.jobs[key] = replace(job, state="failed", error=error)
    finish(pretend, 9)
    app.run()
    assert not app.exception
    said = texts(app)
    assert "Depth 2, width 16: The cell does not fit into memory." in said
    assert "Of 4 cells:" in said
    assert "Compute the other 2 of 6 cells" in [b.label for b in app.button]


def test_more_networks_keep_what_is_known(pretend, opened):
    pretend.results.update(stored(sweep(seeds=(0, 1, 2, 3))))
    app = opened("regimes", **SMALL)
    assert "run_sweep" not in keys(app)
    app = opened("regimes", **SMALL, map_seeds="8")
    app.button(key="run_sweep").click().run()
    waiting = [job for key, job in pretend.jobs.items() if key not in pretend.results]
    assert {job.config.seeds for job in waiting} == {(4, 5, 6, 7)}  # pyright: ignore[reportAttributeAccessIssue]


def sweep(seeds: tuple[int, ...] = (0, 1, 2, 3)) -> SweepConfig:
    grid = {"network.depth": (2, 4), "network.width": (8, 16, 32)}
    return SweepConfig.from_dict({"base": DEFAULT_MAP.base, "grid": grid, "seeds": seeds})


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("colour", ["regime", "metric"])
def test_every_map_is_computed_and_read(name, colour, pretend, opened):
    query = {"map_map": name, "map_colour": colour, "map_metric": "drift", **OTHERS.get(name, SMALL)}
    app = opened("regimes", **query)
    app.button(key="run_sweep").click().run()
    assert not app.exception
    finish(pretend, 99)
    app.run()
    assert not app.exception
    assert not app.error
    said = texts(app)
    expected = {
        "depth and width": "Lazy training ends",
        "alpha and beta": "β alone does not decide",
        "rate and width": "still train at n = 8 and 32",
    }[name]
    assert expected in said
    assert all(question(spec).endswith("?") for spec in charts(app))


def test_the_same_map_of_other_networks_stands_beside_it(pretend, opened):
    app = opened("regimes", map_networks="beside residual and convolutional", map_data="digits", **SMALL)
    assert not app.exception
    assert not app.error
    app.button(key="run_sweep").click().run()
    kinds = [config.network.kind for config in asked(pretend)]
    assert {kind: kinds.count(kind) for kind in kinds} == {"mlp": 6, "resnet": 6, "conv": 6}
    finish(pretend, 99)
    app.run()
    assert not app.exception
    assert "18 cells of 4 networks took 36 s of computing" in texts(app)
    titles = [json.dumps(spec["title"]) for spec in charts(app)]
    assert ["Residual" in title for title in titles] == [False, True, False, False, False]


def test_convolutions_on_points_without_a_shape_are_refused_at_their_control(pretend, opened):
    app = opened("regimes", map_networks="beside residual and convolutional", **SMALL)
    assert not app.exception
    assert any("conv takes images" in error.value for error in app.error)
    assert not pretend.asked


def test_thresholds_move_labels_and_words_but_compute_nothing(pretend, opened):
    pretend.results.update(stored(DEFAULT_MAP))
    app = opened("regimes")
    assert not pretend.asked
    before = texts(app)
    assert "elt ≤ 0.1: the frozen kernel" in before
    app.slider(key="map_lazy").set_value(0.3).run()
    after = texts(app)
    assert "elt ≤ 0.3: the frozen kernel" in after
    assert counted("lazy", after) > counted("lazy", before)
    edges = [float(re.search(r"elt = 0\.\d\): at \$beta\$ = ([\d.]+)", said)[1]) for said in (before, after)]  # pyright: ignore[reportOptionalSubscript]
    assert edges == pytest.approx([0.025, 0.075], rel=0.25)
    app.slider(key="map_spread").set_value(10.0).run()
    assert counted("unstable: stochastic kernel", texts(app)) < counted("unstable: stochastic kernel", after)
    assert not pretend.asked
    assert not app.exception


def counted(regime: str, said: str) -> int:
    found = re.search(rf"(\d+) {regime}\b", said)
    return int(found[1]) if found else 0


def test_thresholds_travel_in_the_link(pretend, opened):
    assert "elt > 0.8" in texts(opened("regimes", map_strong="0.8"))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"map_depths": "2, x"}, "'x' given"),
        ({"map_depths": "2, 2"}, "repeats a value"),
        ({"map_widths": "0"}, "'0' given"),
        ({"map_widths": ",".join(str(k) for k in range(1, 15))}, "14 given"),
        ({"map_widths": "65536", "map_depths": "64"}, "of memory needed"),
        ({"map_alpha": "-1"}, "'-1' given"),
        ({"map_alpha": "nan"}, "'nan' given"),
        ({"map_size": "1"}, "'1' given"),
        ({"map_size": "300", "map_data": "parity"}, "training points M: 8 allows 256 points"),
        ({"map_seeds": "5"}, "'5' in the link is unknown"),
        ({"map_lazy": "7"}, "lazy up to elt: '7' in the link is unknown"),
        ({"width": "8", "map_colour": "metric"}, "'width': no such setting, left out."),
        ({"map_width": "8"}, "'map_width': no such setting, left out. Did you mean 'map_widths'?"),
        (
            {"map_map": "alpha and beta", "map_betas": "1e-9"},
            "β = Σ 1/n_l over hidden layers: 1e-09 makes network.width 4000000000 where",
        ),
        ({"map_map": "alpha and beta", "map_betas": "0.1, 0.1001"}, "5 cells left out"),
        ({"map_data": "mnist"}, "mnist"),
        ({"map_map": "beta and gamma"}, "beta and gamma"),
        ({"map_map": "alpha and beta", "map_alphas": "0.1, -3"}, "'-3' given"),
        ({"map_map": "alpha and beta", "map_betas": "soon"}, "'soon' given"),
        ({"map_map": "rate and width", "map_rates": "0.5, inf"}, "'inf' given"),
        ({"map_map": "rate and width", "map_rates": "0.5, 100"}, "numbers above 0 and up to 20"),
        ({"map_map": "rate and width", "map_depth": "0"}, "'0' given"),
    ],
)
def test_what_the_page_refuses_it_explains(query, said, pretend, opened):
    app = opened("regimes", **query)
    assert not app.exception
    assert said in texts(app), texts(app)
    assert not pretend.asked


def test_a_setting_of_another_map_is_no_stranger(pretend, opened):
    assert "left out" not in " ".join(texts(opened("regimes", map_betas="0.1, 0.2", map_q="0.5")))


@pytest.mark.parametrize("name", MAPS)
def test_a_cell_opens_with_the_same_config(name, pretend, opened):
    query = {"map_map": name, **OTHERS.get(name, SMALL), "map_data": "circle", "map_activation": "erf"}
    app = opened("regimes", **query)
    app.button(key="run_sweep").click().run()
    assert pretend.jobs
    for run in asked(pretend):
        draft, remarks = from_query(to_query(shortest(draft_of(run.to_dict())[0])))
        assert not remarks
        assert config_of(draft) == run


def test_pages_that_a_click_opens_are_in_the_menu():
    menu = MAIN.read_text()
    assert all(f'"{file}"' in menu for file in regime_map.OPENS.values())


def test_every_dataset_makes_a_map():
    for data in DATA.values():
        values = {"base": {**DEFAULT_MAP.base, "data": {**data, "size": 16}}, "grid": {"network.width": (8,)}}
        assert SweepConfig.from_dict(values).cells[0].run.data.size == 16


def test_another_activation_has_no_exact_edge(pretend, opened):
    app = opened("regimes", map_activation="tanh", **SMALL)
    assert not app.exception
    assert "CV² = 1" not in json.dumps(charts(app)[0], ensure_ascii=False)
    assert "CV² = 1" in json.dumps(charts(opened("regimes", **SMALL))[0], ensure_ascii=False)


def test_the_sliders_cannot_put_strong_below_lazy(pretend, opened):
    app = opened("regimes")
    assert app.slider(key="map_lazy").max <= app.slider(key="map_strong").min
    values = {name: app.slider(key=f"map_{name}").value for name in ("lazy", "strong", "spread", "failed")}
    assert Thresholds(**values) == Thresholds()
