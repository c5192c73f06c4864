"""The Perturbation page in every state, and its words, which follow the numbers."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from computed import copied, results
from perturbation_runs import RUNS, asked, query, run
from pretend_engine import look, specs, texts

from cache import Failure, Job
from engine.jobs import key
from engine.perturbation.config import PerturbationConfig
from engine.perturbation.result import PerturbationResult
from engine.progress import Arrays
from pages.views import expansion_words


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory, "perturbation", asked().values())


@pytest.fixture(scope="module")
def entries(store: Path) -> dict[str, Arrays]:
    return results(store, asked())


def result(arrays: Arrays, **changed: Callable[[np.ndarray], np.ndarray]) -> PerturbationResult:
    """The result with arrays of every seed changed by name."""
    copies = {name: np.array(array) for name, array in arrays.items()}
    for name in list(copies):
        change = changed.get(name.split("/")[-1])
        if change is not None:
            copies[name] = change(copies[name])
    return PerturbationResult.from_arrays(copies)


def between(residuals: np.ndarray, first: float, second: float) -> np.ndarray:
    """Orders 1 and 2 put on the way from order 0 to the network, so that they explain these shares of it."""
    network, lazy = residuals[0], residuals[1]
    return np.stack([network, lazy, *(lazy + share * (network - lazy) for share in (first, second)), *residuals[4:]])


def test_a_visitor_starts_with_erf_along_the_flow(pretend, opened):
    app = opened("perturbation")
    assert not app.exception
    assert not app.error
    assert app.query_params["activation"] in ("erf", ["erf"])
    assert app.query_params["integrator"] in ("rk4", ["rk4"])
    assert [button for button in app.button if button.key == "ask expansion"]


def test_a_run_is_carried_over_from_evolution(pretend, opened):
    app = opened("evolution", width="300", activation="tanh")
    app.switch_page("perturbation.py").run()
    assert app.text_input(key="setting width").value == "300"
    assert app.query_params["width"] in ("300", ["300"])


def flow() -> tuple[str, PerturbationConfig]:
    config = PerturbationConfig.of(run("flow"))
    return key("perturbation", config), config


def test_run_then_watch_then_cancel(pretend, opened):
    app = opened("perturbation", **query("flow"))
    app.button(key="ask expansion").click().run()
    name, config = flow()
    assert pretend.jobs[name].state == "queued"
    pretend.jobs[name] = Job(name, "perturbation", config, "running", 0.4, "seed 0: kernel path")
    app.run()
    assert "seed 0: kernel path" in texts(app)
    app.button(key="cancel expansion").click().run()
    assert pretend.jobs[name].state == "cancelled"
    assert "The computation was cancelled" in texts(app)
    assert not app.exception


def test_options_ask_for_another_expansion(pretend, opened):
    app = opened("perturbation", **query("flow"), v_path="linear", v_between="1")
    app.button(key="ask expansion").click().run()
    (name,) = pretend.jobs
    options = pretend.jobs[name].config.options
    assert (options.interpolation, options.between) == ("linear", 1)


def test_a_failure_says_why(pretend, opened):
    name, config = flow()
    error = Failure("memory", "The run does not fit into memory: use fewer points.")
    pretend.jobs[name] = Job(name, "perturbation", config, "failed", error=error)
    app = opened("perturbation", **query("flow"))
    assert "use fewer points" in texts(app)
    assert [button for button in app.button if button.key == "ask expansion"]


def test_what_cannot_be_expanded_says_what_to_change(pretend, opened):
    said = texts(opened("perturbation", momentum="0.5"))
    assert "This run cannot be expanded" in said
    assert "momentum: the expansion is of plain descent or its flow: set it to 0" in said
    app = opened("perturbation", width="0")
    assert not app.exception
    assert "One setting needs a change" in texts(app)


@pytest.mark.parametrize("name", [name for name in RUNS if name != "readout"])
def test_every_kind_of_result_is_shown(name, ready, opened):
    app = opened("perturbation", **query(name))
    assert not app.exception
    assert not app.error
    assert app.metric
    assert len(specs(app)) >= 7
    said = texts(app)
    assert ("gradient flow" if name == "flow" else "gradient descent") in said
    for limits in ("with estimates", "with Grönwall", "of each order"):
        look(app, limits=limits, axis="linear")
        assert not app.exception
    if name == "dead":
        assert "nothing can train" in said


def test_shares_follow_the_numbers(entries):
    found = " ".join(expansion_words.sentences(result(entries["flow"], residuals=lambda r: between(r, 0.87, 0.97))))
    assert (
        "First order explains 87% of the deviation from lazy training**, first and second order together 97%" in found
    )
    found = " ".join(expansion_words.sentences(result(entries["flow"], residuals=lambda r: between(r, 0.4, 0.1))))
    assert "First order explains 40%" in found
    assert "second order takes that back to 10%" in found
    found = " ".join(expansion_words.sentences(result(entries["flow"], residuals=lambda r: between(r, -3.0, -20.0))))
    assert "The expansion fails here**: with first order the error grows to 4 times" in found
    assert "with second order to 21 times" in found


def test_the_bound_is_said_to_hold_only_where_it_does(entries):
    assert "P2 holds at every checkpoint" in " ".join(expansion_words.sentences(result(entries["flow"])))
    found = " ".join(
        expansion_words.sentences(result(entries["flow"], bound_P2=lambda bound: 0.5 * np.zeros_like(bound)))
    )
    assert "P2 is crossed at" in found


def test_the_modes_named_are_those_that_deviate(entries):
    def only_mode_3(arrays: Arrays) -> PerturbationResult:
        copies = {name: np.array(array) for name, array in arrays.items()}
        prefix = "seed0/"
        U, lazy = copies[prefix + "eigenvectors"], copies[prefix + "modes"][0]
        modes = lazy.copy()
        modes[1:, 2] += 0.1
        copies[prefix + "residuals"][0] = modes @ U.T
        return PerturbationResult.from_arrays(copies)

    found = " ".join(expansion_words.sentences(only_mode_3(entries["flow"])))
    assert "Mode 3 of $K_0$ carries 100% of the squared deviation" in found


def test_of_a_kernel_that_stays_no_order_is_told_or_drawn(ready, opened):
    """A network whose readout alone trains is linear in what trains: what deviates is rounding."""
    app = opened("perturbation", **query("readout"))
    assert not app.exception
    said, drawn = texts(app), " ".join(specs(app))
    assert "$K_t$ does not move: the frozen kernel carries the whole run" in said
    assert "of the squared deviation" not in said
    assert "The change of the kernel" not in said
    assert "‖, held-out residuals to their start" in said
    assert "How far does the frozen kernel carry?" in drawn
    assert "What does each order leave" not in drawn
    assert "Which modes of K_0 feel" not in drawn


def test_a_kernel_that_moves_or_never_trained_is_not_said_to_stay(entries):
    assert expansion_words.is_still(result(entries["readout"]))
    assert not expansion_words.is_still(result(entries["flow"]))
    assert not expansion_words.is_still(result(entries["dead"]))


def test_the_floor_is_compared_with_what_is_predicted_and_names_no_cause(entries):
    def whole_off_by(size: float, **changed: Callable[[np.ndarray], np.ndarray]) -> PerturbationResult:
        def moved(residuals: np.ndarray) -> np.ndarray:
            residuals[4] = residuals[0] + size * np.linalg.norm(residuals[0, 0]) * np.eye(residuals.shape[2])[0]
            return residuals

        return result(entries["flow"], residuals=moved, **changed)

    assert "predicted of curvature within each step" in " ".join(expansion_words.sentences(result(entries["descent"])))
    assert "where rounding in float32 leaves" in " ".join(expansion_words.sentences(whole_off_by(1e-7)))
    said = " ".join(expansion_words.sentences(whole_off_by(2e-3, floor=np.zeros_like)))
    assert "misses the network by 2.0·10⁻³" in said or "misses the network by 0.002" in said
    assert "halving the checkpoints changes it by" in said
    size = float(np.linalg.norm(result(entries["flow"]).seeds[0]["residuals"][0, 0]))
    alike = whole_off_by(2e-3, floor=lambda floor: np.full_like(floor, 2.5e-3 * size))
    assert "about as much as is predicted of the truncation of Runge-Kutta" in " ".join(
        expansion_words.sentences(alike)
    )
    far = " ".join(expansion_words.sentences(whole_off_by(2e-3, floor=np.ones_like)))
    assert "about as much" not in far


def test_the_table_of_ends_holds_the_last_values(entries):
    one = result(entries["descent"])
    table = expansion_words.end_table(one).set_index("curve")
    seed = one.seeds[0]
    assert table.loc["network", "largest error at a checkpoint"] == "—"
    assert float(table.loc["order 0 (lazy)", "largest error at a checkpoint"]) == pytest.approx(
        seed.at_checkpoints("order_0"), rel=0.05
    )
    assert float(table.loc["orders 0–1", "error at the stop"]) == pytest.approx(seed.error("order_1")[-1], rel=0.05)


def test_the_page_shows_the_notes_of_the_data(ready, opened, monkeypatch):
    monkeypatch.setattr(PerturbationResult, "data_notes", ("3 of 8 training points repeat the inputs of another",))
    assert "3 of 8 training points repeat" in texts(opened("perturbation", **query("flow")))
