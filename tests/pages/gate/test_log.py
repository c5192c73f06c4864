"""The log: lines of JSON that name request and job, and hold no secret."""

import io
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest
from asgi import Reached, asked, scope
from prometheus_client.parser import text_string_to_metric_families
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.sync.client import connect

from cache import logs
from cache.logs import REQUEST
from pages.shell.gate.limits import refuse
from pages.shell.requests import Requests

ROOT = Path(__file__).parents[3]
SECRET = "s3cret-of-this-test"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict]]]:
    """What has been written down, under `KERNEL_DRIFT_LOG=json`."""
    written = io.StringIO()
    monkeypatch.setenv(logs.VARIABLE, "json")
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(logs, "take_over", lambda: None)  # what it takes, it would take from the other tests, too
    logs.start()
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    for name in logs.OURS:
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_a_line_names_request_and_job(lines):
    logger = logging.getLogger("kernel_drift.test")
    logger.setLevel(logging.INFO)
    logger.info("nobody's")
    logs.follow("abcdef0123456789", "the-request")
    logger.warning("it is %s", "so\n")
    logger.info("another's", extra={"job": "01234567", "seconds": 1.5})
    logs.follow("", "")
    nobody, mine, other = lines()
    assert nobody.keys() == {"time", "level", "logger", "message"}
    assert (mine["level"], mine["logger"], mine["message"]) == ("WARNING", "kernel_drift.test", "it is so\n")
    assert (mine["request"], mine["job"]) == ("the-request", "abcdef01")
    assert (other["job"], other["seconds"]) == ("01234567", 1.5)


def test_a_traceback_is_in_the_line(lines):
    try:
        raise ValueError("why")
    except ValueError:
        logging.getLogger("elsewhere").exception("lost")
    (line,) = lines()
    assert line["exc_info"].endswith("ValueError: why")


def test_what_a_compute_process_prints_is_a_line_too(lines):
    logs.pass_on(b"Traceback \xff\n")
    (line,) = lines()
    assert (line["logger"], line["message"]) == ("kernel_drift.processes", "Traceback \ufffd")


def test_text_is_the_default_and_nonsense_is_said(monkeypatch):
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.delenv(logs.VARIABLE, raising=False)
    logs.start()
    assert not logs.is_json()
    monkeypatch.setenv(logs.VARIABLE, "yaml")
    with pytest.raises(ValueError, match="KERNEL_DRIFT_LOG is 'yaml': give json, or text"):
        logs.start()


@pytest.mark.parametrize(
    ("given", "kept"),
    [("0123-abcd_xyz", True), ("short", False), ("with space 123", False), ("a" * 65, False), ("é" * 10, False)],
)
def test_a_request_has_one_name_everywhere(lines, given, kept):
    reached = Reached()
    answer = asked(Requests(reached), scope(x_request_id=given.encode().decode("latin-1")))
    name = answer.headers["x-request-id"]
    assert (name == given) == kept
    assert dict(reached.scopes[0]["headers"])[b"x-request-id"].decode() == name
    (line,) = lines()
    assert (line["request"], line["status"], line["message"]) == (name, 200, "GET /")
    assert REQUEST.get() == ""


def test_what_comes_by_dozens_is_logged_when_it_fails_only(lines):
    asked(Requests(Reached()), scope(path="/static/js/index.js"))
    assert lines() == []

    async def refusing(*of) -> None:
        await refuse(429, "too many", *of)

    asked(Requests(refusing), scope(path="/healthz"))
    assert [line["message"] for line in lines()] == ["refused /healthz (429): too many", "GET /healthz"]


def test_a_path_that_names_a_session_is_cut(lines):
    for path in (f"/_stcore/upload_file/{SECRET}/{SECRET}", f"/media/{SECRET}.png"):
        asked(Requests(Reached()), scope(path=path))
    assert [line["message"] for line in lines()] == ["GET /_stcore/upload_file/...", "GET /media/..."]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, psutil.Process, Path]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "KERNEL_DRIFT_LOG": "json",
        "KERNEL_DRIFT_CACHE": str(tmp_path),
        "KERNEL_DRIFT_METRICS_TOKEN": SECRET,
        "STREAMLIT_LOGGER_HIDE_WELCOME_MESSAGE": "1",
        "PYTHONPATH": str(ROOT),
    }
    log = tmp_path / "log"
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), f"--server.port={port}"]
    with (
        log.open("w") as file,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=file) as process,
    ):
        try:
            until(lambda: answers(port))
            yield port, psutil.Process(process.pid), log
        finally:
            process.terminate()


def until(there: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not there():
        assert time.monotonic() < end
        time.sleep(0.1)


def answers(port: int) -> bool:
    try:
        return get(port, "/healthz")[0] == 200
    except OSError:
        return False


def get(port: int, path: str, **headers: str) -> tuple[int, str]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=20)) as asking:
        asking.request("GET", path, headers=headers)
        answer = asking.getresponse()
        return answer.status, answer.read().decode()


@pytest.mark.whole
def test_a_server_is_watched_and_tells_no_secret(server):
    port, process, log = server
    until(lambda: get(port, "/readyz")[0] == 200)
    headers = {"Cookie": f"_streamlit_user={SECRET}", "Authorization": f"Bearer {SECRET}"}
    assert get(port, f"/?token={SECRET}&code={SECRET}", **headers)[0] == 200
    assert get(port, f"/oauth2callback?code={SECRET}", **headers)[0] < 500
    with connect(
        f"ws://127.0.0.1:{port}/_stcore/stream?token={SECRET}",
        subprotocols=["streamlit", SECRET],  # pyright: ignore[reportArgumentType]
        origin=f"http://127.0.0.1:{port}",  # pyright: ignore[reportArgumentType]
        additional_headers={**headers, "X-Request-ID": "page-of-this-test"},
        max_size=None,
    ) as page:
        page.send(BackMsg(rerun_script={"page_name": "second_moment"}).SerializeToString())
        page.recv(timeout=20)
    metrics = get(port, "/metrics", X_Forwarded_For="192.0.2.1", **headers)
    assert metrics[0] == 200
    assert "kernel_drift_workers" in {family.name for family in text_string_to_metric_families(metrics[1])}
    until(lambda: "calibration finished" in log.read_text())
    for child in process.children():
        child.kill()
    until(lambda: get(port, "/readyz")[0] == 503)
    until(lambda: get(port, "/readyz")[0] == 200)  # nobody asked for a job
    process.terminate()
    process.wait(20)
    text = log.read_text()
    assert SECRET not in text
    records = [json.loads(line) for line in text.splitlines()]
    said = {record["message"]: record for record in records}
    assert said["WEBSOCKET /_stcore/stream"]["request"] == "page-of-this-test"
    assert "the compute processes were lost: starting them again" in said
    calibrated = said["calibration finished"]
    assert len(calibrated["job"]) == 8
    assert calibrated["seconds"] > 0
