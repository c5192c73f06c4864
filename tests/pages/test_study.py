"""Studies of perturbations on their page, and their words, which follow the numbers."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from computed import copied, results
from perturbation_runs import SEEDS, WIDTHS, asked, query, run
from pretend_engine import specs, texts
from streamlit.testing.v1 import AppTest

from cache.run_folders import Record
from engine.jobs import key
from engine.perturbation.config import PerturbationConfig, StudyConfig
from engine.perturbation.result import StudyResult
from engine.progress import Arrays
from pages.charts.words import number
from pages.views import hold, study_words


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory, "perturbation", asked().values())


@pytest.fixture(scope="module")
def entries(store: Path) -> dict[str, Arrays]:
    return results(store, asked())


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
