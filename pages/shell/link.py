"""What stands in the address of a page, as texts: kept in the session, written into the URL, taken up from it; and the
steps of the browser's history."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal, NoReturn, get_args
from urllib.parse import parse_qsl, urlencode

import streamlit as st
from streamlit.components.v2 import component

from engine.schema import Problem
from pages.shell.gate.streamlit_internals import page_asked, went_back
from pages.shell.one_at_a_time import one_at_a_time

# The texts live in the session, apart from the widgets: those of another page lose their state. `bind="query-params"`
# is not used: it drops a bad value without a word, where we show it with what is wrong, and refuses a parameter that a
# control of the page before is bound to.
#
# An address has two parts, each written and taken up by its own `Link`, and none touches what the other one owns:
# - main: the settings of a run (`pages.run.draft_state`), or the controls of a page (`pages.shell.form`);
# - view: how the result is looked at, every name with `VIEW` before it (`pages.shell.view`).
#
# The URL is written once, at the end of a run of the page or of a callback: every write that changes it is a step of
# the browser's history. It is taken up when a page is opened, and when the browser goes back or forward. Any other URL
# that a run comes with is one that the browser had not seen replaced yet.

Part = Literal["main", "view"]
VIEW = "v_"

RECORDING = "recording"
"""The parameter of an address that names a recording instead of the settings of a run."""

PAGE, ASKED, ARRIVAL, WRITTEN = "page", "page as asked", "arrival", "written"
"""In the session: the page shown, by name and as Streamlit calls it, how it was come to last, and the parameters of
each part of its address."""

Texts = Mapping[str, str]
Read = Callable[[Texts], tuple[Texts, Sequence[Problem]]]
"""The parameters of a URL -> the texts that it asks for, and what in it means nothing."""


def part_of(name: str) -> Part:
    """The part of an address that has a parameter."""
    return "view" if name.startswith(VIEW) else "main"


@dataclass(frozen=True)
class Arrival:
    """How the page was come to.

    Attributes:
        number: of all that there were in this session.
        back: whether by the browser's history.
    """

    number: int = 0
    back: bool = False


def arrive(page: str) -> bool:
    """Whether a page was just opened, or come back to: then its links take the URL up."""
    arrived = st.session_state.get(PAGE) != page or went_back()
    if arrived:
        last = st.session_state.get(ARRIVAL, Arrival())
        st.session_state[ARRIVAL] = Arrival(last.number + 1, went_back())
        st.session_state[ASKED], st.session_state[WRITTEN] = page_asked(), {}
        st.session_state[PAGE] = page  # last: each of them may be where the next request interrupts
    return arrived


def address() -> dict[str, str]:
    """The parameters of the page that is shown: of each part what was written, else what the URL has of it."""
    written = st.session_state.get(WRITTEN, {})
    whole = {name: text for name, text in st.query_params.to_dict().items() if part_of(name) not in written}
    for part in get_args(Part):
        whole |= written.get(part, {})
    return whole


def here() -> str:
    """The link of the page that is shown, as it stands."""
    query = urlencode(address())
    return f"/{st.session_state.get(PAGE, '')}" + (f"?{query}" if query else "")


def parted(link: str) -> tuple[str, dict[str, str]]:
    """The page and the parameters of a link as `here` gives it."""
    page, _, query = link.removeprefix("/").partition("?")
    return page, dict(parse_qsl(query))


def draw_again() -> NoReturn:
    """Runs the page once more. What the browser asked for meanwhile comes first, as at any look at the session: of two
    requests Streamlit takes the page of the later one, and would forget a link that was clicked."""
    st.session_state.get(PAGE)
    st.rerun()


def flush() -> None:
    """Puts the address into the URL. Nothing happens where it is there, or where the page is being left: the URL is
    that of the next one."""
    if st.session_state.get(ASKED, page_asked()) == page_asked() and address() != st.query_params.to_dict():
        st.query_params.from_dict(address())


@dataclass
class Link:
    """The texts of one part of an address, for one page or for several that show the same settings.

    Attributes:
        texts: name of the control -> what stands in it. Empty before the first arrival.
        remarks: what was wrong with the last URL, file or run taken up, beyond the texts themselves.
        new: whether nothing was taken up yet.
        names: of the controls that were drawn; a draft knows its own.
        given: names whose texts came with a URL and were not touched since.
    """

    part: Part = "main"
    texts: dict[str, str] = field(default_factory=dict)
    remarks: list[Problem] = field(default_factory=list)
    new: bool = True
    names: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    _arrived: int = 0

    @classmethod
    def of(cls, name: str, part: Part = "main") -> "Link":
        """That of this session."""
        return st.session_state.setdefault(f"link {name}", cls(part))

    def arrive(self, read: Read) -> None:
        """Takes the URL up when the page has just been opened with one, or when the browser went back to it."""
        arrival = st.session_state.get(ARRIVAL, Arrival(1))
        if self._arrived == arrival.number:
            return
        self._arrived = arrival.number
        query = st.query_params.to_dict()
        own = {name: text for name, text in query.items() if part_of(name) == self.part}
        if self.new or arrival.back or query:
            self._take(*read(own))
            self.given = set(self.texts)

    def edit(self, name: str, text: str) -> None:
        """One text, from its widget."""
        self.texts[name] = text
        self.given.discard(name)

    def replace(self, texts: Texts, remarks: Sequence[Problem] = ()) -> None:
        """All texts, from a button, a file or a run."""
        self._take(texts, remarks)
        self.given = set()

    def write(self, query: Texts) -> None:
        """Makes these the parameters of this part of the address."""
        st.session_state.setdefault(WRITTEN, {})[self.part] = dict(query)

    def _take(self, texts: Texts, remarks: Sequence[Problem]) -> None:
        self.texts, self.remarks, self.new = dict(texts), list(remarks), False


# One step of the browser's history for each thing that a person does (`history.js`).

HISTORY, READY = "history", "history is kept"


@st.fragment
@one_at_a_time()
def keep_history() -> None:
    """On every page, before anything that writes an address. It shows nothing."""
    with st.container(key=HISTORY):
        _history_component()(key=f"{HISTORY} steps", data={"ready": history_is_kept()}, on_ready_change=_history_begins)


def history_is_kept() -> bool:
    """Whether the browser has the script: without it an address that a page writes would be a step of its own."""
    return bool(st.session_state.get(READY))


def _history_begins() -> None:
    """The address of the first page waited for this; not where the browser has just gone back, to one that the page has
    yet to take up: this one would take its place."""
    st.session_state[READY] = True
    if not went_back():
        flush()


@cache
def _history_component() -> Callable[..., object]:
    return component("kernel_drift_history", js=Path(__file__).with_name("history.js").read_text())
