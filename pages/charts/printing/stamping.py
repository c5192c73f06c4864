"""What a file says of itself, in the place that its kind has for that."""

import json
import re
import struct
import zlib
from collections.abc import Mapping
from xml.sax.saxutils import escape

PROGRAM = "Kernel Drift"
POINTS = re.compile(r'(<svg\b[^>]*?) width="([\d.]+)" height="([\d.]+)"')


def svg(drawn: str, told: Mapping[str, str]) -> str:
    """Sizes in points, a title for screen readers, and all of it as JSON in `metadata`."""
    sized = POINTS.sub(r'\1 width="\2pt" height="\3pt"', drawn, count=1)
    inside = f"<title>{escape(told.get('title', ''))}</title><metadata>{escape(as_json(told))}</metadata>"
    start = sized.index(">", sized.index("<svg")) + 1
    return sized[:start] + inside + sized[start:]


def pdf(drawn: bytes, told: Mapping[str, str]) -> bytes:
    """Title and creator, the rest by its name and as JSON in the subject: appended. What was drawn stays as it is, but
    that entries of dictionaries, which svg2pdf writes in any order, stand in one: the same figure, the same bytes.

    Raises:
        ValueError: not a PDF with a table of its objects and a trailer, as svg2pdf writes.
    """
    end = TRAILER.search(drawn)
    if end is None:
        raise ValueError("not a PDF with a trailer of its own")
    number, root, table = (int(end[name]) for name in ("size", "root", "table"))
    rest = {name: value for name, value in told.items() if name != "title"}
    said = {"Title": told.get("title", ""), "Creator": PROGRAM, "Subject": as_json(rest)}
    said |= {name.capitalize(): value for name, value in rest.items()}
    entries = " ".join(f"/{name} {_string(value)}" for name, value in said.items())
    drawn = REFERENCES.sub(_in_order, drawn).rstrip() + b"\n"
    written = f"{number} 0 obj\n<< {entries} >>\nendobj\n".encode()
    at = len(drawn) + len(written)
    index = f"xref\n{number} 1\n{len(drawn):010d} 00000 n\r\n"
    trailer = f"trailer\n<< /Size {number + 1} /Root {root} 0 R /Info {number} 0 R /Prev {table} >>\n"
    return drawn + written + f"{index}{trailer}startxref\n{at}\n%%EOF\n".encode()


_NAMED = rb"(?=[^>]*/Size (?P<size>\d+))(?=[^>]*/Root (?P<root>\d+) 0 R)"
TRAILER = re.compile(rb"trailer\s*<<" + _NAMED + rb"[^>]*>>\s*startxref\s+(?P<table>\d+)\s+%%EOF\s*$")

REFERENCES = re.compile(rb"(?<=<<\n)(?:[ ]+/\w+ \d+ 0 R\n){2,}")
"""Entries of a dictionary that names objects."""


def _in_order(found: re.Match[bytes]) -> bytes:
    """The same entries; no byte is moved behind them."""
    return b"".join(sorted(found[0].splitlines(keepends=True)))


def _string(text: str) -> str:
    """A text of a PDF: UTF-16 behind its mark, in hexadecimal digits."""
    return f"<FEFF{text.encode('utf-16-be').hex().upper()}>"


def png(drawn: bytes, told: Mapping[str, str]) -> bytes:
    """A chunk of text for each, behind the header."""
    chunks = b"".join(_chunk(name.capitalize(), value) for name, value in {**told, "software": PROGRAM}.items())
    return drawn[:HEADER] + chunks + drawn[HEADER:]


HEADER = 8 + 25
"""Bytes of a PNG's signature and its first chunk."""


def _chunk(name: str, value: str) -> bytes:
    """`iTXt`: text in UTF-8, not compressed."""
    body = b"iTXt" + name.encode("latin-1", "replace") + b"\0\0\0\0\0" + value.encode()
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


def as_json(told: Mapping[str, str]) -> str:
    """All of it in one line."""
    return json.dumps({"program": PROGRAM, **told}, ensure_ascii=False)
