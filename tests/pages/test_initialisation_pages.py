"""The four pages on the kernel at initialisation open, show exact curves, and answer bad input in words."""

import pytest

PAGES = ("second_moment", "distribution", "first_step", "initial_kernel")


@pytest.mark.usefixtures("pretend")
@pytest.mark.parametrize("page", PAGES)
def test_opens_without_an_exception(page, opened):
    app = opened(page)
    assert not app.exception
    assert len(app.title) == 1


@pytest.mark.usefixtures("pretend")
@pytest.mark.parametrize("page", ["second_moment", "first_step"])
def test_exact_curves_need_no_job(page, opened, pretend):
    app = opened(page)
    assert len(app.get("vega_lite_chart")) >= 2
    assert not pretend.asked


@pytest.mark.usefixtures("pretend")
@pytest.mark.parametrize("page", PAGES)
def test_bad_input_is_answered_in_words(page, opened):
    app = opened(page)
    for box in app.text_input:
        box.set_value("abc")
    app.run()
    assert not app.exception
    assert "abc" in " ".join(message.value for message in (*app.error, *app.warning, *app.markdown, *app.caption))
