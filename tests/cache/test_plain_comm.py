"""What a scheduler or a worker sends runs no code in the server. Dask's own client on the same messages does."""

import asyncio
import contextlib
import os
import pickle
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
from bombs import Bomb, exploded_in
from distributed import Client, Event
from distributed.comm.core import Comm, CommClosedError, listen
from distributed.protocol import dumps, to_serialize
from distributed.protocol.serialize import Serialize
from toy_jobs import ToyConfig

from cache import CachedEngine, plain_comm
from cache.failure import Failure
from cache.plain_comm import REFUSED, plain, read_plain
from cache.task import Outcome
from cache.wire import READABLE
from cache.worker import TOPIC

pytestmark = pytest.mark.whole

IDENTITY = {"type": "Scheduler", "id": "s", "address": "", "services": {}, "n_workers": 0, "workers": {}}
TASK = "a task"


class HostileScheduler:
    """Answers every operation with what `answers` has for it, and sends what it is told to on the client's stream."""

    def __init__(self):
        self.answers: dict[str, Any] = {"identity": IDENTITY}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._listener = self._here(self._listen())
        self.address = self._listener.contact_address
        self._stream: Comm | None = None

    def send(self, *messages: dict) -> None:
        assert self._stream is not None
        self._here(self._stream.write(list(messages)))

    def close(self) -> None:
        self._listener.stop()
        self._here(self._hang_up())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _here(self, work: Awaitable) -> Any:
        async def awaited() -> Any:
            return await work

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(10)

    async def _listen(self) -> Any:
        return await listen("tcp://127.0.0.1:0", self._serve, deserialize=False)

    async def _serve(self, comm: Comm) -> None:
        with contextlib.suppress(CommClosedError):
            while True:
                message = await comm.read()
                if isinstance(message, dict) and message["op"] == "register-client":
                    self._stream = comm
                    await comm.write([{"op": "stream-start"}])
                elif isinstance(message, dict) and message.get("reply"):
                    await comm.write(self.answers.get(message["op"]))

    async def _hang_up(self) -> None:
        if self._stream is not None:
            await self._stream.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


@pytest.fixture
def scheduler() -> Iterator[HostileScheduler]:
    scheduler = HostileScheduler()
    yield scheduler
    scheduler.close()


def stream(message: Callable[[Bomb], dict]) -> Callable[[HostileScheduler, Client, Bomb], None]:
    """An attack that sends one message while a task is awaited."""

    def attack(scheduler: HostileScheduler, client: Client, bomb: Bomb) -> None:
        client.subscribe_topic(TOPIC, lambda event: None)
        future = client.submit(int, key=TASK)
        scheduler.send(message(bomb))
        time.sleep(0.2)
        future.release()

    return attack


def answer(operation: str, reply: Callable[[Bomb], Any], ask: Callable[[Client], object]) -> Callable:
    """An attack that answers a request."""

    def attack(scheduler: HostileScheduler, client: Client, bomb: Bomb) -> None:
        scheduler.answers[operation] = reply(bomb)
        with contextlib.suppress(Exception):
            ask(client)

    return attack


def result(scheduler: HostileScheduler, client: Client, bomb: Bomb) -> None:
    future = client.submit(int, key=TASK)
    scheduler.answers["gather"] = {"status": "OK", "data": {TASK: Serialize(bomb)}}
    scheduler.send({"op": "key-in-memory", "key": TASK})
    with contextlib.suppress(Exception):
        future.result(timeout=2)
    future.release()


ATTACKS = {
    "result": result,
    "type of a result": stream(lambda bomb: {"op": "key-in-memory", "key": TASK, "type": pickle.dumps(bomb)}),
    "exception": stream(lambda bomb: {"op": "task-erred", "key": TASK, "exception": pickle.dumps(bomb)}),
    "serialised exception": stream(
        lambda bomb: {"op": "task-erred", "key": TASK, "exception": to_serialize(pickle.dumps(bomb))}
    ),
    "traceback": stream(
        lambda bomb: {"op": "task-erred", "key": TASK, "exception": "words", "traceback": pickle.dumps(bomb)}
    ),
    "event": stream(lambda bomb: {"op": "event", "topic": TOPIC, "event": (0.0, bomb)}),
    "serialised event": stream(lambda bomb: {"op": "event", "topic": TOPIC, "event": (0.0, Serialize([bomb]))}),
    "warning": stream(lambda bomb: {"op": "event", "topic": "warn", "event": (0.0, {"message": pickle.dumps(bomb)})}),
    "unknown message": stream(lambda bomb: {"op": "anything", "value": {"deep": [{"down": bomb}]}}),
    "error of a request": answer(
        "event_set",
        lambda bomb: {"status": "uncaught-error", "exception": pickle.dumps(bomb), "exception_text": "words"},
        lambda client: Event("flag", client=client).set(),
    ),
    "answer of a plugin": answer(
        "register_worker_plugin",
        lambda bomb: {"a worker": {"status": "error", "exception": pickle.dumps(bomb), "traceback": None}},
        lambda client: client.register_worker_callbacks(int),
    ),
    "answer of a broadcast": answer(
        "broadcast", lambda bomb: {"a nanny": pickle.dumps(bomb)}, lambda client: client.run(int)
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("ours", [True, False], ids=["our client", "dask's"])
def test_no_code_runs_in_the_server(scheduler: HostileScheduler, attack: Callable, ours: bool, tmp_path: Path) -> None:
    trace = tmp_path / "exploded"
    address, families = (plain(scheduler.address), list(READABLE)) if ours else (scheduler.address, None)
    with Client(address, set_as_default=False, deserializers=families, timeout=5) as client:
        attack(scheduler, client, Bomb(str(trace)))
    # That Dask's own runs it shows that each attack is one.
    assert exploded_in(trace) == (set() if ours else {os.getpid()})


def test_what_is_no_message_ends_the_connection(scheduler: HostileScheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise jobs would wait for ever on a connection that nobody reads."""
    with Client(plain(scheduler.address), set_as_default=False, deserializers=list(READABLE), timeout=2) as client:
        monkeypatch.setattr(plain_comm, "read_plain", lambda frames: msgpack.unpackb(b"\xc1"))
        scheduler.send({"op": "event"})
        deadline = time.monotonic() + 20
        while client.status == "running":
            assert time.monotonic() < deadline
            time.sleep(0.05)


def there_and_back(message: Any) -> Any:
    return read_plain([bytes(frame) for frame in dumps(message, serializers=READABLE)])


def test_one_that_hangs_up_before_the_handshake_is_a_closed_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask tries again then. Tornado's own error would end its client, which could never be closed."""

    async def hung_up(*_: object, **__: object) -> None:
        raise ValueError("IOStream is not idle; cannot convert to SSL")

    monkeypatch.setattr(plain_comm.PlainTLSConnector.client, "connect", hung_up)
    with pytest.raises(CommClosedError, match="closed the connection"):
        asyncio.run(plain_comm.PlainTLSConnector().connect("127.0.0.1:1", ssl_context=ssl.create_default_context()))


def test_plain_data_and_outcomes_arrive_as_they_were() -> None:
    sent = {"op": "event", "rows": [{"step": 1, "loss": 0.5, "name": "naïve"}], "none": None, "yes": True}
    assert there_and_back(sent) == {**sent, "rows": tuple(sent["rows"])}
    for outcome in (
        Outcome({"result": b"\0" * 300_000, "empty": b""}, seconds=1.5),
        Outcome(cancelled=True),
        Outcome(failure=Failure("memory", "too large", "details")),
    ):
        found = there_and_back({"status": "OK", "data": {"key": Serialize(outcome)}})["data"]["key"]
        assert found == outcome


def test_an_error_keeps_its_words() -> None:
    error = {"status": "error", "exception": b"pickle", "exception_text": "No module named 'engine'"}
    assert there_and_back(error)["exception"] == "No module named 'engine'"
    assert there_and_back({"status": "error", "exception": b"pickle"})["exception"] == REFUSED


@pytest.mark.parametrize("number", range(3), ids=["event", "result", "exception"])
def test_a_hostile_worker(engine: CachedEngine, config: Callable[..., ToyConfig], number: int, tmp_path: Path) -> None:
    job = engine.wait(engine.request("hostile", config(number=number), "me"), 60)
    exploded = exploded_in(tmp_path / "trace")
    assert exploded, "no bomb was sent"
    assert os.getpid() not in exploded
    assert job.done
    assert job.state == ("finished" if number == 0 else "failed")
    steady = engine.request("steady", config(number=number), "me")  # the server goes on
    assert engine.wait(steady, 60).state == "finished"
