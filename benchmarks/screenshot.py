"""The README's picture, taken from the real dashboard: `python -m benchmarks.screenshot`."""

from playwright.sync_api import sync_playwright

from benchmarks.animation import MOVE
from benchmarks.browser import PANEL, SLIDER, opened
from benchmarks.serving import ARGUMENTS, CHROMIUM, ROOT, served_app

FRAME = 45
PICTURE = ROOT / "docs" / "evolution.png"


def main() -> None:
    PICTURE.parent.mkdir(exist_ok=True)
    with served_app() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = opened(browser, f"{address}/evolution")
        page.locator(".st-key-run button").click()
        page.wait_for_selector(SLIDER, state="attached")
        page.mouse.move(0, 0)  # away from what stands where Run did, and says what it is for
        page.set_viewport_size({"width": 1440, "height": 1900})
        page.wait_for_timeout(2000)
        page.evaluate(MOVE, [PANEL, FRAME])
        page.wait_for_timeout(1000)
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main()
