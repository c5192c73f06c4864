"""Who is there, by what an id token says, and what a page shows and takes of whom."""

import json
import time

import pytest
from pretend_engine import MAIN, PretendEngine, texts, visited
from sign_in import AUTH
from streamlit.testing.v1 import AppTest
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from cache.policy import NOBODY, Policy
from pages.shell import account, people, viewers

NOW = 1_000_000.0
GOOD = {
    "iss": "https://id.lab.example:8443/realm",
    "sub": "Q7x",
    "aud": "us",
    "exp": 1_000_060,
    "email": "Ann@Lab.example",
    "email_verified": True,
}


def name_of(claims: dict[str, object], client: str = "us") -> str:
    """Whom a token names; "" for one that is not good."""
    return "" if people.fault(claims, client, NOW) else people.named_by(claims)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "ann@lab.example"),
        ({"email_verified": "true"}, "ann@lab.example"),
        ({"email_verified": None}, "Q7x@https://id.lab.example:8443/realm"),
        ({"email_verified": False}, "Q7x@https://id.lab.example:8443/realm"),
        ({"email_verified": "false"}, "Q7x@https://id.lab.example:8443/realm"),
        ({"email": "ann"}, "Q7x@https://id.lab.example:8443/realm"),
        ({"email": "Mar\u212a@Lab.example"}, "mar\u212a@lab.example"),
        ({"email": "Q7x@https://id.lab.example:8443/realm"}, "Q7x@https://id.lab.example:8443/realm"),
        ({"email": "Eve@https://elsewhere.example"}, "Q7x@https://id.lab.example:8443/realm"),
        ({"email": ""}, "Q7x@https://id.lab.example:8443/realm"),
        ({"email": "", "sub": ""}, ""),
        ({"email": "", "iss": "lab"}, ""),
        ({"aud": ["them", "us"]}, "ann@lab.example"),
        ({"aud": "them"}, ""),
        ({"aud": ["them"], "azp": "us"}, ""),
        ({"aud": "us too"}, ""),
        ({"aud": None}, ""),
        ({"exp": 1_000_000}, ""),
        ({"exp": None}, ""),
        ({"exp": float("nan")}, ""),
        ({"exp": "2000000"}, ""),
    ],
)
def test_a_name_is_taken_from_a_good_token_only(changes, name):
    assert name_of({**GOOD, **changes}) == name


def test_a_provider_that_says_nothing_of_the_address_is_believed():
    claims = {key: value for key, value in GOOD.items() if key != "email_verified"}
    assert name_of(claims) == "ann@lab.example"


def test_a_provider_that_is_not_ours_names_nobody():
    assert name_of({**GOOD, "aud": ""}, "") == ""


@pytest.mark.parametrize(("sub", "issuer"), [("ANN", "https://id.lab.example/"), ("whoever", "https://lab.example")])
def test_who_has_no_address_is_taken_for_none_and_is_of_no_domain(sub, issuer):
    rules = Policy.from_dict({"people": {"ann@id.lab.example": "admin"}, "domains": {"lab.example": "member"}})
    assert rules.role(name_of({**GOOD, "email_verified": False, "sub": sub, "iss": issuer})) is None


@pytest.fixture
def lab(pretend: PretendEngine, secrets, monkeypatch: pytest.MonkeyPatch) -> PretendEngine:
    secrets(AUTH)
    pretend.policy = Policy.from_dict({"people": {"ann@lab.example": "member", "guest@lab.example": "reader"}})
    return pretend


def test_who_has_not_signed_in_gets_a_button_and_nothing_else(lab):
    lab.fault = "the disk at /secret/place is full"
    app = visited("home", {})
    assert [button.label for button in app.button] == ["Sign in"]
    assert "/secret/place" not in texts(app)


def as_person(name: str, **claims: object) -> AppTest:
    """Home, for somebody of whom the cookie says this."""
    app = AppTest.from_file(str(MAIN), default_timeout=30)
    app.user = {
        "is_logged_in": True,
        "provider": "default",
        "nonce": name,
        **GOOD,
        "exp": time.time() + 60,
        "email": f"{name}@lab.example",
        **claims,
    }
    return app.run()


def test_a_login_ends_with_its_token(lab, monkeypatch):
    app = as_person("ann")
    assert "ann@lab.example · member" in texts(app)
    later = time.time() + 60
    monkeypatch.setattr(people.time, "time", lambda: later)
    assert [button.label for button in app.run().button] == ["Sign in"]


def test_a_login_ends_everywhere_with_log_out(lab):
    here, elsewhere, another = as_person("ann"), as_person("ann"), as_person("ann", nonce="of another login")
    here.button("log_out").click().run()
    assert [button.label for button in elsewhere.run().button] == ["Sign in"]
    assert "ann@lab.example · member" in texts(another.run())


def cookie(name: str, secret: str = "0123456789abcdef0123456789abcdef", **claims: object) -> dict[str, str]:
    """As Streamlit signs it at a login."""
    said = {"is_logged_in": True, "provider": "default", "nonce": name, **GOOD, "exp": time.time() + 60, **claims}
    said = {**said, "email": f"{name}@lab.example", "origin": "http://127.0.0.1:8501"}
    return {people.LOGIN: create_signed_value(secret, people.LOGIN, json.dumps(said)).decode()}


def test_a_stranger_is_told_by_the_cookies_of_a_request(lab):
    assert not people.is_stranger(cookie("ann"))
    assert not people.is_stranger(cookie("guest"))
    lab.logins.end("left", time.time() + 60)
    strangers = [
        {},
        cookie("eve"),
        cookie("ann", exp=time.time() - 1),
        cookie("ann", aud="them"),
        cookie("ann", nonce="left"),
        cookie("ann", "another secret, as long as it must be"),
        {people.LOGIN: "nonsense"},
    ]
    assert all(map(people.is_stranger, strangers))


def test_where_nobody_signs_in_nobody_is_a_stranger(pretend, secrets):
    assert not people.is_stranger({})
    assert people.upload_bytes("any session") == 20e6


def test_a_session_brings_files_if_its_person_may(lab, monkeypatch):
    said = {"of ann": "ann", "of a guest": "guest", "of a stranger": "eve"}

    def claims_of(session: str) -> dict[str, object]:
        return people.claims_in(cookie(said[session])) if session in said else {}

    monkeypatch.setattr(people, "claims_of", claims_of)
    assert [people.upload_bytes(session) for session in (*said, "of nobody")] == [20e6, 0, 0, 0]


@pytest.mark.parametrize(
    ("claims", "why"),
    [({"exp": 1.0}, "expired"), ({"aud": "them"}, "for another program"), ({"nonce": "left"}, "logged out")],
)
def test_a_login_that_counts_for_nothing_leaves_a_line(lab, monkeypatch, claims, why):
    lab.logins.end("left", time.time() + 60)
    noted = []
    monkeypatch.setattr(lab, "audit", lambda who, action, **facts: noted.append((who, action, facts)))
    as_person("ann", **claims).run()
    assert noted == [("ann@lab.example", "refused sign-in", {"why": why})]


def test_a_cookie_that_was_not_signed_here_leaves_a_line(lab):
    assert people.refused_login({}) == ("", "")
    assert people.refused_login({people.LOGIN: "tampered"}) == (NOBODY, "not signed here")


def test_home_says_who_may_enter(pretend, lab, secrets, monkeypatch):
    said = "Only people on the list of this server enter"
    assert said in texts(as_person("ann"))
    secrets("")
    assert account.who_may_enter("127.0.0.1").endswith("nobody else reaches it.")
    assert account.who_may_enter("0.0.0.0").endswith("whoever reaches this server may do everything here.")
    assert account.who_may_enter("") == account.who_may_enter("0.0.0.0")
    monkeypatch.setenv("KERNEL_DRIFT_HOSTS", "drift.lab.example")
    assert account.who_may_enter("127.0.0.1") == account.who_may_enter("0.0.0.0")
    monkeypatch.setenv("KERNEL_DRIFT_HOSTS", "localhost")
    assert account.who_may_enter("127.0.0.1").endswith("nobody else reaches it.")


def test_who_is_not_on_the_list_is_told_what_they_are_called(lab):
    app = as_person("eve")
    assert "eve@lab.example is not on the list of this server" in texts(app)
    assert [button.label for button in app.button] == ["Log out"]


def test_who_is_taken_off_the_list_is_out(lab):
    app = as_person("ann")
    lab.policy = Policy.from_dict({"people": {"bob@lab.example": "member"}})
    assert "ann@lab.example is not on the list" in texts(app.run())


def test_a_reader_starts_nothing_and_is_told_why(lab):
    app = as_person("guest")
    assert lab.asked == []  # Home begins a run for others.
    assert app.button("run").disabled
    assert app.button("run").help.startswith("You may look at results here, and start nothing")


def test_a_member_is_asked_for_by_name(lab):
    as_person("ann")
    assert {who for _, who in lab.asked} == {"ann@lab.example"}


def test_the_name_of_a_browser_is_nobodys_office(lab, monkeypatch):
    """The program itself asks under names that no list can hold: a cookie could have claimed one."""
    monkeypatch.setattr(
        viewers.st, "context", type("Context", (), {"cookies": {viewers.COOKIE: "calibration"}, "headers": {}})
    )
    assert viewers.viewer() == viewers.NOBODY
    monkeypatch.setattr(viewers, "sign_in_configured", lambda: False)
    assert viewers.viewer() != "calibration"
