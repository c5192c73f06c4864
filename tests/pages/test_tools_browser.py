"""The row of tools in a real browser: files that are saved, the frame that is shown, what opens over the page."""

import io
from importlib import import_module
from pathlib import Path

import pytest
from browsing import SMALL, download, rest, run_button, slider
from PIL import Image
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from pages.charts.printing.moving import can_film
from pages.shell.tools import TOOLS

RUN = {**SMALL, "max_steps": "40", "checkpoints": "6", "seeds": "31"}
NAMES = {
    "data": "Data as CSV", "svg": "Figure as SVG", "pdf": "Figure as PDF", "png": "Figure as PNG",
    "paper": "Figure for a paper", "enlarge": "Enlarge", "about": "About this figure",
}  # fmt: skip

pytestmark = pytest.mark.browser


@pytest.fixture
def page(visit) -> Page:
    """Evolution with the run there."""
    page = visit("/evolution", **RUN)
    expect(page.get_by_test_id("stSidebar").get_by_text("64 parameters")).to_be_visible()
    expect(run_button(page).or_(slider(page)).first).to_be_attached()
    if run_button(page).count():
        run_button(page).click()
    expect(page.locator(".st-key-drawn_drift .marks")).to_be_visible()
    expect(slider(page)).to_be_attached()
    return page


def tool(page: Page, figure: str, name: str):
    row = page.locator(f".st-key-tools-of-{figure}")
    return row.get_by_role("button", name=NAMES[name], exact=True)


def saved(page: Page, button) -> tuple[str, bytes]:
    found = download(page, button)
    return found.suggested_filename, Path(found.path()).read_bytes()


def test_one_row_of_tools_over_a_chart_and_none_of_streamlits(page):
    for name in TOOLS:
        expect(tool(page, "drift", name)).to_be_visible()
        expect(tool(page, "evolution_0", name)).to_be_visible()
    page.locator(".st-key-drawn_drift .marks").hover()
    page.wait_for_timeout(500)
    toolbars = page.locator(".st-key-drawn_drift [data-testid=stElementToolbar]")
    assert toolbars.count()
    assert not any(one.is_visible() for one in toolbars.all())


def test_a_pdf_is_saved_at_the_frame_that_is_shown(page):
    player = page.locator(".st-key-moving_evolution_0 .slider")
    for frame in (2, 4):
        player.fill(str(frame))
        name, content = saved(page, tool(page, "evolution_0", "pdf"))
        assert name == "evolution-seed31.pdf"
        file = PdfReader(io.BytesIO(content))
        assert float(file.pages[0].mediabox.width) == 3.25 * 72
        assert (file.metadata or {})["/Title"] == player.get_attribute("aria-valuetext")
    page.wait_for_timeout(500)  # nothing more is saved when the page is drawn again
    name, content = saved(page, tool(page, "drift", "pdf"))
    assert name == "drift.pdf"
    assert PdfReader(io.BytesIO(content)).metadata["/Title"] == "How far has the kernel moved from K_0?"


def test_a_figure_for_a_paper(page):
    page.locator(".st-key-moving_evolution_0 .slider").fill("3")
    tool(page, "evolution_0", "paper").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("img", name="The figure as it is printed")).to_be_visible()
    expect(dialog.get_by_role("slider")).to_have_value("3")
    dialog.get_by_text("page, 6.75 in").click()
    page.wait_for_function("() => document.querySelector('[role=dialog] img').getBoundingClientRect().width > 500")
    name, content = saved(page, dialog.get_by_role("button", name="GIF"))
    assert name == "evolution-seed31.gif"
    assert Image.open(io.BytesIO(content)).n_frames == 9
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)
    _, content = saved(page, tool(page, "drift", "svg"))
    assert f'width="{6.75 * 72:g}pt"' in content.decode(), "chosen for one figure, kept for the next"


@pytest.mark.skipif(not can_film(), reason="without the extra video there is no MP4")
def test_a_figure_that_moves_is_filmed(page):
    tool(page, "evolution_0", "paper").click()
    name, content = saved(page, page.get_by_role("dialog").get_by_role("button", name="MP4"))
    assert name == "evolution-seed31.mp4"
    with import_module("av").open(io.BytesIO(content)) as film:
        pictures = [*film.decode(video=0)]
    assert len(pictures) >= 9
    shown = [picture.to_ndarray(format="rgb24") for picture in (pictures[0], pictures[-1])]
    assert (shown[0] != shown[1]).any(), "it moves"


def test_a_figure_is_enlarged_at_the_frame_that_is_shown(page):
    page.locator(".st-key-moving_evolution_0 .slider").fill("3")
    tool(page, "evolution_0", "enlarge").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".marks")).to_have_count(5)
    expect(dialog.locator(".count")).to_have_text("4 / 9")
    small, large = (page.locator(f"{where} .marks").nth(1) for where in (".st-key-moving_evolution_0", "[role=dialog]"))
    assert (large.bounding_box() or {})["height"] > 1.4 * (small.bounding_box() or {})["height"]


def test_escape_closes_a_dialog_after_a_download_and_no_tool_waits_any_more(page):
    for name in ("about", "paper"):
        rest(page)
        tool(page, "drift", name).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        waiting = page.locator(f".st-key-tools-of-drift [data-tool={name}]")
        expect(waiting).not_to_have_attribute("aria-busy", "true")
        if name == "paper":
            saved(page, page.get_by_role("dialog").get_by_role("button", name="PDF"))
            page.wait_for_timeout(500)
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        if name == "about":
            expect(waiting).to_be_focused()
