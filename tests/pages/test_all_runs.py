"""The list of runs: who asked for what, and what one may do with it."""

from dataclasses import replace

import pytest
from pretend_engine import SMALL, press, texts

import pages.views.recorded  # noqa: F401  # before `viewer` is replaced: it keeps the one that it finds
from cache import Run
from cache.claims import Claim
from cache.policy import NOBODY, Policy
from engine import jobs
from engine.config import RunConfig
from pages.views.run_actions import going

ANN, BOB, HEAD = (f"{name}@lab.example" for name in ("ann", "bob", "head"))
BUTTONS = ("Keep", "Let go", "Cancel", "Delete for good", "Give this name")
RULES = Policy.from_dict({"domains": {"lab.example": "member"}, "people": {HEAD: "admin"}})


def run_of(number: int, *claims: Claim, **changes) -> Run:
    config = RunConfig.from_dict(SMALL | {"seeds": [number]})
    made = Run(jobs.key("run", config), "run", config.to_dict(), "label", "finished", 0.0, 60.0, 1.0, "", True, False)
    return replace(made, claims=claims, **changes)


@pytest.fixture
def lab(pretend, opened, monkeypatch):
    """The list as somebody sees it who has chosen rows."""
    pretend.policy = RULES

    def see(person: str, *rows: int):
        monkeypatch.setattr("pages.shell.viewers.viewer", lambda: person)
        monkeypatch.setattr("pages.views.run_actions.viewer", lambda: person)
        app = opened("all_runs")
        app.session_state[app.dataframe[0].key] = {"selection": {"rows": list(rows)}}
        return app.run()

    return see


def disabled(app) -> dict[str, bool]:
    return {button.label: button.disabled for button in app.button if button.label in BUTTONS}


def test_everyone_sees_who_asked_and_who_it_runs_for(pretend, lab):
    pretend.runs += [
        run_of(0, Claim(ANN, 1.0, "wide"), Claim(BOB, 2.0)),
        run_of(1, Claim(BOB), state="running", fraction=0.4, user=BOB),
        run_of(2, Claim(""), state="queued"),
    ]
    shown = lab(BOB).dataframe[0].value
    assert list(shown["asked for by"]) == [f"{ANN}, {BOB}", BOB, ""]
    assert list(shown["name"]) == ["wide", "", ""]
    assert list(shown["state"]) == ["done", f"running, 40%, for {BOB}", "queued"]


def test_only_what_is_allowed_can_be_pressed_and_the_reason_is_there(pretend, lab):
    pretend.runs += [run_of(0, Claim(ANN)), run_of(1, Claim(ANN), state="running"), run_of(2, Claim(BOB))]
    assert not disabled(lab(ANN))
    assert disabled(lab(ANN, 0)) == dict.fromkeys(BUTTONS, False) | {"Let go": True, "Cancel": True}
    assert disabled(lab(ANN, 1)) == dict.fromkeys(BUTTONS, False) | {"Let go": True}
    app = lab(ANN, 0, 2)
    assert all(disabled(app).values())
    assert "Only who asked for it, or an administrator" in next(b for b in app.button if b.label == "Keep").help
    assert disabled(lab(HEAD, 1)) == dict.fromkeys(BUTTONS, False) | {"Let go": True, "Delete for good": True}


def test_the_buttons_do_it_to_what_is_chosen(pretend, lab):
    mine, kept, _ = pretend.runs[:] = [run_of(0, Claim(ANN)), run_of(1, Claim(ANN, pinned=True)), run_of(2, Claim(ANN))]
    press(lab(ANN, 0, 1), "Keep")
    press(lab(ANN, 0, 1), "Let go")
    press(lab(ANN, 0, 1), "Delete for good")
    app = lab(ANN, 0)
    app.text_input(key=f"all_runs name {mine.key}").set_value("wide").run()
    press(app, "Give this name")
    assert pretend.acts == [
        ("pin", mine.key),
        ("unpin", kept.key),
        ("delete", mine.key, False),
        ("delete", kept.key, False),
        ("rename", mine.key, "wide"),
    ]


def test_what_is_typed_just_before_the_click_is_what_is_done(pretend, lab):
    """The browser sends both at once: the page was not drawn between them."""
    one = run_of(0, Claim(ANN, tags=("old",)))
    pretend.runs.append(one)
    at_once = (
        (lambda app: app.text_input(key=f"all_runs name {one.key}").set_value("wide"), "Give this name"),
        (lambda app: app.text_input(key=f"all_runs tags {one.key[:8]}").set_value("paper"), "Set tags"),
        (lambda app: app.pills(key=f"all_runs drop {one.key[:8]}").set_value(["old"]), "Set tags"),
        (lambda app: app.text_area(key=f"all_runs note {one.key}").set_value("odd"), "Keep this note"),
    )
    for type_in, button in at_once:
        app = lab(ANN, 0)
        type_in(app)
        press(app, button)
    assert pretend.acts == [
        ("rename", one.key, "wide"),
        ("tag", one.key, ["paper"], []),
        ("tag", one.key, [""], ["old"]),
        ("note", one.key, "odd"),
    ]


def test_an_administrator_deletes_for_everyone_by_a_choice_of_their_own(pretend, lab):
    pretend.runs.append(run_of(0, Claim(ANN), Claim(BOB)))
    app = lab(HEAD, 0)
    assert "You did not ask for it" in texts(app)
    app.toggle(key="all_runs everyone").set_value(True).run()
    press(app, "Delete for good")
    app.toggle(key="all_runs everyone").set_value(False)
    press(app, "Delete for good")
    key = pretend.runs[0].key
    assert pretend.acts == [("delete", key, True), ("delete", key, False)]


def test_a_selection_does_not_pass_on_to_other_runs(pretend, lab):
    pretend.runs += [run_of(0, Claim(ANN)), run_of(1, Claim(BOB))]
    app = lab(ANN, 0)
    pretend.runs.insert(0, run_of(5, Claim(ANN)))
    assert not disabled(app.run())


def test_what_is_refused_after_all_is_said_in_one_line(pretend, lab):
    pretend.runs.append(run_of(0, Claim(ANN)))
    pretend.refuses = {"pin"}
    app = press(lab(ANN, 0), "Keep")
    assert [error.value for error in app.error] == ["Not today\\."]


@pytest.mark.parametrize("label", ["Keep", "Let go", "Cancel", "Delete for good", "Give this name"])
def test_a_button_is_pressed_by_who_is_there_then(pretend, lab, monkeypatch, label):
    """The login may have ended since the page was drawn."""
    pretend.runs.append(run_of(0, Claim(ANN, pinned=label == "Let go"), state="running"))
    app = lab(ANN, 0)
    monkeypatch.setattr("pages.views.run_actions.viewer", lambda: NOBODY)
    press(app, label)
    assert pretend.actors == [NOBODY]


def test_a_deletion_says_what_goes_and_what_stays():
    alone, kept, shared = run_of(0, Claim(ANN)), run_of(1, Claim(ANN), pinned=True), run_of(2, Claim(ANN), Claim(BOB))
    assert going([alone], ANN) == "**1 run** goes for good, with 60 s of computing."
    assert going([alone, kept, shared], ANN) == (
        "**2 runs** go for good, with 2 min of computing. 1 of them is kept. "
        "1 run stays, since bob@lab\\.example asked too: only your claim goes."
    )
    assert going([shared], HEAD, everyone=True) == "**1 run** goes for good, with 60 s of computing."
    recording = run_of(3, Claim(ANN), kind="recording")
    assert going([recording], ANN, role="member") == (
        "**1 recording** stays: only your claim goes, and an administrator may delete what was not brought in as yours."
    )
    brought = run_of(3, Claim(ANN, brought=True), kind="recording")
    for claimed, role in ((recording, "admin"), (brought, "member")):
        assert going([claimed], ANN, role=role) == "**1 run** goes for good, with 60 s of computing."


def test_a_table_larger_than_ones_limit_is_refused_in_words(pretend, opened):
    pretend.policy = Policy.from_dict({"domains": {"lab.example": "member"}})  # a browser is on no list
    app = opened("evolution", data="csv")
    app.text_area(key="csv text").set_value("a,b\n1,2\n").run()
    assert "the pasted table: 8 bytes given, at most 0 allowed" in texts(app)
