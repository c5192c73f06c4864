"""The real server in a real browser: what only that can show."""

import pytest
from browsing import SMALL, menu, open_page, rest, run_button, slider
from playwright.sync_api import expect

LONG = {**SMALL, "stop_residual": "none", "max_steps": "3000000", "seeds": "7", "checkpoints": "8"}
WATCHED = {**LONG, "max_steps": "200000"}
"""Long enough for its curves to be seen while it trains."""

pytestmark = pytest.mark.browser


def test_first_visit_by_deep_link_to_an_animated_spectrum(visit):
    page = visit("/evolution", **WATCHED)
    expect(page.get_by_role("heading", name="Evolution")).to_be_visible()
    expect(menu(page).get_by_role("link", name="Home")).to_be_visible()
    expect(menu(page).get_by_text("Function spaces")).to_be_visible()
    run_button(page).click()
    expect(page.locator(".st-key-cancel button")).to_be_visible()
    expect(page.locator(".st-key-live [data-testid=stVegaLiteChart]")).to_have_count(2)
    expect(slider(page)).to_be_attached()
    before = slider(page).input_value()
    page.get_by_role("button", name="Play").first.click()
    page.wait_for_function(
        "([s, before]) => document.querySelector(s).value !== before",
        arg=[".st-key-moving_evolution_0 .vega-bind input[type=range]", before],
    )
    page.reload()  # finds the result: nothing is asked for, nothing computes
    expect(slider(page)).to_be_attached()
    expect(run_button(page)).to_have_count(0)
    expect(page.locator(".st-key-cancel button")).to_have_count(0)


def test_curves_that_grow_have_their_tools_and_a_dialog_stays(visit):
    """They are drawn again every second: what a tool opens must not go with the drawing before."""
    page = visit("/evolution", **{**LONG, "width": "18"})
    run_button(page).click()
    expect(page.locator(".st-key-live [data-testid=stVegaLiteChart] svg.marks")).to_have_count(2)
    rows = page.locator(".st-key-live [class*='st-key-tools_live_']")
    expect(rows).to_have_count(2)
    rows.first.get_by_role("button", name="About this figure").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("loss")
    page.wait_for_timeout(5000)
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    with page.expect_download(timeout=60_000) as waiting:
        rows.first.get_by_role("button", name="Data as CSV").click()
    assert waiting.value.suggested_filename == "loss-so-far.csv"
    assert waiting.value.path().read_text().startswith("seed,t,loss")
    page.locator(".st-key-cancel button").click()
    expect(page.locator(".st-key-cancel button")).to_have_count(0)


def test_home_shows_the_result(visit):
    page = visit("/")
    expect(slider(page, "moving_home")).to_be_attached(timeout=240_000)  # trained here, from a cold start
    expect(page.get_by_text("nobody else reaches it")).to_be_visible()
    rest(page)
    page.locator(".st-key-moving_home button.forward").click()
    page.wait_for_url("**/?v_checkpoint=2")
    expect(slider(page, "moving_home")).to_have_value("1")
    page.reload()
    expect(slider(page, "moving_home")).to_have_value("1")
    page.go_back()
    page.wait_for_url(lambda url: "v_checkpoint" not in url)
    expect(slider(page, "moving_home")).to_have_value("0")
    page.get_by_text("Does a wide network stay lazy").first.click()
    page.wait_for_url("**/evolution*width=1024*")


def test_two_people_share_a_run_and_leave_it(visit):
    one = visit("/evolution", **LONG)
    run_button(one).click()
    expect(one.get_by_text("Running on")).to_be_visible()
    other = visit("/evolution", "somebody else", **LONG)
    expect(other.get_by_text("you share one computation")).to_be_visible()
    expect(one.get_by_text("you share one computation")).to_be_visible()

    menu(one).get_by_role("link", name="Home").click()
    expect(one.get_by_role("heading", name="Kernel Drift")).to_be_visible()
    open_page(one, "Instrument", "Evolution")
    expect(one.get_by_text("Running on")).to_be_visible()
    one.wait_for_url("**/evolution?*max_steps=3000000*")
    one.reload()
    expect(one.get_by_text("Running on")).to_be_visible()

    one.locator(".st-key-cancel button").click()
    expect(one.get_by_text("it goes on for another viewer")).to_be_visible()
    expect(other.get_by_text("Running on")).to_be_visible()
    other.locator(".st-key-cancel button").click()
    expect(other.get_by_text("The run was cancelled")).to_be_visible()


def test_a_bad_url_says_so(visit):
    page = visit("/evolution", width="abc", **{"<b>": "$x$"})
    expect(page.get_by_test_id("stSidebar").get_by_text("'abc' given")).to_be_visible()
    page.get_by_role("button", name="Back to the default preset").click()
    expect(run_button(page).or_(slider(page)).first).to_be_attached()
    expect(page.get_by_text("'abc' given")).to_have_count(0)


def test_controls_come_first_and_their_line_stays_in_sight(visit):
    page = visit("/evolution", **SMALL)
    data = page.get_by_test_id("stSidebar").get_by_text("Data", exact=True)
    expect(data).to_be_in_viewport()
    line = page.locator(".st-key-bar")
    expect(line.get_by_text("parameters")).to_be_visible()
    page.get_by_text("More about the training").scroll_into_view_if_needed()
    expect(data).not_to_be_in_viewport()
    expect(line.get_by_text("parameters")).to_be_in_viewport()
    expect(line.get_by_role("button", name="Run")).to_be_in_viewport()


def test_a_slider_bends_the_curve_and_the_field_follows(visit):
    page = visit("/second_moment")
    handle = page.locator("[class*='st-key-sigma_w-slide']").get_by_role("slider")
    expect(handle).to_be_visible()
    handle.focus()
    for _ in range(20):
        handle.press("ArrowLeft")
    page.wait_for_url("**/second_moment?sigma_w=*")
    expect(page.get_by_text("Vanishing signal.")).to_be_visible()
