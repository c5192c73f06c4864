"""Hold, of recordings, on the pages of spaces and on Perturbation, beside runs too; and whose a recording is."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import perturbation_runs
import pytest
import rkhs_runs
from computed import copied, results
from pretend_engine import MAIN, press, specs, texts
from sign_in import AUTH
from streamlit.testing.v1 import AppTest
from test_people import GOOD

from cache import CachedEngine
from cache.policy import Policy
from engine import jobs
from engine.recording.config import RecordingConfig
from pages.shell.link import READY

SPACES = ("norms", "function_space", "inductive_bias", "generalisation")


@pytest.fixture
def store(made: tuple[Path, dict[str, Any]]) -> Path:
    return made[0]


@pytest.fixture
def key_of(made: tuple[Path, dict[str, Any]], ready: CachedEngine) -> Callable[[str], str]:
    """The key of a recording, by name."""
    return lambda name: jobs.key("recording", RecordingConfig.from_dict(made[1][name]))


@pytest.fixture
def runs(
    ready: CachedEngine, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Runs whose comparison of spaces, or expansion, is in the cache beside the recordings: their keys by name."""
    known, keys, old = {}, {}, ready.lookup
    for name, asked in (("rkhs", rkhs_runs.asked()), ("perturbation", perturbation_runs.asked())):
        found = results(copied(tmp_path_factory, name, asked.values()), asked)
        for called, (kind, config) in asked.items():
            keys[f"{kind} {called}"] = key = jobs.key(kind, config)
            known[key] = found[called]
            ready.store.index.add(key, kind, config)

    def lookup(kind: str, config: Any, entry: str = "result") -> Any:
        return known.get(jobs.key(kind, config)) or old(kind, config, entry)

    monkeypatch.setattr(ready, "lookup", lookup)
    return keys


@pytest.mark.parametrize("page", SPACES)
def test_recordings_are_held_beneath_each_other_on_the_pages_of_spaces(opened, key_of, page):
    held = ",".join(map(key_of, ("quiet other", "classes")))
    app = opened(page, recording=key_of("whole"), held=held)
    assert not app.exception
    said = texts(app)
    assert "Held beside this recording. They differ in" in said
    assert "this recording, whole" in said
    assert "This page has no result of it yet." not in said
    drawn = [spec for spec in specs(app) if "held: quiet other" in spec and "held: classes" in spec]
    assert len(drawn) >= len(specs(app)) // 2 > 0
    assert "This was not measured for it" not in said


@pytest.mark.parametrize("page", SPACES)
def test_a_recording_beneath_a_run_and_a_run_beneath_a_recording(opened, key_of, runs, page):
    run = runs["rkhs parity"]
    above = opened(page, run=run, held=key_of("whole"))
    below = opened(page, recording=key_of("whole"), held=run)
    for app in (above, below):
        assert not app.exception
        assert "This page has no result of it yet." not in texts(app)
        assert "→" in texts(app)
    assert "**whole** is drawn at equal steps: its loop gave no t." in texts(above)
    assert any("held: whole" in spec for spec in specs(above))
    assert "is drawn at equal steps: the loop of this recording gave no t." in texts(below)
    assert any("held: depth 1, width 16" in spec for spec in specs(below))


def test_expansions_are_held_beneath_each_other_at_their_own_t(opened, key_of, runs):
    above = opened("perturbation", recording=key_of("driven"), held=key_of("driven by two"))
    below = opened("perturbation", run=runs["perturbation descent"], held=key_of("driven"))
    beside = opened("perturbation", recording=key_of("driven"), held=runs["perturbation descent"])
    for app, name in ((above, "driven by two"), (below, "driven"), (beside, "depth 1, width 32")):
        assert not app.exception
        assert any(f"held: {name}" in spec for spec in specs(app))
        assert "gave no t" not in texts(app)


def test_what_cannot_be_expanded_says_why_beneath_its_name(opened, key_of):
    app = opened("perturbation", recording=key_of("driven"), held=key_of("whole"))
    assert not app.exception
    assert "This page can say nothing of it: learning_rate: is not recorded" in texts(app)
    assert not any("held: " in spec for spec in specs(app))


def test_one_that_is_deleted_says_so_where_it_is_held(opened, key_of, ready):
    gone = key_of("quiet other")
    app = opened("norms", recording=key_of("whole"), held=gone)
    assert any("held: quiet other" in spec for spec in specs(app))
    assert ready.ownership.delete(gone, "somebody")
    app.run()
    assert not app.exception
    assert "It is not in the cache here any more." in texts(app)
    assert not any("held: " in spec for spec in specs(app))


# Whose a recording is.


def test_who_claims_a_recording_owns_it(key_of, ready, secrets, monkeypatch):
    secrets(AUTH)
    people = {f"{name}@lab.example": role for name, role in (("ann", "member"), ("bob", "member"), ("guest", "reader"))}
    monkeypatch.setattr(ready, "policy_now", lambda: Policy.from_dict({"people": people}))
    monkeypatch.setattr(ready, "policy", Policy.from_dict({"people": people}))
    key = key_of("whole")
    assert "claim_recording" not in [button.key for button in as_person("guest", key).button]
    app = as_person("ann", key)
    assert "Nobody has claimed this recording yet" in texts(app)
    press(app, "It is mine")
    assert "ann@lab.example" in {claim.person for claim in ready.store.claims.of(key)}
    assert "claim_recording" not in [button.key for button in app.button]
    said = "Claimed by ann@lab.example, who may name and tag it. An administrator may delete it."
    assert said in texts(as_person("bob", key))
    press(as_person("bob", key), "It is mine too")
    assert {"ann@lab.example", "bob@lab.example"} <= {claim.person for claim in ready.store.claims.of(key)}


def as_person(name: str, key: str) -> AppTest:
    """Evolution of a recording, for somebody who has signed in."""
    app = AppTest.from_file(str(MAIN), default_timeout=30)
    app.session_state[READY] = True
    app.switch_page("evolution.py")
    app.query_params["recording"] = key
    login = {"is_logged_in": True, "provider": "default", "nonce": name, **GOOD, "exp": time.time() + 60}
    app.user = {**login, "email": f"{name}@lab.example"}
    return app.run()
