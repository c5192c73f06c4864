"""Hold, of recordings: beneath runs and each other, at matched t or step, with what differs and what one lacks."""

import io
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pretend_engine import SMALL, buttons, in_the_address, press, specs, texts
from streamlit.testing.v1 import AppTest

from cache import Run
from cache.run_folders import Record
from engine import jobs
from engine.config import RunConfig
from engine.recording.config import RecordedFile, RecordingConfig
from engine.recording.file import About, Recording
from engine.recording.result import RecordedRun
from engine.result import provenance
from engine.schema import ConfigError
from pages.charts.matched import per_step
from pages.run import asking as asking_for
from pages.shell.answer import DIGITS
from pages.shell.held import NAME
from pages.views import hold_parts
from pages.views.hold import HELD_RECORDED, either

HELD_OUT, POINTS = 8, 20
EVERY = np.array([0, 1, 2, 5, 10, 20, 40])
VERSIONS = "torch 2.9.1, numpy 2.3"


@pytest.fixture
def recorded(pretend) -> Callable[..., str]:
    """Makes a recording known with its result, made by NumPy: gives its key."""

    def make(name: str, t: Any = None, loss: str | None = "half_mean", seed: int = 0) -> str:
        random = np.random.default_rng(seed)
        J = random.standard_normal((POINTS, 30))
        kernels = [(1 + 0.01 * step) * (J @ J.T) for step in EVERY]
        outputs = np.stack([np.full((POINTS, 1), 0.01 * step) for step in EVERY])
        about: Any = {"name": name, "held_out": HELD_OUT, "loss": loss, "versions": VERSIONS, "ended": "closed"}
        values = None if loss is None or loss == "other" else 1 / (1.0 + EVERY)
        times = EVERY.astype(float) if t is None else np.asarray(t, float)
        y = random.standard_normal((POINTS, 1))
        recording = Recording(About(**about), EVERY, times, np.stack(kernels), outputs, y, values)
        config = recording.config(f"{name} {seed} {t}".encode(), f"{name}.npz")
        rows, start = [], None
        for K, f in zip(recording.kernel, recording.outputs, strict=True):
            row, start = recording.probes.diagnose(K, f, start)
            rows.append(row)
        run = RecordedRun.of(config, recording, rows, provenance("recording", "a test", 0.0))
        key = jobs.key("recording", config)
        pretend.results[key] = run.to_arrays()
        pretend.records[key] = Record(key, "recording", config.to_dict(), "", "finished")
        return key

    return make


@pytest.fixture
def run(pretend, small_arrays) -> Callable[..., str]:
    """Makes a run known, whose t is `rate` times its steps in every seed; 0: as it was computed."""

    def make(rate: float = 0.0, **training: Any) -> str:
        config = RunConfig.from_dict({**SMALL, "training": {**SMALL["training"], **training}})
        arrays = dict(small_arrays)
        for seed in range(len(config.seeds)) if rate else ():
            arrays[f"seed{seed}/t"] = rate * arrays[f"seed{seed}/step"]
        meta = json.loads(str(arrays["meta"])) | {"config": config.to_dict(), "config_hash": config.hash}
        key = jobs.key("run", config)
        pretend.results[key] = {**arrays, "meta": np.array(json.dumps(meta))}
        pretend.records[key] = Record(key, "run", config.to_dict(), "", "finished")
        return key

    return make


def asking(app: AppTest, question: str) -> str:
    """The chart of a question."""
    return next(spec for spec in specs(app) if question in spec)


DRIFT = "How far has the kernel moved from K_0?"
LOSS = "How fast does the training loss fall?"


def test_a_recording_is_held_from_its_page_and_stands_in_the_link(recorded, opened):
    key = recorded("by hand")
    app = opened("evolution", recording=key)
    press(app, "Hold")
    assert in_the_address(app, NAME) == key
    assert in_the_address(app, "recording") == key
    assert HELD_RECORDED in texts(app)
    assert not any("held: " in spec for spec in specs(app))
    press(app, "Release")
    assert "held" not in app.query_params


def test_it_stays_held_on_the_way_to_a_run(recorded, run, opened):
    key = recorded("by hand")
    app = opened("evolution", recording=key)
    press(app, "Hold")
    app.switch_page("norms.py").run()
    assert app.session_state[NAME] == (key,)
    assert in_the_address(app, NAME) == key


def test_it_stands_beneath_a_run_at_equal_t_with_both_answers_and_what_differs(recorded, run, opened):
    key, present = recorded("by hand", t=0.05 * EVERY), run()
    app = opened("evolution", run=present, held=key[:12], v_charts="all")
    assert not app.exception
    said = texts(app)
    assert "Held: the recording **by hand** (torch 2.9.1, numpy 2.3; loss half_mean; 12 + 8 points) → a run (" in said
    assert "width 16, loss half_mean, size 12)." in said
    assert "**by hand** is drawn at equal t, which of a recording is what its loop gave." in said
    assert "**by hand** has no numbers of" in said
    assert "stability limit" in said
    assert said.count("By the stop $K_t$ has moved by") == 2
    assert "held: by hand" in said
    assert in_the_address(app, NAME) == key
    assert "held: by hand" in asking(app, DRIFT)
    assert "held: by hand" in asking(app, LOSS)
    assert "held: by hand" not in asking(app, "Which layer carries the kernel?")
    assert "This was not measured for it" not in said
    assert "not finite and are not drawn" not in said


def test_a_run_stands_beneath_a_recording_and_another_one_too(recorded, run, opened):
    other, present, held_run = recorded("one", seed=1), recorded("two"), run()
    app = opened("evolution", recording=present, held=f"{other},{held_run}")
    assert not app.exception
    said = texts(app)
    assert "Held beside the recording **two** (torch 2.9.1, numpy 2.3; loss half_mean; 12 + 8 points): " in said
    assert ": the recording **one** (torch 2.9.1, numpy 2.3; loss half_mean; 12 + 8 points) and a run (depth 1" in said
    assert "**one** is drawn at equal steps, for neither loop gave a t." in said
    assert "is drawn at equal steps: the loop of this recording gave no t." in said
    assert "held: depth 1, width 16" in said
    assert "this recording, two" in said
    for name in ("one", "depth 1, width 16"):
        assert f"held: {name}" in asking(app, DRIFT)
    press(app, "Release one")
    assert in_the_address(app, NAME) == held_run


def ghosts_x(app: AppTest, asked: str) -> np.ndarray:
    """Where the lines of what is held lie on the axis of a chart."""
    found = next(one.proto for one in app.get("vega_lite_chart") if asked in one.proto.spec)
    spec = json.loads(found.spec)
    lines = [
        layer for layer in spec["layer"] if layer["mark"].get("style") == "held" and layer["mark"]["type"] == "line"
    ]
    names = {layer["data"]["name"] for layer in lines}
    frames = [
        pa.ipc.open_stream(io.BytesIO(one.data.data)).read_pandas() for one in found.datasets if one.name in names
    ]
    return np.unique(np.concatenate([frame["t"].to_numpy(float) for frame in frames]))


def test_a_loop_without_t_is_matched_by_step_where_a_step_is_one_t(recorded, run, opened):
    key, present = recorded("counted"), run(rate=0.25)
    app = opened("evolution", run=present, held=key, v_charts="all", v_axis="linear")
    assert "**counted** is drawn at equal steps: its loop gave no t." in texts(app)
    np.testing.assert_allclose(ghosts_x(app, DRIFT), 0.25 * EVERY)


def test_a_run_beneath_a_loop_without_t_is_drawn_over_its_steps(recorded, run, small_arrays, opened):
    key, present = run(), recorded("counted")
    app = opened("evolution", recording=present, held=key, v_charts="all", v_axis="linear")
    steps = {*small_arrays["seed0/step"], *small_arrays["seed1/step"]}
    assert set(ghosts_x(app, DRIFT)) <= {float(step) for step in steps}
    assert len(ghosts_x(app, DRIFT)) > 3


@pytest.mark.parametrize(
    ("training", "why"),
    [({}, "here a step is not the same t throughout"), ({"integrator": "rk4"}, "are those of Runge-Kutta")],
)
def test_where_steps_and_t_cannot_be_matched_the_line_says_so_and_nothing_is_drawn_over_t(
    recorded, run, opened, training, why
):
    key, present = recorded("counted"), run(**training)
    app = opened("evolution", run=present, held=key, v_charts="all")
    assert not app.exception
    assert "**counted** is **not drawn over t**: its loop gave no t, and" in texts(app)
    assert why in texts(app)
    assert texts(app).count("By the stop $K_t$ has moved by") == 2
    assert not any("held: counted" in spec for spec in specs(app))


def test_what_its_loop_did_not_say_has_no_ghost_and_is_named(recorded, opened):
    key, present = recorded("quiet", loss="other", seed=1), recorded("whole")
    app = opened("evolution", recording=present, held=key, v_charts="all")
    assert not app.exception
    assert "**quiet** has no numbers of training loss" in texts(app)
    assert "held: quiet" in asking(app, DRIFT)
    assert "held: quiet" not in asking(app, LOSS)
    assert "held: quiet" not in asking(app, "How much of the residual is left?")
    assert "has other panels" not in texts(app)
    assert "held: quiet" in asking(app, "How does the spectrum of the kernel move?")


def test_one_that_was_deleted_meanwhile_says_so(recorded, pretend, run, opened):
    key, present = recorded("by hand"), run()
    app = opened("evolution", run=present, held=key)
    assert "held: by hand" in texts(app)
    del pretend.records[key], pretend.results[key]
    app.run()
    assert not app.exception
    assert hold_parts.GONE in texts(app)
    assert not any("held: " in spec for spec in specs(app))
    press(app, "Release a held result")
    assert hold_parts.GONE not in texts(app)


def test_it_waits_while_the_next_run_is_not_computed(recorded, opened):
    key = recorded("by hand")
    app = opened("evolution", size="12", test_size="16", width="50", held=key)
    assert "Held: the recording **by hand**" in texts(app)
    assert "Release by hand" in buttons(app)


def test_a_study_is_of_runs_only(recorded, pretend):
    key = recorded("by hand")
    config = RecordingConfig.from_dict(dict(pretend.records[key].values))
    with pytest.raises(ConfigError, match="this is asked of runs only"):
        either(asking_for.computation)(config)


@pytest.mark.parametrize(("one", "other", "step"), [(1, 1, 0.0), (2, 2, 0.0), (1, 2, None), (2, 1, 1.0)])
def test_times_meet_at_t_or_at_steps(one, other, step):
    """1: with a t that is not one multiple of its steps; 2: counting steps."""
    config = RecordingConfig(
        recording="r", source=RecordedFile(file="f", digest="0" * 64), train=2, held_out=2, outputs=1, checkpoints=3
    )
    made = [
        SimpleNamespace(config=config, seeds=[{"t": EVERY.astype(float) ** (3 - n), "step": EVERY}])
        for n in (one, other)
    ]
    assert per_step(*made) == step


# Chosen in the list, instead of held.


def compared(pretend: Any, opened: Callable[..., AppTest], *keys: str) -> AppTest:
    """Runs, with these chosen."""
    for key in keys:
        record = pretend.records[key]
        made = Run(key, record.kind, record.values, "", "finished", 0.0, 60.0, 1.0, "", True, False)
        pretend.runs.append(made)
    app = opened("all_runs", v_chosen=",".join(key[:DIGITS] for key in keys), v_axis="linear")
    assert not app.exception
    return app


def lines(app: AppTest, asked: str) -> dict[str, list[float]]:
    """Where the curves of a chart lie on its axis, by the names of the results."""
    chart = next(one.proto for one in app.get("vega_lite_chart") if asked in one.proto.spec)
    frames = [pa.ipc.open_stream(io.BytesIO(one.data.data)).read_pandas() for one in chart.datasets]
    rows = pd.concat([frame for frame in frames if {"series", "t"} <= set(frame.columns)])
    return {str(name): sorted({*found["t"]}) for name, found in rows.groupby("series")}


COMPARED = "How does the drift go in each?"
OF_ITS_LOOP = "time, t (of the loop)"


def test_recordings_that_are_chosen_have_their_curves_in_one_chart(pretend, recorded, opened):
    keys = recorded("one", seed=1, t=0.5 * EVERY), recorded("two", t=0.25 * EVERY)
    app = compared(pretend, opened, *keys)
    assert "**two** is drawn at equal t, which of a recording is what its loop gave." in texts(app)
    assert OF_ITS_LOOP in asking(app, COMPARED)
    found = lines(app, COMPARED)
    np.testing.assert_allclose(found["one"], 0.5 * EVERY)
    np.testing.assert_allclose(found["two"], 0.25 * EVERY)
    assert "They stopped between t = 10 and 20: compare the curves at equal t" in texts(app)
    table = app.dataframe[1].value
    assert list(table["at t"]) == ["10", "10"]


def test_a_run_beside_a_loop_without_t_is_compared_at_steps(pretend, recorded, run, small_arrays, opened):
    app = compared(pretend, opened, run(), recorded("counted"))
    (other,) = {*lines(app, COMPARED)} - {"counted"}
    assert f"**{other}** is drawn at equal steps: the loop of **counted** gave no t." in texts(app)
    found = lines(app, COMPARED)
    np.testing.assert_allclose(found["counted"], EVERY)
    assert {*found[other]} <= {float(step) for name in "01" for step in small_arrays[f"seed{name}/step"]}
    assert "at step" in app.dataframe[1].value
    assert "They stopped between" not in texts(app)


def test_what_cannot_be_compared_says_why(pretend, recorded, run, opened):
    app = compared(pretend, opened, run(integrator="rk4"), recorded("counted"))
    assert "is **not drawn over t**: the loop of **counted** gave no t, and the steps of the run are those of" in texts(
        app
    )
    assert not specs(app)


def test_what_a_loop_did_not_say_is_named_beside_the_curves(pretend, recorded, opened):
    app = compared(pretend, opened, recorded("quiet", loss="other", seed=1), recorded("whole"))
    assert "**quiet** has no numbers of training loss" in texts(app)
    assert {*lines(app, COMPARED)} == {"quiet", "whole"}
