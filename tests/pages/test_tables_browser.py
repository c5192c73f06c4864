"""A table of one's own in a real browser: upload, reload, another file in its place, the run with its remarks."""

import pytest
from browsing import PATIENCE
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

NAMES = '"cement, kg";"water, kg";"strength, MPa"'
ROWS = [f"{(7 * i) % 24},5;{(i * i) % 11},25;{(i % 5) + 293},1" for i in range(24)]
GOOD = "\n".join([NAMES, *ROWS]).encode()
LATIN = GOOD.replace(b"cement", b"gr\xf6\xdfe")
WORKBOOK = b"PK\x03\x04 a workbook"
QUICK = {"data": "csv", "width": "8", "depth": "1", "max_steps": "20", "checkpoints": "4", "seeds": "0"}


def upload(page: Page, name: str, data: bytes) -> None:
    page.locator("[data-testid=stSidebar] input[type=file]").first.set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": data}
    )


def test_upload_reload_replace_and_run(visit):
    page = visit("/evolution", **QUICK)
    sidebar = page.get_by_test_id("stSidebar")
    upload(page, "concrete.csv", GOOD)
    expect(sidebar.get_by_text("using concrete.csv: 24 rows, 3 columns")).to_be_visible()
    expect(sidebar.get_by_text("cells are separated by semicolons")).to_be_visible()
    page.wait_for_url("**source=*")
    page.reload()
    expect(sidebar.get_by_text("using concrete.csv: 24 rows, 3 columns")).to_be_visible()

    option = page.get_by_role("option", name="water, kg")
    for _ in range(5):  # a script run that ends meanwhile closes the list
        sidebar.get_by_role("combobox", name="target").click()
        page.wait_for_timeout(500)
        if option.is_visible():
            break
    option.click()
    page.keyboard.press("Escape")
    page.wait_for_url("**target=*")
    page.locator(".st-key-run button").click()
    expect(page.get_by_text("their mean over the training rows is taken off")).to_be_visible(timeout=2 * PATIENCE)
    expect(page.get_by_text("R² =")).to_be_visible()
    page.wait_for_url("**source=*")

    upload(page, "groesse.csv", LATIN)
    expect(sidebar.get_by_text("using groesse.csv: 24 rows, 3 columns: 'größe, kg'")).to_be_visible()
    expect(sidebar.get_by_text("read as Windows-1252")).to_be_visible()
    upload(page, "book.xlsx", WORKBOOK)
    expect(sidebar.get_by_text("book.xlsx: is a workbook of a spreadsheet")).to_be_visible()
    expect(sidebar.get_by_text("using")).to_have_count(0)
    expect(page.locator(".st-key-run button")).to_have_count(0)
