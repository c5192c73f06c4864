"""What the gate tells a browser, in a real one: every page works under the Content-Security-Policy."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from browsing import PATIENCE, SMALL, download, rest, run_button, slider
from playwright.sync_api import BrowserContext, Page, expect
from pretend_engine import MAIN

pytestmark = pytest.mark.browser

TINY = {**SMALL, "max_steps": "40", "checkpoints": "6"}
PAGES = ["", *re.findall(r'url_path="(\w+)"', MAIN.read_text())]
WITHOUT_A_CHART = ("all_runs", "server")
OF_A_RUN = ("evolution", "perturbation", "norms", "function_space", "inductive_bias", "generalisation")
CHART = "[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg.marks"
COMPUTE = "[data-testid=stMain] button:has([data-testid=stIconMaterial]:text-is('play_arrow'))"

LISTEN = """document.addEventListener("securitypolicyviolation", event =>
  window.violated(`${event.effectiveDirective} ${event.blockedURI} at ${event.sourceFile}`))"""


@pytest.fixture(scope="module")
def told() -> list[str]:
    return []


@pytest.fixture(scope="module")
def context(window: Callable[..., BrowserContext], server: str, told: list[str]) -> BrowserContext:
    """A browser that tells what broke the policy."""
    context = window(server)
    context.expose_function("violated", lambda text: told.append(text))
    context.add_init_script(LISTEN)
    return context


@pytest.fixture
def violations(told: list[str]) -> list[str]:
    """What broke the policy in this test."""
    told.clear()
    return told


@pytest.fixture
def opened(context: BrowserContext, violations: list[str], server: str) -> Iterator[Callable[..., Page]]:
    """Opens a page; fails at the end when anything broke the policy."""
    pages: list[Page] = []

    def opened(path: str, **query: str) -> Page:
        pages.append(context.new_page())
        pages[-1].set_default_timeout(PATIENCE)
        pages[-1].goto(f"{server}/{path}?{urlencode(query)}")
        return pages[-1]

    yield opened
    for page in pages:
        page.close()
    assert not violations, violations


BREAK = """() => {
  window.ran = [];
  const script = document.createElement("script");
  script.textContent = "window.ran.push('inline')";
  document.head.append(script);
  // Not at once: what Playwright itself evaluates may use eval.
  setTimeout(() => window.ran.push(eval("'eval'")));
  fetch("http://127.0.0.1:9/").then(() => window.ran.push("fetch"), () => {});
}"""


def test_what_breaks_the_policy_is_stopped_and_seen(opened, violations):
    page = opened("all_runs")  # computes nothing
    page.evaluate(BREAK)
    page.wait_for_timeout(500)
    assert page.evaluate("window.ran") == []
    assert {text.split()[0] for text in violations} == {"script-src-elem", "script-src", "connect-src"}
    violations.clear()


def test_a_run_is_played_and_taken_home(opened):
    page = opened("evolution", **TINY)
    run_button(page).click()
    expect(slider(page)).to_be_attached()
    before = slider(page).input_value()
    page.get_by_role("button", name="Play").first.click()
    expect(slider(page)).not_to_have_value(before)
    for name in ("Curves (CSV)", "Summary (JSON)"):
        assert download(page, page.get_by_role("button", name=name).first).failure() is None


def test_a_table_is_brought(opened):
    page = opened("evolution", data="csv")
    rows = "".join(f"{i},{i % 5}\n" for i in range(20))
    upload = page.locator("input[type=file]").first
    upload.set_input_files({"name": "t.csv", "mimeType": "text/csv", "buffer": f"a,b\n{rows}".encode()})
    expect(page.get_by_text("20 rows")).to_be_visible()


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("path", PAGES)
def test_every_page_draws_under_the_policy(opened, path):
    page = opened(path, **(TINY if path in OF_A_RUN else {}))
    if path in WITHOUT_A_CHART:
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        rest(page)
        return
    chart, compute = page.locator(CHART).first, page.locator(COMPUTE).first
    expect(chart.or_(compute).first).to_be_visible(timeout=5 * PATIENCE)  # Home computes by itself
    if not chart.is_visible():
        compute.click()
    expect(chart).to_be_visible(timeout=5 * PATIENCE)
