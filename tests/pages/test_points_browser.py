"""A file of points in a real browser: upload, run, result; its link in the browser of somebody else; a file refused."""

import io
import os
import pickle
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from browsing import PATIENCE, run_button
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

QUICK = {"data": "file", "width": "9", "depth": "1", "max_steps": "20", "checkpoints": "4", "seeds": "16"}


def stripes() -> bytes:
    """Images of stripes that run across or down, with some noise."""
    draw, kinds = np.random.default_rng(0), np.array(["across", "down"] * 40)
    image = np.where(np.arange(8) % 2, 200.0, 20.0)
    x = np.array([np.tile(image, (8, 1)).T if kind == "across" else np.tile(image, (8, 1)) for kind in kinds])
    buffer = io.BytesIO()
    np.savez_compressed(buffer, x=(x + draw.normal(size=x.shape, scale=15)).clip(0, 255).astype("u1"), labels=kinds)
    return buffer.getvalue()


def upload(page: Page, name: str, content: bytes) -> None:
    page.locator("[data-testid=stSidebar] input[type=file]").first.set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )


@pytest.mark.long
def test_upload_run_and_a_link_for_somebody_else(visit) -> None:
    page = visit("/evolution", **QUICK)
    sidebar = page.get_by_test_id("stSidebar")
    expect(sidebar.get_by_text("file: upload one (npz, idx or bin)")).to_be_visible()
    upload(page, "evil.pkl", pickle.dumps(os.getcwd))
    expect(sidebar.get_by_text("evil.pkl: is a pickle, which can run code when it is opened")).to_be_visible()
    upload(page, "stripes.npz", stripes())  # beside the other, which the uploader keeps
    expect(sidebar.get_by_text("using stripes.npz: 80 points of 8 × 8 × 1 numbers (npz)")).to_be_visible()
    expect(sidebar.get_by_text("2 classes: across (40), down (40)")).to_be_visible()
    page.wait_for_url("**source=*")
    run_button(page).click()
    expect(page.get_by_text("'across' has target -1 and 'down' +1")).to_be_visible(timeout=2 * PATIENCE)

    other = visit("/evolution", "somebody else", **dict(parse_qsl(urlsplit(page.url).query)))
    expect(other.get_by_text("'across' has target -1 and 'down' +1")).to_be_visible()
    expect(other.get_by_test_id("stSidebar").get_by_text("using stripes.npz: 80 points")).to_be_visible()
    expect(run_button(other)).to_have_count(0)
