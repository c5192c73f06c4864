"""A person's browser without its screen: Streamlit's own protocol over its websocket, and what stands on the page."""

import asyncio
import json
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from http.cookiejar import CookieJar
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

PATIENCE = 120.0
"""Seconds until an answer counts as lost."""
DONE = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class Wrong(Exception):
    """An answer that is not what a person should have got."""


class Element(NamedTuple):
    """One element of the page: its kind and message, the fragment that drew it, and in which answer."""

    kind: str
    proto: Any
    fragment: str
    answer: int


@dataclass(eq=False)
class Visitor:
    """One open page. Everything it does is asked of the server, one thing after the other.

    Attributes:
        address: of the server, or of the proxy before it.
        origin: address that the visitor is said to come from, as a proxy would say it; empty: not said.
        elements: what stands on the page, by its place.
        received: bytes of all answers so far.
    """

    address: str
    origin: str = ""
    elements: dict[tuple[int, ...], Element] = field(default_factory=dict)
    received: int = 0
    _timers: dict[str, float] = field(default_factory=dict)
    _set: dict[str, WidgetState] = field(default_factory=dict)
    _answers: int = 0
    _missing: str = ""
    _place: dict[str, str] = field(default_factory=dict)
    _socket: ClientConnection | None = None

    async def __aenter__(self) -> Self:
        cookies = await asyncio.to_thread(self._fetch_page)
        headers = {"Cookie": cookies} | self._said()
        self._socket = await connect(
            self.address.replace("http", "ws", 1) + "/_stcore/stream",
            subprotocols=["streamlit"],  # pyright: ignore[reportArgumentType]
            origin=self.address,  # pyright: ignore[reportArgumentType]
            additional_headers=headers,
            max_size=None,
            open_timeout=PATIENCE,
            compression=None,
        )
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._socket is not None:
            await self._socket.close()

    def _said(self) -> dict[str, str]:
        return {"X-Forwarded-For": self.origin} if self.origin else {}

    def _fetch_page(self) -> str:
        """The page itself, as a browser loads it before anything else; returns the cookies that came with it."""
        jar = CookieJar()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        with opener.open(urllib.request.Request(self.address, headers=self._said()), timeout=PATIENCE) as answer:
            answer.read()
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)

    # What a person does. Each returns the seconds until the answer was whole.

    async def open(self, page: str, **query: str) -> float:
        """A page by its name in the URL (empty: the first), from the menu or by a link; the one that is there already
        as the browser goes back to another address of it."""
        goes_back = self._place.get("page_name") == page
        self._place, self._set = {"page_name": page, "query_string": urlencode(query)}, {}
        return await self._ask(goes_back=goes_back)

    async def put(self, key: str, value: str | bool | float) -> float:
        """Another value into the control of this key."""
        element = self.control(key)
        state = WidgetState(id=element.proto.id)
        if element.kind in ("text_input", "selectbox"):
            state.string_value = str(value)
        elif element.kind == "button_group":
            state.string_array_value.data[:] = [str(value)]
        elif element.kind == "checkbox":
            state.bool_value = bool(value)
        elif element.kind == "slider":
            state.double_array_value.data[:] = [float(value)]
        else:
            raise TypeError(f"no way to put a value into a {element.kind}")
        self._set[state.id] = state
        return await self._ask(element.fragment)

    async def click(self, key: str) -> float:
        """The button of this key."""
        element = self.control(key)
        return await self._ask(element.fragment, WidgetState(id=element.proto.id, trigger_value=True))

    async def stay(self, seconds: float) -> list[float]:
        """Looks at the page for a while: what draws itself anew does so. Returns the seconds of each such answer."""
        end, took = time.monotonic() + seconds, []
        while (left := end - time.monotonic()) > 0:
            if not self._timers:
                await asyncio.sleep(left)
                break
            fragment, interval = min(self._timers.items(), key=lambda timer: timer[1])
            await asyncio.sleep(min(left, interval))
            if time.monotonic() < end and fragment in self._timers:
                took.append(await self._ask(fragment, by_itself=True))
        return took

    # What stands on the page.

    @property
    def query(self) -> dict[str, str]:
        """The parameters of its URL, as the page has written them."""
        return dict(parse_qsl(self._place.get("query_string", ""), keep_blank_values=True))

    def of_kind(self, kind: str) -> Iterator[Any]:
        """Messages of the elements of a kind, top to bottom."""
        for _, element in sorted(self.elements.items()):
            if element.kind == kind:
                yield element.proto

    def control(self, key: str) -> Element:
        """The control of this key."""
        for element in self.elements.values():
            if key_of(element) == key:
                return element
        raise Wrong(f"no control {key!r} on the page {self._place.get('page_name')}: it says {self.said()[:300]!r}")

    def has(self, key: str) -> bool:
        return any(key_of(element) == key for element in self.elements.values())

    def said(self) -> str:
        """Its headings, texts and messages."""
        return "\n".join(proto.body for kind in ("heading", "markdown", "alert") for proto in self.of_kind(kind))

    def errors(self) -> list[str]:
        """Exceptions, and messages in red."""
        raised = [f"{proto.type}: {proto.message}" for proto in self.of_kind("exception")]
        return raised + [proto.body for proto in self.of_kind("alert") if proto.format == proto.ERROR]

    def charts(self) -> list[Any]:
        """Messages of the charts."""
        return [*self.of_kind("vega_lite_chart")]

    # Over the wire.

    async def _ask(
        self,
        fragment: str = "",
        trigger: WidgetState | None = None,
        by_itself: bool = False,
        goes_back: bool = False,
    ) -> float:
        back = BackMsg()
        client = back.rerun_script
        for name, value in self._place.items():
            setattr(client, name, value)
        client.fragment_id, client.is_auto_rerun, client.is_history_navigation = fragment, by_itself, goes_back
        client.widget_states.widgets.extend([*self._set.values(), *([trigger] if trigger else [])])
        began = time.monotonic()
        socket = self._socket
        assert socket is not None
        await socket.send(back.SerializeToString())
        async with asyncio.timeout(PATIENCE):
            while not self._took_in(ForwardMsg.FromString(await self._frame(socket))):
                pass
        took = time.monotonic() - began
        if missing := self._missing:
            self._missing = ""
            raise Wrong(f"there is no page {missing!r}")
        return took

    async def _frame(self, socket: ClientConnection) -> bytes:
        frame = await socket.recv(decode=False)
        self.received += len(frame)
        return frame

    def _took_in(self, message: ForwardMsg) -> bool:
        """Whether the answer is whole with this message."""
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._answers += 1
            if not message.metadata.run.fragment_ids:
                self._timers.clear()
        elif kind == "delta":
            self._draw(tuple(message.metadata.delta_path), message.delta)
        elif kind == "auto_rerun":
            self._timers[message.auto_rerun.fragment_id] = message.auto_rerun.interval
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self._timers.pop(fragment, None)
        elif kind == "navigation":
            self._place["page_script_hash"] = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self._place["query_string"] = message.page_info_changed.query_string
        elif kind == "page_not_found":
            self._missing = message.page_not_found.page_name or self._place.get("page_name", "")
        elif kind == "script_finished" and message.script_finished in DONE:
            self._clear_away({*message.metadata.run.fragment_ids})
            return True
        return False

    def _draw(self, place: tuple[int, ...], delta: Any) -> None:
        if delta.WhichOneof("type") == "new_element":
            kind = delta.new_element.WhichOneof("type")
            element = getattr(delta.new_element, kind)
            self.elements[place] = Element(kind, element, delta.fragment_id, self._answers)

    def _clear_away(self, fragments: set[str]) -> None:
        """What the last answer has not drawn again: of these fragments, or of the whole page."""
        for place, element in [*self.elements.items()]:
            if element.answer < self._answers and (not fragments or element.fragment in fragments):
                del self.elements[place]


def key_of(element: Element) -> str:
    """The key of a control, which Streamlit hides in its id; empty where it has none."""
    parts = getattr(element.proto, "id", "").split("-", 2)
    return parts[2] if len(parts) == 3 and parts[0] == "$$ID" else ""


def tables(chart: Any) -> list[bytes]:
    """The tables of a chart, as Arrow streams."""
    return [dataset.data.data for dataset in chart.datasets]


@lru_cache(maxsize=1024)
def names(spec: str) -> frozenset[str]:
    """Names of the tables that a specification draws."""
    return frozenset(_names(json.loads(spec)))


def _names(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        data = part.get("data")
        if isinstance(data, dict) and "name" in data:
            yield data["name"]
    if isinstance(part, dict | list):
        for value in part.values() if isinstance(part, dict) else part:
            yield from _names(value)
