"""Hold: a run stays beneath the charts of the next ones, with what differs and both answers, until it is released."""

import json
from collections import Counter

import numpy as np
import pytest
from drawing import figure as as_file
from pretend_engine import RUNS, SMALL, buttons, in_the_address, press, specs, texts

from cache.run_folders import Record
from engine import jobs
from engine.config import RunConfig
from pages.charts.specification import Specification
from pages.run.differing import from_to, settings_in
from pages.shell.answer import DIGITS
from pages.shell.figure import Figure, _draw
from pages.shell.held import NAME
from pages.views import hold_parts


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


def test_what_is_held_is_in_the_address_and_says_so(known, opened):
    (key,) = known(16)
    app = opened("evolution", run=key)
    assert not any("held: " in spec for spec in specs(app))
    press(app, "Hold")
    assert in_the_address(app, NAME) == key
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
    assert in_the_address(more, NAME) == ",".join(others)
    assert "6 results given, at most 5 allowed" in texts(more)


def test_one_that_is_not_here_any_more_says_so_in_a_line_and_can_be_released(known, opened):
    (present,) = known(16)
    app = opened("evolution", run=present, held="e" * 64)
    assert hold_parts.GONE in texts(app)
    assert not any("held: " in spec for spec in specs(app))
    press(app, "Release a held result")
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
    assert in_the_address(app, NAME) == other


def test_another_page_keeps_it(known, opened):
    held_one, present = known(16, 32)
    app = opened("evolution", run=present, held=held_one)
    app.switch_page("norms.py").run()
    assert not app.exception
    assert "Held: **width** 16 → 32" in texts(app)
    assert in_the_address(app, NAME) == held_one


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
    assert app.session_state[NAME] == ("a" * 64, "b" * 64)
    assert "not a key" not in texts(app)


def test_what_is_no_key_is_said_and_not_held(pretend, opened):
    """It would be called a result that is not here any more."""
    app = opened("evolution", held=f"<b>,../x,{'a' * 64}")
    assert app.session_state[NAME] == ("a" * 64,)
    assert "left out 2 of 3: not a key of a result" in texts(app)


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
    assert in_the_address(again, NAME) == held_one


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
