"""The store with many runs: listing a page, writing one more, making the index again; the page Runs in a browser.

python -m benchmarks.storage
python -m benchmarks.storage --page --entries 5000   # until the browser shows the table; target 1 s
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from benchmarks.serving import ARGUMENTS, CHROMIUM, ROOT, served
from cache import CachedEngine, Store
from cache.archive import address, encode, labelled
from cache.listing import RunFilter
from cache.run_folders import Record, RunFolders, label
from engine.config import RunConfig
from engine.jobs import key
from engine.versions import VERSIONS

PAGE = 50
RUNS = RunFilter(kinds=("run",))
ENTRIES = ("result",)


def write(store: Store, seed: int) -> None:
    """A run as the engine writes it: asked for, computed, kept, settled."""
    config = RunConfig.from_dict({"data": {"name": "circle"}, "seeds": [seed]})
    name = key("run", config)
    record = store.index.add(name, "run", config)
    store.put(name, {"result": encode({"x": np.zeros(10)}, address(name, "result"))}, record)
    store.index.settle(name, "finished", seconds=1.0, entries=("result",))


def milliseconds(work: Callable[[], object], times: int = 50) -> str:
    """Median and worst of some calls."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - began))
    return f"median {np.median(took):.1f} ms, worst {max(took):.1f} ms"


def crowd(directory: Path, runs: int) -> None:
    """So many run folders of 40 networks, without waiting for the disk at each."""
    folders = RunFolders(directory)
    plain = RunConfig.from_dict({"data": {"name": "circle"}})
    shapes = [{"width": 2**width, "depth": depth} for width in range(2, 10) for depth in range(1, 6)]
    networks = [plain.network.model_copy(update=shape) for shape in shapes]
    for seed in range(runs):
        config = plain.model_copy(update={"network": networks[seed % len(networks)], "seeds": (seed,)})
        name = key("run", config)
        metrics = {"drift": seed / runs, "loss": 1.0}
        record = Record(name, "run", config.to_dict(), label(config), "finished", float(seed), 1.0, ENTRIES)
        folders.write_record(replace(record, version=VERSIONS["run"], metrics=metrics))
        arrays = encode({"x": np.zeros(10)}, address(name, "result"))
        folders.entry(name, "result").write_bytes(b"".join(labelled(arrays, address(name, "result"), {})))


def table_shown(page: Page, runs: int) -> None:
    """Waits until the table has its rows: its cells are in the tree that a screen reader hears."""
    page.locator(f"[data-testid=stDataFrame] canvas table[aria-rowcount='{runs + 1}']").wait_for(state="attached")
    page.locator("[data-testid=stDataFrame] canvas table td").first.wait_for(state="attached")


def seconds_until_listed(folder: Path, runs: int, times: int = 5) -> None:
    """From the click in the menu until the browser shows every run in the table; first in a session of its own, then
    again in the same. Beside it Streamlit's own: the same click on a page without a table."""
    log = folder / "log"
    with log.open("w") as said, served(ROOT / "app.py", folder, said) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{address}/all_runs")
        table_shown(page, runs)  # the server has read everything once
        took: dict[str, list[float]] = {
            "page Runs, until its table is shown": [],
            "page Server, until its title is": [],
        }
        for _ in range(times):
            for name, link, wait in zip(
                took,
                ("Runs", "Server"),
                (lambda: table_shown(page, runs), lambda: page.get_by_role("heading", name="Server").wait_for()),
                strict=True,
            ):
                page.wait_for_timeout(1500)
                began = time.perf_counter()
                page.get_by_test_id("stTopNav").get_by_role("link", name=link, exact=True).click()
                wait()
                took[name].append(time.perf_counter() - began)
        for name, seconds in took.items():
            print(f"{name}: median {np.median(seconds):.2f} s, best {min(seconds):.2f}, worst {max(seconds):.2f}")
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--page", action="store_true", help="the page in a browser only")
    given = parser.parse_args()
    entries = given.entries
    if given.page:
        with tempfile.TemporaryDirectory() as folder:
            crowd(Path(folder) / f"store-{os.getuid()}", entries)
            seconds_until_listed(Path(folder), entries)
        return
    with tempfile.TemporaryDirectory() as folder:
        crowd(Path(folder) / "store", entries)
        store = Store(Path(folder) / "store", 10**12)
        print("index made from", entries, "run folders:", milliseconds(lambda: store.index.listed(RUNS, PAGE), 1))
        seeds = iter(range(entries, 2 * entries))
        print("one more written:", milliseconds(lambda: write(store, next(seeds))))
        print("newest page:", milliseconds(lambda: store.index.listed(RUNS, PAGE)))
        print("page in the middle:", milliseconds(lambda: store.index.listed(RUNS, PAGE, entries // 2)))
        print("last page:", milliseconds(lambda: store.index.listed(RUNS, PAGE, entries - PAGE)))
        engine = CachedEngine(store)
        for rows in (50, 5000):
            print(
                f"{rows} with all that the page Runs shows:",
                milliseconds(lambda rows=rows: engine.listed(RunFilter(), rows), 10),
            )
        searched = RunFilter(text="width=64 depth=3")
        print("5000 found by a search:", milliseconds(lambda: engine.listed(searched, 5000), 10))
        print("pinned:", milliseconds(lambda: store.index.listed(replace(RUNS, kept=True), PAGE)))
        print("all counted:", milliseconds(lambda: store.index.how_many(RUNS)))
        print("start of a server (reconcile):", milliseconds(store.reconcile, 3))
        engine.close()


if __name__ == "__main__":
    main()
