"""Who is there, by what an id token says, and what a server needs before it lets anyone in."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from pretend_engine import MAIN, PretendEngine, texts, visited
from streamlit import config
from streamlit.config_option import ConfigOption
from streamlit.testing.v1 import AppTest
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from cache.failure import CacheFault
from cache.policy import NOBODY, Policy
from pages.shell import account, people, viewers
from pages.shell.people import check_sign_in, is_local, providers

NOW = 1_000_000.0
GOOD = {
    "iss": "https://id.lab.example:8443/realm",
    "sub": "Q7x",
    "aud": "us",
    "exp": 1_000_060,
    "email": "Ann@Lab.example",
    "email_verified": True,
}
AUTH = """[auth]
redirect_uri = "http://127.0.0.1:8501/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
client_id = "us"
client_secret = "s"
server_metadata_url = "https://id.lab.example/.well-known/openid-configuration"
"""
NAMED = """[auth]
redirect_uri = "https://drift.lab.example/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
[auth.lab]
client_id = "us"
client_secret = "s"
server_metadata_url = "https://id.lab.example/.well-known/openid-configuration"
[auth.guests]
client_id = "us too"
client_secret = "s"
server_metadata_url = "https://guests.example/.well-known/openid-configuration"
"""


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
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Writes Streamlit's secrets; without a call there are none."""
    before = config.get_option("secrets.files")
    monkeypatch.setattr(st.secrets, "_file_watchers_installed", True)  # That would be a thread for every test.
    monkeypatch.delenv(people.POLICY, raising=False)
    monkeypatch.delenv(people.OPEN, raising=False)

    def forget() -> None:
        st.secrets._reset()
        providers.cache_clear()

    def write(text: str, name: str = "secrets.toml") -> None:
        (tmp_path / name).write_text(text)
        config.set_option("secrets.files", [str(tmp_path / "secrets.toml")], "a test")
        forget()

    forget()
    yield write
    config.set_option("secrets.files", before, ConfigOption.STREAMLIT_DEFINITION)
    forget()


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secrets) -> None:
    (tmp_path / "policy.toml").write_text('[people]\n"ann@lab.example" = "member"\n')
    monkeypatch.setenv(people.POLICY, str(tmp_path / "policy.toml"))


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("localhost", True),
        ("::1", True),
        ("unix:///run/drift.sock", True),
        (None, False),
        ("", False),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.7", False),
        ("drift.lab.example", False),
        ("localhost.evil.example", False),
    ],
)
def test_what_only_this_machine_reaches(address, local):
    assert is_local(address) == local


@pytest.mark.parametrize("address", ["", "0.0.0.0"])
def test_a_server_for_others_needs_sign_in(address, secrets, monkeypatch):
    with pytest.raises(ValueError, match=r"nobody signs in: configure sign-in .*KERNEL_DRIFT_OPEN=1") as error:
        check_sign_in(address, ())
    assert "\n" not in str(error.value)
    monkeypatch.setenv(people.OPEN, "yes")
    with pytest.raises(ValueError, match="nobody signs in"):
        check_sign_in(address, ())
    monkeypatch.setenv(people.OPEN, "1")
    check_sign_in(address, ())


@pytest.mark.parametrize("host", ["drift.lab.example", "*.lab.example", "192.0.2.7", "::", "localhost.evil.example"])
def test_a_server_that_a_proxy_leads_others_to_needs_sign_in(host, secrets, monkeypatch):
    with pytest.raises(ValueError, match=r"KERNEL_DRIFT_HOSTS names .*, and nobody signs in: configure") as error:
        check_sign_in("127.0.0.1", ["localhost", host])
    assert host in str(error.value)
    assert "\n" not in str(error.value)
    monkeypatch.setenv(people.OPEN, "1")
    check_sign_in("127.0.0.1", ["localhost", host])


def test_a_proxy_for_this_machine_needs_none(secrets):
    check_sign_in("127.0.0.1", ["localhost", "127.0.0.1", "::1"])


def test_a_server_that_is_open_has_no_list(secrets, policy, monkeypatch):
    monkeypatch.setenv(people.OPEN, "1")
    with pytest.raises(ValueError, match="names people, and nobody signs in"):
        check_sign_in("0.0.0.0", ())


def test_a_server_for_this_machine_needs_none(secrets):
    check_sign_in("127.0.0.1", ())
    assert providers() == {}


def test_with_sign_in_any_address_will_do(secrets, policy):
    secrets(AUTH)
    check_sign_in("0.0.0.0", ())
    assert providers() == {"default": "us"}


def test_every_provider_of_the_secrets_is_one(secrets, policy):
    secrets(NAMED)
    check_sign_in("0.0.0.0", ["drift.lab.example"])
    assert providers() == {"lab": "us", "guests": "us too"}


def test_a_login_over_tls_is_one(secrets):
    assert not people.over_tls()
    secrets(AUTH)
    assert not people.over_tls()
    secrets(NAMED)
    assert people.over_tls()


def test_sign_in_without_a_list_would_let_everyone_in(secrets):
    secrets(AUTH)
    with pytest.raises(ValueError, match="no policy says who may enter"):
        check_sign_in("127.0.0.1", ())


def test_a_list_without_sign_in_would_name_nobody(policy):
    with pytest.raises(ValueError, match="KERNEL_DRIFT_POLICY names people, and nobody signs in"):
        check_sign_in("127.0.0.1", ())


def test_a_list_that_cannot_be_read(secrets, policy, monkeypatch, tmp_path):
    secrets(AUTH)
    (tmp_path / "policy.toml").write_text("people = ")
    with pytest.raises(CacheFault, match="cannot be read"):
        check_sign_in("127.0.0.1", ())


def test_a_callback_that_the_gate_would_refuse(secrets, policy):
    secrets(AUTH.replace("127.0.0.1:8501", "drift.lab.example"))
    with pytest.raises(ValueError, match=r"'drift\.lab\.example', which is not served here.*KERNEL_DRIFT_HOSTS"):
        check_sign_in("127.0.0.1", ["other.lab.example"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[auth", "secrets.files: Error parsing secrets file"),
        ("[auth]", "redirect_uri"),
        ("auth = {}", "redirect_uri"),
        (AUTH.replace("client_secret", "clientsecret"), "client_secret"),
        (AUTH.replace("cookie_secret", "cookiesecret"), "cookie_secret"),
        (AUTH.replace("0123456789abcdef", "short"), "32 characters or more"),
        (AUTH.replace("/oauth2callback", "/callback"), "redirect_uri must be"),
        (NAMED.replace("[auth.guests]", "[auth.our_guests]"), "underscore"),
        (NAMED.replace('client_id = "us too"', ""), "client_id"),
    ],
)
def test_secrets_that_are_not_enough_open_nothing(text, words, secrets, policy):
    secrets(text)
    with pytest.raises(ValueError, match=words) as error:
        check_sign_in("127.0.0.1", ())
    assert "\n" not in str(error.value)


def test_secrets_that_were_named_and_are_not_there_open_nothing(secrets, policy):
    secrets("", "another.toml")
    with pytest.raises(ValueError, match="No secrets found"):
        check_sign_in("127.0.0.1", ())


def test_secrets_that_vanish_later_open_nothing(secrets, tmp_path):
    secrets(AUTH)
    assert providers()
    (tmp_path / "secrets.toml").unlink()
    st.secrets._reset()
    assert providers()


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
