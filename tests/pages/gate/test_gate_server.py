"""The gate before the real server, over the wire, with 256 descriptors and every address it asks written down."""

import http.client
import ipaddress
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from pages.shell.gate.limits import FILES

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[3]
DESCRIPTORS = 256

WATCH = '''
"""Writes down every address that this process, or one it starts, asks or connects to."""
import json, os, sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto"):
        kind, address = arguments[0].type.name, arguments[1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        kind, address = "name", arguments[0]
    else:
        return
    host = str(address[0] if isinstance(address, tuple) else address)
    with open(os.environ["ADDRESSES"], "a") as file:
        file.write(json.dumps([os.getpid(), event, kind, host]) + "\\n")

sys.addaudithook(watch)
'''


@dataclass
class Server:
    """A running server, its process, and where it writes."""

    port: int
    process: psutil.Process
    folder: Path

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def get(self, path: str = "/", **headers: str) -> tuple[int, str, dict[str, str]]:
        return self.ask("GET", path, headers=headers)

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None):
        """Status, words and headers of an answer."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as asking:
            asking.request(method, path, body or None, headers or {})
            answer = asking.getresponse()
            said = answer.read().decode(errors="replace")
        return answer.status, said, {name.lower(): value for name, value in answer.getheaders()}

    def page(self, origin: str = "", session: str = "") -> ClientConnection:
        """The websocket of a page of this origin, ours if none is named; of a session that comes back if one is."""
        protocols = ["streamlit", "no_token", session] if session else ["streamlit"]
        where, origin = f"ws://{self.host}/_stcore/stream", origin or f"http://{self.host}"
        return connect(where, subprotocols=protocols, origin=origin, max_size=None)  # pyright: ignore

    def addresses(self) -> list[list]:
        return [json.loads(line) for line in (self.folder / "addresses").read_text().splitlines()]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("gate")
    (folder / "sitecustomize.py").write_text(WATCH)
    (folder / "addresses").touch()
    with started(folder) as server:
        yield server
    assert "Traceback" not in (folder / "log").read_text(), (folder / "log").read_text()


@contextmanager
def started(folder: Path) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run = f"ulimit -n {DESCRIPTORS}; exec {sys.executable} -m streamlit run app.py --server.port {port}"
    environment = {
        **os.environ,
        "KERNEL_DRIFT_CACHE": str(folder),
        "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
        "ADDRESSES": str(folder / "addresses"),
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(["sh", "-c", run], cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            server = Server(port, psutil.Process(process.pid), folder)
            answers(server)
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def answers(server: Server) -> None:
    for _ in range(600):
        try:
            if server.get("/_stcore/health")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not answer")


def session(page: ClientConnection) -> str:
    """Runs the script to its end; gives the name of the session."""
    ask(page, rerun_script={})
    return told(page, "new_session").new_session.initialize.session_id


def ask(page: ClientConnection, **fields) -> None:
    page.send(BackMsg(**fields).SerializeToString())


def told(page: ClientConnection, kind: str) -> ForwardMsg:
    while True:
        message = ForwardMsg.FromString(page.recv(timeout=60))  # pyright: ignore[reportArgumentType]
        if message.WhichOneof("type") == kind:
            return message


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:8501", "192.0.2.7"])
def test_a_name_that_was_pointed_at_us_gets_nothing(server, host):
    status, words, headers = server.get("/", Host=host)
    assert status == 403
    assert "is not served here" in words
    assert "content-security-policy" in headers
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        where, origin = f"ws://{host.partition(':')[0]}:{server.port}/_stcore/stream", f"http://{host}:{server.port}"
        with pytest.raises(InvalidStatus) as refused, connect(where, origin=origin, sock=sock):  # pyright: ignore
            pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("origin", ["http://localhost:9999", "http://127.0.0.1:9999", "https://evil.example", "null"])
def test_a_page_elsewhere_gets_no_session_and_at_once(server, origin):
    began = time.monotonic()
    with pytest.raises(InvalidStatus) as refused, server.page(origin):
        pass
    assert refused.value.response.status_code == 403
    assert b"may not use this server" in refused.value.response.body
    assert time.monotonic() - began < 2


def test_our_page_has_one(server):
    with server.page() as page:
        assert session(page)


@pytest.mark.parametrize("path", ["/", "/evolution", "/_stcore/health", "/_stcore/host-config", "/static/none"])
def test_every_answer_carries_the_headers(server, path):
    headers = server.get(path)[2]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers


def test_clear_cache_goes_no_further(server):
    with server.page() as page:
        session(page)
        ask(page, clear_cache=True)
        ask(page, app_heartbeat=True)
        assert told(page, "heartbeat_ack").heartbeat_ack
    assert "dropped a message: clear_cache" in (server.folder / "log").read_text()


@pytest.mark.parametrize("frame", ["text", b"\xff\xff\xff"])
def test_what_is_no_message_is_hung_up_on(server, frame):
    with server.page() as page:
        session(page)
        page.send(frame)
        with pytest.raises(ConnectionClosed) as closed:
            told(page, "heartbeat_ack")
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 1003


def test_uploads_of_a_session_are_counted(server):
    token = xsrf(server)
    form = b'--x\r\nContent-Disposition: form-data; name="f"; filename="t.csv"\r\n\r\n' + bytes(1000) + b"\r\n--x--\r\n"
    headers = {
        "Content-Type": "multipart/form-data; boundary=x",
        "Cookie": f"_streamlit_xsrf={token}",
        "X-Xsrftoken": token,
    }
    with server.page() as page:
        name = session(page)
        put = [server.ask("PUT", f"/_stcore/upload_file/{name}/{i}", form, headers)[:2] for i in range(FILES + 1)]
    assert [status for status, _ in put] == [204] * FILES + [413]
    assert "reload it to begin again" in put[-1][1]


def xsrf(server: Server) -> str:
    """The token that Streamlit wants back with an upload."""
    return server.get("/_stcore/health")[2]["set-cookie"].partition("_streamlit_xsrf=")[2].partition(";")[0]


def test_more_visitors_than_descriptors_one_after_another(server):
    """Streamlit opens three for every session and keeps them: the 76th visitor found none left."""
    with server.page() as page:
        session(page)
    before = server.process.num_fds()
    for _ in range(90):
        with server.page() as page:
            ask(page, app_heartbeat=True)
            told(page, "heartbeat_ack")
    few_files_again(server, before + 10)
    with server.page() as page:
        assert session(page)


def few_files_again(server: Server, most: int, seconds: float = 5) -> None:
    until = time.monotonic() + seconds
    while server.process.num_fds() > most:
        assert time.monotonic() < until, f"{server.process.num_fds()} descriptors, not {most}"
        time.sleep(0.1)


def test_a_session_that_comes_back_finds_itself(server):
    with server.page() as page:
        name = session(page)
    time.sleep(2)
    with server.page(session=name) as page:
        assert session(page) == name
    assert "event loop is closed" not in (server.folder / "log").read_text()


def test_too_many_pages_at_once_are_told_so(server):
    few_files_again(server, 60)
    with ExitStack() as open_pages:
        for _ in range(48):
            open_pages.enter_context(server.page())
        with pytest.raises(InvalidStatus) as refused, server.page():
            pass
        assert refused.value.response.status_code == 429
        assert b"Too many pages are open (48 in all" in refused.value.response.body
        status, words, _ = server.get("/", **{"Sec-Fetch-Dest": "document"})
        assert (status, "close some" in words) == (429, True)
        assert server.get("/_stcore/health")[0] == 200
    with server.page() as page:
        assert session(page)


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("KERNEL_DRIFT_HOSTS", "https://drift.example.org", "'https://drift.example.org' is no host name"),
        ("KERNEL_DRIFT_CACHE", __file__, "is not a folder"),
        ("KERNEL_DRIFT_CACHE_GB", "many", "positive number"),
    ],
)
def test_a_setting_that_cannot_be_ends_the_start_in_a_line(name, given, words):
    run = [sys.executable, "-c", "import app"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), name: given}
    ended = subprocess.run(run, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert name in ended.stderr.splitlines()[-1]
    assert words in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


def test_no_outside_address_was_asked(server):
    """After all of the above: nothing but this machine was looked up, connected to or sent to."""
    asked = server.addresses()
    assert len({process for process, *_ in asked}) > 1  # the compute processes are watched too
    assert [found for found in asked if not inside(found[-1])] == []


def inside(address: str) -> bool:
    if address in ("localhost", "None", "", socket.gethostname()) or address.startswith(("/", "\0")):
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
