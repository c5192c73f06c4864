"""How many may be connected."""

import asyncio
import resource

import pytest
from asgi import Reached, ask, asked, scope
from starlette.types import Receive, Scope, Send

from pages.shell.gate import limits
from pages.shell.gate.limits import PAGES, REQUESTS_OF_ONE, Connections, Room, affordable_pages


async def stays(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.Event().wait()


async def opened(gate: Connections, count: int, kind: str = "websocket", client: str = "a") -> list[asyncio.Task]:
    tasks = [asyncio.ensure_future(ask(gate, scope(kind, client=client))) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def closed(tasks: list[asyncio.Task]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize(("first", "client"), [(3, "a"), (3, "b")])
def test_pages_of_one_client_and_in_all_are_counted(first, client):
    async def said():
        gate = Connections(stays, pages=5, pages_of_one=3)
        tasks = await opened(gate, first) + await opened(gate, 2, client="b" if client == "b" else "c")
        refused = await ask(gate, scope("websocket", client=client))
        page = await ask(gate, scope("http", client=client, sec_fetch_dest="document"))
        await closed(tasks[:1])
        again = await opened(gate, 1)
        assert not again[0].done()
        await closed(tasks + again)
        return refused, page

    for answer in asyncio.run(said()):
        assert answer.status == 429
        assert answer.words == "Too many pages are open (5 in all, 3 from one address): close some.\n"


def test_who_has_not_signed_in_takes_no_place_of_who_has():
    def asks(kind: str, cookie: str, client: str = "a") -> Scope:
        return scope(kind, client=client, cookie=f"login={cookie}", sec_fetch_dest="document")

    async def said():
        gate = Connections(stays, pages=16, is_stranger=lambda cookies: cookies.get("login") != "ann")
        few = [asyncio.ensure_future(ask(gate, asks("websocket", "?", client))) for client in "aabb"]
        await asyncio.sleep(0)
        assert not any(task.done() for task in few)
        refused = [await ask(gate, asks(kind, "?", "c")) for kind in ("websocket", "http")]
        people = [asyncio.ensure_future(ask(gate, asks("websocket", "ann"))) for _ in range(12)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in people)
        full = await ask(gate, asks("websocket", "ann"))
        await closed(few + people)
        assert not gate._strangers._inside
        return *refused, full

    *refused, full = asyncio.run(said())
    for answer in refused:
        assert answer.status == 429
        assert answer.words == "Too many pages wait for a sign-in (4 in all, 2 from one address): close some.\n"
    assert full.words.startswith("Too many pages are open (16 in all")


def test_what_a_page_loads_passes_while_pages_are_full():
    async def said():
        gate = Connections(stays, pages=1)
        tasks = await opened(gate, 1) + await opened(gate, REQUESTS_OF_ONE, "http")
        assert not any(task.done() for task in tasks)
        refused = await ask(gate, scope("http", client="a"))
        await closed(tasks)
        return refused.status

    assert asyncio.run(said()) == 429


def test_who_has_left_is_forgotten():
    room = Room(5, 2)
    with pytest.raises(RuntimeError), room.entered("a"):
        raise RuntimeError
    with room.entered("a"), room.entered("a"):
        assert room.full_for("a")
        assert not room.full_for("b")
    assert not room._inside


def test_fewer_pages_where_few_files_may_be_open(monkeypatch):
    for soft, pages in [(256, 48), (1024, PAGES), (10, 1), (resource.RLIM_INFINITY, PAGES)]:
        monkeypatch.setattr(resource, "getrlimit", lambda _, soft=soft: (soft, soft))
        assert affordable_pages() == pages


def test_everything_else_passes():
    app = Reached()
    asked(Connections(app, pages=0), {"type": "lifespan"})
    assert len(app.scopes) == 1


def test_who_leaves_gives_back_descriptors_though_the_script_of_another_still_runs(monkeypatch):
    looks = iter([False, False, True, True])
    seen: list[bool] = []

    def close_past() -> bool:
        seen.append(next(looks))
        return seen[-1]

    monkeypatch.setattr(limits, "close_past", close_past)
    monkeypatch.setattr(limits, "open_again", lambda: None)
    monkeypatch.setattr(limits, "SECONDS", 0.05)

    async def visits() -> None:
        sessions = limits.Sessions(Reached())
        await ask(sessions, scope("websocket"))
        await ask(sessions, scope("websocket"))
        assert seen == [False, False]
        await asyncio.sleep(0.2)
        assert seen == [False, False, True]  # one more look for both, and no more than are needed
        await ask(sessions, scope("websocket"))
        await asyncio.sleep(0.2)
        assert seen == [False, False, True, True]

    asyncio.run(visits())
