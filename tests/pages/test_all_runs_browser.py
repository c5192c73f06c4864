"""Five thousand runs in a real browser: listed, searched, chosen, tagged, plotted. How soon: `benchmarks.storage`."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from browsing import PATIENCE, rest
from playwright.sync_api import BrowserContext, Page, expect

from benchmarks.serving import ROOT, served
from benchmarks.storage import crowd, table_shown
from cache import Store
from cache.listing import RunFilter

pytestmark = pytest.mark.browser

RUNS = 5000
ROW, HEADING = 35, 35
"""Pixels of the table's rows."""


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server on a cache of so many runs."""
    folder = tmp_path_factory.mktemp("crowded")
    crowd(folder / f"store-{os.getuid()}", RUNS)
    with closing(Store(folder / f"store-{os.getuid()}")) as store:
        assert store.index.how_many(RunFilter()) == RUNS  # the index is made here
    with (folder / "log").open("w") as log, served(ROOT / "app.py", folder, log) as address:
        yield address
    said = Path(folder / "log").read_text()
    assert "Traceback" not in said, said


@pytest.fixture
def page(crowded: str, window: Callable[..., BrowserContext]) -> Iterator[Page]:
    page = window(crowded, "crowded").new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{crowded}/all_runs")
    table_shown(page, RUNS)
    yield page
    page.close()


def choose(page: Page, *rows: int) -> None:
    box = page.locator("[data-testid=stDataFrame] canvas").first.bounding_box()
    assert box is not None
    for row in rows:
        page.mouse.click(box["x"] + 18, box["y"] + HEADING + ROW * row + ROW / 2)


def test_found_chosen_tagged_and_plotted(page: Page) -> None:
    """Of 40 networks 125 have each width and depth; the two newest of these are chosen."""
    search = page.locator(".st-key-all_runs_search input")
    search.fill("width=64 depth=3")
    search.press("Enter")
    table_shown(page, RUNS // 40)
    choose(page, 0, 1)
    expect(page.get_by_role("heading", name="Side by side")).to_be_visible()
    expect(page.get_by_text("They differ in seeds")).to_be_visible()
    page.get_by_role("button", name="Tag").click()
    page.get_by_label("add, separated by commas").fill("paper")
    page.get_by_label("add, separated by commas").press("Tab")
    rest(page)
    page.get_by_role("button", name="Set tags").click()
    expect(page.get_by_text("take away")).to_be_visible()
    page.keyboard.press("Escape")
    rest(page)
    search.fill("#paper")
    search.press("Enter")
    table_shown(page, 2)
    page.locator(".st-key-all_runs_plot label").first.click()
    expect(page.locator("[data-testid=stVegaLiteChart] svg.marks").first).to_be_visible()
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
