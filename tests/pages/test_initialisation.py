"""The four pages on the kernel at initialisation, without a browser."""

from dataclasses import replace

import numpy as np
import pytest
from pretend_engine import charts, question, texts
from tooling import click, rows

from cache import Failure
from engine import jobs
from engine.initialisation.job import gram_spectra, sample
from engine.initialisation.law import law_of
from engine.initialisation.moments import moments
from pages.views import initial_points
from pages.views.initial_network import Network

PAGES = ("second_moment", "distribution", "first_step", "initial_kernel")
NUMBERS = ("n_0", "norm", "sigma_w", "sigma_b", "seed")
SMALL = {"widths": "8", "beta_max": "0.5", "points": "2", "draws": "400", "brute_draws": "20"}


def keys(app):
    return {button.key for button in app.button}


def prefixed(page: str, name: str) -> str:
    return f"at_{name}" if page == "distribution" else name


@pytest.mark.parametrize("page", PAGES)
def test_opens_and_computes_nothing_by_itself(page, pretend, opened):
    app = opened(page)
    assert not app.exception
    assert not app.error
    assert app.title
    assert not pretend.asked


@pytest.mark.parametrize("page", ["second_moment", "first_step"])
def test_exact_curves_need_no_job_and_say_what_they_are(page, pretend, opened):
    app = opened(page)
    assert len(charts(app)) >= 3
    for spec in charts(app):
        assert question(spec).endswith("?")
    assert "Source: " not in texts(app)
    assert len(rows(app)) == len(charts(app))
    for figure in rows(app):
        assert "Source: " in texts(click(app, figure, "about"))
    assert {"ask sampler", "ask brute"} <= keys(app)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", NUMBERS)
def test_bad_input_is_told_at_its_control(page, name, pretend, opened):
    app = opened(page, **{prefixed(page, name): "abc"})
    assert not app.exception
    assert any("abc" in error.value for error in app.error), [error.value for error in app.error]
    assert not charts(app)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("text", ["-1", "nan", "1e400"])
def test_every_control_tells_its_own_bad_input(page, text, pretend, opened):
    app = opened(page, **{prefixed(page, name): text for name in NUMBERS})
    assert not app.exception
    told = [error.value for error in app.error if error.value.count(f"{text}' given") == 1]
    assert len(told) == len(NUMBERS), told
    assert not charts(app)


@pytest.mark.parametrize(
    ("page", "query", "said"),
    [
        ("second_moment", {"widths": "8, 0"}, "'0' given"),
        ("second_moment", {"widths": "8, 8"}, "twice"),
        ("second_moment", {"widths": "1,2,3,4,5,6"}, "6 given"),
        ("second_moment", {"beta_max": "51"}, "0.01 to 50"),
        ("second_moment", {"range": "sideways"}, "sideways"),
        ("second_moment", {"budget": "0"}, "'0' given"),
        ("distribution", {"at_width": "8, x"}, "'x' given"),
        ("distribution", {"at_depth": "2.5"}, "whole number"),
        ("distribution", {"at_depth": "10000", "at_draws": "10000000"}, "lower draws"),
        ("first_step", {"eta": "0"}, "'0' given"),
        ("first_step", {"readout": "softmax"}, "softmax"),
        ("first_step", {"y": "99"}, "'99' in the link is unknown"),
        ("first_step", {"train_bias": "maybe"}, "'maybe' in the link is unknown"),
        ("second_moment", {"width": "1"}, "'width': no such setting, left out. Did you mean 'widths'?"),
        ("second_moment", {"depth": "64"}, "'depth': no such setting, left out."),
        ("first_step", {"ets": "1"}, "'ets': no such setting, left out. Did you mean 'eta'?"),
        ("distribution", {"width": "64"}, "'width': no such setting, left out. Did you mean 'at_width'?"),
        ("initial_kernel", {"widths": "64"}, "'widths': no such setting, left out. Did you mean 'width'?"),
        ("initial_kernel", {f"x{i}": "" for i in range(30)}, "20 more names in the link are no settings, left out"),
        ("initial_kernel", {"inputs": "circle"}, "n_0 = 2"),
        ("initial_kernel", {"width": "1000000", "p": "512"}, "needs over 2 GB"),
        ("initial_kernel", {"draws": "100000", "p": "512"}, "are kept"),
    ],
)
def test_what_a_page_refuses_it_explains(page, query, said, pretend, opened):
    app = opened(page, **query)
    assert not app.exception
    assert said in texts(app)


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("second_moment", {"range": "depth", "depth_max": "8", "split": "16", "budget": "1e3"}),
        ("second_moment", {"beta_max": "1", "depth_max": "8"}),
        ("first_step", {"flow_depth": "3", "y": "1"}),
        ("distribution", {"at_width": "8", "at_source": "exact law"}),
        ("initial_kernel", {"p": "8", "input_seed": "3"}),
    ],
)
def test_settings_of_a_page_are_no_strangers(page, query, pretend, opened):
    assert "no such setting" not in texts(opened(page, **query))


def test_the_trap_and_the_way_back(pretend, opened):
    app = opened("second_moment", widths="32")
    assert "Vanishing" not in texts(app)
    app.button(key="trap").click().run()
    assert not app.exception
    assert app.text_input(key="sigma_w").value == "1"
    assert "Vanishing signal" in texts(app)
    assert "looks like 1 at any such depth" in texts(app)
    app.button(key="untrap").click().run()
    assert not app.exception
    assert "Vanishing" not in texts(app)


def test_without_biases_the_trap_is_none(pretend, opened):
    app = opened("second_moment", sigma_w="1", train_bias="false", output_bias="false")
    assert not app.exception
    assert "ratios stay as they are" in texts(app)


@pytest.mark.parametrize("page", ["second_moment", "first_step"])
@pytest.mark.parametrize("readout", ["linear", "relu"])
@pytest.mark.parametrize("more", [{}, {"range": "depth", "depth_max": "1"}, {"beta_max": "50", "widths": "1, 40"}])
def test_reacts_to_controls(page, readout, more, pretend, opened):
    app = opened(page, **{"widths": "5, 300", "readout": readout} | more)
    assert not app.exception
    assert not app.error
    assert charts(app)


@pytest.mark.parametrize("page", PAGES)
def test_another_activation_has_no_law_but_brute_force(page, pretend, opened):
    app = opened(page, **{prefixed(page, "activation"): "tanh"})
    assert not app.exception
    if page != "initial_kernel":
        assert "no exact law for tanh" in texts(app)
    assert "ask sampler" not in keys(app)


def test_the_target_flips_the_sign_for_a_relu_readout_only(pretend, opened):
    app = opened("first_step", widths="64", readout="relu", beta_max="0.0625")
    assert "negative everywhere" in str(charts(app)[0]["title"]["subtitle"])
    app.slider(key="y").set_value(10.0).run()
    assert "positive everywhere" in str(charts(app)[0]["title"]["subtitle"])
    app = opened("first_step", widths="64", y="10")
    assert "negative everywhere" in str(charts(app)[0]["title"]["subtitle"])
    assert "the target does not enter" in texts(app)


def test_the_first_step_page_says_what_its_derivative_is_not(pretend, opened):
    assert "each network's own derivative" in texts(opened("first_step"))
    assert "own derivative" in texts(opened("first_step", activation="tanh"))


@pytest.mark.parametrize(
    ("name", "text", "ends"),
    [("beta_max", "10", (0.1, 10)), ("sigma_w", "0.125", (0.125, 2.5)), ("norm", "30", (0.1, 30))],
)
def test_a_slider_stands_where_its_field_does_also_beyond_its_ends(name, text, ends, pretend, opened):
    app = opened("second_moment", widths="2", **{name: text})
    hand = app.slider(key=f"{name} slide")
    assert (hand.value, (hand.min, hand.max)) == (float(text), ends)
    hand.set_value(1.5).run()
    assert app.text_input(key=name).value == "1.5"
    assert app.slider(key=f"{name} slide").value == 1.5


def test_points_are_asked_for_watched_and_cancelled(pretend, opened):
    app = opened("second_moment", **SMALL)
    app.button(key="ask sampler").click().run()
    assert not app.exception
    assert len({key for key, _ in pretend.asked}) == 2
    assert {job.kind for job in pretend.jobs.values()} == {"initial_sample"}
    assert "Running" in texts(app)
    app.button(key="cancel sampler").click().run()
    assert {job.state for job in pretend.jobs.values()} == {"cancelled"}
    assert "Cancelled" in texts(app)
    assert "ask sampler" in keys(app)


def test_points_are_drawn_with_their_flags(pretend, opened):
    app = opened("second_moment", **SMALL)
    app.button(key="ask sampler").click().run()
    for key, job in list(pretend.jobs.items()):
        pretend.results[key] = sample(job.config)["result"]
    pretend.jobs.clear()
    app = opened("second_moment", **SMALL)
    assert not app.exception
    assert "ask sampler" not in keys(app)
    assert "cannot be trusted" in texts(app)


def test_distribution_and_its_draws(pretend, opened):
    query = {"at_width": "8", "at_depth": "3", "at_draws": "3000", "at_readout": "relu"}
    app = opened("distribution", **query)
    app.button(key="ask distribution").click().run()
    ((key, job),) = pretend.jobs.items()
    assert job.config.setting.widths == (10, 8, 8, 8, 1)
    pretend.results[key] = sample(job.config)["result"]
    pretend.jobs.clear()
    app = opened("distribution", **query)
    assert not app.exception
    assert len(charts(app)) == 2
    assert "K is 0 in" in texts(app)
    exact = float(moments(law_of((10, 8, 8, 8, 1), readout="relu")).log_ratio[0])
    assert f"{np.exp(exact):.2f}".rstrip("0") in texts(app)


def test_whole_kernel_and_its_limit(pretend, opened):
    query = {"width": "20", "depth": "2", "p": "5", "draws": "6"}
    app = opened("initial_kernel", **query)
    app.button(key="ask gram").click().run()
    ((key, job),) = pretend.jobs.items()
    pretend.results[key] = gram_spectra(job.config, lambda progress: None)["result"]
    pretend.jobs.clear()
    app = opened("initial_kernel", **query)
    assert not app.exception
    assert len(charts(app)) == 2
    assert "times that of infinite width" in texts(app)


def test_beyond_the_first_step(pretend, opened):
    query = {"widths": "8", "flow_depth": "3", "flow_until": "0.5", "brute_draws": "40", "activation": "tanh"}
    app = opened("first_step", **query)
    before = len(charts(app))
    app.button(key="ask flow").click().run()
    ((key, job),) = pretend.jobs.items()
    assert job.config.setting.widths == (10, 8, 8, 8, 1)
    assert job.config.times[-1] == 0.5
    mean, line = -np.array(job.config.times), -2 * np.array(job.config.times)
    pretend.results[key] = {
        "times": np.array(job.config.times),
        "change_mean": mean,
        "change_error": np.full(8, 0.01),
        "change_quantiles": np.stack([mean - 1, mean, mean + 1]),
        "residual_mean": np.ones(8),
        "extrapolation": line,
        **dict.fromkeys(("rate_mean", "rate_error"), np.array(0.1)),
        "K_mean": np.array(2.0),
        "stiff": np.array(3),
    }
    pretend.jobs.clear()
    app = opened("first_step", **query)
    assert not app.exception
    assert len(charts(app)) == before + 1
    assert "the mean is 0.5 times the line there" in texts(app)
    assert "3 of 40 networks were too stiff" in texts(app)


def test_the_width_of_the_parts_is_in_the_link(pretend, opened):
    app = opened("second_moment", split="16")
    assert "at n = 16" in str(charts(app))
    app.text_input(key="widths").set_value("32, 64").run()
    assert not app.exception
    assert "at n = 64" in str(charts(app))


def test_a_failed_point_says_why(pretend, opened):
    app = opened("second_moment", **SMALL)
    app.button(key="ask brute").click().run()
    for attempt in ("first", "last"):
        assert "cancel brute" in keys(app), attempt
        for key, job in list(pretend.jobs.items()):
            pretend.jobs[key] = replace(job, state="failed", error=Failure("worker", "The worker process was killed."))
        app.run()
    assert not app.exception
    assert "worker process was killed" in texts(app)
    assert "ask brute" in keys(app)


def test_jobs_of_the_pages_are_known():
    assert {"initial_sample", "brute_force", "first_step", "gram_spectrum"} <= set(jobs.KINDS)


@pytest.mark.parametrize(
    ("source", "more"),
    [
        (initial_points.SAMPLER, {}),
        (initial_points.BRUTE_FORCE, {}),
        (initial_points.STEP, {"sizes": [0.1]}),
        (initial_points.FLOW, {"times": [0.5, 1.0]}),
        (initial_points.FLOW, {"times": [50.0, 100.0]}),
    ],
)
def test_a_point_is_said_to_take_what_the_queue_is_told_and_compiling(source, more):
    """A gradient flow seen a hundred times as late takes as many steps more, of which the button knew nothing."""
    network = Network(10, (("readout", "linear"),))
    asked = initial_points.point(source, network, (16, 16), 1000, 0, **more)
    compiling = 0.0 if source == initial_points.SAMPLER else initial_points.COMPILE
    assert asked.seconds == pytest.approx(jobs.expected(asked.kind, asked.config).seconds + compiling)


def test_a_result_that_lacks_an_array_is_one_line_on_the_page(pretend, opened):
    query = {"width": "20", "depth": "2", "p": "5", "draws": "6"}
    opened("initial_kernel", **query).button(key="ask gram").click().run()
    ((key, _),) = pretend.jobs.items()
    pretend.results[key] = {"x": np.ones((5, 10))}
    pretend.jobs.clear()
    app = opened("initial_kernel", **query)
    assert not app.exception
    (error,) = app.error
    said = "if the table is newer than the result, raise the version of its kind in engine/versions.py"
    assert error.value.replace("\\", "") == f"GramResult: spectra (draws p) is missing: {said}"
