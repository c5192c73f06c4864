"""Recordings on the pages of a run: found by the address, drawn anew while their loop writes them, then kept."""

import time
from dataclasses import dataclass
from typing import Any

import streamlit as st

import cache
from cache import CacheFault, NotAllowed
from cache.claims import EVERYBODY, claimant
from cache.recordings import Recorded
from engine import jobs
from engine.perturbation.config import Options
from engine.progress import Arrays
from engine.recording.config import RecordedSpacesConfig, RecordingConfig
from engine.recording.file import MOST_BYTES, read
from engine.recording.result import RecordedPerturbation, RecordedRun, is_closed, read_so_far
from engine.schema import ConfigError, Problem
from pages.charts.words import duration, plain, sentence
from pages.run import controls
from pages.run.named_run import BEGINNING, Absent, find
from pages.run.named_run import refuse as open_nothing
from pages.run.picker import RUN_PAGES, links_to_pages
from pages.shell import held
from pages.shell.answer import answer as tell
from pages.shell.answer import find as say
from pages.shell.form import refuse
from pages.shell.gathering import START, Computation, gather
from pages.shell.link import RECORDING, Link, Texts, address, draw_again
from pages.shell.one_at_a_time import one_at_a_time
from pages.shell.people import may_compute
from pages.shell.recipe import RECORDED
from pages.shell.result import files, numbers
from pages.shell.viewers import viewer
from pages.views import evolution, expansion, expansion_words, hold, recorded_jobs, recorded_words

RECORDS, ENDED = ":material/fiber_manual_record:", ":material/stop_circle:"
STATES = {True: "records now", False: "ended without closing it", None: "records on another machine, or did"}
"""By whether the loop still runs."""
REDRAW = 2.0
"""Seconds between two looks at a file that grows."""


@dataclass(frozen=True)
class Growing:
    """A recording whose loop may still write it, with what it shows so far."""

    recorded: Recorded
    result: RecordedRun


def asked() -> str:
    """The recording that the address names, by its own name while its loop writes it, then by the key of its result;
    empty where it names none."""
    return address().get(RECORDING, "")


def query(text: str) -> dict[str, str]:
    """The parameters of a page that shows it, over what is held."""
    return {RECORDING: text} | held.query()


def page_of_run() -> None:
    """Evolution of the recording that the address names."""
    found = _found(asked())
    if isinstance(found, Growing):
        _grows(found)
    elif isinstance(found, RecordingConfig):
        _kept(found)


def _grows(found: Growing) -> None:
    """As far as it is; drawn again when there is more."""
    result, text = found.result, found.recorded.id
    said, key = recorded_words.answer(result, grows=True), f"{text} {found.recorded.written}"
    with hold.beside(evolution.present(result, key)):
        tell(said, lambda: recorded_words.conventions(result.recording), result.config.hash)
    _links("evolution", text)
    st.info(f"**Recording**: step {result.seeds[0].steps:,} so far. This page follows.", icon=RECORDS)
    if found.recorded.alive is None:
        _elsewhere(found.recorded)
    _redraw_when_changed(found.recorded)
    _body(result, key, grows=True)


def _elsewhere(one: Recorded) -> None:
    """Of a loop that nobody here can look for: whoever knows that it has ended says so."""
    ago = duration(max(0.0, time.time() - one.written / 1e9))
    st.caption(f"Last written {ago} ago. Whether its loop still runs is not known on this machine.")
    _keep_as_it_is(one)


def _keep_as_it_is(one: Recorded) -> None:
    """For whoever knows that nobody else will."""
    if may_compute() and st.button("It has ended: keep it as it is", key="keep_recording"):
        try:
            _taken_in(one)
        except (OSError, ValueError, CacheFault, NotAllowed) as error:
            st.error(plain(f"{one.name} {error}. Its file stays where it is."))
        else:
            draw_again()


@st.fragment(run_every=REDRAW)
@one_at_a_time()
def _redraw_when_changed(one: Recorded) -> None:
    """Draws the page again once the file is another, its loop has gone or its result is there."""
    if cache.current().store.recordings.find(one.id) != one:
        draw_again()


def _kept(config: RecordingConfig) -> None:
    """One that has ended."""
    _links("evolution", jobs.key("recording", config))
    arrays = _gathered("Read this recording", recorded_jobs.reading(config))
    if arrays is None:
        hold.waiting(config)
        return
    result, key = RecordedRun.from_arrays(dict(arrays)), jobs.key("recording", config)
    said = recorded_words.answer(result, grows=False)
    with hold.beside(evolution.present(result, key)):
        tell(said, lambda: recorded_words.conventions(config), config.hash, key)
    _body(result, key, grows=False)
    _owned(key)
    files(result, arrays, key)


def _owned(key: str) -> None:
    """Where people sign in: whose it is, and the way to be one of them."""
    engine, person = cache.current(), claimant(viewer())
    if person == EVERYBODY or not may_compute():
        return
    owners = [claim for claim in engine.store.claims.listed(key) if claim.person != EVERYBODY]
    if any(claim.person == person for claim in owners):
        return
    st.caption(plain(recorded_words.owned(owners)))
    if st.button("It is mine too" if owners else "It is mine", key="claim_recording", icon=":material/person_add:"):
        try:
            engine.ownership.claim(key, viewer())
        except (CacheFault, NotAllowed) as error:
            st.error(plain(str(error)))
        else:
            draw_again()


def _body(result: RecordedRun, key: str, grows: bool) -> None:
    st.caption(plain(recorded_words.facts(result.recording)))
    numbers(recorded_words.headlines(result))
    say(recorded_words.sentences(result, grows))
    st.caption(plain(recorded_words.lacking(result)))
    evolution.charts(result, key)


def spaces_of_it(name: str) -> tuple[RecordedSpacesConfig, Arrays] | None:
    """The comparison of the spaces of the recording that the address names, if it is there; else the way to it."""
    found = _found(asked())
    if isinstance(found, Growing):
        _waits(name, found)
    if not isinstance(found, RecordingConfig):
        return None
    _links(name, jobs.key("recording", found))
    try:
        job = recorded_jobs.spaces(found)
    except ConfigError as error:
        refuse("The spaces of this recording cannot be compared:", map(controls.described, error.problems))
        return None
    arrays = _gathered("Compare its spaces", job)
    if arrays is None:
        hold.waiting(found)
        return None
    return RecordedSpacesConfig.of(found), arrays


def page_of_perturbation() -> None:
    """The expansion of the recording that the address names, or why there is none."""
    found = _found(asked())
    if isinstance(found, Growing):
        _waits("perturbation", found)
    if not isinstance(found, RecordingConfig):
        return
    _links("perturbation", jobs.key("recording", found))
    try:
        job = recorded_jobs.expansion(found, _between() if recorded_words.expandable(found) else 0)
    except ConfigError as error:
        refuse("This recording cannot be expanded:", (plain(str(problem)) for problem in error.problems))
        st.caption("What is known of its kernel is on Evolution.")
        return
    arrays = _gathered("Expand it", job)
    if arrays is None:
        hold.waiting(found)
        return
    result, key = RecordedPerturbation.from_arrays(dict(arrays)), jobs.key(job.kind, job.config)
    said = expansion_words.answer(result)
    with hold.beside(expansion.present(result, key, Options(between=result.config.options.between))):
        tell(said, lambda: recorded_words.conventions_of_expansion(result), job.config.hash, key)
    st.caption(plain(recorded_words.facts(found)))
    st.caption(recorded_words.stepped(result))
    expansion.body(result, arrays, key)


def _between() -> int:
    """How it is expanded; folded away."""
    with st.popover("options", icon=":material/tune:", type="tertiary"):
        return expansion.times_between()


def _waits(name: str, found: Growing) -> None:
    """A page that shows it once its loop has ended."""
    _links(name, found.recorded.id)
    title = RUN_PAGES[name][0]
    st.info(f"This recording still grows: {title} opens when its loop has ended. Evolution shows it now.")
    _redraw_when_changed(found.recorded)


def _gathered(label: str, one: Computation) -> Arrays | None:
    """The result of a recording; cheap ones come by themselves."""
    return gather(one.kind, label, [one], like="").get(one)


# Which recording that is.


def _found(text: str) -> Growing | RecordingConfig | None:
    """What the address names; where that is nothing, it is said why."""
    link = Link.of(RECORDING)
    link.arrive(_read)
    for problem in link.remarks:
        st.warning(sentence(problem))
    link.write(query(text))
    found = _by_key(text) if BEGINNING.fullmatch(text) else _by_name(text)
    if isinstance(found, str):
        open_nothing(found, "recording")
        return None
    if isinstance(found, Recorded):
        st.info(f"The loop of {plain(found.name)} has ended, and what it recorded is not kept yet. This page follows.")
        if found.alive is None:
            _keep_as_it_is(found)
        _redraw_when_changed(found)
        return None
    return found


def _read(asked: Texts) -> tuple[Texts, list[Problem]]:
    """What a link to a recording holds beneath its charts."""
    return {}, held.take(asked.get(held.NAME, ""))


def _by_key(text: str) -> RecordingConfig | str:
    record = find(text)
    if isinstance(record, str):
        return record
    if record.kind not in RECORDED:
        return f"`{text[:12]}` is no recording: open it from the page Runs."
    try:
        config: Any = jobs.parse(record.kind, dict(record.values))
    except ConfigError as error:
        return plain(f"It is of another version of this program: {error.problems[0]}")
    return getattr(config, "recorded", config)


def _by_name(text: str) -> Growing | Recorded | RecordingConfig | str:
    """One under way, one that is closed and not yet kept, or what became of it."""
    one = cache.current().store.recordings.find(text)
    if one is None:
        return Absent(f"No recording {plain(repr(text[:40]))} here.")
    if one.key and not one.written:
        return _by_key(one.key)
    try:
        if one.alive is False and may_compute():
            return _taken_in(one)
        return one if is_closed(one.path) else Growing(one, read_so_far(one.path))
    except (OSError, ValueError, CacheFault, NotAllowed) as error:
        return plain(f"{one.name}, as it is so far, {error}. Its file stays where it is.")


def _taken_in(one: Recorded) -> RecordingConfig:
    """One whose loop has gone without closing it becomes a result. Raises `ValueError`, `CacheFault`, `OSError`."""
    engine = cache.current()
    if one.path.stat().st_size > MOST_BYTES:
        raise ValueError(f"has more than {MOST_BYTES:,} bytes")
    content = one.path.read_bytes()
    config = read(content).config(content, one.path.name)
    engine.store.files.take(content, one.path.name)
    key = engine.store.index.add(jobs.key("recording", config), "recording", config).key
    engine.ownership.take_in(key, viewer())
    if engine.store.files.has(config.source.digest) and not engine.store.fault:
        engine.store.recordings.became(one.id, key, one.written)
    engine.request("recording", config, viewer())
    return config


def _links(name: str, text: str) -> None:
    """The same recording on the other pages."""
    links_to_pages("The same recording:", name, query(text), more=START)


def under_way() -> None:
    """A link to each recording whose file is there; nothing where there is none."""
    listed = cache.current().store.recordings.listed()
    if not listed:
        return
    st.markdown("**Recordings of training loops**")
    with st.container(gap=None):
        for one in listed:
            label = plain(f"{one.name} · {STATES[one.alive]}")
            icon = ENDED if one.alive is False else RECORDS
            st.page_link("evolution.py", label=label, icon=icon, query_params=query(one.id))
