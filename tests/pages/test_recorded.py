"""Recordings on the pages: what each shows of one, what it names as missing, and what it says where there is none."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pypdf import PdfReader
from streamlit.testing.v1 import AppTest
from taken import bundle_of, files

import cache
from cache import CachedEngine, NotAllowed
from cache.policy import Policy
from cache.recordings import Loop
from engine import jobs
from engine.recording.config import RecordedSpacesConfig, RecordingConfig
from engine.recording.result import RecordedRun
from pages.views import recorded_words


@pytest.fixture
def store(made: tuple[Path, dict[str, Any]]) -> Path:
    return made[0]


@pytest.fixture
def left(made: tuple[Path, dict[str, Any]]) -> str:
    """The id of the recording that its loop left open."""
    return made[1]["left"]


@pytest.fixture
def recorded(made: tuple[Path, dict[str, Any]], ready: CachedEngine) -> Callable[[str], RecordingConfig]:
    """The config of a recording, by name."""
    return lambda name: RecordingConfig.from_dict(made[1][name])


def said(page: AppTest) -> str:
    assert not page.exception
    kinds = (page.markdown, page.caption, page.info, page.warning, page.error)
    return "\n".join(str(element.value).replace("\\", "") for kind in kinds for element in kind)


def charts(page: AppTest) -> str:
    return " ".join(str(element.proto.spec) for element in page.get("vega_lite_chart"))


BOB, LOOP = "bob@lab.example", "time, t (of the loop)"
PAGES = ("evolution", "norms", "function_space", "inductive_bias", "generalisation", "perturbation")


@pytest.mark.parametrize("name", ["whole", "quiet other", "classes"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_what_there_is_and_names_what_is_missing(
    opened: Callable[..., AppTest], recorded: Callable[[str], RecordingConfig], page: str, name: str
) -> None:
    shown = opened(page, recording=jobs.key("recording", recorded(name)))
    text = said(shown)
    if page == "perturbation":
        assert "This recording cannot be expanded:" in text
        assert "learning_rate: is not recorded" in text
        assert ("loss: is" in text) == (name != "whole")
        return
    assert f"“{name}”" in text
    assert "Not recorded, and not shown:" in text
    assert ("targets (" in text.partition("Not recorded")[2]) == (name == "quiet other")
    assert "η_eff" not in charts(shown)


@pytest.mark.parametrize("name", ["driven", "driven by two"])
def test_a_loop_of_plain_descent_is_expanded(
    opened: Callable[..., AppTest], recorded: Callable[[str], RecordingConfig], name: str
) -> None:
    shown = opened("perturbation", recording=jobs.key("recording", recorded(name)))
    text = said(shown)
    assert f"“{name}”" in text
    assert "are where that leads, to within" in text
    assert "The kernel between checkpoints is linear, for its slopes $K'_t$ are not recorded." in text
    assert "misses the network by at most" in text
    assert "at a checkpoint; at the stop" in text
    assert "This run is **gradient descent**" not in text
    assert "of the loop)" not in charts(shown)
    assert "be foretold" not in charts(shown)
    for question in ("residual", "mix the modes", "miss the network", "kernel move from"):
        assert question in charts(shown), question
    evolution = said(opened("evolution", recording=jobs.key("recording", recorded(name))))
    assert "stability limit" in evolution
    assert "perturbation)" not in evolution


def test_what_a_loop_of_descent_lacks_is_said(
    opened: Callable[..., AppTest], recorded: Callable[[str], RecordingConfig]
) -> None:
    page = {name: said(opened("perturbation", recording=jobs.key("recording", recorded(name))))
            for name in ("between left out", "momentum")}  # fmt: skip
    assert "full_kernel: the kernel between the 2 outputs is not recorded" in page["between left out"]
    assert "0.05 of half_mean does not make the loop's own steps: after step 1 its outputs" in page["momentum"]


def test_what_is_not_recorded_has_no_chart(
    opened: Callable[..., AppTest], recorded: Callable[[str], RecordingConfig]
) -> None:
    whole, quiet = (opened("evolution", recording=jobs.key("recording", recorded(n)), v_charts="all")
                    for n in ("whole", "quiet other"))  # fmt: skip
    of_outputs = ("How fast does the training loss fall?", "How much of the residual is left?", "only fit?",
                  "Which modes are learned?", "How close are predictions to targets?")  # fmt: skip
    for question in of_outputs:
        assert question in charts(whole), question
        assert question not in charts(quiet), question
    for one in (whole, quiet):
        assert "How far has the kernel moved from K_0?" in charts(one)
        assert "How does the spectrum of the kernel move?" in charts(one)
        assert "edge of stability" not in charts(one)
    assert "the loss" in said(quiet)


def test_a_recording_that_grows_is_shown_from_its_file_and_follows(
    opened: Callable[..., AppTest], left: str, ready: CachedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cache.recordings.gone", lambda process: False)
    page = opened("evolution", recording=left)
    assert "**Recording**: step 5 so far" in said(page)
    assert "So far $K_t$ has moved by" in said(page)
    assert "Evolution shows it now" in said(opened("norms", recording=left))


def test_who_may_not_keep_one_whose_loop_is_gone_reads_it(
    opened: Callable[..., AppTest], left: str, ready: CachedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its page used to draw itself again without end."""
    monkeypatch.setattr("pages.views.recorded.may_compute", lambda: False)
    page = opened("evolution", recording=left)
    assert "**Recording**: step 5 so far" in said(page)
    assert not page.exception


@pytest.mark.parametrize("page", ["evolution", "norms", "perturbation"])
def test_one_that_is_closed_and_not_yet_kept_is_followed(
    opened: Callable[..., AppTest],
    left: str,
    recorded: Callable[[str], RecordingConfig],
    ready: CachedEngine,
    monkeypatch: pytest.MonkeyPatch,
    page: str,
) -> None:
    """Its file has lost what is shown of one that grows, and the key of its result is not there yet."""
    monkeypatch.setattr("cache.recordings.gone", lambda process: False)
    home, name = ready.store.recordings._home, f"{left.rpartition('-')[0]}-0000cdef"
    with np.load(home / f"{left}.npz") as file:
        whole = {key: file[key] for key in file.files if not key.startswith("so_far/")}
    loop = Loop(ready.store.recordings, name, "left")
    loop.save(whole)
    try:
        found = opened(page, recording=name)
        assert "The loop of left has ended, and what it recorded is not kept yet. This page follows." in said(found)
        assert "damaged" not in said(found)
        loop.became(jobs.key("recording", recorded("whole")))
        assert "is not kept yet" not in said(found.run())
        assert ("damaged" in said(found), found.exception) == (False, [])
    finally:
        loop.path.unlink(missing_ok=True)
        (home / f"{name}.json").unlink(missing_ok=True)


def test_one_of_another_machine_is_followed_and_kept_only_by_who_says_that_it_has_ended(
    opened: Callable[..., AppTest], left: str, ready: CachedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether its loop still runs is not known here, also where its process has no such number on this machine."""
    name = f"{left.rpartition('-')[0]}-0000abcd"
    home = ready.store.recordings._home
    content = (home / f"{left}.npz").read_bytes()
    (home / f"{name}.npz").write_bytes(content)
    (home / f"{name}.json").write_text('{"name": "left", "machine": "node7 1a", "boot": "x", "process": "pid:[1] 1"}')
    found = ready.store.recordings.find(name)
    assert found is not None
    assert found.alive is None
    page = opened("evolution", recording=name)
    assert "Whether its loop still runs is not known on this machine" in said(page)
    assert found.path.exists()
    monkeypatch.setattr(ready, "request", lambda *arguments, **more: None)
    page.button(key="keep_recording").click().run()
    kept = ready.store.recordings.find(name)
    assert kept is not None
    assert kept.key
    assert not found.path.exists()
    (home / f"{name}.npz").write_bytes(content)  # its loop went on after all
    assert "**Recording**: step" in said(opened("evolution", recording=name))
    ready.store.recordings.became(name, kept.key, written=1)
    assert found.path.exists()  # written since that was read
    found.path.unlink()


def test_the_list_of_runs_has_recordings_and_those_under_way(
    opened: Callable[..., AppTest], recorded: Callable[[str], RecordingConfig]
) -> None:
    page = opened("all_runs")
    assert not page.exception
    frame = page.dataframe[0].value
    rows = frame[frame["kind"] == "recording"]
    assert {"whole", "quiet other", "classes"} <= set(rows["name"])
    key = jobs.key("recording", recorded("whole"))
    assert f"/evolution?recording={key}" in set(rows["open"])
    assert set(rows["kept"]) == {True}


def test_recordings_that_are_chosen_are_compared_tagged_and_deleted(
    ready: CachedEngine, recorded: Callable[[str], RecordingConfig]
) -> None:
    def script() -> None:
        import cache
        from pages.views import compare

        chosen = [run for run in cache.current().recent(50) if run.kind == "recording" and run.stored][:2]
        compare.show_chosen(chosen, "")

    page = AppTest.from_function(script).run()
    assert said(page).count("has moved by") == 2
    key = jobs.key("recording", recorded("classes"))
    ready.ownership.tag(key, "somebody", ["mine"])
    assert [claim.tags for claim in ready.store.claims.of(key)] == [("mine",)]
    assert ready.ownership.delete(key, "somebody")
    assert ready.lookup("recording", recorded("classes")) is None


def test_who_looks_first_at_one_whose_loop_is_gone_does_not_own_it(
    opened: Callable[..., AppTest], left: str, ready: CachedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They could delete what another's loop has left, and nobody would have it."""
    name = f"{left.rpartition('-')[0]}-0000beef"
    loop = Loop(ready.store.recordings, name, "left")
    with np.load(ready.store.recordings._home / f"{left}.npz") as file:
        whole = {key: file[key] for key in file.files if not key.startswith("so_far/")}
    loop.save({**whole, "loss": whole["loss"] + 1})  # another recording
    monkeypatch.setattr("cache.recordings.gone", lambda process: True)
    monkeypatch.setattr(ready, "policy", Policy.from_dict({"people": {BOB: "member"}}))
    monkeypatch.setattr("pages.views.recorded.viewer", lambda: BOB)
    monkeypatch.setattr("pages.views.recorded.may_compute", lambda: True)
    monkeypatch.setattr(ready._dispatch, "enter", lambda *_: None)
    opened("evolution", recording=name)
    found = ready.store.recordings.find(name)
    assert found is not None
    assert ready.store.pinned(found.key)
    assert ready.store.claims.of(found.key) == ()
    with pytest.raises(NotAllowed, match="Only who asked for it, or an administrator"):
        ready.ownership.delete(found.key, BOB)
    ready.ownership.claim(found.key, BOB)
    assert not ready.ownership.delete(found.key, BOB)  # it outlives the claims on it
    assert ready.store.index.get(found.key) is not None


def test_one_whose_loop_is_gone_is_taken_in_and_stays_at_its_address(
    opened: Callable[..., AppTest], left: str, ready: CachedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(ready, "request", lambda *arguments, **more: asked.append(arguments[:2]))
    opened("evolution", recording=left)
    found = ready.store.recordings.find(left)
    assert found is not None
    assert found.key
    assert not found.path.exists()
    (config,) = [config for kind, config in asked if kind == "recording"]
    assert jobs.key("recording", config) == found.key
    assert ready.store.files.has(config.source.digest)
    assert ready.store.pinned(found.key)
    assert "Read this recording" in [button.label for button in opened("evolution", recording=left).button]


def test_a_file_that_cannot_be_read_is_said_and_stays(
    opened: Callable[..., AppTest], ready: CachedEngine, store: Path
) -> None:
    folder = store / "recordings"
    bad = folder / "broken-00000000.npz"
    bad.write_bytes(b"PK nothing")
    try:
        assert "cannot be read as npz" in said(opened("evolution", recording="broken-00000000"))
        assert bad.read_bytes() == b"PK nothing"
    finally:
        bad.unlink()


@pytest.mark.parametrize("text", ["nothing-there", "../../etc", "abcdef123456", "%00", "x" * 300])
def test_an_address_that_names_nothing_says_so(opened: Callable[..., AppTest], ready: CachedEngine, text: str) -> None:
    for page in ("evolution", "norms", "perturbation"):
        assert "Nothing is shown under this link" in said(opened(page, recording=text))


def test_a_run_is_no_recording(opened: Callable[..., AppTest], finished: CachedEngine) -> None:
    key = next(iter(finished.store._folders.run_keys()))
    assert "is no recording" in said(opened("evolution", recording=key))


def test_too_few_held_out_points_are_said_on_the_pages_of_spaces(
    opened: Callable[..., AppTest], ready: CachedEngine, recorded: Callable[[str], RecordingConfig]
) -> None:
    few = recorded("whole").model_copy(update={"held_out": 8})
    ready.store.index.add(jobs.key("recording", few), "recording", few)
    assert "8 held-out points are too few" in said(opened("norms", recording=jobs.key("recording", few)))


def test_a_bundle_has_the_data_and_offers_no_recomputation(
    recorded: Callable[[str], RecordingConfig], ready: CachedEngine
) -> None:
    from pages.shell.bundle import files
    from pages.shell.recipe import of_result
    from pages.shell.shown import Shown

    config = recorded("whole")
    arrays = ready.lookup("recording", config)
    assert arrays is not None
    recipe = of_result(config, arrays)
    assert recipe is not None
    found = dict(files(Shown("Evolution"), recipe))
    assert f"files/{config.source.digest}" in found
    assert "numbers/result.npz" in found
    assert not {"command.sh", "recompute.py"} & found.keys()
    assert b"again" not in found["README.txt"]
    assert cache.installed() is ready


def test_figures_in_a_bundle_have_the_time_of_the_loop_as_on_the_page(
    opened: Callable[..., AppTest], recorded: Callable[[str], RecordingConfig], given: dict[str, Callable[[], Any]]
) -> None:
    assert LOOP in charts(opened("evolution", recording=jobs.key("recording", recorded("whole"))))
    drawn = PdfReader(BytesIO(files(bundle_of(given))["figures/drift.pdf"]))
    assert LOOP in drawn.pages[0].extract_text()


def test_spaces_of_a_recording_are_a_job_of_its_own(recorded: Callable[[str], RecordingConfig]) -> None:
    config = recorded("whole")
    assert jobs.key("recording", config) != jobs.key("recording_spaces", RecordedSpacesConfig.of(config))


def test_words_of_one_that_grows_claim_no_stop(recorded: Callable[[str], RecordingConfig], ready: CachedEngine) -> None:
    arrays = ready.lookup("recording", recorded("whole"))
    assert arrays is not None
    result = RecordedRun.from_arrays(dict(arrays))
    growing = " ".join([recorded_words.answer(result, True), *recorded_words.sentences(result, True)])
    assert "stop" not in growing
    assert "Its loop" not in growing
    assert recorded_words.sentences(result, False)[0] == "Its loop ended."


def test_a_rate_without_a_loss_is_told_what_it_lacks(recorded: Callable[[str], RecordingConfig]) -> None:
    rate_alone = recorded("driven").model_copy(update={"loss": None})
    assert "perturbation for want of a loss" in recorded_words.lacking_spaces(rate_alone, 3)
    assert "for want" not in recorded_words.lacking_spaces(rate_alone.model_copy(update={"learning_rate": None}), 3)
    assert "perturbation" not in recorded_words.lacking_spaces(recorded("driven"), 3)
