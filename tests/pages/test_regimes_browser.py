"""The regime map in a real browser: cells appear, and a click on one opens its run."""

import pytest
from browsing import pick
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

MAP = ".st-key-chart_regime_map svg.marks"
CELLS = f"{MAP} .cells_marks path"
SMALL = {"map_depths": "1, 2", "map_widths": "8, 16", "map_size": "7"}


def test_cells_appear_and_a_click_on_one_opens_its_run(visit):
    page = visit("/regimes", **SMALL)
    expect(page.locator(MAP)).to_be_visible()
    expect(page.locator(CELLS)).to_have_count(0)
    page.locator(".st-key-run_sweep button").click()
    expect(page.locator(".st-key-cancel_sweep button")).to_be_visible()
    expect(page.locator(CELLS).first).to_be_visible()
    expect(page.locator(CELLS)).to_have_count(4)
    expect(page.get_by_text("Of 4 cells:")).to_be_visible()
    expect(page.locator(".st-key-cancel_sweep")).to_have_count(0)

    label = page.locator(CELLS).first.get_attribute("aria-label") or ""
    pick(page, page.locator(CELLS).first, "Evolution")
    for name, called in (("width", "width"), ("depth", "hidden layers")):
        (value,) = (part.split(": ")[1] for part in label.split("; ") if part.startswith(f"{name} "))
        expect(page.get_by_role("textbox", name=called)).to_have_value(value)
    page.wait_for_url("**/evolution?*loss=half_sum*")
    expect(page.locator(".st-key-run button")).to_be_visible()
    expect(page.locator("#vg-tooltip-element:not(:empty)")).to_have_count(0)
    page.go_back()
    page.wait_for_url("**/regimes?*map_depths=1*")
    expect(page.locator(CELLS)).to_have_count(4)


@pytest.mark.long
def test_kinds_stand_side_by_side_and_a_cell_opens_the_network_of_its_kind(visit):
    page = visit("/regimes", map_networks="beside residual", map_depths="1", map_widths="6, 12", map_size="5")
    page.locator(".st-key-run_sweep button").click()
    expect(page.get_by_text("Residual: of 2 cells:")).to_be_visible()
    expect(page.locator("[data-testid=stVegaLiteChart]")).to_have_count(4)
    expect(page.get_by_text("Beside fully connected networks of equal depth and width")).to_be_visible()
    expect(page.get_by_text("(fully connected only)")).to_be_visible()
    pick(page, page.locator(".st-key-chart_regime_map_resnet svg.marks .cells_marks path").first, "Evolution")
    page.wait_for_url("**/evolution?*network=resnet*")
    expect(page.get_by_text("On the map this cell is")).to_be_visible()
    expect(page.get_by_text("measured β", exact=True)).to_be_visible()
