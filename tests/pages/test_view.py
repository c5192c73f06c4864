"""How a result is looked at, in the link of its page: written, taken up, and said where it means nothing."""

import json
from pathlib import Path

import pytest
from perturbation_runs import query
from pretend_engine import SMALL_QUERY, look

from engine import jobs
from pages.run.presets import DEFAULT_DRAFT
from pages.run.settings import config_of
from pages.shell import link, view

AXIS = "time axis"


def address(app):
    return {name: text if isinstance(text, str) else text[-1] for name, text in app.query_params.items()}


def warned(app):
    """What is wrong with the link."""
    return [
        said for warning in app.warning if "left out" in (said := warning.value.replace("\\", "")) or "link" in said
    ]


def blocks(block):
    """All that stand in one, itself among them."""
    yield block
    for child in getattr(block, "children", {}).values():
        yield from blocks(child)


def chosen(app):
    return {choice.label: choice.value for choice in app.get("segmented_control")}


@pytest.fixture
def went_back(monkeypatch):
    """The next runs come with a step in the browser's history."""

    def went_back(app, **query):
        monkeypatch.setattr(link, "went_back", lambda: True)
        app.query_params.clear()
        app.query_params.update(query)
        app.run()
        monkeypatch.setattr(link, "went_back", lambda: False)
        return app

    return went_back


def test_what_the_link_says_of_the_view_is_taken_up(finished, opened):
    app = opened("evolution", **SMALL_QUERY, v_axis="linear", v_seed="1", v_checkpoint="3", v_charts="all")
    assert not app.exception
    assert not warned(app)
    assert chosen(app)[AXIS] == "linear"
    assert chosen(app)["seed"] == 1
    assert chosen(app)["charts"] == "all"
    assert address(app) == {**SMALL_QUERY, "v_axis": "linear", "v_seed": "1", "v_checkpoint": "3", "v_charts": "all"}


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("norms", {"preset": "lazy"}),
        ("evolution", SMALL_QUERY | {"v_axis": "linear", "v_seed": "1", "alpha": "0.4", "train_bias": "false"}),
        ("regimes", {"map_depths": "1, 3", "map_activation": "erf", "map_biases": "true", "map_q": "0.5"}),
        ("second_moment", {"widths": "9, 17", "norm": "1.2", "readout": "relu", "train_bias": "false"}),
    ],
)
def test_a_control_is_sent_with_what_stands_in_it_as_its_default(finished, opened, page, query):
    """The browser sends the default of a control with a click that comes before it has taken up what the session holds:
    a link that was opened and run at once would lose its settings."""
    app = opened(page, **query)
    for text in (*app.text_input, *app.toggle, *app.number_input):
        assert text.proto.default == text.value, text.label
    for choice in app.selectbox:
        if choice.value is not None:
            assert choice.options[choice.proto.default] == choice.format_func(choice.value), choice.label
    for few in app.get("segmented_control"):
        assert [few.options[place] for place in few.proto.default] == [few.format_func(few.value)], few.label
    for slider in app.slider:
        assert [*slider.proto.default] == [slider.value], slider.label


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("v_axis", "cubic", "time axis: 'cubic' in the link is unknown, log is taken. Allowed: log, linear"),
        ("v_seed", "7", "seed: '7' in the link is unknown, 0 is taken. Allowed: 0, 1"),
        ("v_checkpoint", "999", "checkpoint: '999' in the link is unknown, 1 is taken. Allowed: 1 to "),
        ("v_axsi", "log", "'v_axsi': no such setting, left out. Did you mean 'v_axis'?"),
    ],
)
def test_what_means_nothing_is_said_with_what_is_taken_instead(name, text, said, finished, opened):
    app = opened("evolution", **SMALL_QUERY, **{name: text})
    assert not app.exception
    (warning,) = warned(app)
    assert said in warning
    assert app.metric


def test_a_choice_enters_the_link_and_leaves_it_with_the_default(finished, opened):
    app = opened("evolution", **SMALL_QUERY)
    (axis,) = [choice for choice in app.get("segmented_control") if choice.label == AXIS]
    axis.set_value("linear").run()
    assert address(app) == {**SMALL_QUERY, "v_axis": "linear"}
    (axis,) = [choice for choice in app.get("segmented_control") if choice.label == AXIS]
    axis.set_value("log").run()
    assert address(app) == SMALL_QUERY


def players(app):
    """What each player was given."""
    given = [element.proto for element in app.get("bidi_component") if "player" in element.proto.component_name]
    return [json.loads(proto.json or proto.mixed.json) for proto in given]


@pytest.mark.parametrize(
    ("query", "start", "plays"), [({}, 0, True), ({"v_checkpoint": "3"}, 2, False), ({"v_checkpoint": "999"}, 0, False)]
)
def test_home_starts_at_the_checkpoint_of_its_link_and_plays_where_there_is_none(
    query, start, plays, pretend, opened, small_arrays
):
    pretend.results[jobs.key("run", config_of(DEFAULT_DRAFT))] = small_arrays
    app = opened("home", **query)
    assert not app.exception
    (player,) = players(app)
    assert (player["start"], player["autoplay"], player["tells"]) == (start, plays, True)
    assert [*map(bool, warned(app))] == [True] * (start + 1 != int(query.get("v_checkpoint", start + 1)))


def test_settings_and_view_leave_each_other_alone(finished, opened):
    app = opened("evolution", **SMALL_QUERY, v_axis="linear")
    app.text_input(key="setting max_steps").set_value("41").run()
    assert address(app) == {**SMALL_QUERY, "max_steps": "41", "v_axis": "linear"}


def test_back_undoes_a_choice(finished, opened, went_back):
    app = opened("evolution", **SMALL_QUERY, v_axis="linear")
    went_back(app, **SMALL_QUERY)
    assert chosen(app)[AXIS] == "log"
    assert address(app) == SMALL_QUERY
    went_back(app, **SMALL_QUERY, v_axis="linear")
    assert chosen(app)[AXIS] == "linear"


def test_tabs_that_back_moves_are_new_ones(finished, opened, went_back):
    """A browser moves the tabs that it has only where their default is another than the one it drew last: it had not
    drawn the answer to the click yet, and stayed at the tab that was clicked."""
    app = opened("perturbation", **query("flow"), v_tab="study")

    def container():
        return next(block for block in blocks(app.main) if block.type == "tab_container").proto.tab_container

    first = container()
    assert first.default_tab_index == 1
    went_back(app, **query("flow"), v_tab="study", v_alphas="1, 2")
    assert container().id == first.id
    went_back(app, **query("flow"))
    assert (container().default_tab_index, container().id != first.id) == (0, True)


def test_back_brings_the_settings_of_then(pretend, opened, went_back):
    app = opened("evolution", width="300")
    app.text_input(key="setting width").set_value("400").run()
    went_back(app, width="300")
    assert app.text_input(key="setting width").value == "300"
    assert address(app) == {"width": "300"}


def test_a_link_that_comes_late_undoes_nothing(pretend, opened):
    """The browser may send the URL that stood before it hears of the new one."""
    app = opened("evolution", width="300")
    app.text_input(key="setting width").set_value("400").run()
    app.query_params.clear()
    app.query_params["width"] = "300"
    app.run()
    assert app.text_input(key="setting width").value == "400"
    assert address(app) == {"width": "400"}


def test_a_view_stands_as_it_was_left_and_goes_with_a_link_to_the_same_run(finished, opened):
    app = opened("evolution", **SMALL_QUERY, v_axis="linear")
    app.switch_page("norms.py")
    app.query_params.clear()
    app.run()
    assert "v_axis" not in address(app)
    (back,) = [element.proto for element in app.get("page_link") if element.proto.page == "evolution"]
    assert "v_axis=linear" in back.query_string
    app.switch_page("evolution.py")
    app.query_params.clear()
    app.run()
    assert chosen(app)[AXIS] == "linear"
    assert address(app) == {**SMALL_QUERY, "v_axis": "linear"}


def test_another_link_to_the_page_is_of_another_view(finished, opened):
    app = opened("evolution", **SMALL_QUERY, v_axis="linear")
    app.switch_page("home.py").run()
    app.query_params.clear()
    app.query_params.update(SMALL_QUERY)
    app.switch_page("evolution.py").run()
    assert chosen(app)[AXIS] == "log"
    assert address(app) == SMALL_QUERY


def test_the_fields_of_a_study_travel_also_when_emptied(pretend, opened):
    app = opened("perturbation", **query("flow"), v_tab="study", v_alphas="1, 2")
    app.text_input(key="study widths").set_value("").run()
    assert address(app)["v_widths"] == view.EMPTY
    again = opened("perturbation", **address(app))
    assert again.text_input(key="study widths").value == ""
    assert again.text_input(key="study alphas").value == "1, 2"
    assert not again.error
    again.text_input(key="study widths").set_value("32, 64, 128, 256").run()
    assert "v_widths" not in address(again)


def test_what_was_chosen_here_and_is_no_more_is_let_go_without_a_word(finished, opened):
    app = opened("evolution", **SMALL_QUERY)
    look(app, seed="7")
    assert chosen(app)["seed"] == 0
    assert not warned(app)


def test_every_name_stands_in_the_document():
    document = (Path(__file__).resolve().parents[2] / "docs" / "links.md").read_text()
    assert [f"| `v_{name}` | {said} |" for name, said in view.NAMES.items()] == [
        line for line in document.splitlines() if line.startswith("| `v_")
    ]
