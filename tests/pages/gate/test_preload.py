"""Which scripts the first answer names to the browser."""

import json
from typing import Any

import pytest
from asgi import asked, scope
from starlette.responses import Response

from pages.shell.gate.preload import MANIFEST, MOST, STATIC, USED, Preload, link, scripts


def part(file: str, *imports: str, **more: Any) -> dict[str, Any]:
    return {"file": file, "imports": imports, **more}


def test_each_kind_of_element_is_known_to_streamlit():
    """Fails when Streamlit calls its parts otherwise: then browsers are told of fewer."""
    named = {one.get("name") for one in json.loads((STATIC / MANIFEST).read_text()).values()}
    assert {*USED} <= named
    found, page = scripts(STATIC), (STATIC / "index.html").read_text()
    assert len(found) > 50
    assert not [file for file in found if file in page], "asked for at once"


def test_what_is_used_is_named_with_what_it_imports_the_largest_first(tmp_path):
    parts = {
        "index.html": part("start.js", "shared", isEntry=True),
        "shared": part("shared.js"),
        "a": part("a.js", "shared", "both", name="A", isDynamicEntry=True),
        "b": part("b.js", "both", "index.html", name="B", isDynamicEntry=True),
        "c": part("c.js", name="C", isDynamicEntry=True),
        "both": part("both.js", "a"),
    }
    (tmp_path / MANIFEST).write_text(json.dumps(parts))
    for size, name in enumerate(("start", "shared", "b", "both", "a", "c")):
        (tmp_path / f"{name}.js").write_bytes(b" " * size)
    assert scripts(tmp_path, ("A", "B", "gone")) == ["a.js", "both.js", "b.js"]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": {"name": "Html", "isDynamicEntry": true}}'])
def test_a_manifest_of_another_kind_names_none(text, tmp_path):
    (tmp_path / MANIFEST).write_text(text)
    assert scripts(tmp_path) == []
    assert scripts(tmp_path / "gone") == []


@pytest.mark.parametrize(("kind", "told"), [("text/html; charset=utf-8", True), ("text/javascript", False)])
def test_only_pages_name_them(kind, told):
    answer = asked(Preload(Response("x", media_type=kind)), scope())
    assert answer.words == "x"
    assert answer.headers.get("link", "").startswith("<./static/js/") == told


def test_the_header_is_short_enough_for_a_proxy():
    whole = link([f"static/js/{place}.js" for place in range(1000)])
    assert MOST - 100 < len(whole) <= MOST
    assert whole.split(", ")[1] == "<./static/js/1.js>; rel=modulepreload; fetchpriority=low"
    assert link(["a.js", "b" * MOST, "c.js"]) == link(["a.js"])
    assert link([]) == ""
