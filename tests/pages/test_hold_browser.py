"""Hold in a real browser: a run stays beneath the next one's charts, survives a reload, and is released."""

import json

import pytest
from browsing import SMALL, rest, run_button, slider
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

HELD = {**SMALL, "width": "20", "seeds": "4", "max_steps": "60", "checkpoints": "6"}
"""A run of its own."""


def named(page: Page) -> Locator:
    """The held run in the legends that are drawn as SVG."""
    return page.locator("[data-testid=stVegaLiteChart] svg .role-legend-label text").filter(has_text="held: width 20")


def test_hold_change_the_width_run_reload_release(visit):
    page = visit("/evolution", **HELD)
    run_button(page).click()
    expect(slider(page)).to_be_attached(timeout=240_000)
    rest(page)
    page.get_by_role("button", name="Hold", exact=True).click()
    expect(page.get_by_text("This run is held")).to_be_visible()
    page.wait_for_url("**held=*")

    width = page.get_by_test_id("stSidebar").get_by_label("width n", exact=True)
    width.fill("24")
    width.press("Enter")
    expect(page.get_by_text("20 → 24; seeds the same.")).to_be_visible()
    run_button(page).click()
    expect(page.get_by_text("held: width 20").first).to_be_visible(timeout=240_000)
    expect(page.get_by_text("this run, width 24")).to_be_visible()
    expect(page.get_by_text("has moved by")).to_have_count(2)
    expect(page.locator("[data-testid=stVegaLiteChart] svg.marks")).to_have_count(4)
    expect(named(page)).to_have_count(4)

    page.reload()
    expect(page.get_by_text("this run, width 24")).to_be_visible()
    expect(page.locator("[data-testid=stVegaLiteChart] svg.marks")).to_have_count(4)
    expect(named(page)).to_have_count(4)

    rest(page)
    page.get_by_role("button", name="Release width 20").click()
    expect(page.get_by_text("this run, width 24")).to_have_count(0)
    expect(page.get_by_text("has moved by")).to_have_count(1)
    page.wait_for_function("() => !location.search.includes('held=')")
    expect(page.locator("[data-testid=stVegaLiteChart] svg.marks")).to_have_count(4)
    expect(named(page)).to_have_count(0)

    page.wait_for_timeout(2500)  # what the address says just after it was written may be older
    page.go_back()
    expect(page.get_by_text("this run, width 24")).to_be_visible()


def test_exact_curves_are_held_while_a_slider_bends_the_others(visit):
    page = visit("/second_moment", widths="12, 24")
    rest(page)
    page.get_by_role("button", name="Hold", exact=True).click()
    expect(page.get_by_text("These curves are held")).to_be_visible()
    page.locator("[class*='st-key-norm-slide']").get_by_role("slider").press("ArrowRight")
    expect(page.get_by_text("held: norm 1").first).to_be_visible()
    page.wait_for_url("**held=*")
    held = page.evaluate("() => new URLSearchParams(location.search).get('held')")
    assert json.loads(held)[0]["norm"] == 1
