"""The proxy's configuration in Caddy itself, before two small servers: TLS, websockets, sticky sessions."""

import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

pytestmark = [
    pytest.mark.whole,
    pytest.mark.skipif(shutil.which("caddy") is None, reason="no caddy: apt install caddy"),
]

CADDYFILE = Path(__file__).parents[2] / "deploy" / "Caddyfile"


class Upstream:
    """A server process that says its name and what it was asked, over HTTP and over websockets."""

    def __init__(self, name: str):
        self.name = name
        self._server = serve(self._talk, "127.0.0.1", 0, process_request=self._answer)
        self.port = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def _answer(self, _: ServerConnection, request: Request) -> Response | None:
        if "Upgrade" in request.headers:
            return None
        said = {"name": self.name, "headers": {name.lower(): value for name, value in request.headers.items()}}
        body = json.dumps(said).encode()
        return Response(HTTPStatus.OK, "OK", Headers({"Content-Length": str(len(body))}), body)

    def _talk(self, connection: ServerConnection) -> None:
        for message in connection:
            connection.send(f"{self.name} {message}")

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join(10)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def upstreams() -> Iterator[list[Upstream]]:
    upstreams = [Upstream("one"), Upstream("two")]
    yield upstreams
    for upstream in upstreams:
        upstream.stop()


@pytest.fixture(scope="module")
def site(upstreams: list[Upstream], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port, folder = free_port(), tmp_path_factory.mktemp("proxy")
    # Its other port, for plain HTTP, would be 80: the test takes it out of the way. This machine is not to trust it.
    config = folder / "Caddyfile"
    apart = "admin off\n\tauto_https disable_redirects\n\tskip_install_trust"
    config.write_text(CADDYFILE.read_text().replace("admin off", apart, 1))
    environment = {
        **os.environ,
        "SITE": f"https://localhost:{port}",
        "TLS": "tls internal",
        "WEBS": " ".join(f"127.0.0.1:{upstream.port}" for upstream in upstreams),
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "HOME": str(folder),
    }
    command = ["caddy", "run", "--config", str(config), "--adapter", "caddyfile"]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as caddy,
    ):
        try:
            until(lambda: get(f"https://localhost:{port}/")[0] == 200)
            yield f"https://localhost:{port}"
        finally:
            caddy.terminate()


def until(there) -> None:
    end = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError):
            if there():
                return
        assert time.monotonic() < end
        time.sleep(0.1)


def anyone() -> ssl.SSLContext:
    """Trusts the certificate that Caddy has just made for itself."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def get(url: str, **headers: str) -> tuple[int, dict, str]:
    """Status, what the process said, and the cookie that the proxy set."""
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10, context=anyone()) as answer:
            cookie = (answer.headers.get("Set-Cookie") or "").partition(";")[0]
            return answer.status, json.loads(answer.read() or b"{}"), cookie
    except urllib.error.HTTPError as error:
        return error.code, {}, ""


def test_a_browser_stays_with_the_process_that_it_met(site: str) -> None:
    met = {}
    for _ in range(40):
        _, said, cookie = get(f"{site}/")
        met[said["name"]] = cookie
    assert met.keys() == {"one", "two"}  # both are used
    for name, cookie in met.items():
        assert {get(f"{site}/evolution", Cookie=cookie)[1]["name"] for _ in range(10)} == {name}
        where = site.replace("https", "wss") + "/_stcore/stream"
        with connect(where, ssl=anyone(), additional_headers={"Cookie": cookie}) as page:
            page.send("hello")
            assert page.recv(timeout=10) == f"{name} hello"


def test_a_process_learns_who_asks_and_for_which_host(site: str) -> None:
    _, said, _ = get(f"{site}/", **{"X-Forwarded-For": "192.0.2.9"})
    assert said["headers"]["host"] == site.removeprefix("https://")
    assert said["headers"]["x-forwarded-for"] == "127.0.0.1"  # not what the client says of itself
    assert said["headers"]["x-forwarded-proto"] == "https"


def test_a_browser_that_was_here_never_asks_without_tls_again(site: str) -> None:
    with urllib.request.urlopen(f"{site}/", timeout=10, context=anyone()) as answer:
        (said,) = answer.headers.get_all("Strict-Transport-Security")
        assert int(said.removeprefix("max-age=")) >= 180 * 86400


def test_what_watches_is_not_for_everybody(site: str) -> None:
    for path in ("/metrics", "/readyz", "/healthz", "/_stcore/metrics"):
        assert get(site + path)[0] == 404


def test_at_last_a_process_ends_and_its_browsers_go_to_another(site: str, upstreams: list[Upstream]) -> None:
    _, said, cookie = get(f"{site}/")
    gone, stays = sorted(upstreams, key=lambda upstream: upstream.name != said["name"])
    gone.stop()
    until(lambda: get(f"{site}/", Cookie=cookie)[1].get("name") == stays.name)
