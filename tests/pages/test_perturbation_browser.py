"""The Perturbation page in a real browser: a run expanded, scrubbed, and what only drawing can show."""

import pytest
from browsing import PATIENCE, open_page, rest, slider
from perturbation_runs import RUNS, query
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PANEL = "moving_change_0"


def test_a_run_is_expanded_drawn_and_scrubbed(visit):
    page = visit("/perturbation", **query("flow"))
    page.locator(".st-key-ask-expansion button").click()
    expect(page.get_by_text("First order explains")).to_be_visible(timeout=2 * PATIENCE)
    for name in ("order_residual", "order_error", "order_residual_test", "order_error_test", "drift"):
        expect(page.locator(f".st-key-drawn_{name} svg.marks")).to_be_visible()
    expect(page.locator(".st-key-drawn_order_error svg.marks").get_by_text("bound P2")).to_be_visible()
    expect(slider(page, PANEL)).to_be_attached()
    last = slider(page, PANEL).input_value()
    assert int(last) > 0
    page.locator(f".st-key-{PANEL} button.back").click()
    expect(slider(page, PANEL)).to_have_value(str(int(last) - 1))

    rest(page)
    page.get_by_text("with Grönwall").click()
    expect(page.locator(".st-key-drawn_order_error svg.marks").get_by_text("Grönwall")).to_be_visible()

    rest(page)
    page.get_by_role("tab", name="Study").click()
    expect(page.get_by_text("one network for each combination")).to_be_visible()
    expect(page.locator(f".st-key-{PANEL}")).to_have_count(0)
    open_page(page, "Instrument", "Evolution")
    expect(page.get_by_role("heading", name="Evolution")).to_be_visible()
    width = page.get_by_role("textbox", name="width")
    expect(width).to_have_value(str(RUNS["flow"]["network"]["width"]))
