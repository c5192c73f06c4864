"""The real server in a real browser: what only that can show."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
SMALL = {"size": "12", "test_size": "16", "frequencies": "1, 2", "amplitudes": "", "depth": "1", "width": "16"}
LONG = {**SMALL, "stop_residual": "none", "max_steps": "3000000", "seeds": "7", "checkpoints": "8"}
PATIENCE = 60_000
expect.set_options(timeout=20_000)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not Path(CHROMIUM).exists() and not os.environ.get("CI"), reason="no Chromium at /usr/bin/chromium"
    ),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of its own, on a cache of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    cache = tmp_path_factory.mktemp("server")
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with (cache / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "KERNEL_DRIFT_CACHE": str(cache)}, stdout=log, stderr=log
        )
        address = f"http://127.0.0.1:{port}"
        _await(f"{address}/_stcore/health", process)
        yield address
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
    said = (cache / "log").read_text()
    assert "Traceback" not in said, said


def _await(url: str, process: subprocess.Popen) -> None:
    for _ in range(300):
        assert process.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not answer")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, server: str) -> Iterator[Callable[..., Page]]:
    """Opens a page as a new person; fails at the end when the console had an error or another host was asked."""
    complaints: list[str] = []
    contexts = []

    def visit(path: str = "/", **query: str) -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((server, server.replace("http", "ws"), "data:", "blob:"))
                else complaints.append(f"asked {request.url}")
            ),
        )
        page.goto(server + path + ("?" + urlencode(query) if query else ""))
        return page

    yield visit
    for context in contexts:
        context.close()
    # Streamlit looks for its base path: below a page's own path first, which answers 404 twice.
    serious = [text for text in complaints if "status of 404" not in text]
    assert not serious, serious


def slider(page: Page, key: str = "evolution_0"):
    return page.locator(f".st-key-{key} .vega-bind input[type=range]")


def run_button(page: Page):
    return page.locator(".st-key-run button")


def test_first_visit_by_deep_link_to_an_animated_spectrum(visit):
    page = visit("/evolution")
    expect(page.get_by_role("heading", name="Evolution")).to_be_visible()
    for name in ("Home", "Evolution"):
        expect(page.get_by_test_id("stSidebarNav").get_by_role("link", name=name)).to_be_visible()
    run_button(page).click()
    expect(page.locator(".st-key-cancel button")).to_be_visible()
    expect(page.locator(".st-key-live [data-testid=stVegaLiteChart]")).to_have_count(2, timeout=PATIENCE)
    expect(slider(page)).to_be_attached(timeout=PATIENCE)
    before = slider(page).input_value()
    page.get_by_role("button", name="Play").first.click()
    page.wait_for_function(
        "([s, before]) => document.querySelector(s).value !== before",
        arg=[".st-key-evolution_0 .vega-bind input[type=range]", before],
    )
    began = time.monotonic()
    page.reload()
    expect(slider(page)).to_be_attached()
    expect(run_button(page)).to_have_count(0)
    assert time.monotonic() - began < 10


def test_home_shows_the_result(visit):
    page = visit("/")
    expect(slider(page, "home_panel")).to_be_attached()
    expect(page.get_by_text("loopback")).to_be_visible()
    page.get_by_text("Lazy: width 1024").first.click()
    page.wait_for_url("**/evolution*width=1024*")


def test_two_people_share_a_run_and_leave_it(visit):
    one, other = visit("/evolution", **LONG), visit("/evolution", **LONG)
    run_button(one).click()
    expect(one.get_by_text("Running on")).to_be_visible()
    other.reload()
    expect(other.get_by_text("you share one computation")).to_be_visible()
    expect(one.get_by_text("you share one computation")).to_be_visible()

    one.get_by_test_id("stSidebarNav").get_by_role("link", name="Home").click()
    expect(one.get_by_role("heading", name="Kernel Drift")).to_be_visible()
    one.get_by_test_id("stSidebarNav").get_by_role("link", name="Evolution").click()
    expect(one.get_by_text("Running on")).to_be_visible()
    one.wait_for_url("**/evolution?*max_steps=3000000*")
    one.reload()
    expect(one.get_by_text("Running on")).to_be_visible()

    one.locator(".st-key-cancel button").click()
    expect(one.get_by_text("it goes on for another viewer")).to_be_visible()
    expect(other.get_by_text("Running on")).to_be_visible()
    other.locator(".st-key-cancel button").click()
    expect(other.get_by_text("The run was cancelled")).to_be_visible()


def test_a_bad_url_says_so(visit):
    page = visit("/evolution", width="abc", **{"<b>": "$x$"})
    expect(page.get_by_test_id("stSidebar").get_by_text("'abc' given")).to_be_visible()
    page.get_by_role("button", name="Back to the default preset").click()
    expect(run_button(page).or_(slider(page)).first).to_be_attached()
    expect(page.get_by_text("'abc' given")).to_have_count(0)
