"""The link that somebody opened before they signed in."""

from base64 import urlsafe_b64encode

import pytest
from asgi import Answer, asked, scope
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

from pages.shell import account
from pages.shell.account import COOKIE, WayBack
from pages.shell.people import LOGIN

CALLBACK = "/drift/oauth2callback"


@pytest.fixture(autouse=True)
def lab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "sign_in_configured", lambda: True)
    monkeypatch.setattr(account, "is_stranger", lambda cookies: cookies.get(LOGIN) != "good")


def at(path: str, query: str = "", cookie: str = "") -> Scope:
    return {**scope(path=path, cookie=cookie), "query_string": query.encode()}


def opened(path: str, query: str = "", cookie: str = "") -> str:
    """The cookie that a browser keeps, which opens a page."""
    return asked(WayBack(HTMLResponse("a page")), at(path, query, cookie)).headers.get("set-cookie", "").split(";")[0]


def signed_in(cookie: str) -> Answer:
    return asked(WayBack(RedirectResponse("/drift/", 302)), at(CALLBACK, cookie=cookie))


@pytest.mark.parametrize("query", ["", "depth=3&data=circle&preset=a%20b", "x=%2F%2Fevil.example"])
def test_it_is_where_one_lands(query: str) -> None:
    answer = signed_in(opened("/drift/evolution", query))
    assert answer.status == 302
    assert answer.headers["location"] == f"/drift/evolution?{query}".rstrip("?")
    assert answer.headers["set-cookie"].startswith(f"{COOKIE}=; Path=/; Max-Age=0;")


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/", "//evil.example/", "/\\evil.example/", "/x\r\nset-cookie: a=b", "evolution", "/é", ""],
)
def test_a_cookie_leads_nowhere_else(address: str) -> None:
    assert signed_in(f"{COOKIE}={urlsafe_b64encode(address.encode()).decode()}").headers["location"] == "/drift/"


@pytest.mark.parametrize("value", ["", "no base64!", "/////"])
def test_a_cookie_that_makes_no_sense_is_none(value: str) -> None:
    assert signed_in(f"{COOKIE}={value}").headers["location"] == "/drift/"


def test_only_pages_that_were_opened_without_a_login_are_noted() -> None:
    assert opened("/evolution", cookie=f"{LOGIN}=good") == ""
    assert opened("/evolution", cookie=f"{LOGIN}=expired").startswith(COOKIE)
    assert opened("/evolution", "x=" + "a" * 5000) == ""
    assert not asked(WayBack(Response("{}", media_type="application/json")), at("/data")).headers.get("set-cookie")


def test_where_nobody_signs_in_nothing_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "sign_in_configured", lambda: False)
    assert opened("/evolution") == ""
