"""The Server page, and one's own jobs on Home."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pretend_engine import SMALL, PretendEngine
from streamlit.testing.v1 import AppTest

from cache import Device
from cache.batches import Order
from cache.overview import Work, Worker
from cache.policy import Policy
from cache.turns import Outlook, Ticket
from engine.config import RunConfig
from pages.views import my_jobs, server

GPU = Device("H200", "gpu", 140_000_000_000, "lab1")
COOKIE = "aSecretCookieOfAnother"


def ticket(user: str, **changes: Any) -> Ticket:
    return Ticket(f"of {user}", f"key of {user}", "perturbation_study", user, 0.0, 90.0, **changes)


BUSY = Work(
    [Worker("tls://a", GPU, False, (ticket("ann@lab", worker="tls://a"),)), Worker("tls://b", None, True, ())],
    [ticket("ann@lab", worker="tls://a")],
    [(ticket(COOKIE, background=True), Outlook(1, 30.0)), (ticket("bob@lab"), Outlook(2, 120.0))],
    {"ann@lab": 300.0, COOKIE: 12.0, "calibration": 2.0},
)


def test_it_shows_who_computes_what_and_no_cookie(pretend: PretendEngine, opened: Callable[..., AppTest]) -> None:
    pretend.going_on = BUSY
    pretend.store.index.bytes_by_owner = lambda: {"bob@lab": 2_000_000, "": 5_000_000_000}
    page = opened("server")
    assert not page.exception
    assert page.markdown[1].value == "**1 of 2 workers computes, 2 jobs wait, of 3 users.**"
    queue, users = (table.value for table in page.dataframe)
    assert list(queue["asked for by"]) == ["ann@lab", "another browser", "bob@lab"]
    assert list(queue["state"]) == ["on worker 1", "number 1, within 30 s", "number 2, within 2 min"]
    assert list(users["user"]) == ["ann@lab", "another browser", "this server", "shared", "bob@lab"]
    assert list(users[server.COMPUTED]) == ["5 min", "12 s", "2.0 s", "", ""]
    assert list(users[server.KEPT]) == ["", "", "", "5 GB", "2 MB"]
    assert COOKIE not in str([element.value for element in page.markdown]) + queue.to_string() + users.to_string()
    assert any("GPU H200, 140 GB, lab1, holds 1 job" in text.value for text in page.markdown)


def test_an_administrator_drains_a_worker(pretend: PretendEngine, opened: Callable[..., AppTest]) -> None:
    pretend.going_on = BUSY
    page = opened("server")
    assert [toggle.value for toggle in page.toggle] == [False, True]
    page.toggle[0].set_value(True).run()
    assert pretend.acts == [("drain", "tls://a", True)]
    pretend.going_on = replace(BUSY, workers=[replace(worker, draining=True) for worker in BUSY.workers])
    page.run()
    assert [toggle.value for toggle in page.toggle] == [True, True]
    assert len(pretend.acts) == 1
    # The switch may be older than the end of a login.
    pretend.refuses.add("drain")
    page.toggle[0].set_value(False).run()
    assert [error.value for error in page.error] == ["Not today\\."]
    assert page.toggle[0].value, "it stands as the worker does"
    pretend.policy = Policy()
    assert not opened("server").toggle


def test_an_administrator_cancels_any_job(pretend: PretendEngine, opened: Callable[..., AppTest]) -> None:
    pretend.going_on = BUSY
    page = opened("server")
    assert page.button(key="server_cancel").disabled
    assert page.selectbox(key="server_job").options[2:] == [
        "perturbation study for bob@lab: ",
        "everything of ann@lab: 1 job",
        "everything of another browser: 1 job",
        "everything of bob@lab: 1 job",
    ]
    page.selectbox(key="server_job").set_value(("", "bob@lab")).run()
    page.button(key="server_cancel").click().run()
    assert pretend.acts.pop() == ("cancel_all", "bob@lab")
    # Chosen just before the click: the browser sends both at once.
    page.selectbox(key="server_job").set_value(("key of bob@lab", ""))
    page.button(key="server_cancel").click().run()
    assert pretend.acts == [("cancel", "key of bob@lab")]
    pretend.refuses.add("cancel")
    page.button(key="server_cancel").click().run()
    assert [error.value for error in page.error] == ["Not today\\."]
    # What was chosen has ended: no other job takes its place.
    pretend.going_on = Work(BUSY.workers, BUSY.running, BUSY.waiting[:1], BUSY.debts)
    page.run()
    assert page.selectbox(key="server_job").value is None
    assert page.button(key="server_cancel").disabled


def test_others_cancel_their_own_jobs_only(pretend: PretendEngine, opened: Callable[..., AppTest], monkeypatch) -> None:
    pretend.going_on, pretend.policy = BUSY, Policy(people={"bob@lab": "member"})
    assert not [box for box in opened("server").selectbox if box.key == "server_job"]
    monkeypatch.setattr(server, "viewer", lambda: "bob@lab")
    page = opened("server")
    assert page.selectbox(key="server_job").options == ["perturbation study for you: ", "everything of you: 1 job"]


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (Work((), (), (), {}), "No worker is there; 0 jobs wait."),
        (Work((), (), [(ticket("a"), None)], {}), "No worker is there; 1 job waits."),
        (Work(BUSY.workers[1:], (), (), {}), "0 of 1 worker compute, 0 jobs wait, of 0 users."),
    ],
)
def test_the_headline_follows_the_numbers(work: Work, words: str) -> None:
    assert server.headline(work) == words


def test_home_shows_ones_own_jobs_with_the_way_back(pretend: PretendEngine, opened: Callable[..., AppTest]) -> None:
    config = RunConfig.from_dict(SMALL)
    mine, other = (Order(who, "b", who, "run", ((config,),), "run", "/evolution?width=16") for who in ("me", "you"))
    for order in (mine, other):
        pretend.batches.start(order)
    (found,) = pretend.batches.listed("me")
    assert my_jobs.words(found).startswith("Run: ")
    assert my_jobs.words(found).endswith(" · waiting")
    pretend.put(config, "running", fraction=0.4)
    found.batch.step()
    assert my_jobs.words(found).endswith(" · running, 40%")
    pretend.batches.stay(mine.key, True)
    assert my_jobs.words(found).endswith(" · running, 40%, goes on without its page")
    pretend.batches.stay(mine.key, False)
    pretend.put(config, "cancelled")
    pretend.batches.cancel(mine.key)
    assert my_jobs.words(found).endswith(" · cancelled")
    assert not any("My jobs" in text.value for text in opened("home").markdown)  # another browser
