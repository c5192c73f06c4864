"""How much a session may leave on the server."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from asgi import Answer, Reached, ask, asked, scope
from starlette.types import Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from pages.shell.gate import limits
from pages.shell.gate.limits import BYTES, FILES, Uploads, largest

MB = 1_000_000


@pytest.fixture
def kept(monkeypatch) -> MemoryUploadedFileManager:
    manager = MemoryUploadedFileManager("/_stcore/upload_file")
    monkeypatch.setattr(runtime, "get_instance", lambda: SimpleNamespace(uploaded_file_mgr=manager))
    return manager


def keep(manager: MemoryUploadedFileManager, count: int, size: int, session: str = "s") -> None:
    for i in range(count):
        manager.add_file(session, UploadedFileRec(f"f{i}", "table.csv", "text/csv", bytes(size)))


def put(size: int | str | None = 10, session: str = "s", file: str = "new", method: str = "PUT") -> Scope:
    length: dict[str, Any] = {} if size is None else {"content_length": size}
    return scope(method=method, path=f"/base/_stcore/upload_file/{session}/{file}", **length)


def status(upload: Scope) -> int:
    return asked(Uploads(Reached()), upload).status


def test_so_many_files_and_no_more(kept):
    keep(kept, FILES - 1, 1)
    assert status(put()) == 200
    keep(kept, FILES, 1)
    assert status(put()) == 413
    assert status(put(file="f0")) == 200  # in place of another
    assert status(put(session="other")) == 200
    assert status(put(method="DELETE")) == 200


def test_so_many_bytes_and_no_more(kept):
    keep(kept, 7, 5 * MB)
    assert status(put(BYTES - 35 * MB)) == 200
    answer = asked(Uploads(Reached()), put(BYTES - 35 * MB + 1))
    assert answer.status == 413
    assert answer.words == "A page keeps 20 files and 40 MB at most: reload it to begin again.\n"


@pytest.mark.parametrize("length", [None, "x", "-5", "9" * 40])
def test_what_names_no_size_counts_as_the_largest(kept, length):
    upload = put(length)
    assert status(upload) == 200
    keep(kept, 1, BYTES - largest() + 1)
    assert status(upload) == 413


def test_all_sessions_together(kept, monkeypatch):
    monkeypatch.setattr(limits, "BYTES_OF_ALL", 100)
    keep(kept, 9, 10)
    assert status(put(10, "other")) == 200
    assert "try again in some minutes" in asked(Uploads(Reached()), put(11, "other")).words


@pytest.mark.parametrize(("allowed", "size", "status"), [(0, 1, 413), (MB, MB, 200), (MB, 3 * MB, 413)])
def test_a_session_brings_what_its_person_may(kept, allowed, size, status):
    uploads = Uploads(Reached(), allowed={"s": allowed}.get)  # pyright: ignore[reportArgumentType]
    answer = asked(uploads, put(size))
    assert answer.status == status
    words = "You may bring no files.\n" if not allowed else "You may bring files of 1 MB at most.\n"
    assert status == 200 or answer.words == words


def test_uploads_under_way_count(kept):
    async def stays(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    async def said() -> Answer:
        gate = Uploads(stays)
        tasks = [asyncio.ensure_future(ask(gate, put(5 * MB, file=f"n{i}"))) for i in range(8)]
        await asyncio.sleep(0)
        refused = await ask(gate, put(1))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert not gate._under_way
        return refused

    assert asyncio.run(said()).status == 413


def test_a_refused_body_is_read_but_not_kept(kept):
    keep(kept, FILES, 1)
    body = [{"type": "http.request", "body": bytes(MB), "more_body": True} for _ in range(50)]
    coming = iter(body)
    assert asked(Uploads(Reached()), put(50 * MB), coming).status == 413
    assert len([*coming]) == 50 - -(-largest() // MB)
