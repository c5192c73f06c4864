"""The real server in a real browser: what only that can show."""

import pytest
from browsing import SMALL, run_button, slider
from playwright.sync_api import expect

LONG = {**SMALL, "stop_residual": "none", "max_steps": "3000000", "seeds": "7", "checkpoints": "8"}
WATCHED = {**LONG, "max_steps": "200000"}
"""Long enough for its curves to be seen while it trains."""

pytestmark = pytest.mark.browser


def test_first_visit_by_deep_link_to_an_animated_spectrum(visit):
    page = visit("/evolution", **WATCHED)
    expect(page.get_by_role("heading", name="Evolution")).to_be_visible()
    for name in ("Home", "Evolution"):
        expect(page.get_by_test_id("stSidebarNav").get_by_role("link", name=name)).to_be_visible()
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


def test_home_shows_the_result(visit):
    page = visit("/")
    expect(slider(page, "moving_home")).to_be_attached(timeout=240_000)  # trained here, from a cold start
    expect(page.get_by_text("nobody else reaches it")).to_be_visible()
    page.get_by_text("Lazy: width 1024").first.click()
    page.wait_for_url("**/evolution*width=1024*")


def test_two_people_share_a_run_and_leave_it(visit):
    one = visit("/evolution", **LONG)
    run_button(one).click()
    expect(one.get_by_text("Running on")).to_be_visible()
    other = visit("/evolution", "somebody else", **LONG)
    expect(other.get_by_text("you share one computation")).to_be_visible()
    expect(one.get_by_text("you share one computation")).to_be_visible()

    one.get_by_test_id("stSidebarNav").get_by_role("link", name="Home").click()
    expect(one.get_by_role("heading", name="Kernel Drift")).to_be_visible()
    one.get_by_test_id("stSidebarNav").get_by_role("link", name="Evolution").click()
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
