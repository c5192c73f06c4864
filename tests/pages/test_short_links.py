"""Short links: they open the result that they name, or none."""

from types import SimpleNamespace
from urllib.parse import parse_qsl

import numpy as np
import pytest
from perturbation_runs import run as perturbed
from pretend_engine import SMALL, SMALL_QUERY, texts
from rkhs_runs import config as compared

from cache.maps import Whole
from engine import jobs
from engine.config import RunConfig
from engine.cost import Calibration, CalibrationConfig
from engine.initialisation.job import gram_spectra
from engine.perturbation.config import Options, PerturbationConfig, StudyConfig
from engine.progress import silent
from engine.regimes.config import DEFAULT_MAP
from pages.run import named_run
from pages.run.draft_state import from_query
from pages.run.settings import config_of
from pages.shell import calibration
from pages.shell.answer import DIGITS, SHORT, WHOLE

RUN = RunConfig.from_dict(SMALL)
KEY = jobs.key("run", RUN)
PAGES = ("evolution", "perturbation", "norms", "function_space", "inductive_bias", "generalisation")


def known(pretend, kind, config, key="", link=""):
    """The result has a record; gives what a short link says of it."""
    key = key or jobs.key(kind, config)
    values = config.to_dict()
    pretend.records[key] = SimpleNamespace(kind=kind, values=values, link=link, status="finished", error="", key=key)
    return key[:DIGITS]


def address(app):
    return {name: text if isinstance(text, str) else text[-1] for name, text in app.query_params.items()}


def test_a_run_is_opened_by_the_beginning_of_its_key(finished, opened):
    app = opened("evolution", run=KEY[:DIGITS], v_axis="linear")
    assert not app.exception
    assert app.metric
    written = address(app)
    assert written.pop("v_axis") == "linear"
    assert config_of(from_query(written)[0]) == RUN


@pytest.mark.parametrize("page", [*PAGES, "regimes"])
def test_an_empty_name_names_nothing(page, pretend, opened):
    app = opened(page, run="")
    assert not app.exception
    assert "names no" not in texts(app)
    assert "Nothing is shown under this link" not in texts(app)


def test_what_names_no_run_is_said_as_it_stands(pretend, opened):
    said = texts(opened("evolution", run="../<b>"))
    assert "'../<b>' names no run" in said, "no code, which would show how it is escaped"


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("text", ["1234abcd5678", "0" * 64, "no key", "<b>", "1234", "x" * 500])
def test_a_run_that_is_not_here_is_said_and_no_other_is_shown(page, text, pretend, opened):
    app = opened(page, run=text)
    assert not app.exception
    assert not app.metric
    assert not app.get("vega_lite_chart")
    said = texts(app)
    assert f"No run `{text[:DIGITS]}` here" in said or "names no run" in said
    assert "another machine" in said
    assert "Ask who sent the link for the long one" in said
    assert address(app) == {"run": text}
    assert [link for link in app.get("page_link") if link.proto.page == "all_runs"]
    assert not [button for button in app.button if button.key in ("run", "ask expansion", "ask spaces")]
    next(button for button in app.button if button.label == "Back to the default preset").click().run()
    assert "run" not in address(app)
    assert [button for button in app.button if button.key in ("run", "ask expansion", "ask spaces")]


def test_a_run_that_is_not_here_stays_so_on_the_next_page(pretend, opened):
    app = opened("evolution", run="1234abcd5678")
    app.switch_page("norms.py")
    app.query_params.clear()
    app.run()
    assert "No run `1234abcd5678` here" in texts(app)
    assert address(app) == {"run": "1234abcd5678"}


def test_a_beginning_of_several_keys_opens_none(pretend, opened):
    for end in ("0", "1"):
        known(pretend, "run", RUN, "1234abcd" + end * 56)
    assert "More than one result here begins with `1234abcd`" in texts(opened("evolution", run="1234abcd"))
    assert "More than one" not in texts(opened("evolution", run="1234abcd0"))


def test_settings_beside_a_short_link_are_left_out_in_words(pretend, opened):
    app = opened("evolution", run=known(pretend, "run", RUN), width="999")
    assert app.text_input(key="setting width").value == "16"
    assert "the link names a run, with settings of its own" in texts(app)


@pytest.mark.parametrize(
    ("options", "view"),
    [({}, {}), ({"interpolation": "linear", "between": 3}, {"v_path": "linear", "v_between": "3"})],
)
def test_an_expansion_is_opened_with_its_options(options, view, pretend, opened):
    config = PerturbationConfig.of(perturbed("flow"), Options.from_dict(options))
    app = opened("perturbation", run=known(pretend, "perturbation", config))
    assert not app.exception
    assert {name: text for name, text in address(app).items() if name.startswith("v_")} == view
    app.button(key="ask expansion").click().run()
    assert [*pretend.jobs] == [jobs.key("perturbation", config)]


def test_a_study_is_opened_with_its_lists(pretend, opened):
    values = {"run": {**perturbed("flow").to_dict(), "seeds": [0, 1]}, "widths": [16, 48], "alphas": [1, 2]}
    config = StudyConfig.from_dict(values)
    app = opened("perturbation", run=known(pretend, "perturbation_study", config))
    assert not app.exception
    app.button(key="ask study").click().run()
    assert [*pretend.jobs] == [jobs.key("perturbation_study", config)]


def test_a_comparison_of_spaces_is_opened(pretend, opened):
    app = opened("norms", run=known(pretend, "rkhs", compared("circle")))
    app.button(key="ask spaces").click().run()
    assert [*pretend.jobs] == [jobs.key("rkhs", compared("circle"))]


def test_what_no_page_asks_for_is_not_opened_as_something_else(pretend, opened):
    config = PerturbationConfig.of(perturbed("flow"), Options(shown_modes=5))
    said = texts(opened("perturbation", run=known(pretend, "perturbation", config)))
    assert "computed with options that no page has" in said
    said = texts(opened("evolution", run=known(pretend, "sweep", DEFAULT_MAP, "ab" * 32)))
    assert "is no run" in said
    assert "another machine" not in said, "it is here"


def test_a_map_is_opened_as_it_was_asked_for(pretend, opened):
    link = "/regimes?map_depths=2%2C+4&map_widths=8%2C+16&map_metric=drift"
    key = known(pretend, "sweep", DEFAULT_MAP, "cd" * 32, link)
    app = opened("regimes", run=key)
    assert not app.exception
    assert app.text_input(key="map_depths").value == "2, 4"
    assert address(app) == {"map_depths": "2, 4", "map_widths": "8, 16", "map_metric": "drift"}


def test_a_map_that_is_not_here_is_said_and_no_other_is_shown(pretend, opened):
    app = opened("regimes", run="1234abcd5678")
    assert not app.exception
    assert not app.get("vega_lite_chart")
    assert "No run `1234abcd5678` here" in texts(app)
    next(button for button in app.button if button.label == "Open the default map").click().run()
    assert address(app) == {}
    assert app.get("vega_lite_chart")


def drawn(kind, hidden, **more):
    values = {"setting": {"widths": [7, *hidden, 1], "sigma_w": 1.25, "output_bias": False}, "draws": 200, "seed": 3}
    return jobs.KINDS[kind].config.from_dict(values | more)


@pytest.mark.parametrize(
    ("page", "kind", "hidden", "more", "button"),
    [
        ("distribution", "initial_sample", (8, 8, 8), {"first_step": False}, "ask distribution"),
        ("distribution", "brute_force", (8, 4), {"first_step": False}, "ask distribution"),
        ("distribution", "brute_force", (8,), {"first_step": False}, "ask distribution"),
        ("initial_kernel", "gram_spectrum", (20, 20), {"points": 5, "input_seed": 2}, "ask gram"),
    ],
)
def test_draws_at_initialisation_are_opened_by_the_beginning_of_their_key(
    page, kind, hidden, more, button, pretend, opened
):
    config = drawn(kind, hidden, **more)
    app = opened(page, run=known(pretend, kind, config))
    assert not app.exception
    assert "run" not in address(app)
    app.button(key=button).click().run()
    assert [*pretend.jobs] == [jobs.key(kind, config)]


def test_draws_that_no_page_makes_are_not_opened_as_others(pretend, opened):
    for page, kind, config in (
        ("distribution", "initial_sample", drawn("initial_sample", (8, 8), target=2.0)),
        ("initial_kernel", "gram_spectrum", drawn("gram_spectrum", (8, 4))),
    ):
        said = texts(opened(page, run=known(pretend, kind, config)))
        assert "was drawn with options that no page has" in said
    assert "is nothing that this page draws" in texts(opened("distribution", run=known(pretend, "run", RUN)))


@pytest.mark.parametrize("page", ["distribution", "initial_kernel"])
def test_draws_that_are_not_here_are_said_and_no_others_are_shown(page, pretend, opened):
    app = opened(page, run="1234abcd5678")
    assert not app.exception
    assert not app.get("vega_lite_chart")
    assert "No run `1234abcd5678` here" in texts(app)
    assert address(app) == {"run": "1234abcd5678"}
    next(button for button in app.button if button.label == "Open the page as at first").click().run()
    assert address(app) == {}


def test_the_short_link_of_draws_is_there_once_they_are(pretend, opened):
    config = drawn("gram_spectrum", (20, 20), points=5)
    key = jobs.key("gram_spectrum", config)
    pretend.results[key] = gram_spectra(config, silent)["result"]
    app = opened("initial_kernel", run=known(pretend, "gram_spectrum", config))
    app.session_state["link answer"] = True
    app.run()
    assert [element.value for element in app.get("code")][1] == f"/initial_kernel?run={key[:DIGITS]}"


@pytest.mark.parametrize(
    ("asked", "kind", "config", "shown", "query"),
    [
        ("evolution", "calibration", CalibrationConfig(device="here"), "server", {}),
        ("evolution", "sweep", DEFAULT_MAP, "regimes", {"run": "ab" * (DIGITS // 2)}),
        ("norms", "gram_spectrum", drawn("gram_spectrum", (8, 8)), "initial_kernel", {"run": "ab" * (DIGITS // 2)}),
        ("regimes", "rkhs", compared("circle"), "norms", {"run": "ab" * (DIGITS // 2)}),
        ("distribution", "run", RUN, "evolution", {"run": "ab" * (DIGITS // 2)}),
    ],
)
def test_a_key_of_another_kind_opens_where_that_is_shown(asked, kind, config, shown, query, pretend, opened):
    app = opened(asked, run=known(pretend, kind, config, "ab" * 32))
    assert not app.exception
    link = next(link.proto for link in app.get("page_link") if link.proto.label.startswith("Open it"))
    assert link.page == shown
    assert dict(parse_qsl(link.query_string)) == query


def test_the_server_says_how_fast_it_is(pretend, opened):
    """By the key of a calibration, from any page."""
    measured = {name: np.array(value) for name, value in vars(Calibration(float64=2.5e10)).items()}
    pretend.results[jobs.key("calibration", calibration.CONFIG)] = measured
    said = "150 billion operations a second in float32, 25 in float64, and 0.4 s to compile"
    assert any(said in caption.value for caption in opened("server").caption)


def test_links_to_copy(finished, opened):
    app = opened("evolution", **SMALL_QUERY, v_axis="linear")
    app.session_state["link answer"] = True
    app.run()
    whole, short = (element.value for element in app.get("code"))
    assert whole.startswith("/evolution?")
    assert "max_steps=40" in whole
    assert whole.endswith("v_axis=linear")
    assert short == f"/evolution?run={KEY[:DIGITS]}&v_axis=linear"
    assert {WHOLE, SHORT} <= {caption.value for caption in app.caption}


def test_the_key_of_a_map_is_that_of_its_record():
    assert len(Whole("sweep", DEFAULT_MAP, DEFAULT_MAP.groups).key) == 64
    assert named_run.BEGINNING.fullmatch(Whole("sweep", DEFAULT_MAP, DEFAULT_MAP.groups).key)
