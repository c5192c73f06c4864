"""What a server needs before it lets anyone in."""

from pathlib import Path

import pytest
import streamlit as st
from sign_in import AUTH

from cache.failure import CacheFault
from pages.shell import people
from pages.shell.people import check_sign_in, is_local, providers

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
