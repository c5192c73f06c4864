"""What a browser asks for in one moment, one thing after another, is all done, and by one thread for each session."""

from collections.abc import Callable, Iterator

import pytest
from browsing import rest
from playwright.sync_api import BrowserContext, Page, expect

from benchmarks.serving import served_script

pytestmark = pytest.mark.browser

SCRIPT = """
import time
import streamlit as st
from pages.shell import form
from pages.shell.gate.streamlit_internals import take_requests_whole
from pages.shell.link import draw_again

take_requests_whole()

def busy():
    drawing, found = st.session_state.setdefault("drawing", []), st.session_state.setdefault("found", [])
    found.append(len(drawing))
    drawing.append("now")
    try:
        st.button("Again")
        time.sleep(1)
    finally:
        drawing.pop()
    st.write(f"Of {len(found)} runs {sum(found)} met another one.")

@st.fragment
def part():
    st.button("Part", key="part")

@st.fragment
def early():
    if st.button("Early"):
        st.write("It was clicked.")

def opening():
    early()
    time.sleep(1)
    st.write("All is here.")

def first():
    part()
    st.page_link(OTHER, label="To the second page")

def again():
    st.page_link(OTHER, label="To the second page")
    if st.button("Anew"):
        time.sleep(0.5)
        draw_again()

def second():
    time.sleep(0.5)
    st.write("The second page is here.")

if not hasattr(form, "quickly"):
    form.quickly = form._edited
    def slowly(*given):
        time.sleep(0.5)
        form.quickly(*given)
    form._edited = slowly

def typed():
    found = form.Form("typed").text("name", "name", "Anna")
    st.button("Run")
    st.write(f"This is {found}.")

OTHER = st.Page(second)
st.navigation([st.Page(busy), st.Page(again), st.Page(opening), st.Page(first), OTHER, st.Page(typed)]).run()
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served_script(SCRIPT) as address:
        yield address


@pytest.fixture
def opened(window: Callable[..., BrowserContext], address: str) -> Iterator[Callable[[str], Page]]:
    """Opens a page of `SCRIPT`; nothing in it may raise in the browser."""
    said: list[str] = []

    def opened(name: str) -> Page:
        page = window(address).new_page()
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(f"{address}/{name}")
        return page

    yield opened
    assert not said


def test_a_click_meanwhile_is_no_second_thread_on_the_session(opened):
    """Two of them change what the other one reads: "dictionary changed size during iteration", now and then."""
    page = opened("")
    page.get_by_role("button", name="Again").click()
    expect(page.get_by_text("Of 2 runs 0 met another one.")).to_be_visible(timeout=10_000)


def test_what_is_clicked_of_a_page_that_is_left_does_not_bring_it_back(opened):
    """The browser knows that it is left only when the next one comes. Half of both was drawn, or a white page."""
    page = opened("first")
    expect(page.get_by_role("link", name="To the second page")).to_be_visible()
    rest(page)
    page.evaluate(
        "() => [...document.querySelectorAll('[data-testid=stPageLink] a, .st-key-part button')]"
        ".reverse().forEach((one) => one.click())"
    )
    there = page.get_by_text("The second page is here.")
    expect(there).to_be_visible(timeout=10_000)
    page.wait_for_timeout(1000)
    expect(there).to_be_visible()
    expect(page.get_by_role("button", name="Part")).to_have_count(0)


def test_a_link_is_followed_though_the_page_draws_itself_again(opened):
    """Of two requests Streamlit takes the page of the later one."""
    page = opened("again")
    page.get_by_role("button", name="Anew").click()
    page.wait_for_timeout(100)
    page.get_by_role("link", name="To the second page").click()
    expect(page.get_by_text("The second page is here.")).to_be_visible(timeout=10_000)


def test_what_is_clicked_of_the_first_page_is_done_though_it_is_still_being_drawn(opened):
    """Streamlit knows by then that a page is shown, and not yet which."""
    page = opened("opening")
    page.get_by_role("button", name="Early").click()
    expect(page.get_by_text("All is here.")).to_be_visible(timeout=10_000)
    expect(page.get_by_text("It was clicked.")).to_be_visible(timeout=10_000)


def test_what_is_typed_is_taken_in_though_a_click_follows_at_once(opened):
    page = opened("typed")
    name = page.get_by_role("textbox", name="name")
    name.fill("Berta")
    name.press("Enter")
    page.wait_for_timeout(100)
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("This is Berta.")).to_be_visible(timeout=10_000)
    rest(page)
    expect(name).to_have_value("Berta")
    page.wait_for_url("**/typed?name=Berta")
