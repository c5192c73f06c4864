"""The dashboard as a person meets it, in a real browser: seconds from click to curve, to result, to redraw.

Run with `python -m benchmarks.browser`. A server on an empty cache; the default preset is started by its button.
Targets on two cores: first curve within 3 s of the click, done within 8 s, a cached page complete within 1 s. The
default regime map: first cell within 5 s of the click, all within 10 minutes.
"""

import os
import statistics
import time

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.animation import slider_latency
from benchmarks.serving import ARGUMENTS, CHROMIUM, served_app, served_script

PANEL = "moving_evolution_0"
SLIDER = f".st-key-{PANEL} .vega-bind input[type=range]"
CURVE = ".st-key-live [data-testid=stVegaLiteChart] svg.marks"
PATIENCE = 120_000
CELL = ".st-key-chart_regime_map svg.marks path[aria-label*='regime:']"


def opened(browser: Browser, address: str) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    return page


def cold_run(browser: Browser, address: str, settle: float) -> dict[str, float]:
    """From the click on the run button of the default preset, on a server that has computed nothing.

    The click comes `settle` seconds after the page: 0 falls into the server's own start.
    """
    page = opened(browser, f"{address}/evolution")
    button = page.locator(".st-key-run button")
    button.wait_for()
    page.wait_for_timeout(1000 * settle)
    start = time.monotonic()
    button.click()
    page.wait_for_selector(CURVE)
    first = time.monotonic() - start
    page.wait_for_selector(SLIDER, state="attached")
    when = f"clicked {settle:g} s after the page"
    return {f"{when}: first curve, s": first, f"{when}: done and drawn, s": time.monotonic() - start}


def regime_map(browser: Browser, address: str, settle: float) -> dict[str, float]:
    """From the click that starts the default map, on a server that has computed nothing."""
    page = opened(browser, f"{address}/regimes")
    button = page.locator(".st-key-run_sweep button")
    button.wait_for()
    page.wait_for_timeout(1000 * settle)
    start = time.monotonic()
    button.click()
    page.locator(CELL).first.wait_for()
    first = time.monotonic() - start
    page.get_by_text("of computing; estimated").wait_for(timeout=600_000)
    return {"regime map: first cell, s": first, "regime map: all cells, s": time.monotonic() - start}


def cached_page(browser: Browser, address: str, visits: int = 3) -> dict[str, float]:
    """From a visit of the finished result to its last chart, and from another page to it in the same session."""
    times, moves, latency = [], [], []
    for _ in range(visits):
        start = time.monotonic()
        page = opened(browser, f"{address}/evolution")
        page.wait_for_selector(SLIDER, state="attached")
        times.append(time.monotonic() - start)
        menu = page.get_by_test_id("stTopNav")
        menu.get_by_role("link", name="Home").click()
        page.get_by_role("heading", name="Kernel Drift").wait_for()
        page.wait_for_timeout(1000)
        start = time.monotonic()
        menu.get_by_text("Instrument").click()
        page.get_by_test_id("stTopNavPopover").get_by_role("menuitem", name="Evolution").click()
        page.wait_for_selector(SLIDER, state="attached")
        moves.append(time.monotonic() - start)
        latency = slider_latency(page, PANEL, frames=60)
    return {
        "cached page from a new visit, s": min(times),
        "cached page from another page, s": min(moves),
        "slider, median ms": latency[len(latency) // 2],
        "slider, worst ms": latency[-1],
    }


ONE_CHART = """
import altair as alt
import pandas as pd
import streamlit as st

st.set_page_config(layout="wide")
st.title("One chart")
rows = pd.DataFrame({"t": range(64), "value": [1 / (1 + t) for t in range(64)]})
st.altair_chart(alt.Chart(rows).mark_line().encode(x="t", y="value"))
"""
IN_SIGHT = """(count) => {
  const charts = [...document.querySelectorAll('[data-testid=stVegaLiteChart]')];
  const seen = charts.filter((chart) => chart.getBoundingClientRect().top < innerHeight);
  return charts.length === count && seen.length && seen.every((chart) => chart.querySelector('.marks'));
}"""
"""Whether everything is there, and each chart drawn of which the window shows a part."""
LAST = """async () => {
  const chart = [...document.querySelectorAll('[data-testid=stVegaLiteChart]')].at(-1), start = performance.now();
  chart.scrollIntoView();
  while (!chart.querySelector('.marks')) await new Promise(requestAnimationFrame);
  return (performance.now() - start) / 1000;
}"""
"""Scrolls to the last chart at once; the seconds until it is drawn."""
VISITS = 9


def visited(browser: Browser, address: str, count: int, answer: str = "") -> dict[str, float]:
    """Seconds from a new visit until the answer, if there is one, all in sight, and then the last of so many charts."""
    start, took = time.monotonic(), {}
    page = opened(browser, address)
    if answer:
        page.wait_for_selector(answer)
        took["its answer"] = time.monotonic() - start
    page.wait_for_function(IN_SIGHT, arg=count)
    took["all in sight"] = time.monotonic() - start
    took["the last chart, scrolled to at once"] = took["all in sight"] + page.evaluate(LAST)
    page.context.close()
    return took


def beside_streamlit(browser: Browser, pages: dict[str, tuple[str, int]], visits: int = VISITS) -> dict[str, float]:
    """New visits of a finished result and of a page with one chart that is Streamlit's alone, by turns.

    Args:
        pages: who serves the result -> its page, and how many charts it has; several servers compare them.
    """
    took: dict[str, list[dict[str, float]]] = {name: [] for name in ("Streamlit's", *pages)}
    with served_script(ONE_CHART) as floor:
        for _ in range(visits + 1):  # the first meets a server that has shown nothing
            took["Streamlit's"].append(visited(browser, floor, 1))
            for name, (address, count) in pages.items():
                took[name].append(visited(browser, address, count, ".st-key-answer"))
    found, theirs = {}, took["Streamlit's"][1:]
    for name, times in took.items():
        for what in times[0]:
            found[f"{name}, {what}, s"] = statistics.median(one[what] for one in times[1:])
            if name == "Streamlit's":
                continue
            floor_time = "all in sight" if what == "its answer" else what
            ratios = [ours[what] / floor[floor_time] for ours, floor in zip(times[1:], theirs, strict=True)]
            found[f"{name}, {what}, times Streamlit's"] = statistics.median(ratios)
    return found


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        print(f"Chromium {browser.version}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        with served_app() as address:
            found = cold_run(browser, address, settle=0)
        with served_app() as address:
            found |= cold_run(browser, address, settle=8) | cached_page(browser, address)
            found |= beside_streamlit(browser, {"ours": (f"{address}/evolution", 9)})
        with served_app() as address:
            found |= regime_map(browser, address, settle=8)
        for name, value in found.items():
            print(f"{name:60} {value:8.2f}")
        browser.close()


if __name__ == "__main__":
    main()
