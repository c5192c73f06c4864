"""The pages on initialisation in a real browser: a point, a click on it, the page that opens."""

import pytest
from browsing import pick
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

FIRST = ".st-key-chart_second_moment"
SMALL = {"widths": "8, 16", "beta_max": "0.5", "points": "1", "draws": "2000"}


def test_points_appear_and_a_click_on_a_curve_opens_its_distribution(visit):
    page = visit("/second_moment", **SMALL)
    expect(page.locator(f"{FIRST} svg.marks")).to_be_visible()
    page.locator(".st-key-ask-sampler button").first.click()
    expect(page.locator(f"{FIRST} svg.marks").get_by_text("exact sampler")).to_be_visible()
    point = page.locator(f"{FIRST} svg.marks .curve_points_marks path").nth(2)
    pick(page, point, "Distribution")
    page.wait_for_url("**/distribution?*at_width=8*")
    assert "at_depth=3" in page.url
    expect(page.get_by_text("L = 3 hidden layers")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Second moment")).to_be_visible()
    expect(page.get_by_role("textbox", name="hidden widths n")).to_have_value("8, 16")
    page.wait_for_url("**/second_moment?*widths=8*")
    assert "at_width" not in page.url
    pick(page, point, "Distribution")
    page.get_by_role("link", name="This width against β").click()
    expect(page.get_by_role("heading", name="Second moment")).to_be_visible()


def test_a_link_reproduces_the_page_and_the_trap_enters_the_link(visit):
    page = visit("/second_moment", widths="8", readout="relu", norm="2.5")
    expect(page.get_by_role("textbox", name="hidden widths n")).to_have_value("8")
    page.locator(".st-key-trap button").first.click()
    expect(page.get_by_text("Vanishing signal.")).to_be_visible()
    page.wait_for_url("**sigma_w=1*")
    for part in ("widths=8", "readout=relu", "norm=2.5"):
        assert part in page.url


def in_chart(page, text):
    return page.locator("svg.marks").get_by_text(text)


def test_the_other_pages_compute_and_draw(visit):
    page = visit("/distribution", at_width="8", at_depth="3", at_draws="3000")
    page.locator(".st-key-ask-distribution button").first.click()
    expect(in_chart(page, "How heavy is the tail?")).to_be_visible()
    page = visit("/initial_kernel", width="20", depth="2", p="5", draws="7")  # nobody else's: not computed yet
    page.locator(".st-key-ask-gram button").first.click()
    expect(in_chart(page, "infinite width").first).to_be_visible()
    page = visit("/first_step", widths="8", brute_draws="40", points="1", activation="tanh")
    page.locator(".st-key-ask-step button").first.click()
    expect(in_chart(page, "finite step")).to_be_visible()
    page.locator(".st-key-ask-flow button").first.click()
    expect(in_chart(page, "How far does the first step's rate carry?")).to_be_visible()
