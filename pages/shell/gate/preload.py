"""Browsers are told with the first answer which scripts a page will ask for. Else Streamlit's page asks for those of
each kind of element, some seventy files, only when the first such element has come, and shows nothing meanwhile."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STATIC = Path(streamlit.__file__).with_name("static")
MANIFEST = "manifest.json"
"""Which files Streamlit's page consists of, each with what it imports; of the bundler that made them."""
START = "index.html"
USED = (
    "Html", "BidiComponent", "Selectbox", "TextInput", "Button", "PageLink", "Metric", "ButtonGroup",
    "ArrowVegaLiteChart", "rehype-katex",
)  # fmt: skip
"""Kinds of elements that stand on nearly every page, and what sets formulas."""
HOW = ("rel=modulepreload", "fetchpriority=low")
MOST = 2_500
"""Bytes of the header: some proxies take 4 kB of all headers together, and answer nothing where there are more."""


class Preload:
    """ASGI middleware: names these scripts to whoever asks for a page; none where Streamlit's manifest names none."""

    def __init__(self, app: ASGIApp):
        self._app = app
        self._link = link(scripts(STATIC))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and is_page(message) and self._link:
                MutableHeaders(scope=message)["Link"] = self._link
            await send(message)

        await self._app(scope, receive, told)


def is_page(message: Message) -> bool:
    """Whether an answer begins that is a page, not one of its files."""
    return Headers(raw=[*message.get("headers", ())]).get("content-type", "").startswith("text/html")


def link(paths: Iterable[str]) -> str:
    """The header, of as many as have room, the first ones first; beside the page, as Streamlit's own page asks for its
    scripts, whatever path a proxy puts before both."""
    found = ""
    for path in paths:
        longer = ", ".join(filter(None, (found, "; ".join((f"<./{path}>", *HOW)))))
        if len(longer) > MOST:
            break
        found = longer
    return found


def scripts(static: Path, used: Iterable[str] = USED) -> list[str]:
    """The files below this folder of these parts, and of what they import, that the page does not ask for at once; each
    once, the largest first."""
    try:
        parts = json.loads((static / MANIFEST).read_text())
        names = {part.get("name"): key for key, part in parts.items() if part.get("isDynamicEntry")}
        starts = [names[name] for name in used if name in names]
        files = {parts[key]["file"] for start in starts for key in _reached(parts, start)}
        files -= {parts[key]["file"] for key in _reached(parts, START)}
        return sorted(files, key=lambda file: (-(static / file).stat().st_size, file))
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return []


def _reached(parts: Mapping[str, Any], start: str) -> Iterator[str]:
    """A part, and all that it imports."""
    seen, waiting = {start}, [start]
    while waiting:
        key = waiting.pop()
        yield key
        new = [one for one in parts[key].get("imports", ()) if one not in seen]
        seen.update(new)
        waiting += new
