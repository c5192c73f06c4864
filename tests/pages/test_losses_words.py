"""What pages say of losses of classes and of weight decay: right formulas, limits and units, and silence elsewhere."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import followed_spaces as followed
import numpy as np
import pytest
from small_runs import result, seed

from engine.config import RunConfig
from engine.rkhs.config import RkhsConfig
from engine.rkhs.result import RkhsResult
from engine.training.result import RunResult
from pages.charts.evolution import STABILITY, available, stability_table
from pages.charts.function import GUESSES
from pages.run.settings import config_of
from pages.views import evolution_words, frequency_words, latex_conventions, spaces_words
from pages.views.convention_words import conventions, switched

MOONS = {"name": "two_moons", "size": 4, "test_size": 8}
THREE = {"name": "wine", "size": 4, "test_size": 8, "classes": None}


def trained(loss: str, data: dict | None = None, **training: Any) -> RunResult:
    """Two checkpoints at which lambda_max is 1 and 1.1, eta_eff 0.5."""
    found = result(seed())
    config = RunConfig.from_dict({"data": data or MOONS, "training": {"loss": loss, **training}})
    one = found.seeds[0]
    of_classes = {"test_accuracy": np.array([0.5, 0.875]), "test_loss": np.array([0.7, 0.3])}
    return RunResult({}, config, found.meta, (replace(one, arrays={**one.arrays, **of_classes}),))


def rows(found: RunResult) -> dict[str, tuple[str, str]]:
    return {name: (formula, here) for name, formula, here in conventions(found)[1:]}


@pytest.mark.parametrize(
    ("loss", "data", "formula"),
    [
        ("logistic", MOONS, r"\frac1M\sum_i\log(1+e^{-y_if_i})"),
        ("logistic", THREE, r"\frac{e^{f_i(y_i)}}{\sum_c e^{f_i(c)}}"),
        ("hinge", MOONS, r"\frac1M\sum_i\max(0,1-y_if_i)"),
        ("squared_hinge", THREE, r"\frac{1}{2M}\sum_{i,c}\max(0,1-y_{ic}f_{ic})^2"),
    ],
)
def test_conventions_of_a_loss_of_classes(loss: str, data: dict, formula: str) -> None:
    found = rows(trained(loss, data))
    assert formula in found["loss"][0]
    assert r"=\eta/M$" in found["step"][0]
    assert r"$r=\partial\ell/\partial f$" in found["step"][0]
    switch, stays = switched(trained(loss, data), "loss")
    assert [len(row) for row in switch] == [2, 2, 2]
    assert "is another run" in stays
    assert r"\partial\ell" in latex_conventions.of_run(trained(loss, data).config)


def test_weight_decay_is_in_the_loss_and_in_the_limit() -> None:
    """eta_eff (lambda_max/4 + lambda M) = .5 (1/4 + 4/10) of logistic loss; lambda M/2 of the mean."""
    found = rows(trained("logistic", weight_decay=0.1))
    assert found["loss"][0].endswith(r"+\frac{\lambda}{2}\lVert\theta\rVert^2$")
    assert found["loss"][1] == "M = 4, logistic, λ = 0.1 on what trains"
    assert found["stability"] == (r"$\eta_\mathrm{eff}(\lambda_{\max}/4+\lambda M)<2$", "0.325 at the start")
    assert "weight decay moves $f$ beside that" in found["step"][0]
    assert r"(\lambda_{\max}+\lambda M/2)<2$" in rows(trained("mean", weight_decay=0.1))["stability"][0]
    said = latex_conventions.of_run(trained("half_sum", weight_decay=0.1).config)
    assert r"\frac{\lambda}{2}|\theta|^2$, $\lambda = 0.1$" in said
    assert r"2\varphi/(\lambda_{\max}(K_0) + 0.1)$" in said
    assert "partial" not in said


def test_the_limit_of_steps_is_that_of_the_curvature() -> None:
    """.5 times 1 and 1.1, a quarter of it for logistic; the hinge has no limit."""
    (said,) = evolution_words.stability(trained("logistic"))
    assert r"$\eta_\mathrm{eff}\lambda_{\max}/4$ was 0.125 at the start" in said
    assert said.endswith("stable, the limit is 2.")
    assert evolution_words.stability(trained("hinge")) == []
    assert rows(trained("hinge"))["stability"][0] == "none: the hinge has no curvature"
    assert available(trained("hinge"))["lambda_max"].question == "How does the largest eigenvalue change?"
    assert "edge of stability" in available(trained("logistic"))["lambda_max"].question
    frame = stability_table(trained("logistic", weight_decay=0.1)).frame
    limit = frame[frame["series"] == STABILITY]["value"]
    np.testing.assert_allclose(limit, (2 / 0.5 - 0.4) / 0.25)


def test_a_headline_counts_classes_where_the_loss_is_of_classes() -> None:
    shown = {one.label: (one.value, one.beside) for one in evolution_words.headlines(trained_with_ends("logistic"))}
    assert shown["test accuracy"] == ("88%", "loss 0.3")
    assert "test error" not in shown
    assert "test error" in {one.label for one in evolution_words.headlines(trained_with_ends("mean"))}


def trained_with_ends(loss: str) -> RunResult:
    found = trained(loss)
    return RunResult({}, found.config, {**found.meta, "device": "cpu"}, found.seeds)


@pytest.mark.parametrize(("loss", "guess"), [("logistic", "its probability"), ("hinge", "output cut off")])
def test_pages_on_spaces_say_how_the_network_is_compared(loss: str, guess: str) -> None:
    (said,) = spaces_words.of_loss(spaces(loss=loss, weight_decay=0.1))
    assert f"by {loss} loss and weight decay" in said
    assert guess in said
    assert loss in GUESSES
    (decayed,) = spaces_words.of_loss(spaces(weight_decay=0.1))
    assert decayed.startswith("The network trained with weight decay: a kernel held fixed is not followed")
    assert "is not followed, for weight decay" in said
    assert spaces_words.of_loss(spaces(loss="mean")) == []


def test_pages_on_spaces_say_of_a_kernel_held_fixed_what_is_there() -> None:
    (said,) = spaces_words.of_loss(spaces(loss="squared_hinge"))
    assert said.endswith("So is what a kernel held fixed makes of it, by squared hinge loss too.")
    without = spaces(["frozen_departure"], loss="squared_hinge")
    (said,) = spaces_words.of_loss(without)
    assert "held fixed" not in said


def spaces(left_out: Sequence[str] = (), **training: Any) -> RkhsResult:
    exchanged = np.zeros((4, 4, 4))
    exchanged[:, 0, 0], exchanged[:, 0, 1] = 1.0, np.linspace(0.1, 0.4, 4)
    found = followed.result(followed.seed(left_out=left_out, frequency_power=exchanged))
    data = {"name": "two_moons", "size": 16, "test_size": 32}
    config = RkhsConfig.from_dict({"run": {"data": data, "training": training}})
    return RkhsResult(found.arrays, config, {}, found.seeds)


def test_the_exchange_of_frequencies_is_no_decay_where_weights_decay() -> None:
    assert frequency_words._exchange(spaces())
    assert frequency_words._exchange(spaces(loss="logistic"))
    assert frequency_words._exchange(spaces(weight_decay=0.1)) == []


def test_the_form_takes_them() -> None:
    draft = {"data": "two_moons", "loss": "logistic", "weight_decay": "1e-3"}
    assert (config_of(draft).training.loss, config_of(draft).training.weight_decay) == ("logistic", 1e-3)
