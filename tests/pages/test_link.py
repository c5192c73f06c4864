"""What stands in the controls of a page, and the URL that says it: one way for every page."""

import pytest


def control(app, key):
    return next(widget for widget in [*app.text_input, *app.toggle, *app.slider] if widget.key == key)


def link(app):
    return {name: text if isinstance(text, str) else text[-1] for name, text in app.query_params.items()}


PAGES = (("second_moment", "seed", "3"), ("distribution", "at_seed", "3"), ("regimes", "map_size", "8"))


@pytest.mark.parametrize(("page", "name", "text"), PAGES)
def test_what_is_typed_enters_the_link_and_leaves_it_with_the_default(page, name, text, pretend, opened):
    app = opened(page)
    default = control(app, name).value
    control(app, name).set_value(text).run()
    assert link(app) == {name: text}
    control(app, name).set_value(default).run()
    assert link(app) == {}


@pytest.mark.parametrize(("page", "name", "text"), PAGES)
def test_controls_stand_as_they_were_left(page, name, text, pretend, opened):
    app = opened(page, **{name: text})
    app.switch_page("home.py").run()
    app.query_params.clear()
    app.switch_page(f"{page}.py").run()
    assert control(app, name).value == text
    assert link(app) == {name: text}


@pytest.mark.parametrize(("page", "name", "text"), PAGES)
def test_the_link_of_another_page_says_nothing_about_this_one(page, name, text, pretend, opened):
    """Back after a click that opened another page shows this one under the other's address."""
    app = opened(page, **{name: text})
    app.switch_page("evolution.py").run()
    app.query_params.clear()
    app.query_params.update({"alpha": "0.3", "activation": "erf"} if page != "second_moment" else {"at_width": "8"})
    app.switch_page(f"{page}.py").run()
    assert control(app, name).value == text
    assert link(app) == {name: text}
    assert not app.warning


def test_a_button_writes_into_a_control_and_into_the_link(pretend, opened):
    app = opened("second_moment")
    app.button(key="trap").click().run()
    assert control(app, "sigma_w").value == "1"
    assert link(app) == {"sigma_w": "1"}
    app.button(key="untrap").click().run()
    assert link(app) == {}


@pytest.mark.parametrize("text", ["1e3", "1000.0", " 1000 "])
def test_numbers_are_read_as_those_of_a_run(text, pretend, opened):
    app = opened("initial_kernel", width=text)
    assert not app.error
    assert any("n = 1,000," in caption.value for caption in app.caption)


@pytest.mark.parametrize(("text", "widths"), [("1e2, 200.0", "widths 100, 200"), ("[32, 64,]", "widths 32, 64")])
def test_lists_are_read_as_those_of_a_run(text, widths, pretend, opened):
    app = opened("distribution", at_width=text)
    assert not app.error
    assert any(widths in caption.value for caption in app.caption)


def test_what_is_too_long_for_a_control_is_left_out_in_words(pretend, opened):
    app = opened("second_moment", widths=", ".join(["16"] * 100))
    assert control(app, "widths").value == "16, 64, 256"
    (warning,) = app.warning
    assert "in the link" in warning.value
    assert "200 characters" in warning.value


def test_a_control_of_the_same_name_on_another_page_shows_its_own_text(pretend, opened):
    app = opened("second_moment")
    app.switch_page("first_step.py")
    app.run()
    assert app.text_input(key="n_0").value == "10"
    assert [choice.value for choice in app.get("segmented_control")] == ["beta", "linear"]


def test_settings_edited_on_one_page_stand_on_the_others(pretend, opened):
    app = opened("evolution")
    for page, text in (("norms", "300"), ("evolution", "200"), ("norms", "100")):
        app.text_input(key="setting width").set_value(text).run()
        app.switch_page(f"{page}.py")
        app.query_params.clear()
        app.run()
        assert app.text_input(key="setting width").value == text
