"""Fair shares, by simulation: workers that compute what the queue gives them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from cache.turns import SLACK, Place, Ticket, charges, entering, outlooks, starts

ONE = [Place("w", threads=4, memory=8e9)]


def ticket(user: str = "me", asked: float = 0.0, seconds: float = 4.0, **changes) -> Ticket:
    name = f"{user} {asked:g} {seconds:g} {len(changes)}"
    return Ticket(name, name, "run", user, asked, seconds, **changes)


def simulated(asked: Sequence[Ticket], seconds: float, places: Sequence[Place] = ONE, tick: float = 0.25):
    """Seconds computed for each user, and when each ticket ended, when every job takes what was expected."""
    tickets: list[Ticket] = []
    debts: dict[str, float] = {}
    computed, ended, now = Counter[str](), {}, 0.0
    waiting = sorted(asked, key=lambda ticket: ticket.asked)
    while now < seconds:
        while waiting and waiting[0].asked <= now:
            debts[waiting[0].user] = entering(waiting[0].user, tickets, debts)
            tickets.append(waiting.pop(0))
        started = {one.id: one for one in starts(tickets, places, debts)}
        tickets = [started.get(one.id, one) for one in tickets]
        now += tick
        for one, passed in [*charges(tickets, tick)]:
            debts[one.user] += passed / one.weight
            computed[one.user] += passed
            tickets[tickets.index(one)] = charged = replace(one, charged=one.charged + passed)
            if charged.charged >= charged.seconds:
                tickets.remove(charged)
                ended[one.id] = now
    return computed, ended


def test_five_hundred_jobs_of_one_take_no_share_from_the_others():
    greedy = [ticket("greedy", 0.001 * i) for i in range(500)]
    others = [ticket(user, 30.0 + 0.01 * i) for user in ("ann", "bob") for i in range(200)]
    computed, _ = simulated([*greedy, *others], 630.0)
    before, fair = 30.0, 200.0
    assert computed["ann"] == pytest.approx(fair, rel=0.1)
    assert computed["bob"] == pytest.approx(fair, rel=0.1)
    assert computed["greedy"] - before == pytest.approx(fair, rel=0.1)


def test_weights_are_shares():
    asked = [ticket(user, 0.001 * i, weight=weight) for user, weight in (("a", 1.0), ("b", 3.0)) for i in range(500)]
    computed, _ = simulated(asked, 1600.0)  # long beside `SLACK`
    assert computed["b"] / computed["a"] == pytest.approx(3.0, rel=0.1)


def test_a_long_job_among_short_ones_of_the_same_user_is_not_starved():
    stream = [ticket("me", 4.0 * i, 4.0) for i in range(100)]
    _, ended = simulated([ticket("me", 10.0, 60.0), *stream], 300.0)
    assert ended["me 10 60 0"] < 10 + 60 + 60 + 8


@pytest.mark.parametrize("changes", [{"background": True}, {"alone": True}, {"memory": 7e9}])
def test_what_waits_for_a_worker_of_its_own_is_not_starved_by_those_who_share_one(changes):
    lengths = {"ann": 3.0, "bob": 4.0, "dan": 5.5}
    streams = [ticket(user, 0.001 * i, lengths[user], memory=1e9) for i in range(105) for user in lengths]
    computed, _ = simulated([*streams, *(ticket("cat", 1 + 0.001 * i, 8.0, **changes) for i in range(40))], 1200.0)
    assert computed["cat"] == pytest.approx(300.0, rel=0.1)


@pytest.mark.parametrize("old", [10.0, 3600.0])
def test_a_batch_beside_streams_and_a_long_run_has_its_share_from_the_beginning(old):
    """None of them waits for the end of the long run, however long that is."""
    streams = [ticket(user, 0.001 * i, 1.0 + i % 5) for i in range(80) for user in ("ann", "bob", "dan")]
    sweep = [ticket("cat", 1.0, 3.0 + 0.001 * i, background=True) for i in range(60)]
    computed, ended = simulated([ticket("old", 0.0, old), *streams, *sweep], 150.0)
    for user in ("ann", "bob", "dan", "cat", *(["old"] if old > 150.0 else [])):
        assert computed[user] == pytest.approx(30.0 if old > 150.0 else 35.0, abs=6.0)
    assert min(ended[one.id] for one in sweep if one.id in ended) < 30.0


def test_who_comes_to_an_empty_queue_has_saved_up_nothing():
    assert entering("new", [], {"me": 100.0, "you": 90.0}) == 100.0
    assert entering("me", [ticket("you")], {"me": 100.0, "you": 90.0}) == 100.0
    assert entering("new", [ticket("you")], {"me": 100.0, "you": 90.0}) == 90.0
    assert entering("new", [], {}) == 0.0


def test_a_batch_of_who_is_owed_is_put_beside_others():
    running, cell = ticket("you", worker="w"), ticket(background=True)
    (found,) = starts([running, cell], ONE, {"you": 1.0})
    assert not found.background
    assert not starts([running, cell], ONE, {"me": 1.0})
    assert not starts([ticket(background=True, worker="w"), ticket(asked=1.0, background=True)], ONE, {})


def test_only_what_computes_is_charged():
    short, long, batch = ticket(worker="w"), ticket(charged=11.0, worker="w"), ticket(background=True, worker="w")
    assert [*charges([short, long, batch, ticket()], 3.0)] == [(short, 3.0)]
    assert [*charges([long, batch], 3.0)] == [(long, 1.5), (batch, 1.5)]


def test_absence_is_not_saved_up():
    old = [ticket("old", 0.001 * i) for i in range(200)]
    new = [ticket("new", 400.0 + 0.001 * i) for i in range(100)]
    computed, _ = simulated([*old, *new], 600.0)
    assert computed["new"] == pytest.approx(100.0, rel=0.1)


def test_a_short_job_starts_at_once_behind_a_batch():
    batch = [ticket("sweep", 0.001 * i, 40.0, background=True) for i in range(30)]
    _, ended = simulated([*batch, ticket("me", 50.0)], 100.0)
    assert ended["me 50 4 0"] <= 50 + 2 * 4 + 0.5  # it shares its worker at worst


def test_one_of_ones_own_overtakes_ones_batch_but_not_another_of_ones_own():
    running = ticket(background=True, worker="w")
    (found,) = starts([running, ticket(asked=1.0)], ONE, {})
    assert found.worker == "w"
    assert not starts([replace(running, background=False), ticket(asked=1.0)], ONE, {})
    assert not starts([running, ticket(asked=1.0, background=True)], ONE, {})


def test_a_short_one_overtakes_ones_own_long_run_and_no_long_one_does():
    running = ticket(seconds=7200.0, worker="w")
    (found,) = starts([running, ticket(asked=1.0)], ONE, {})
    assert found.worker == "w"
    assert not starts([running, ticket(asked=1.0, seconds=600.0)], ONE, {})
    assert not starts([replace(running, charged=7190.0), ticket(asked=1.0)], ONE, {})  # soon over
    places = [Place("w", 4), Place("v", 4)]
    (found,) = starts([running, replace(running, id="other", worker="v"), ticket(asked=1.0)], places, {})


def test_a_short_one_overtakes_ones_own_job_that_takes_longer_than_was_expected():
    """As a network of one's own does, of which nobody knows before it runs."""
    outran = ticket(seconds=30.0, worker="w", charged=600.0)
    short, long = ticket(asked=600.0), ticket(asked=600.0, seconds=60.0)
    assert [one.id for one in starts([outran, short], ONE, {})] == [short.id]
    assert not starts([outran, long], ONE, {})
    assert not starts([replace(outran, seconds=8.0, charged=9.0), short], ONE, {})  # soon over
    assert outlooks([outran, short, long], ONE, {})[long.id].seconds == 604.0


def test_the_last_place_of_a_worker_is_for_a_short_one():
    """Else the run of a few seconds would wait for the first of four long ones to end."""
    long = [ticket(user, seconds=7200.0) for user in "abcd"]
    held = starts(long, ONE, {})
    assert [one.user for one in held] == ["a", "b", "c"]
    waiting, short = long[3], ticket("e", asked=10.0)
    assert [one.user for one in starts([*held, waiting, short], ONE, {})] == ["e"]
    _, ended = simulated([*long, short], 60.0)
    assert ended[short.id] < 10 + 4 * 10 + 4 + 1  # the young ones before it have their first turns


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"alone": True}, ONE[0]),
        ({"memory": 7e9}, ONE[0]),
        ({}, replace(ONE[0], draining=True)),
        ({}, replace(ONE[0], threads=1)),
        ({"most": 0}, ONE[0]),
    ],
)
def test_what_keeps_a_job_waiting(changes, place):
    running = ticket("you", background=True, worker="w", memory=1e9)
    assert starts([running, ticket()], [ONE[0]], {})
    assert not starts([running, ticket(**changes)], [place], {})


def test_who_owes_much_more_does_not_overtake():
    running = ticket("you", seconds=100.0, worker="w")
    assert starts([running, ticket()], ONE, {"me": SLACK, "you": 0.0})
    assert not starts([running, ticket()], ONE, {"me": SLACK + 1, "you": 0.0})


def test_every_free_worker_gets_one():
    places = [Place("a"), Place("b"), Place("c", draining=True)]
    found = starts([ticket(asked=float(i), background=True) for i in range(5)], places, {})
    assert [one.worker for one in found] == ["a", "b"]
    assert [one.asked for one in found] == [0.0, 1.0]


def test_outlook_says_the_order_and_when():
    tickets = [
        ticket("a", 0.0, 10.0, worker="w", charged=4.0),
        ticket("b", 1.0, 5.0),
        ticket("a", 2.0, 7.0),
        ticket("b", 3.0, 2.0),
    ]
    found = outlooks(tickets, ONE, {"a": 4.0})
    assert {name: (one.position, one.seconds) for name, one in found.items()} == {
        "b 1 5 0": (2, 8.0),
        "b 3 2 0": (1, 6.0),
        "a 2 7 0": (3, 13.0),
    }
    assert outlooks(tickets, [], {}) == {}


def test_what_a_lost_worker_held_is_waited_for():
    """It would else find another in its place where Dask starts it again."""
    lost, waiting = ticket(worker="gone"), ticket("you")
    assert not starts([lost, waiting], ONE, {})
    assert starts([lost, waiting], [Place("a"), Place("b")], {})
    assert starts([waiting], ONE, {})
