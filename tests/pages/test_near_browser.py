"""Charts are drawn as they come near the window, and nothing that reads, prints or moves them misses any."""

import pytest
from browsing import SMALL, slider
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

RUN = SMALL | {"width": "22", "seeds": "3, 5", "max_steps": "60", "checkpoints": "6"}
BUSY = """
window.requestIdleCallback = () => 0;
window.print = () => { window.printed = document.querySelectorAll('[data-testid=stVegaLiteChart] .marks').length; };
"""
"""A browser that always has something to do; and what stood on its page when it would have printed."""
CHARTS, DRAWN = "[data-testid=stVegaLiteChart]", "[data-testid=stVegaLiteChart] .marks"
FITS = "(chart) => Math.abs(chart.querySelector('.marks').getBoundingClientRect().width - chart.clientWidth) < 20"
FRAME = ".vega-bind input[name=frame]"
HEIGHT = "() => document.querySelector('[data-testid=stMain]').scrollHeight"


@pytest.fixture
def evolution(visit, window, server):
    """The page of a run that is there, in a browser that is busy or not."""

    def evolution(person: str, busy: bool = True, **query: str) -> Page:
        if busy:
            window(server, person).add_init_script(BUSY)
        page = visit("/evolution", person, **RUN, **query)
        run = page.locator(".st-key-run button")
        expect(run.or_(page.locator(".st-key-moving_evolution_0")).first).to_be_attached()
        if run.count():
            run.click()
        expect(page.locator(CHARTS)).to_have_count(9)
        expect(slider(page)).to_be_attached()
        page.wait_for_timeout(1500)
        return page

    return evolution


def far(page: Page) -> int:
    """How many charts are not drawn yet."""
    return page.locator(CHARTS).count() - page.locator(DRAWN).count()


def test_what_is_far_is_drawn_when_one_scrolls_to_it_and_nothing_jumps(evolution):
    page = evolution("busy")
    assert 0 < far(page) < 9
    height = page.evaluate(HEIGHT)
    last = page.locator(CHARTS).last
    last.scroll_into_view_if_needed()
    expect(last.locator(".marks")).to_be_visible()
    while far(page):
        first = page.locator(f"{CHARTS}:not(:has(.marks))").first
        above = page.locator(".st-key-answer").bounding_box()["y"]
        first.scroll_into_view_if_needed()
        expect(first.locator(".marks")).to_be_visible()
        assert above >= page.locator(".st-key-answer").bounding_box()["y"] - 900
    assert abs(page.evaluate(HEIGHT) - height) < 200


def test_a_browser_at_rest_draws_all(evolution):
    page = evolution("at rest", busy=False)
    expect(page.locator(DRAWN)).to_have_count(9)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == 0


def test_all_is_drawn_before_it_is_printed(evolution):
    page = evolution("who prints")
    assert far(page)
    page.evaluate("window.print()")
    page.wait_for_function("() => window.printed === 9")
    page = evolution("who prints")
    assert far(page)
    page.keyboard.press("Control+p")
    page.wait_for_function("() => window.printed === 9")
    page = evolution("who prints")
    assert far(page)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    expect(page.locator(DRAWN)).to_have_count(9)


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_a_printed_page_is_dark_on_white_and_has_no_controls(evolution, scheme):
    page = evolution("who prints a page", busy=False)
    page.emulate_media(color_scheme=scheme)
    expect(page.locator(".stApp")).to_have_css("color-scheme", scheme)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print", color_scheme=scheme)
    for part in ("stSidebar", "stHeader", "stButton", "stDownloadButton"):
        assert not page.get_by_test_id(part).first.is_visible(), part
    inverted = "invert(1) hue-rotate(180deg)"
    expect(page.locator(".stApp")).to_have_css("filter", inverted if scheme == "dark" else "none")
    for place in ("body", ".stApp"):
        expect(page.locator(place)).to_have_css("background-color", "rgba(0, 0, 0, 0)")
    expect(page.locator(".st-key-answer")).to_be_visible()


@pytest.mark.long
def test_what_comes_late_shows_the_frame_and_the_seed_of_now(evolution):
    page = evolution("who plays")
    assert far(page)
    page.locator(".st-key-moving_evolution_0 button.forward").click()
    page.wait_for_url("**v_checkpoint=*")
    shown = slider(page).input_value()
    for frame in page.locator(f".st-key-moving_evolution_0 {CHARTS}").all():
        frame.scroll_into_view_if_needed()
        expect(frame.locator(FRAME)).to_have_value(shown)
    page.locator(".stButtonGroup", has_text="seed").first.get_by_text("5").click()
    page.wait_for_url("**v_seed=5*")
    expect(page.locator(f".st-key-moving_evolution_1 {FRAME}")).to_have_count(5)


def test_theme_and_width_change_what_is_drawn_and_what_is_not(evolution):
    page = evolution("who turns")
    before = far(page)
    assert before
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(1500)
    assert far(page) == before
    page.set_viewport_size({"width": 1100, "height": 900})
    for chart in page.locator(CHARTS).all():
        chart.scroll_into_view_if_needed()
        picture = chart.locator(".marks")
        expect(picture).to_be_visible()
        page.wait_for_function(FITS, arg=chart.element_handle())


@pytest.mark.long
def test_a_tab_that_opens_draws_its_charts(visit, window, server):
    window(server, "who opens").add_init_script(BUSY)
    page = visit("/perturbation", "who opens", **RUN, v_tab="study", v_widths="16, 24", v_seeds="1")
    ask = page.locator(".st-key-ask-study button")
    study = page.get_by_role("tabpanel").locator(DRAWN)
    expect(ask.or_(study).first).to_be_visible()
    if ask.count():
        ask.click()
    expect(study.first).to_be_visible(timeout=240_000)
    page.get_by_role("tab", name="One run").click()
    expect(study.first).not_to_be_visible()
    page.get_by_role("tab", name="Study").click()
    expect(study.first).to_be_visible()
