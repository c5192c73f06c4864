"""The gate as a whole."""

import ast
from pathlib import Path

import pytest
from asgi import Reached, asked, scope
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from pages.shell.gate import gate
from pages.shell.gate.rules import PAGE, SecurityHeaders, policy

ROOM = Path(__file__).parents[3] / "pages" / "shell" / "gate"


def test_it_knows_no_page_and_no_engine():
    for file in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert name.startswith("pages.shell.gate") or name.split(".")[0] not in ("pages", "cache", "engine")


def test_refusals_carry_the_headers_too():
    app = Reached()
    for part in reversed(gate("drift.example.org")):
        app = part.cls(app, *part.args, **part.kwargs)
    for kind in ("http", "websocket"):
        answer = asked(app, scope(kind, host="evil.example"))
        assert answer.status == 403
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize("secure", [True, False])
def test_cookies_go_over_tls_only_where_people_sign_in_over_it(secure):
    async def sets(scope: Scope, receive: Receive, send: Send) -> None:
        answer = PlainTextResponse("a page")
        answer.set_cookie("one", "1", httponly=True)
        answer.set_cookie("two", "; secure", secure=True)
        await answer(scope, receive, send)

    (start, *_) = asked(SecurityHeaders(sets, secure=secure), scope()).sent
    one, two = (value.decode().split("; ") for name, value in start["headers"] if name == b"set-cookie")
    assert ("Secure" in one) == secure
    assert {"HttpOnly", "Path=/"} <= {*one}
    assert two.count("Secure") == 1
    bare = gate("drift.example.org", secure=secure)[0]
    assert bare.kwargs["secure"] == secure


def test_scripts_come_from_the_server_only():
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy(PAGE.read_text()).split("; ")}
    assert rules["default-src"] == rules["connect-src"] == rules["base-uri"] == ["'self'"]
    assert rules["frame-ancestors"] == rules["object-src"] == ["'none'"]
    assert not {"'unsafe-eval'", "'unsafe-inline'", "*", "https:", "http:", "data:"} & {*rules["script-src"]}
    assert not any(source.startswith("http") for sources in rules.values() for source in sources)


def test_the_hash_of_an_inline_script_is_that_of_the_standard():
    # The example of W3C, Content Security Policy Level 3, section 2.3.1 is alert('Hello, world.');
    assert "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='" in policy("<script>alert('Hello, world.');</script>")
