"""URL round trips, without a page."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pages.run.draft_state import LONGEST, from_query, to_query
from pages.run.presets import PRESETS
from pages.run.settings import BY_NAME, SETTINGS, applicable_to, config_of
from pages.shell import link


@pytest.mark.parametrize("back", [True, False])
def test_the_first_address_waits_and_takes_no_others_place(back, monkeypatch):
    """On a cold server somebody may have changed something and gone back before the browser has its script."""
    written = []
    monkeypatch.setattr(link, "went_back", lambda: back)
    monkeypatch.setattr(link, "flush", lambda: written.append("the address"))
    link._history_begins()
    assert written == ([] if back else ["the address"])


@pytest.mark.parametrize("name", PRESETS)
def test_presets_round_trip(name):
    draft = PRESETS[name].draft
    again, problems = from_query(to_query(draft))
    assert not problems
    assert config_of(again) == config_of(draft)


def test_the_default_needs_no_parameters():
    assert to_query(PRESETS["default"].draft) == {}
    assert from_query({}) == (PRESETS["default"].draft, [])


def test_a_preset_with_changes():
    draft, problems = from_query({"preset": "lazy", "width": "2048"})
    assert not problems
    assert draft["width"] == "2048"
    assert to_query(draft) == {"width": "2048", "seeds": "0"}


def test_bad_texts_stay_as_typed():
    draft, problems = from_query({"width": "abc"})
    assert not problems
    assert to_query(draft) == {"width": "abc"}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"preset": "lazi"}, "Did you mean 'lazy'"),
        ({"widht": "3"}, "Did you mean 'width'"),
        ({"jitter": "3"}, "does not exist on the dataset 'circle'"),
        ({"width": "1" * (LONGEST + 1)}, "at most 2,000 allowed"),
        ({"data": "c" * (LONGEST + 1)}, "at most 2,000 allowed"),
        ({"content": "a,b"}, "no such setting"),
    ],
)
def test_what_means_nothing_is_said(query, said):
    _, problems = from_query(query)
    assert len(problems) == 1
    assert said in str(problems[0])


def test_a_thousand_names_are_counted():
    draft, problems = from_query({f"x{k}": "1" for k in range(1000)})
    assert draft == PRESETS["default"].draft
    assert len(problems) == 11
    assert problems[-1].message == "990 more names in the link are no settings, left out"


def test_what_is_too_long_for_a_link_stays_out_of_it():
    assert "sigma_w" not in to_query(PRESETS["default"].draft | {"sigma_w": "1" * (LONGEST + 1)})


patient = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)

DRAFTS = st.dictionaries(
    st.sampled_from([setting.name for setting in SETTINGS if setting.name != "content"]),
    st.text(max_size=20).filter(str.strip) | st.sampled_from(["1", "none", "true", "sphere", "0.5"]),
)


@patient
@given(DRAFTS)
def test_any_draft_round_trips(texts):
    dataset = texts.get("data", "circle")
    names = {setting.name for setting in applicable_to({**texts, "data": dataset})}
    draft = {"data": dataset} | {name: text for name, text in texts.items() if name in names}
    assert from_query(to_query(draft)) == (draft, [])


@patient
@given(st.dictionaries(st.text(max_size=20) | st.sampled_from([*BY_NAME, "preset", "run"]), st.text(max_size=50)))
def test_any_url_is_taken(query):
    draft, _ = from_query(query)
    assert from_query(to_query(draft))[0] == draft
