"""What browser tests share besides the fixtures."""

from contextlib import suppress

from playwright.sync_api import Download, Locator, Page, expect

SMALL = {"size": "12", "test_size": "16", "frequencies": "1, 2", "amplitudes": "", "depth": "1", "width": "16"}
PATIENCE = 60_000
"""Milliseconds: a busy machine must not fail a test."""

expect.set_options(timeout=PATIENCE)


AT_REST = """() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
  && !document.querySelector('[data-stale=true]')
  && document.getAnimations().map((one) => [one.playState, one.effect.getComputedTiming()]).every(
    ([state, { iterations, progress }]) => state !== 'running' || iterations === Infinity || progress === null)"""


def rest(page: Page) -> None:
    """Until nothing on the page is drawn, faded or moved: an element that is to be replaced has neither its colour nor
    a place that a click would find."""
    page.wait_for_function(AT_REST, timeout=2 * PATIENCE)


def download(page: Page, button: Locator) -> Download:
    """At rest: Streamlit gives a file another name whenever its button is drawn again, and then has none of the old."""
    rest(page)
    with page.expect_download(timeout=PATIENCE) as waiting:
        button.click()
    return waiting.value


def pick(page: Page, mark: Locator, opens: str) -> None:
    """Clicks on a mark of a chart until the page of this title opens: Vega that draws anew meanwhile takes no click."""
    opened = page.get_by_role("heading", name=opens, exact=True)
    for _ in range(5):
        rest(page)
        mark.click()
        with suppress(AssertionError):
            expect(opened).to_be_visible(timeout=PATIENCE / 5)
            break
    expect(opened).to_be_visible()


def slider(page: Page, key: str = "moving_evolution_0"):
    """That of the first of the charts which a player moves: all have one."""
    return page.locator(f".st-key-{key} .vega-bind input[type=range]").first


def run_button(page: Page):
    return page.locator(".st-key-run button")


def menu(page: Page):
    return page.get_by_test_id("stTopNav")


def open_page(page: Page, section: str, title: str) -> None:
    """By the menu on top."""
    menu(page).get_by_text(section).click()
    page.get_by_test_id("stTopNavPopover").get_by_role("menuitem", name=title).click()
