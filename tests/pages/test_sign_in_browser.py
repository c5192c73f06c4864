"""Sign-in in a real browser, at an OIDC provider that others wrote, which signs what a test has it say of a person."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsing import PATIENCE, SMALL, open_page, rest, run_button
from itsdangerous import URLSafeTimedSerializer
from playwright.sync_api import Browser, Page, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from benchmarks.serving import ROOT, served

pytestmark = pytest.mark.browser

CLIENT = "kernel-drift"
LAB = {"ann": "member", "bob": "member", "guest": "reader", "head": "admin"}
LONGER = {**SMALL, "stop_residual": "none", "max_steps": "3000000", "seeds": "7", "checkpoints": "8"}
"""Still computing when an administrator has looked for it."""
SECRETS = """
[auth]
redirect_uri = "http://127.0.0.1:{{port}}/oauth2callback"
cookie_secret = "only for this test, and as long as it must be"
client_id = "kernel-drift"
client_secret = "the provider takes any"
server_metadata_url = "{provider}/.well-known/openid-configuration"
"""
COOKIE = "_streamlit_user"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of the provider."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


def write_policy(folder: Path, people: dict[str, str], seconds: float = 0.1) -> None:
    lines = [f'"{name}@lab.example" = "{role}"' for name, role in people.items()]
    # Home begins a run for who may: minutes of processor that no test here looks at.
    limits = [line for role in ("member", "admin") for line in (f"[roles.{role}]", f"job_seconds = {seconds}")]
    (folder / "new.toml").write_text("\n".join(["[people]", *lines, *limits]))
    (folder / "new.toml").replace(folder / "policy.toml")


@pytest.fixture(scope="module")
def lab(provider: str, folder: Path) -> Iterator[str]:
    """The address of a dashboard whose people sign in at the provider."""
    write_policy(folder, LAB)
    (folder / "secrets.toml").write_text(SECRETS.format(provider=provider))
    with (folder / "log").open("w") as log, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STREAMLIT_SECRETS_FILES", str(folder / "secrets.toml"))
        patch.setenv("KERNEL_DRIFT_POLICY", str(folder / "policy.toml"))
        patch.setenv("JAX_COMPILATION_CACHE_DIR", os.environ["JAX_COMPILATION_CACHE_DIR"])
        with served(ROOT / "app.py", folder, log) as address:
            yield address


@pytest.fixture
def opened(browser: Browser, lab: str) -> Iterator[Callable[..., Page]]:
    """Opens the dashboard as a person with a browser of their own."""
    contexts = []

    def opened(path: str = "/", **query: str) -> Page:
        contexts.append(browser.new_context())
        contexts[-1].set_default_timeout(PATIENCE)
        page = contexts[-1].new_page()
        page.goto(f"{lab}{path}?{urllib.parse.urlencode(query)}")
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def sign_in(opened: Callable[..., Page], provider: str) -> Callable[..., Page]:
    """Signs in somebody of whom the provider says `claims`, as far as it lets them."""

    def sign_in(name: str, **claims: object) -> Page:
        said = {"email": f"{name}@lab.example", "email_verified": True, **claims}
        asked = urllib.request.Request(f"{provider}/users/{name}", json.dumps(said).encode(), method="PUT")
        asked.add_header("Content-Type", "application/json")
        urllib.request.urlopen(asked).close()
        return enter(opened(), name)

    return sign_in


def enter(page: Page, name: str) -> Page:
    button(page, "Sign in").click()
    page.get_by_placeholder("sub").fill(name)
    page.get_by_role("button", name="Authorize").click()
    return page


def button(page: Page, name: str):
    return page.get_by_role("button", name=re.compile(name))


def account(page: Page, words: str) -> None:
    expect(page.get_by_test_id("stSidebar").get_by_text(words)).to_be_visible()


def signed_out(page: Page) -> None:
    """Nothing is shown but where to sign in."""
    expect(button(page, "Sign in")).to_be_visible()
    expect(page.get_by_test_id("stTopNav")).to_have_count(0)
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(0)
    assert page.get_by_test_id("stMain").get_by_role("button").count() == 1  # beside it stands only Streamlit's menu


def test_who_has_not_signed_in_sees_no_page(opened):
    signed_out(opened("/evolution"))


def test_two_people_sign_in_and_one_logs_out(sign_in, lab):
    ann, bob = sign_in("ann", email="Ann@Lab.example"), sign_in("bob")
    account(ann, "ann@lab.example · member")
    account(bob, "bob@lab.example · member")
    second_tab, kept = ann.context.new_page(), ann.context.cookies()
    second_tab.goto(f"{lab}/evolution")
    account(second_tab, "ann@lab.example · member")
    expect(run_button(second_tab)).to_be_enabled()

    button(ann, "Log out").click()
    button(ann, "End session").click()  # The provider's own page.
    signed_out(ann)
    assert COOKIE not in [cookie["name"] for cookie in ann.context.cookies()]
    # Nor does the login live on in a page that was open, or in a copy of its cookies.
    run_button(second_tab).click()
    signed_out(second_tab)
    ann.context.add_cookies(kept)
    ann.reload()
    signed_out(ann)
    bob.reload()
    account(bob, "bob@lab.example · member")


@pytest.mark.parametrize(
    "changed",
    # The last two Authlib lets in.
    [lambda: {"aud": "another"}, lambda: {"aud": "another", "azp": CLIENT}, lambda: {"exp": int(time.time()) - 60}],
    ids=["for another program", "for another program by ours", "expired a minute ago"],
)
def test_a_token_that_is_not_good_signs_nobody_in(sign_in, changed):
    page = sign_in("ann", **changed())
    page.wait_for_url(lambda url: "authorize" not in url)
    signed_out(page)


def test_who_is_not_on_the_list_is_told_so(sign_in):
    page = sign_in("mallory", email="ann@lab.example", email_verified=False)
    expect(page.get_by_text(re.compile("mallory@http.* is not on the list of this server"))).to_be_visible()
    expect(page.get_by_test_id("stTopNav")).to_have_count(0)
    expect(button(page, "Log out")).to_be_visible()


def test_a_cookie_that_was_tampered_with_is_worth_nothing(sign_in):
    page = sign_in("eve")
    expect(button(page, "Log out")).to_be_visible()
    cookie = next(cookie for cookie in page.context.cookies() if cookie["name"] == COOKIE)
    signature = cookie["value"].rpartition(".")[2]
    claims = json.loads(URLSafeTimedSerializer("", salt=COOKIE).loads_unsafe(cookie["value"])[1])
    claims["email"] = "ann@lab.example"
    forged = URLSafeTimedSerializer("a guess", salt=COOKIE).dumps(json.dumps(claims))
    # Another payload under the old signature, and another signature.
    for changed in (forged.rsplit(".", 1)[0] + "." + signature, forged):
        page.context.add_cookies([{**cookie, "value": changed}])
        page.reload()
        signed_out(page)


def test_a_reader_looks_and_starts_nothing(sign_in, lab):
    page = sign_in("guest")
    account(page, "guest@lab.example · reader")
    expect(run_button(page).first).to_be_disabled()  # Home, which for others begins by itself.
    page.goto(f"{lab}/evolution?{urllib.parse.urlencode(SMALL)}")
    expect(run_button(page).first).to_be_disabled()
    run_button(page).first.hover(force=True)
    expect(page.get_by_text("You may look at results here, and start nothing")).to_be_visible()


def test_who_is_taken_off_the_list_is_out_at_the_next_rerun(sign_in, folder):
    page = sign_in("bob")
    account(page, "bob@lab.example · member")
    write_policy(folder, {"ann": "admin"})
    try:
        open_page(page, "Initialisation", "Second moment")
        expect(page.get_by_text("is not on the list of this server")).to_be_visible()
    finally:
        write_policy(folder, LAB)


def listed(page: Page, words: str):
    """Words in a cell of a table, which is drawn on a canvas: they stand in what it says to screen readers."""
    return page.locator("canvas td").filter(has_text=re.compile(words)).first


def test_who_runs_what_is_seen_and_only_its_owner_or_an_administrator_may_change_it(sign_in, lab, folder):
    ann, bob, head = sign_in("ann"), sign_in("bob"), sign_in("head")
    account(head, "head@lab.example · admin")
    for page in (bob, head):
        page.goto(f"{lab}/server")
        expect(page.get_by_text("0 of 1 worker compute")).to_be_visible()
    write_policy(folder, LAB, 3000)

    # The queue, as others see it and as an administrator does, who cancels.
    ann.goto(f"{lab}/evolution?{urllib.parse.urlencode(LONGER)}")
    run_button(ann).click()
    for page in (bob, head):
        expect(listed(page, "on worker 1")).to_be_attached()
        expect(listed(page, "ann@lab.example")).to_be_attached()
    expect(bob.get_by_text("job to cancel")).to_have_count(0)
    head.get_by_label("job to cancel").click()
    head.get_by_role("option", name=re.compile("run for ann@lab.example")).click()
    button(head, "Cancel it").click()
    expect(ann.get_by_text("The run was cancelled.")).to_be_visible()

    # A result is of who asked for it.
    bob.goto(f"{lab}/evolution?{urllib.parse.urlencode(SMALL)}")
    run_button(bob).click()
    expect(bob.get_by_test_id("stVegaLiteChart").first).to_be_visible()
    for page, may in ((ann, False), (bob, True)):
        page.set_viewport_size({"width": 3200, "height": 900})  # its columns are drawn as far as they are in sight
        page.goto(f"{lab}/all_runs")
        expect(listed(page, "bob@lab.example")).to_be_attached()
        rest(page)
        # The newest is on top; the box before it chooses it.
        page.get_by_test_id("stDataFrame").click(position={"x": 16, "y": 52}, force=True)
        expect(button(page, "Keep")).to_be_enabled(enabled=may)
        expect(button(page, "Delete")).to_be_enabled(enabled=may)
    button(bob, "Delete").click()
    button(bob, "Delete for good").click()
    expect(listed(bob, "bob@lab.example")).not_to_be_attached()


def test_a_link_leads_where_it_should_after_signing_in(opened, sign_in, lab):
    page = enter(opened("/second_moment", depth="7"), "guest")
    expect(page.get_by_role("heading", name="Second moment")).to_be_visible()
    assert page.url.startswith(f"{lab}/second_moment?")
    assert "depth=7" in page.url


def test_so_does_one_after_a_login_that_has_expired(sign_in, lab):
    page = sign_in("guest", exp=int(time.time()) - 60)
    page.wait_for_url(lambda url: "authorize" not in url)
    signed_out(page)
    assert COOKIE in [cookie["name"] for cookie in page.context.cookies()]
    sign_in("guest")  # from here on the provider gives them good ones
    page.goto(f"{lab}/second_moment?depth=7")
    enter(page, "guest")
    expect(page.get_by_role("heading", name="Second moment")).to_be_visible()
    assert "depth=7" in page.url


def test_who_has_not_signed_in_brings_no_file(lab):
    host = lab.removeprefix("http://")
    with connect(f"ws://{host}/_stcore/stream", subprotocols=[Subprotocol("streamlit")], origin=Origin(lab)) as page:
        page.send(BackMsg(rerun_script={}).SerializeToString())  # pyright: ignore[reportArgumentType]
        said = ForwardMsg()
        while said.WhichOneof("type") != "new_session":
            said = ForwardMsg.FromString(page.recv(timeout=60))  # pyright: ignore[reportArgumentType]
        where = f"{lab}/_stcore/upload_file/{said.new_session.initialize.session_id}/f"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(where, b"x" * 1000, method="PUT"))
    assert (refused.value.code, refused.value.read()) == (413, b"You may bring no files.\n")


def test_what_was_refused_stands_in_the_audit_log(lab, folder):
    """After all of the above."""
    (log,) = folder.glob("store-*/audit.log")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    refused = {(line["who"].split("@")[0], line["why"]) for line in lines if line["action"] == "refused sign-in"}
    assert {
        ("ann", "expired"),
        ("ann", "for another program"),
        ("ann", "logged out"),
        ("eve", "on no list"),
        ("nobody", "not signed here"),
    } <= refused
