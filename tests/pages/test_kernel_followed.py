"""What the pages say and leave out where a run follows another kernel than the neural tangent one."""

import json
from dataclasses import replace

import followed_spaces as followed
import numpy as np
import pytest
import rkhs_runs
from computed import copied
from pretend_engine import RUNS, texts
from small_runs import result, seed

from engine import jobs
from engine.config import RunConfig
from engine.training.result import RunResult
from pages.run.draft_state import to_query
from pages.run.presets import shortest
from pages.run.settings import KERNELS, draft_of
from pages.views import convention_words, evolution_words, frequency_words, kernel_words, latex_conventions
from pages.views.kernel_words import NAMES

OTHERS = ("conjugate", "infinite_ntk", "infinite_nngp")


def following(found: RunResult, kernel: str, **network: object) -> RunResult:
    values = found.config.to_dict()
    config = RunConfig.from_dict({**values, "network": {**values["network"], **network}, "kernel": kernel})
    return RunResult(found.arrays, config, found.meta, found.seeds)


@pytest.mark.parametrize("kernel", OTHERS)
def test_the_kernel_is_named_wherever_numbers_are_meant(kernel: str) -> None:
    found = following(result(seed()), kernel)
    assert f"**{NAMES[kernel]}**" in " ".join(evolution_words.sentences(found))
    assert r"whose $\lambda_{\max}$ is shown" in " ".join(evolution_words.sentences(found))
    assert evolution_words.facts(found).startswith(f"{NAMES[kernel]}; unit circle")
    assert latex_conventions.KERNELS[kernel] in latex_conventions.of_run(found.config)
    assert latex_conventions.KERNEL not in latex_conventions.of_run(found.config)
    rows = {row[0]: row[1] for row in convention_words.conventions(found)}
    assert rows["kernel"].startswith(convention_words.KERNELS[kernel])
    assert rows["step"].endswith("; $K$ in step and stability is the neural tangent kernel")
    assert "Steps are set by the neural tangent kernel, not by" in latex_conventions.of_run(found.config, [0.1])


def test_of_the_neural_tangent_kernel_nothing_is_added() -> None:
    plain = result(seed())
    assert kernel_words.which_kernel(plain.config) == []
    rows = {row[0]: row[1] for row in convention_words.conventions(plain)}
    assert "is the neural tangent kernel" not in rows["step"]
    assert "Steps are set by" not in latex_conventions.of_run(plain.config, [0.1])
    assert evolution_words.facts(plain).startswith("unit circle")


def test_what_does_not_move_is_not_said_to_have_moved() -> None:
    assert evolution_words.answer(result(seed())).startswith("By the stop $K_t$ has moved by 50%")
    still = following(result(seed()), "infinite_nngp")
    assert (
        evolution_words.answer(still) == "This kernel, of infinite width, does not move; 50% of the residual is left."
    )
    assert "has moved" in evolution_words.answer(following(result(seed()), "conjugate"))
    found = seed()
    stays = replace(found, arrays={**found.arrays, "drift": np.zeros(2), "shape_drift": np.zeros(2)})
    assert evolution_words.answer(result(stays)) == "$K_t$ has not moved; 50% of the residual is left."
    assert not evolution_words.still(result(stays, seed(1)))
    assert not evolution_words.still(result(replace(stays, steps=0)))


HOW_FAR = "How far has the kernel moved from K_0?"
IN_WORDS = HOW_FAR.replace("K_0", "$K_0$")


def questions(app) -> list[str]:
    return [json.loads(chart.proto.spec).get("title", {}).get("text", "") for chart in app.get("vega_lite_chart")]


def test_no_chart_shows_how_far_a_kernel_moved_that_stays(finished, opened) -> None:
    def address(name: str) -> dict[str, str]:
        return to_query(shortest(draft_of(RunConfig.from_dict(RUNS[name]).to_dict())[0]))

    still, moves = (opened("evolution", **address(name), v_charts="all") for name in ("infinite width", "conjugate"))
    assert not still.exception
    assert f"{IN_WORDS} This kernel, of infinite width, does not move." in texts(still)
    assert HOW_FAR not in questions(still)
    assert len(questions(still)) > 3
    assert HOW_FAR in questions(moves)
    assert f"{IN_WORDS} " not in texts(moves)
    beneath = opened(
        "evolution", **address("infinite width"), held=jobs.key("run", RunConfig.from_dict(RUNS["conjugate"]))
    )
    assert HOW_FAR in questions(beneath)


@pytest.mark.parametrize(
    ("kernel", "network", "outside"),
    [
        ("conjugate", {"bias_init": "normal"}, True),
        ("ntk", {"bias_init": "normal"}, False),
        ("conjugate", {"bias_init": "zero"}, False),
        ("conjugate", {"bias_init": "normal", "centred": True}, False),
        ("conjugate", {"bias_init": "normal", "output_bias": False}, False),
        ("conjugate", {"bias_init": "normal", "sigma_b": 0.0}, False),
        ("infinite_nngp", {"bias_init": "normal", "train_bias": False}, False),
    ],
)
def test_a_bias_that_the_kernel_has_no_part_of_puts_the_start_outside(
    kernel: str, network: dict, outside: bool
) -> None:
    """f_0 = c v.a + b with a random b, trained or not, beside features a."""
    said = convention_words._outside(following(result(seed()), kernel, **network).config)
    assert bool(said) == outside


def test_what_the_other_parameterization_does_to_each_kernel() -> None:
    def rows(kernel: str) -> dict[str, str]:
        found = following(result(seed()), kernel, width=50, depth=2, sigma_w_readout=0.5)
        return {row[0]: row[-1] for row in convention_words.switched(found, "parameterization")[0]}

    assert rows("conjugate")["K"].endswith(": 200")  # n_L/sigma^2
    assert rows("infinite_nngp")["K"] == "the same"
    assert "weight term of layer l in K" in rows("infinite_ntk")


def test_a_leak_that_is_rounding_is_not_counted_out() -> None:
    leaks = np.full((4, 3), 1e-15)
    (said,) = frequency_words._leakage(followed.result(followed.seed(frequency_leakage=leaks)))
    assert said.count("under 0.01%") == 4
    assert "e-1" not in said


def query(name: str) -> dict[str, str]:
    return to_query(shortest(draft_of(RunConfig.from_dict(RUNS[name]).to_dict())[0]))


def test_perturbation_and_its_study_refuse_it_in_words(pretend, opened) -> None:
    for tab in ("run", "study"):
        app = opened("perturbation", **query("conjugate"), v_tab=tab)
        assert not app.exception
        assert "kernel followed: the expansion is of f' = -K r, which holds for the neural tangent kernel" in texts(app)


def test_the_setting_is_a_choice_of_four(pretend, opened) -> None:
    app = opened("evolution", kernel="infinite_ntk")
    (box,) = [one for one in app.selectbox if one.label == "kernel followed"]
    assert box.value == "infinite_ntk"
    assert box.options == [*KERNELS.values()]
    wrong = opened("evolution", kernel="nngp")
    assert not wrong.exception
    assert "kernel followed: 'nngp' is unknown" in texts(wrong)


# The pages on function spaces.


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory):
    return copied(tmp_path_factory, "kernels", rkhs_runs.asked(rkhs_runs.KERNELS).values())


@pytest.mark.parametrize("name", rkhs_runs.KERNELS)
@pytest.mark.parametrize("page", ["norms", "generalisation", "inductive_bias", "function_space"])
def test_the_pages_on_function_spaces_say_which_kernel(page: str, name: str, ready, opened) -> None:
    kernel, points = rkhs_runs.KERNELS[name]["kernel"], {"v_points": "train"} if page == "inductive_bias" else {}
    app = opened(page, **rkhs_runs.query(name), **points)
    assert not app.exception
    said = texts(app)
    assert f"**{NAMES[kernel]}**" in said
    assert "could have been held fixed" not in said
    assert "momentum or minibatches" not in said
    assert r"$\lambda_{\max}$ is shown" not in said  # Evolution alone shows it
    assert ("When has the kernel stopped?" in said) == (name == "conjugate" and page == "generalisation")
    assert "decay $r^TK_tr$" not in said
    assert ("are baked into $K_" in said) == (name == "conjugate" and page in ("norms", "inductive_bias"))
    questions = [str(element.proto.spec) for element in app.get("vega_lite_chart")]
    assert not any("Which pairs does the loss go by" in one for one in questions)
    assert not any("How much of the decay is exchange" in one for one in questions)
