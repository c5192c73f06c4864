"""Bundle and report in a real browser: clicked, downloaded, opened without a network."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsing import PATIENCE, SMALL, download, open_page, run_button, slider
from playwright.sync_api import Browser, Page, expect
from taken import files

pytestmark = pytest.mark.browser

RUN = {**SMALL, "seeds": "23", "width": "12", "max_steps": "30", "checkpoints": "6"}
NAME = "<img src=x onerror=alert(1)> $x$ **b**"


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a file without a network; fails at the end when it asked for anything or the console had an error."""
    complaints: list[str] = []
    contexts = []

    def opened(path: Path, scheme: str, width: int) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"a dialog: {dialog.message}"))
        page.on("request", lambda request: None if request.url == path.as_uri() else complaints.append(request.url))
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints, complaints


SIDEWAYS = "[...document.querySelectorAll('.chart')].filter(one => one.scrollWidth > one.clientWidth + 1).length"
"""Charts that a reader would have to push."""


def downloaded(page: Page, button: str, to: Path) -> Path:
    download(page, page.get_by_role("button", name=re.compile(button))).save_as(to)
    return to


def choose(page: Page, *labels: str) -> None:
    """Opens the dialog and takes the charts of these questions."""
    page.get_by_role("button", name="Report").click()
    dialog = page.get_by_role("dialog")
    for label in labels:
        box = dialog.get_by_role("checkbox", name=re.compile(label))
        box.locator("xpath=ancestor::label").click()
        expect(box).to_be_checked()


def test_charts_of_two_pages_in_one_file_that_asks_nothing(visit, opened, tmp_path: Path) -> None:
    page = visit("/evolution", **RUN)
    run_button(page).click()
    expect(slider(page)).to_be_attached()
    found = files(downloaded(page, "Bundle", tmp_path / "bundle.zip").read_bytes())
    assert {"figures/drift.pdf", "data/drift.csv", "config.yaml", "recompute.py"} <= set(found)

    choose(page, "The kernel in motion", "moved from")
    page.keyboard.press("Escape")
    open_page(page, "Initialisation", "Second moment")
    expect(page.get_by_role("heading", name="Second moment")).to_be_visible()
    choose(page, "How much does the kernel vary")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Evolution: How far has the kernel moved")).to_be_visible()
    title = dialog.get_by_role("textbox", name="title")
    title.fill(NAME)
    title.press("Enter")
    expect(dialog.get_by_role("button", name="Download 3 charts")).to_be_enabled()
    report = downloaded(page, "Download 3 charts", tmp_path / "report.html")

    for scheme, width, ground in (("light", 1440, "rgb(255, 255, 255)"), ("dark", 390, "rgb(23, 22, 20)")):
        shown = opened(report, scheme, width)
        expect(shown.locator("h1")).to_have_text(NAME)
        expect(shown.locator("figure")).to_have_count(3)
        expect(shown.locator(".chart svg.marks, .chart canvas.marks")).to_have_count(shown.locator(".chart").count())
        assert not shown.evaluate(SIDEWAYS)
        expect(shown.locator("h2")).to_have_text(["Evolution", "Second moment"])
        assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == ground
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        drawn = shown.locator(".chart svg.marks").last
        expect(drawn.locator("path").nth(20)).to_be_attached()
        assert shown.locator("math").count() > 5
        for event, on in (("beforeprint", "rgb(255, 255, 255)"), ("afterprint", ground)):
            shown.evaluate("event => window.dispatchEvent(new Event(event))", event)
            expect(drawn).to_have_css("background-color", on)
        shown.emulate_media(media="print")
        assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        shown.emulate_media(media="screen")
        moving = shown.locator("figure").first
        before = moving.locator("canvas.marks").first.evaluate("canvas => canvas.toDataURL()")
        expect(moving.locator("input[type=range]")).to_have_count(1)
        moving.locator("input[type=range]").evaluate(
            "input => { input.value = input.max; input.dispatchEvent(new Event('input')); }"
        )
        shown.wait_for_function(
            "before => document.querySelector('.chart canvas.marks').toDataURL() !== before", arg=before
        )
