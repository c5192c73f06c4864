"""Hold: a run stays beneath the charts of the next ones, with what differs and both answers, until it is released."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import regime_cells
from pretend_engine import RUNS, SMALL, texts
from streamlit.testing.v1 import AppTest

from cache.maps import Whole
from cache.run_folders import Record
from engine import jobs
from engine.config import RunConfig
from engine.initialisation.config import BruteForceConfig, GramSpectrumConfig, SampleConfig
from engine.initialisation.job import gram_spectra, sample
from engine.progress import silent
from engine.regimes.config import DEFAULT_MAP, SweepConfig
from pages.charts.specification import Specification
from pages.charts.specification import figure as as_file
from pages.run.differing import from_to, settings_in
from pages.shell import held
from pages.shell.answer import DIGITS
from pages.shell.figure import Figure, _draw
from pages.views import hold_parts
from pages.views.compare_words import relabelled
from pages.views.hold_curves import Drawn
from pages.views.hold_settings import read, written
from pages.views.initial_curves import Span
from pages.views.initial_draws import Draws
from pages.views.initial_network import Curves, Network

GRID = {"network.depth": [1, 2, 4], "network.width": [8, 16]}


def config_of(width: int = 16, **more: object) -> RunConfig:
    return RunConfig.from_dict({**SMALL, "network": {"depth": 1, "width": width}, **more})


@pytest.fixture
def known(pretend, small_arrays):
    """Makes runs of a width known, with their results; those of `SMALL` serve all, for only settings differ here."""

    def make(*widths: int, there: bool = True) -> list[str]:
        found = []
        for width in widths:
            config = config_of(width)
            key = jobs.key("run", config)
            meta = json.loads(str(small_arrays["meta"])) | {"config": config.to_dict(), "config_hash": config.hash}
            if there:
                pretend.results[key] = {**small_arrays, "meta": np.array(json.dumps(meta))}
            pretend.records[key] = Record(key, "run", config.to_dict(), "", "finished")
            found.append(key)
        return found

    return make


def specs(app: AppTest) -> list[str]:
    return [chart.proto.spec for chart in app.get("vega_lite_chart")]


def buttons(app: AppTest) -> list[str]:
    return [button.label.replace("\\", "") for button in app.button]


def in_the_address(app: AppTest, name: str = held.NAME) -> str:
    """A page that wrote nothing has a list."""
    value = app.query_params[name]
    return value if isinstance(value, str) else value[0]


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label.replace("\\", "") == label).click().run()
    assert not app.exception
    return app


def test_what_is_held_is_in_the_address_and_says_so(known, opened):
    (key,) = known(16)
    app = opened("evolution", run=key)
    assert not any("held: " in spec for spec in specs(app))
    press(app, "Hold")
    assert in_the_address(app) == key
    assert "This run is held" in texts(app)
    assert not any("held: " in spec for spec in specs(app))
    press(app, "Release")
    assert "held" not in app.query_params
    assert "Hold" in buttons(app)


def test_a_held_run_stands_beneath_every_chart_with_its_answer_beside(known, opened):
    held_one, present = known(16, 32)
    app = opened("evolution", run=present, held=held_one)
    assert not app.exception
    said = texts(app)
    assert "Held: **width** 16 → 32; seeds the same." in said
    assert said.count("By the stop $K_t$ has moved by") == 2
    assert "this run, width 32" in said
    assert "held: width 16" in said
    charts = specs(app)
    assert len(charts) == 9
    assert all("held: width 16" in spec for spec in charts)
    press(app, "Release width 16")
    assert not any("held: " in spec for spec in specs(app))


def test_several_are_named_by_what_tells_them_apart_and_drawn_in_their_own_dashes(known, opened):
    *others, present = known(8, 16, 64, 32)
    app = opened("evolution", run=present, held=",".join(others))
    assert "They differ in **width** (8 / 16 / 64 / 32)" in texts(app)
    (one,) = {json.dumps(_dashes(json.loads(spec))) for spec in specs(app) if _dashes(json.loads(spec))}
    assert json.loads(one) == {"held: width 8": [2, 2], "held: width 16": [9, 3], "held: width 64": [9, 3, 2, 3]}


def _dashes(spec: dict) -> dict[str, list[int]]:
    for layer in spec.get("layer", ()):
        if "strokeDash" in layer["encoding"]:
            scale = layer["encoding"]["strokeDash"]["scale"]
            return dict(zip(scale["domain"], scale["range"], strict=True))
    return {}


def test_no_more_than_five_are_held(known, opened):
    *others, present = known(4, 8, 12, 16, 24, 32)
    app = opened("evolution", run=present, held=",".join(others))
    button = next(button for button in app.button if button.label == "Hold")
    assert button.disabled
    assert "5 are held" in button.help
    more = opened("evolution", run=present, held=",".join([*others, "f" * 64]))
    assert in_the_address(more) == ",".join(others)
    assert "6 results given, at most 5 allowed" in texts(more)


def test_one_that_is_not_here_any_more_says_so_in_a_line_and_can_be_released(known, opened):
    (present,) = known(16)
    app = opened("evolution", run=present, held="e" * 64)
    assert hold_parts.GONE in texts(app)
    assert not any("held: " in spec for spec in specs(app))
    press(app, "Release a held run")
    assert hold_parts.GONE not in texts(app)


def test_one_without_a_result_on_this_page_offers_to_compute_it(pretend, known, opened):
    (present,), (other,) = known(16), known(64, there=False)
    app = opened("evolution", run=present, held=other)
    assert "This page has no result of it yet." in texts(app)
    press(app, "Compute it")
    assert {key for key, _ in pretend.asked} == {other}


def test_what_is_held_waits_while_the_next_run_is_not_computed(known, opened):
    (other,) = known(16)
    app = opened(
        "evolution", size="12", test_size="16", frequencies="1, 2", amplitudes="", depth="1", width="48", held=other
    )
    assert "**width** 16 → 48" in texts(app)
    assert "Release width 16" in buttons(app)
    app.text_input(key="setting width").set_value("50").run()
    assert "**width** 16 → 50" in texts(app)
    assert in_the_address(app) == other


def test_another_page_keeps_it(known, opened):
    held_one, present = known(16, 32)
    app = opened("evolution", run=present, held=held_one)
    app.switch_page("norms.py").run()
    assert not app.exception
    assert "Held: **width** 16 → 32" in texts(app)
    assert in_the_address(app) == held_one


def test_a_second_visit_with_held_runs_prepares_nothing(known, opened, monkeypatch):
    held_one, present = known(16, 32)
    done: Counter[str] = Counter()
    old = Specification.of

    def counted(chart):
        done["charts"] += 1
        return old(chart)

    monkeypatch.setattr(Specification, "of", counted)
    opened("evolution", run=present, held=held_one)
    prepared = Counter(done)
    again = opened("evolution", run=present, held=held_one)
    assert all("held: " in spec for spec in specs(again))
    assert done == prepared
    assert not any("held: " in spec for spec in specs(opened("evolution", run=present)))


def test_a_file_and_the_data_hold_what_is_drawn(known, opened, monkeypatch):
    held_one, present = known(16, 32)
    shown: list[Figure] = []
    monkeypatch.setattr("pages.shell.figure._draw", lambda figure: shown.append(figure) or _draw(figure))
    opened("evolution", run=present, held=held_one)
    figure = next(figure for figure in shown if figure.name == "drift")
    assert "held: width 16" in as_file(figure.draw(), "svg").decode()
    assert figure.frame is not None
    assert set(figure.frame["run"]) == {"this run", "width 16"}
    assert (figure.frame["run"] == "this run").sum() > (figure.frame["run"] == "width 16").sum() > 0


# Words.


def test_what_differs_is_said_from_the_held_to_the_present_run():
    one, other = (settings_in(config_of(width, seeds=seeds).to_dict()) for width, seeds in ((16, [0, 1]), (64, [0])))
    assert from_to(one, other) == "**width** 16 → 64; **seeds** 0, 1 → 0"
    assert from_to(one, one) == "seeds the same"
    circle, sphere = {"data": "circle", "frequencies": [1], "seeds": [0]}, {"data": "sphere", "dim": 3, "seeds": [0]}
    assert from_to(circle, sphere) == "**data** circle → sphere; only one has frequencies and dim; seeds the same"


def test_the_keys_of_an_address_are_few_and_each_once(pretend, opened):
    app = opened("evolution", held=",".join(["a" * 64, "", "a" * 64, "b" * 64]))
    assert app.session_state[held.NAME] == ("a" * 64, "b" * 64)
    assert "not a key" not in texts(app)


def test_what_is_no_key_is_said_and_not_held(pretend, opened):
    """It would be called a result that is not here any more."""
    app = opened("evolution", held=f"<b>,../x,{'a' * 64}")
    assert app.session_state[held.NAME] == ("a" * 64,)
    assert "left out 2 of 3: not a key of a result" in texts(app)


# Curves at initialisation.


def test_exact_curves_stay_beneath_those_of_other_settings(pretend, opened):
    app = opened("second_moment", widths="16, 64")
    press(app, "Hold")
    assert "These curves are held" in texts(app)
    assert not any("held: " in spec for spec in specs(app))
    app.text_input(key="sigma_w").set_value("1").run()
    assert not app.exception
    said = texts(app)
    assert "Held: **sigma_w** critical → 1." in said
    assert said.count("Exactly, the standard deviation of") == 2
    assert all("held: sigma_w critical" in spec for spec in specs(app))
    again = opened("second_moment", widths="16, 64", sigma_w="1", held=in_the_address(app))
    assert len([spec for spec in specs(again) if "held: sigma_w critical" in spec]) == 4
    press(again, "Release sigma_w critical")
    assert not any("held: " in spec for spec in specs(again))


def test_the_first_step_holds_its_target_too(pretend, opened):
    app = opened("first_step", readout="relu", widths="16, 64")
    press(app, "Hold")
    app.slider(key="y").set_value(4.0).run()
    assert not app.exception
    assert "Held: **y** 0 → 4." in texts(app)
    assert len([spec for spec in specs(app) if "held: y 0" in spec]) == 3


def drawn_curves(**network: object) -> Drawn:
    fields = {"norm_x_squared": 1.0, "readout": "linear", "activation": "relu", "sigma_w": "critical"}
    fields |= {"sigma_w_readout": None, "sigma_b": 1.0, "train_bias": True, "output_bias": True}
    return Drawn(Curves(Network(10, tuple((fields | network).items())), (16, 64), Span("beta", 2.0)), 0.5)


def test_held_curves_come_back_from_the_link_as_they_were():
    every = [drawn_curves(), drawn_curves(sigma_w=1.25, norm_x_squared=4.0)]
    assert read(written(every), Drawn.of) == (every, True)
    assert read("", Drawn.of) == ([], True)
    assert written([]) == ""


@pytest.mark.parametrize(
    "change",
    [{"widths": [0]}, {"widths": [8] * 2}, {"widths": "8"}, {"widths": [1, 2, 3, 4, 5, 6]}, {"up_to_beta": 1e9},
     {"n_0": -1}, {"norm": "x"}, {"sigma_w": -1}, {"colour": 1}, {"y": 1e9}, {"y": "x"}, {"up_to_beta": None}],
)  # fmt: skip
def test_what_a_link_must_not_ask_for_is_left_out_and_said(change):
    good = drawn_curves()
    found, whole = read(json.dumps([good.settings() | change, good.settings()]), Drawn.of)
    assert found == [good]
    assert not whole


@pytest.mark.parametrize("text", ["{", "3", "[" * 3000, "[1]", "[[]]", '[{"widths": 3}]', "x" * 5000])
def test_a_broken_link_holds_nothing_and_says_so(pretend, opened, text):
    assert read(text, Drawn.of) == ([], False)
    app = opened("second_moment", held=text)
    assert not app.exception
    assert "cannot be read: left out" in texts(app)


# Draws at initialisation.


def test_held_draws_stay_beneath_those_of_other_settings(pretend, opened):
    """What is drawn at once is held without a job."""
    app = opened("distribution", at_width="16", at_depth="4")
    press(app, "Hold")
    assert "These draws are held" in texts(app)
    assert not any("held: " in spec for spec in specs(app))
    app.text_input(key="at_sigma_w").set_value("1").run()
    assert not app.exception
    said = texts(app)
    assert "Held: **sigma_w** critical → 1." in said
    assert said.count("of 10,000 draws lie above their exact mean") == 2
    assert len(specs(app)) == 2
    assert all("held: sigma_w critical" in spec for spec in specs(app))
    link = in_the_address(app, "at_held")
    again = opened("distribution", at_width="16", at_depth="4", at_sigma_w="1", at_held=link)
    assert len([spec for spec in specs(again) if "held: sigma_w critical" in spec]) == 2
    press(again, "Release sigma_w critical")
    assert not any("held: " in spec for spec in specs(again))


def test_held_draws_are_those_of_their_job_where_that_is_known(pretend, opened):
    config = SampleConfig.from_dict(
        {"setting": {"widths": [10, 16, 16, 1]}, "draws": 3000, "seed": 7, "first_step": False}
    )
    pretend.results[jobs.key("initial_sample", config)] = sample(config)["result"]
    settings = Draws("initial_sample", config).settings()
    app = opened("distribution", at_width="16", at_depth="4", at_held=json.dumps([settings]))
    assert not app.exception
    assert "of 3,000 draws lie above their exact mean" in texts(app)
    assert "of 10,000 draws lie above their exact mean" in texts(app)


def test_held_networks_without_a_law_are_asked_for_in_their_column(pretend, opened):
    values = {"setting": {"widths": [10, 8, 1], "activation": "tanh"}, "draws": 50, "seed": 0, "first_step": False}
    one = Draws("brute_force", BruteForceConfig.from_dict(values))
    app = opened("distribution", at_width="16", at_depth="4", at_held=written([one]))
    assert not app.exception
    assert "This page has no result of it yet." in texts(app)
    press(app, "Compute it")
    assert {key for key, _ in pretend.asked} == {jobs.key("brute_force", one.config)}


def test_held_kernels_lie_beneath_the_spectrum(pretend, opened):
    made = []
    for width in (20, 40):
        values = {"setting": {"widths": [10, width, width, 1]}, "points": 5, "draws": 6}
        made.append(GramSpectrumConfig.from_dict(values))
        pretend.results[jobs.key("gram_spectrum", made[-1])] = gram_spectra(made[-1], silent)["result"]
    app = opened("initial_kernel", width="20", depth="2", p="5", draws="6")
    press(app, "Hold")
    assert "These kernels are held" in texts(app)
    app.text_input(key="width").set_value("40").run()
    assert not app.exception
    said = texts(app)
    assert "Held: **width** 20 → 40." in said
    assert said.count("The largest eigenvalue is") == 2
    assert len(specs(app)) == 2
    assert all("held: width 20" in spec for spec in specs(app))
    press(app, "Release width 20")
    assert not any("held: " in spec for spec in specs(app))


def draws_of(kind: str, **more: object) -> Draws:
    widths = [10, 8, 8 if kind == "gram_spectrum" else 4, 1]
    values: dict = {"setting": {"widths": widths, "sigma_w": 1.25}, "draws": 50, "seed": 3, **more}
    return Draws(kind, jobs.KINDS[kind].config.from_dict(values))  # pyright: ignore[reportArgumentType]


def test_held_draws_come_back_from_the_link_as_they_were():
    every = [draws_of("initial_sample", first_step=False), draws_of("brute_force", first_step=False)]
    assert read(written(every), Draws.one_kernel) == (every, True)
    whole = [draws_of("gram_spectrum", inputs="sphere", points=4)]
    assert read(written(whole), Draws.whole_kernel) == (whole, True)
    assert read(written(whole), Draws.one_kernel) == ([], False)
    assert read(written(every), Draws.whole_kernel) == ([], False)


@pytest.mark.parametrize(
    "change",
    [{"depth": 10**9}, {"depth": "x"}, {"width": 0}, {"width": "8"}, {"draws": 10**12}, {"drawn_by": "nobody"},
     {"colour": 1}, {"target": 3.0}, {"first_step": True}, {"n_0": None}, {"widths": 3}],
)  # fmt: skip
def test_draws_that_a_link_must_not_ask_for_are_left_out(change):
    values = {"setting": {"widths": [10, 8, 8, 1]}, "draws": 50, "seed": 3, "first_step": False}
    good = Draws("initial_sample", SampleConfig.from_dict(values))
    assert read(json.dumps([good.settings() | change, good.settings()]), Draws.one_kernel) == ([good], False)


# Maps.


def test_a_map_stays_beside_the_next_one_with_their_difference(pretend, opened):
    made = []
    for network, scale in (({}, 1.0), ({"activation": "tanh"}, 2.0)):
        base = {**DEFAULT_MAP.base, "network": {**DEFAULT_MAP.base["network"], **network}}
        sweep = SweepConfig.from_dict({"base": base, "grid": GRID, "seeds": [0, 1, 2, 3]})
        whole = Whole("sweep", sweep, sweep.groups)
        pretend.records[whole.key] = Record(whole.key, "sweep", sweep.to_dict(), "")
        pretend.results.update(regime_cells.stored(sweep, noise=0.0, scale=scale))
        made.append(whole.key)
    app = opened("regimes", map_depths="1, 2, 4", map_widths="8, 16")
    assert not app.exception
    press(app, "Hold")
    assert app.query_params["map_held"] in (made[0], [made[0]])
    assert "This map is held" in texts(app)
    app.selectbox(key="map_activation").set_value("tanh").run()
    assert not app.exception
    said = texts(app)
    assert "Held: **activation** relu → tanh; **sigma\\_w** " in said.replace("sigma_w", "sigma\\_w")
    assert "Of 6 cells on both maps, the lazy error is larger on the second in 6" in said
    assert "the median factor is 2, between 2 and 2" in said
    assert "another label on the second" in said
    before = len(specs(app))
    press(app, "Release activation relu")
    assert len(specs(app)) == before - 3
    assert "Beside the held map" not in texts(app)


def held_maps(pretend, *activations: str) -> list[str]:
    """Maps that are known; a later one's numbers are larger."""
    made = []
    for place, activation in enumerate(activations):
        base = {**DEFAULT_MAP.base, "network": {**DEFAULT_MAP.base["network"], "activation": activation}}
        sweep = SweepConfig.from_dict({"base": base, "grid": GRID, "seeds": [0, 1, 2, 3]})
        whole = Whole("sweep", sweep, sweep.groups)
        pretend.records[whole.key] = Record(whole.key, "sweep", sweep.to_dict(), "")
        pretend.results.update(regime_cells.stored(sweep, noise=0.0, scale=1.0 + place))
        made.append(whole.key)
    return made


def test_several_maps_are_held_each_with_its_difference_to_the_present_one(pretend, opened):
    *held_ones, _ = held_maps(pretend, "tanh", "erf", "relu")
    app = opened("regimes", map_depths="1, 2, 4", map_widths="8, 16", map_held=",".join(held_ones))
    assert not app.exception
    said = texts(app)
    assert "Held beside this map. They differ in **activation** (tanh / erf / relu)" in said
    assert said.count("Of 6 cells on both maps, the lazy error is larger on the second in 6") == 2
    assert "the median factor is 3, between 3 and 3" in said
    assert "the median factor is 1.5, between 1.5 and 1.5" in said
    assert "activation tanh, and activation relu" in said
    before = len(specs(app))
    press(app, "Release activation tanh")
    assert in_the_address(app, "map_held") == held_ones[1]
    assert len(specs(app)) == before - 2
    press(app, "Hold")
    assert in_the_address(app, "map_held").split(",")[0] == held_ones[1]


def test_a_held_map_that_is_gone_says_so(pretend, opened):
    app = opened("regimes", map_held="e" * 64)
    assert not app.exception
    assert hold_parts.GONE in texts(app)
    press(app, "Release a held map")
    assert hold_parts.GONE not in texts(app)


def test_labels_that_changed_are_counted_by_their_ways():
    one = pd.DataFrame({"x": [1, 2, 3, 4], "y": 1, "regime": ["lazy", "lazy", "weak", "strong"]})
    other = pd.DataFrame({"x": [1, 2, 3, 5], "y": 1, "regime": ["weak", "weak", "strong", "lazy"]})
    assert relabelled(one, other) == (
        "Of 3 cells on both maps, 3 have another label on the second: lazy to weak in 2 and weak to strong in 1."
    )
    assert relabelled(one, one) == "Of 4 cells on both maps none has another label on the second."
    assert relabelled(one, other.assign(y=2)) == ""


# Short links.


def test_a_short_link_carries_what_is_held(known, opened):
    held_one, present = known(16, 32)
    app = opened("evolution", run=present, held=held_one)
    app.session_state["link answer"] = True
    app.run()
    short = next(element.value for element in app.get("code") if "?run=" in element.value)
    assert short == f"/evolution?run={present[:DIGITS]}&held={held_one[:DIGITS]}"
    again = opened("evolution", run=present[:DIGITS], held=held_one[:DIGITS])
    assert "Held: **width** 16 → 32" in texts(again)
    assert all("held: width 16" in spec for spec in specs(again))
    assert in_the_address(again) == held_one


def test_the_short_link_of_a_map_carries_its_held_maps(pretend, opened):
    other, own = held_maps(pretend, "tanh", "relu")
    link = "/regimes?map_depths=1%2C+2%2C+4&map_widths=8%2C+16"
    pretend.records[own] = replace(pretend.records[own], link=link)
    app = opened("regimes", run=own[:DIGITS], map_held=other[:DIGITS])
    assert not app.exception
    assert "Held: **activation** tanh → relu" in texts(app)
    app.session_state["link answer"] = True
    app.run()
    short = next(element.value for element in app.get("code") if "?run=" in element.value)
    assert short == f"/regimes?run={own[:DIGITS]}&map_held={other[:DIGITS]}"


def test_the_beginning_of_several_keys_holds_none(known, opened):
    (present,) = known(32)
    app = opened("evolution", run=present, held="0" * 8)
    assert "left out 1 of 1: not a key of a result here" in texts(app)


# Whatever is held beneath whatever.


@pytest.mark.parametrize("name", ["small", "probes", "diverged"])
def test_every_kind_of_run_can_be_held_beneath_every_other(finished, opened, name):
    keys = {other: jobs.key("run", RunConfig.from_dict(run)) for other, run in RUNS.items()}
    others = [key for other, key in keys.items() if other != name]
    some = others[-5:] if name == "small" else others[:5]
    app = opened("evolution", run=keys[name], held=",".join(some))
    assert not app.exception
    assert len([label for label in buttons(app) if label.startswith("Release ")]) == 5
    assert "This page has no result of it yet." not in texts(app)
