"""Hold at initialisation: exact curves and draws stay beneath those of other settings."""

import json

import pytest
from pretend_engine import in_the_address, press, specs, texts

from engine import jobs
from engine.initialisation.config import BruteForceConfig, GramSpectrumConfig, SampleConfig
from engine.initialisation.job import gram_spectra, sample
from engine.progress import silent
from pages.shell.held import NAME
from pages.views.hold_curves import Drawn
from pages.views.hold_settings import read, written
from pages.views.initial_curves import Span
from pages.views.initial_draws import Draws
from pages.views.initial_network import Curves, Network


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
    again = opened("second_moment", widths="16, 64", sigma_w="1", held=in_the_address(app, NAME))
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
