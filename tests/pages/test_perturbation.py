"""The Perturbation page in every state, and its words, which follow the numbers."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from perturbation_runs import RUNS, SEEDS, WIDTHS, computed, jobs, query, run
from pretend_engine import look, specs, texts
from streamlit.testing.v1 import AppTest

from cache import Failure, Job, Store
from cache.run_folders import Record
from engine.jobs import key
from engine.perturbation.config import PerturbationConfig, StudyConfig
from engine.perturbation.result import PerturbationResult, StudyResult
from engine.progress import Arrays
from pages.charts.words import number
from pages.views import expansion_words, hold, study_words


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("perturbation")
    computed(directory)
    return directory


@pytest.fixture(scope="module")
def entries(store: Path) -> dict[str, Arrays]:
    """The results by name of the run, and "study"."""
    opened = Store(store)
    found = {name: opened.get(key(kind, config)) for name, (kind, config) in zip([*RUNS, "study"], jobs(), strict=True)}
    opened.close()
    return {name: arrays for name, arrays in found.items() if arrays is not None}


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


def asked(name: str = "flow") -> tuple[str, PerturbationConfig]:
    config = PerturbationConfig.of(run(name))
    return key("perturbation", config), config


def test_run_then_watch_then_cancel(pretend, opened):
    app = opened("perturbation", **query("flow"))
    app.button(key="ask expansion").click().run()
    name, config = asked()
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
    name, config = asked()
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


def test_a_study_is_shown_and_its_error_moves_without_computing(ready, opened):
    app = study_page(opened)
    assert not app.exception
    assert not app.error
    assert "The error of order 0 (lazy) as $n^{" in texts(app)
    assert len(specs(app)) == 3
    before = texts(app)
    app.text_input(key="study error").set_value("0.02").run()
    assert not app.exception
    assert "0.02 at $beta$" in texts(app)
    assert "0.02 at $beta$" not in before


def study_page(opened) -> AppTest:
    app = opened("perturbation", **query("flow"), v_tab="study")
    app.text_input(key="study widths").set_value(WIDTHS).run()
    return app.text_input(key="study seeds").set_value(SEEDS).run()


def study_with(entries: dict[str, Arrays], **network: object) -> tuple[StudyConfig, Arrays]:
    """The study of the run with another network, with the numbers of that of "flow"."""
    given = {**run("flow").to_dict(), "seeds": [0, 1]}
    values = {"run": {**given, "network": {**given["network"], **network}}, "widths": [16, 48]}
    config = StudyConfig.from_dict(values)
    meta = {**json.loads(str(entries["study"]["meta"])), "config": config.to_dict()}
    return config, {**entries["study"], "meta": np.array(json.dumps(meta))}


def held_studies(pretend, opened, entries, **network: object) -> AppTest:
    """The page of the study of "flow" while that of another network is held."""
    configs = [study_with(entries), study_with(entries, **network)]
    keys = [key("perturbation_study", config) for config, _ in configs]
    for one, (config, arrays) in zip(keys, configs, strict=True):
        pretend.results[one] = arrays
        pretend.records[one] = Record(one, "perturbation_study", config.to_dict(), "", "finished")
    lists = {"v_widths": WIDTHS, "v_seeds": SEEDS}
    app = opened("perturbation", **query("flow"), v_tab="study", **lists, held=keys[1])
    assert not app.exception
    return app


def test_a_held_study_stands_beneath_every_chart_of_the_next_with_its_answer_and_laws(pretend, opened, entries):
    app = held_studies(pretend, opened, entries, activation="tanh")
    said = texts(app)
    assert "Held: **activation** erf → tanh" not in said
    assert "Held: **activation** tanh → erf; seeds the same." in said
    assert said.count("The error of order 0 (lazy) as $n^{") == 2
    assert len(specs(app)) == 3
    assert all("held: activation tanh" in spec for spec in specs(app))
    assert "activation tanh: order 0 (lazy): n^" in said


def test_a_run_whose_study_is_the_same_is_no_other(pretend, opened, entries):
    """Width is what the study varies: of a run of another width it is the same study."""
    app = held_studies(pretend, opened, entries, width=32)
    assert hold.HELD_NOW in texts(app)
    assert not any("held: " in spec for spec in specs(app))


def test_a_held_run_without_a_study_offers_to_compute_it(ready, opened, entries):
    held = key("perturbation", PerturbationConfig.of(run("descent")))
    app = opened("perturbation", **query("flow"), v_tab="study", v_widths=WIDTHS, v_seeds=SEEDS, held=held)
    assert not app.exception
    assert "This page has no result of it yet." in texts(app)
    assert any(button.label == "Compute it" for button in app.button)


def test_a_study_of_output_scales_has_no_beta(pretend, opened, entries):
    values = {"run": {**run("flow").to_dict(), "seeds": [0, 1]}, "alphas": [1, 2]}
    config = StudyConfig.from_dict(values)
    alpha, same = np.array([1.0, 1.0, 2.0, 2.0]), np.full(4, 48.0)
    meta = {**json.loads(str(entries["study"]["meta"])), "config": config.to_dict()}
    columns = {"alpha": alpha, "width": same, "beta": 2 / same, "error_order_0": 0.1 / alpha**2}
    pretend.results[key("perturbation_study", config)] = {
        **entries["study"], **columns, "meta": np.array(json.dumps(meta))
    }  # fmt: skip
    app = study_page(opened)
    app.text_input(key="study widths").set_value("").run()
    app.text_input(key="study alphas").set_value("1, 2").run()
    assert not app.exception
    assert r"order 0 (lazy) as $alpha^{-2.00}$" in texts(app)
    assert len(specs(app)) == 2


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("widths", "16", "one cell is no study"),
        ("widths", "16, many", "many"),
        ("widths", "16, 60000", "of memory needed"),
        ("depths", "2, 2", "repeats a value"),
        ("seeds", "0", "a whole number from 1 to 64"),
        ("error", "-1", "a number above 0"),
    ],
)
def test_a_bad_study_says_what_to_change(field, text, said, pretend, opened):
    app = study_page(opened)
    app.text_input(key=f"study {field}").set_value(text).run()
    assert not app.exception
    assert said in " ".join(error.value.replace("\\", "") for error in app.error)
    assert not [button for button in app.button if button.key == "ask study"]


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


def study_of(columns: Mapping[str, np.ndarray], entries: dict[str, Arrays]) -> StudyResult:
    return StudyResult.from_arrays({**{name: np.array(v) for name, v in entries["study"].items()}, **columns})


def test_laws_and_crossings_of_a_study_follow_the_numbers(entries):
    width = np.array(entries["study"]["width"])
    beta = np.array(entries["study"]["beta"])
    found = study_of(
        {
            "error_order_0": 3 / width,
            "error_order_1": 3 / width**2,
            "error_order_2": 3 / width**3,
            "error_full": np.zeros_like(width),
            "drift": 2 * beta,
            "drift_predicted": beta**0.5,
        },
        entries,
    )
    said = " ".join([study_words.answer(found), *study_words.sentences(found, 0.1)])
    for label, power in (("order 0 (lazy)", 1), ("orders 0–1", 2), ("orders 0–2", 3)):
        assert f"{label} as $n^{{-{power}.00}}$ [−{power}.00, −{power}.00]" in said
    assert r"follows 2 $\beta^{1.00}$" in said
    assert r"alone: 1 $\beta^{0.50}$" in said
    assert r"The drift is 0.1 at $\beta$ = 0.05 (95%: 0.05 to 0.05)" in said
    depth = 2
    assert rf"Order 0 errs by 0.1 at $\beta$ = {number(0.1 * depth / 3)}" in said
    near = study_of({"error_full": 0.9 * np.array(entries["study"]["error_order_2"])}, entries)
    assert "Too few networks are not within a factor 2 of the floor to fit orders 0–2." in " ".join(
        study_words.sentences(near, 0.1)
    )
    floored = study_of({"error_full": np.full_like(width, 10.0)}, entries)
    assert "No order's error stands clear of the floor" in study_words.answer(floored)


def test_the_page_shows_the_notes_of_the_data(ready, opened, monkeypatch):
    monkeypatch.setattr(PerturbationResult, "notes", ("3 of 8 training points repeat the inputs of another",))
    assert "3 of 8 training points repeat" in texts(opened("perturbation", **query("flow")))
