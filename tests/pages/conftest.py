"""A small finished run, and pages that are opened as a browser would."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache as once
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import streamlit as st
from browsing import PATIENCE
from computed import copied, results
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pretend_engine import RUNS, SMALL, PretendEngine, visited
from recordings_made import recordings
from streamlit import config
from streamlit.components.v2 import manifest_scanner
from streamlit.config_option import ConfigOption
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.state import query_params_proxy, session_state_proxy
from streamlit.testing.v1 import AppTest

import cache
from benchmarks.serving import ARGUMENTS, CHROMIUM, ROOT, served
from cache import CachedEngine, Store
from cache.data_files import DataFiles
from engine.config import RunConfig
from engine.progress import Arrays
from pages.shell import people
from pages.shell.people import providers

os.environ["KERNEL_DRIFT_MODULES"] = RUNS["module"]["network"]["name"]

# A server looks through every installed package for components when it starts; a test that opens a page plays such a
# start, a third of a second each: here once for all.
manifest_scanner.scan_component_manifests = once(manifest_scanner.scan_component_manifests)


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    """Streamlit's caches outlive a page: each test starts without."""
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def pretend() -> Iterator[PretendEngine]:
    engine = PretendEngine()
    cache.install(engine)  # pyright: ignore[reportArgumentType]
    yield engine
    cache.install(None)


@pytest.fixture
def kept(pretend: PretendEngine, tmp_path: Path) -> Iterator[DataFiles]:
    """The files of the pretended engine, in a store."""
    with closing(Store(tmp_path / "cache", 10_000_000)) as store:
        pretend.store.files = store.files
        yield store.files


@pytest.fixture(scope="session")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds the results of `RUNS`."""
    return copied(tmp_path_factory, "small", [("run", RunConfig.from_dict(run)) for run in RUNS.values()])


@pytest.fixture
def small_arrays(small_store: Path) -> Arrays:
    return results(small_store, {"small": ("run", RunConfig.from_dict(SMALL))})["small"]


@contextmanager
def _installed(directory: Path) -> Iterator[CachedEngine]:
    """The real cached engine on a folder, its processes not started."""
    engine = CachedEngine(Store(directory))
    cache.install(engine)
    yield engine
    cache.install(None)
    engine.close()


@pytest.fixture
def finished(small_store: Path) -> Iterator[CachedEngine]:
    """The real cached engine, its processes not started, with `SMALL` on disk."""
    with _installed(small_store) as engine:
        yield engine


@pytest.fixture
def ready(store: Path) -> Iterator[CachedEngine]:
    """The same on the module's own `store`."""
    with _installed(store) as engine:
        yield engine


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Recordings, as `recordings`: a store of the module's own."""
    return recordings(tmp_path_factory)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], Any]]:
    """Files that a page offers, by name, as what makes each when its button is clicked: on a thread of its own."""
    found: dict[str, Callable[[], Any]] = {}
    add = MediaFileManager.add_deferred

    def without_session(make: Callable[[], Any]) -> Any:
        with monkeypatch.context() as patch:
            for proxy in (session_state_proxy, query_params_proxy):
                patch.setattr(proxy, "get_session_state", lambda: pytest.fail("the session is not there"))
            return make()

    def noted(
        self: MediaFileManager, make: Any, mime: Any, place: str, file_name: str | None = None, **more: Any
    ) -> str:
        found[str(file_name)] = partial(without_session, make)
        return add(self, make, mime, place, file_name, **more)

    monkeypatch.setattr(MediaFileManager, "add_deferred", noted)
    return found


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Writes Streamlit's secrets; without a call there are none."""
    before = config.get_option("secrets.files")
    monkeypatch.setattr(st.secrets, "_file_watchers_installed", True)  # That would be a thread for every test.
    monkeypatch.delenv(people.POLICY, raising=False)
    monkeypatch.delenv(people.OPEN, raising=False)

    def forget() -> None:
        st.secrets._reset()
        providers.cache_clear()

    def write(text: str, name: str = "secrets.toml") -> None:
        (tmp_path / name).write_text(text)
        config.set_option("secrets.files", [str(tmp_path / "secrets.toml")], "a test")
        forget()

    forget()
    yield write
    config.set_option("secrets.files", before, ConfigOption.STREAMLIT_DEFINITION)
    forget()


@pytest.fixture
def opened() -> Callable[..., AppTest]:
    """Opens a page by its URL, the whole app included."""

    def opened(page: str = "home", **query: str) -> AppTest:
        return visited(page, query)

    return opened


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the dashboard. Every browser test of this process meets the same server, as people do."""
    folder = tmp_path_factory.mktemp("server")
    # A server keeps its compiled programs beside its results: here with those of all tests.
    compiled, store = Path(os.environ["JAX_COMPILATION_CACHE_DIR"]), folder / f"store-{os.getuid()}"
    compiled.mkdir(parents=True, exist_ok=True)
    store.mkdir(mode=0o700)
    (store / "compiled").symlink_to(compiled)
    with (folder / "log").open("w") as log, served(ROOT / "app.py", folder, log) as address:
        yield address
    said = (folder / "log").read_text()
    assert "Traceback" not in said, said


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of one file only: as long as Playwright runs, no other test of this process can run an event loop."""
    if not Path(CHROMIUM).exists() and not os.environ.get("CI"):
        pytest.skip(f"no Chromium at {CHROMIUM}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, "--process-per-site"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """The browser of a person, by name, at an address. As long as its first page is open, one process serves all pages
    and compiles their program once, half of what a page costs: so it stays open, and the browser is kept for the file.
    Nothing plays by itself: drawing without a GPU takes a core.
    """
    kept: dict[str, BrowserContext] = {}

    def window(address: str, person: str = "somebody") -> BrowserContext:
        if person not in kept:
            kept[person] = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
            kept[person].new_page().goto(f"{address}/_stcore/health")
        return kept[person]

    yield window
    for context in kept.values():
        context.close()


@pytest.fixture
def visit(window: Callable[..., BrowserContext], server: str) -> Iterator[Callable[..., Page]]:
    """Opens a page; fails at the end when the console had an error or another host was asked."""
    complaints: list[str] = []
    pages: list[Page] = []

    def visit(path: str = "/", person: str = "somebody", *, theme: str = "light", **query: str) -> Page:
        page = window(server, person).new_page()
        page.emulate_media(color_scheme=theme)  # Streamlit misses a change while it starts
        pages.append(page)
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
    for page in pages:
        page.close()
    # Streamlit looks for its base path: below a page's own path first, which answers 404 twice.
    serious = [text for text in complaints if "status of 404" not in text]
    assert not serious, serious
