"""A convolutional network on digits, from the form to its spectrum in motion."""

import pytest
from browsing import rest, run_button, slider
from playwright.sync_api import expect

FEW = {"data": "digits", "size": "12", "test_size": "16", "checkpoints": "4", "stop_residual": "0.5", "seeds": "41"}

pytestmark = pytest.mark.browser


@pytest.mark.long
def test_a_convolutional_run_on_digits_from_the_form_to_its_spectrum(visit):
    page = visit("/evolution", **FEW)
    sidebar = page.get_by_test_id("stSidebar")
    expect(sidebar.get_by_text("stride", exact=True)).to_have_count(0)
    sidebar.get_by_role("combobox", name="network").click()
    page.get_by_role("option", name="convolutional: images").click()
    rest(page)
    for label, value in (("stride", "4"), ("width n", "3"), ("hidden layers L", "1")):
        field = sidebar.get_by_role("textbox", name=label, exact=True)
        field.fill(value)
        field.press("Enter")
        rest(page)
    page.wait_for_url("**/evolution?*network=conv*")
    expect(sidebar.get_by_text("1 × 3", exact=False)).to_be_visible()
    run_button(page).click()
    expect(slider(page)).to_be_attached(timeout=240_000)
    expect(page.get_by_text("Of a convolutional network β is not defined")).to_be_visible()
    before = slider(page).input_value()
    page.get_by_role("button", name="Play").first.click()
    page.wait_for_function(
        "([s, before]) => document.querySelector(s).value !== before",
        arg=[".st-key-moving_evolution_0 .vega-bind input[type=range]", before],
    )
    rest(page)
    sidebar.get_by_role("combobox", name="dataset").click()
    page.get_by_role("option", name="circle: waves on S¹").click()
    expect(sidebar.get_by_text("conv takes images", exact=False).first).to_be_visible()
