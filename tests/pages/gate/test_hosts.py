"""Which requests the server takes for its own."""

import pytest
from asgi import Reached, asked, scope
from streamlit.web.server.starlette import starlette_websocket

from pages.shell.gate.rules import Hosts, is_ours, is_same, named_hosts

NAMED = ("drift.example.org", "*.lab.example.org", "192.0.2.7")

OURS = [
    "localhost", "localhost:8501", "LOCALHOST.", "127.0.0.1:8501", "127.8.9.1", "[::1]:8501", "[::1]",
    "drift.example.org", "Drift.Example.org.:443", "a.lab.example.org", "a.b.lab.example.org", "192.0.2.7:80",
]  # fmt: skip
FOREIGN = [
    "", "evil.example", "evil.example:8501", "localhost.evil.example", "127.0.0.1.evil.example", "evillab.example.org",
    "lab.example.org", "192.0.2.8", "0.0.0.0", "169.254.169.254", "[::ffff:192.0.2.1]", "localhost:port",
    "localhost:99999", "user@localhost", "localhost/path", "localhost?x", "localhost#x", "evil.example\\@localhost",
    "localhost, evil.example", "local\thost", "[::1", "2130706433", "0x7f.1",
]  # fmt: skip


@pytest.mark.parametrize("host", OURS)
def test_loopback_and_what_the_operator_names(host):
    assert is_ours(host, NAMED)


@pytest.mark.parametrize("host", FOREIGN)
def test_any_other_host_is_foreign(host):
    assert not is_ours(host, NAMED)


def test_only_loopback_unless_named():
    assert not is_ours("drift.example.org")


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("host", ["evil.example:8501", [], ["localhost", "evil.example"]])
def test_a_foreign_host_reaches_nothing(kind, host):
    app = Reached()
    answer = asked(Hosts(app), scope(kind, host=host))
    assert (answer.status, app.scopes) == (403, [])
    assert "is not served here" in answer.words
    assert "KERNEL_DRIFT_HOSTS" in answer.words


ORIGINS = [
    "http://localhost:9999", "http://127.0.0.1:8501", "https://evil.example", "http://localhost", "null", "",
    "localhost:8501", "http://evil.example@localhost:9999", "http://localhost:8501.evil.example", "http://[::1",
]  # fmt: skip


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize(
    ("kind", "method"), [("websocket", "GET"), ("http", "PUT"), ("http", "POST"), ("http", "DELETE")]
)
def test_a_page_of_another_origin_reaches_nothing(kind, method, origin):
    app = Reached()
    answer = asked(Hosts(app), scope(kind, method, origin=origin))
    assert (answer.status, app.scopes) == (403, [])
    assert "open localhost:8501 itself" in answer.words


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("origin", [[], "http://localhost:8501", "https://localhost:8501"])
def test_our_own_pages_and_programs_without_an_origin_pass(kind, origin):
    app = Reached()
    asked(Hosts(app), scope(kind, "PUT", origin=origin))
    assert len(app.scopes) == 1


def test_two_origins_must_both_be_ours():
    app = Reached()
    assert asked(Hosts(app), scope("websocket", origin=["http://localhost:8501", "http://evil.example"])).status == 403


@pytest.mark.parametrize("host", OURS)
@pytest.mark.parametrize("origin", [*ORIGINS, "http://LOCALHOST:8501", *(f"http://{host}" for host in OURS)])
def test_streamlit_asks_no_outside_address_about_what_passes(monkeypatch, host, origin):
    def ask(*_):
        raise AssertionError("an outside address was asked")

    monkeypatch.setattr(starlette_websocket, "is_url_from_allowed_origins", ask)
    if is_ours(host, NAMED) and is_same(origin, host):
        assert starlette_websocket._is_origin_allowed(origin, host)


def test_names_are_read_from_a_list():
    assert named_hosts("") == ()
    assert named_hosts(" Drift.example.org, *.lab.example.org ,192.0.2.7,::1") == (
        "drift.example.org", "*.lab.example.org", "192.0.2.7", "::1",
    )  # fmt: skip


@pytest.mark.parametrize("text", ["https://drift.example.org", "drift:8501", "*", "a b", "a.*.org", "drift/x"])
def test_what_is_no_name_is_said(text):
    with pytest.raises(ValueError, match="is no host name; give names such as"):
        named_hosts(text)
