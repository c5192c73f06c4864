"""What a page may ask over its websocket."""

import pytest
from asgi import Reached, asked, scope
from streamlit.proto.BackMsg_pb2 import BackMsg

from pages.shell.gate.limits import FILES
from pages.shell.gate.rules import Messages


def frame(**fields) -> bytes:
    return BackMsg(**fields).SerializeToString()


def passed(*frames: bytes) -> list[bytes]:
    app = Reached()
    asked(Messages(app), scope("websocket"), [{"type": "websocket.receive", "bytes": frame} for frame in frames])
    return [message["bytes"] for message in app.messages]


RERUN = frame(rerun_script={"query_string": "width=8"})


@pytest.mark.parametrize(
    "asks",
    [
        {"rerun_script": {"query_string": "a=1"}},
        {"stop_script": True},
        {"app_heartbeat": True},
        {"file_urls_request": {"request_id": "a", "file_names": ["table.csv"]}},
        {"backend_operation_request": {"request_id": "a", "deferred_file": {"file_id": "b"}}},
        {"backend_operation_request": {"request_id": "a", "dataframe_chunk": {"source_id": "b", "limit": 9}}},
    ],
)
def test_what_pages_send_passes_unchanged(asks):
    assert passed(frame(**asks)) == [frame(**asks)]


@pytest.mark.parametrize(
    "asks",
    [
        {},
        {"clear_cache": True},
        {"clear_cache": False},
        {"set_run_on_save": True},
        {"load_git_info": True},
        {"debug_disconnect_websocket": True},
        {"debug_shutdown_runtime": True},
        {"file_urls_request": {"file_names": ["x"] * (FILES + 1)}},
        {"backend_operation_request": {"request_id": "a"}},
        {"backend_operation_request": {"request_id": "a", "install_skills": {}}},
        {"backend_operation_request": {"request_id": "a", "dismiss_skills_nudge": {}}},
    ],
)
def test_what_no_page_sends_is_dropped_and_the_next_one_heard(asks):
    assert passed(frame(**asks), RERUN) == [RERUN]


def test_a_message_hidden_behind_another_counts_as_it_will_be_read():
    assert passed(RERUN + frame(clear_cache=True)) == []
    assert passed(frame(clear_cache=True) + RERUN) == [frame(clear_cache=True) + RERUN]


def test_every_kind_of_message_is_known_here():
    """A kind that comes with another Streamlit is refused until somebody has read what it does."""
    kinds = {field.name for field in BackMsg.DESCRIPTOR.oneofs_by_name["type"].fields}
    assert kinds == {
        "clear_cache", "set_run_on_save", "stop_script", "rerun_script", "load_git_info", "debug_disconnect_websocket",
        "debug_shutdown_runtime", "file_urls_request", "app_heartbeat", "backend_operation_request",
    }  # fmt: skip


@pytest.mark.parametrize("frame", [{"text": "hello"}, {"text": "hello", "bytes": None}, {"bytes": b"\xff\xff\xff"}])
def test_what_is_no_message_ends_the_connection(frame):
    app = Reached()
    answer = asked(Messages(app), scope("websocket"), [{"type": "websocket.receive", **frame}])
    assert app.messages == []
    assert [(message["type"], message["code"]) for message in answer.sent] == [("websocket.close", 1003)]
