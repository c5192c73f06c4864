"""Every page opens with its question and, once computed, one bold sentence that answers it, above the charts; "Copy"
gives that sentence as LaTeX with its conventions and the hash of its config."""

import math
import re

import numpy as np
import pandas as pd
import pytest
from pretend_engine import RUNS, texts
from small_runs import result, seed
from streamlit.testing.v1 import AppTest

from engine.config import RunConfig
from engine.initialisation.law import InitialNetwork
from engine.regimes.config import DEFAULT_MAP
from pages.charts.markup import latex
from pages.run.draft_state import to_query
from pages.run.presets import shortest
from pages.run.settings import draft_of
from pages.shell.answer import written
from pages.views import evolution_words, initial_words, latex_conventions

ASKING = (
    "home", "evolution", "perturbation", "regimes", "norms", "function_space", "inductive_bias", "generalisation",
    "second_moment", "distribution", "first_step", "initial_kernel",
)  # fmt: skip


def bold(app: AppTest) -> list[str]:
    """Sentences that are bold as a whole."""
    return [one.value for one in app.markdown if re.fullmatch(r"\*\*[^*]{30,}\*\*", one.value)]


@pytest.mark.parametrize("page", ASKING)
def test_every_page_opens_with_its_question_in_one_line(page, pretend, opened):
    app = opened(page)
    assert len(app.title) == 1
    first = next(one.value for one in app.main.markdown if "<style>" not in one.value)
    assert first.endswith("?"), first
    assert "\n" not in first
    assert len(first) < 120


@pytest.mark.parametrize("page", ["second_moment", "first_step"])
def test_exact_curves_answer_at_once_above_their_charts(page, pretend, opened):
    app = opened(page)
    (said,) = bold(app)
    assert "Exactly" in said
    kinds = [node.type for node in app.main if node.type == "vega_lite_chart" or getattr(node, "value", "") == said]
    assert kinds[0] == "markdown"


def test_a_run_answers_once_above_its_charts(finished, opened):
    app = opened("evolution", **to_query(shortest(draft_of(RunConfig.from_dict(RUNS["small"]).to_dict())[0])))
    (said,) = bold(app)
    assert said.startswith("**By the stop $K_t$ has moved by ")
    assert "(" in said, "the range over seeds"
    assert texts(app).count("has moved by") == 1
    kinds = [node.type for node in app.main if node.type == "vega_lite_chart" or getattr(node, "value", "") == said]
    assert kinds[0] == "markdown"
    assert not app.get("code")


def test_where_nothing_moved_no_answer_is_made_up(finished, opened):
    app = opened("evolution", **to_query(shortest(draft_of(RunConfig.from_dict(RUNS["dead"]).to_dict())[0])))
    assert not bold(app)
    assert "nothing can train" in texts(app)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("moved by 11% (9.8% to 12%) & *more*", r"moved by 11\% (9.8\% to 12\%) \& *more*"),
        ("**No**: p = 5.0·10⁻⁴ at β ≤ 0.25 ± 1", r"No: p = 5.0$\cdot 10^{-4}$ at $\beta$ $\le$ 0.25 $\pm$ 1"),
        ("$K_t$ of K_0, 2·x² at n₀", r"$K_t$ of $K_{0}$, 2$\cdot$x$^{2}$ at n$_{0}$"),
        (r"falls to 0\.941 \(a\_b\)", r"falls to 0.941 (a\_b)"),
    ],
)
def test_a_sentence_as_latex(said, expected):
    assert latex(said) == expected


def test_no_sentence_of_ours_leaves_unicode_or_markdown_in_latex():
    run = result(seed(), seed(1))
    for said in (evolution_words.answer(run), *evolution_words.sentences(run)):
        text = written(said, latex_conventions.of_run(run.config, [0.5]), run.config.hash)
        assert text.isascii(), text
        assert "**" not in text
        assert text.count("$") % 2 == 0
        assert not re.search(r"(?<!\\)[%&#]", text)


@pytest.mark.parametrize(
    ("training", "parts"),
    [
        (
            {},
            (r"\frac{1}{2M}\sum_i", r"\eta_{\mathrm{eff}} = \eta/M", r"2\varphi/\lambda_{\max}(K_0)$, $\varphi = 0.25"),
        ),
        ({"loss": "mean"}, (r"\frac{1}{M}\sum_i", r"= 2\eta/M")),
        ({"loss": "half_sum", "learning_rate": 0.02}, (r"\frac{1}{2}\sum_i", r"= \eta$", "= 0.02")),
        ({"learning_rate": 0.02}, (r"= \eta/M$ = 0.005",)),
        ({"integrator": "rk4"}, ("gradient flow", "Runge--Kutta")),
    ],
)
def test_conventions_are_those_of_the_run(training, parts):
    """Of 4 points, so that eta_eff = eta/M = 0.02/4."""
    run = result(seed(), **training).config
    text = latex_conventions.of_run(run)
    for part in (*parts, rf"\beta = \sum_l 1/n_l = {run.beta:.4g}", "M = 4", "without a factor $1/M$"):
        assert part in text, (part, text)
    assert text.isascii()
    assert text.count("$") % 2 == 0


def test_measured_rates_are_given_with_their_range():
    run = result(seed(), seed(1)).config
    assert "= 0.02 (0.01 to 0.03)" in latex_conventions.of_run(run, [0.01, 0.02, 0.03])


def test_conventions_of_maps_and_of_initialisation():
    for text in (
        latex_conventions.of_map(DEFAULT_MAP),
        latex_conventions.of_initialisation(InitialNetwork(widths=(10, 8, 1))),
    ):
        assert r"\beta = \sum_l 1/n_l" in text
        assert text.isascii()
        assert text.count("$") % 2 == 0


def test_copy_holds_the_sentence_its_conventions_and_the_hash(pretend, opened):
    app = opened("second_moment")
    assert not app.get("code")
    app.session_state["copy answer"] = True
    app.run()
    (copy,) = app.get("code")
    first, second, third = copy.value.splitlines()
    assert first.startswith("Exactly, the standard deviation of $K(x, x)$")
    assert second.startswith("Conventions: ")
    assert re.fullmatch(r"Config \\texttt\{[0-9a-f]{16}\}\.", third)


ENDS = pd.DataFrame(
    {
        "width": [8, 8, 16, 16, 32],
        "depth": [1, 2, 2, 4, 8],
        "beta": [0.125, 0.25, 0.125, 0.25, 0.25],
        "ratio": [2.0, 5.0, 9.0, 9.0, 10.0],
        "size": [1.0, 2.0, 9.0, 9.0, 3.0],
        "sign": [1, -1, 1, 1, 1],
    }
)


def test_the_ends_of_the_curves_are_named_with_their_place():
    """Standard deviation over mean is sqrt(5 - 1) = 2 and sqrt(10 - 1) = 3; exp(5/4) = 3.49."""
    said = initial_words.variation(ENDS)
    assert "is 2 times its mean at n = 8, β = 0.25 and 3 times its mean at n = 32, β = 0.25" in said
    assert "$E[K^2]/E[K]^2$ is 5 and 10, $e^{5\\beta}$ 3.49." in said
    rate = initial_words.first_rate(ENDS, 0.5)
    assert "for y = 0.5" in rate
    assert rate.endswith("= −2 at n = 8, β = 0.25 and 3 at n = 32, β = 0.25.")


def test_a_share_of_draws_has_its_binomial_interval():
    """50 of 400 draws; SciPy's binomial test has the interval 9.42 to 16.1%."""
    bins = pd.DataFrame({"low": [1.0, 10.0, 100.0], "high": [10.0, 100.0, 1000.0], "tail": [1.0, 0.125, 0.01]})
    said = initial_words.above_the_mean(bins, math.log(10), 400)
    assert said == "12.5% (95%: 9.42 to 16.1%) of 400 draws lie above their exact mean."


def test_of_draws_that_all_lie_below_the_mean_it_is_said_how_many_may_lie_above():
    """The chance of none among 400 is 5% where .75% of all lie above: .9925^400 = .049."""
    bins = pd.DataFrame({"low": [1.0], "high": [10.0], "tail": [1.0]})
    said = initial_words.above_the_mean(bins, math.log(13.2), 400)
    assert said == "None of 400 draws lies above their exact mean: at most 0.75% of all initialisations do (95%)."
    assert initial_words.above_the_mean(bins, math.log(0.5), 400) == ""


def test_a_network_that_is_all_but_dead_needs_a_draw_and_is_not_all_bias(opened, pretend):
    said = texts(opened("distribution", at_width="16", at_depth="50", at_sigma_w="0.1"))
    assert "Plain Monte Carlo needs a single draw for 5% of E[K²]" in said
    assert initial_words.bias_share(np.array([0.99999, 0.99996]), 2) == (
        "Biases make up over 99.9% of $E[K]$ at every depth drawn."
    )
    assert initial_words.bias_share(np.array([0.5, 1.0]), 2).endswith("and 100% at 2.")
