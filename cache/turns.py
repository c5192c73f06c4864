"""Whose turn it is: fair shares of the computing, whoever asks for more. Pure; knows no disk and no cluster.

Each user has a debt: the seconds computed for them, by their weight (start-time fair queueing). Who owes least is
next, and who comes anew owes as much as the least of those present, or as anybody where nobody is: no absence is saved
up. Of one user what was asked for alone comes before batches, and then what would end first had it begun when it
was asked for: nothing starves, for what is asked for later has a later end.

A worker holds several jobs, of which one runs at a time (`cache.worker.Turns`). A job is put beside others only where
it may overtake them, and those that wait before it. The last place of a worker that holds several is for short jobs.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

HELD = 4
"""Jobs that a worker of this machine may hold at once."""

SLACK = 5.0
"""Seconds by which a user may overtake one who owes less."""

QUANTUM = 10.0
"""Seconds that a job computes before others of the same worker have theirs; one that takes no longer is short."""

MUCH_LONGER = 4.0
"""Of one user, a short job overtakes one with this many times its seconds to go, if its turn is before that one's, or
that one takes longer than was expected: nobody knows then for how long."""

MEMORY_SHARE = 0.8
"""Of a worker's memory, for all that it holds at once."""


@dataclass(frozen=True)
class Ticket:
    """A job in the queue, waiting or computed.

    Attributes:
        id: of the ticket.
        key, kind, user: of the job, and who asks.
        asked: when, by the machine's monotonic clock.
        seconds: expected, of computing.
        memory: bytes expected at once.
        weight: of its user's share.
        most: jobs of its user that may be computed at once.
        background: part of a batch: others may overtake it, and it waits for a worker of its own unless its user is
            owed; put beside others it is no longer so.
        alone: beside no other, since a worker died under it once.
        worker: where it is computed; empty while it waits.
        charged: seconds that its user has been charged for it.
    """

    id: str
    key: str
    kind: str
    user: str
    asked: float
    seconds: float
    memory: float = 0.0
    weight: float = 1.0
    most: int = 1_000
    background: bool = False
    alone: bool = False
    worker: str = ""
    charged: float = 0.0

    @property
    def left(self) -> float:
        """Seconds of it that are still expected."""
        return max(0.0, self.seconds - self.charged)

    @property
    def to_go(self) -> float:
        """Seconds that whoever waits reckons with: of one that takes longer than was expected, as many as it took."""
        return self.left if self.charged <= self.seconds else self.charged

    @property
    def short(self) -> bool:
        """Whether it is soon over once it computes: one of its own within its first turn."""
        return not self.background and self.seconds <= QUANTUM


@dataclass(frozen=True)
class Place:
    """A worker as it can be given work.

    Attributes:
        threads: jobs that it may hold at once.
        memory: in bytes; 0 where unknown.
        draining: it gets no new job.
    """

    worker: str
    threads: int = 1
    memory: float = 0.0
    draining: bool = False


@dataclass(frozen=True)
class Outlook:
    """What a waiting job may expect: its place in the queue, from 1, and seconds until it starts at the latest,
    if the others take as long as expected."""

    position: int
    seconds: float


def starts(tickets: Sequence[Ticket], places: Sequence[Place], debts: Mapping[str, float]) -> list[Ticket]:
    """The waiting ones that start now, each with its worker."""
    held = defaultdict[str, list[Ticket]](list)
    for ticket in tickets:
        if ticket.worker:
            held[ticket.worker].append(ticket)
    running = Counter(ticket.user for ticket in tickets if ticket.worker)
    # What was on a worker that has gone is about to fail, or to turn up on another.
    astray = sum(len(there) for worker, there in held.items() if worker not in {place.worker for place in places})
    found: list[Ticket] = []
    passed: list[Ticket] = []
    queue = _Queue(tickets, debts)
    while (ticket := queue.first()) is not None:
        if running[ticket.user] >= ticket.most:
            queue.leave(ticket.user)
            continue
        place = _place(ticket, places, held, passed, debts, astray)
        if place is None:
            queue.leave(ticket.user)  # what else they wait for may still less
            passed.append(ticket)
            continue
        queue.take()
        running[ticket.user] += 1
        background = ticket.background and not held[place.worker]
        held[place.worker].append(replace(ticket, worker=place.worker, background=background))
        found.append(held[place.worker][-1])
    return found


def outlooks(tickets: Sequence[Ticket], places: Sequence[Place], debts: Mapping[str, float]) -> dict[str, Outlook]:
    """For each waiting ticket, by its id. Nothing where there is no worker."""
    held = Counter[str]()
    for ticket in tickets:
        held[ticket.worker] += ticket.to_go  # pyright: ignore[reportArgumentType]  (a sum of seconds)
    free = [float(held[place.worker]) for place in places if not place.draining]
    if not free:
        return {}
    heapq.heapify(free)
    found, queue = {}, _Queue(tickets, debts)
    while (ticket := queue.first()) is not None:
        queue.take()
        found[ticket.id] = Outlook(len(found) + 1, free[0])
        heapq.heapreplace(free, free[0] + ticket.seconds)
    return found


def entering(user: str, tickets: Sequence[Ticket], debts: Mapping[str, float]) -> float:
    """The debt with which a user asks for a job."""
    own, present = debts.get(user, 0.0), {ticket.user for ticket in tickets}
    if user in present:
        return own
    return max(own, min(debts.get(other, 0.0) for other in present) if present else max(debts.values(), default=0.0))


def charges(tickets: Sequence[Ticket], seconds: float) -> Iterator[tuple[Ticket, float]]:
    """What of so many seconds was computed for each ticket, as `cache.worker.Turns` shares a worker's time."""
    held = defaultdict[str, list[Ticket]](list)
    for ticket in tickets:
        held[ticket.worker].append(ticket)
    for worker, there in held.items():
        young = [ticket for ticket in there if ticket.charged < QUANTUM and not ticket.background]
        for ticket in (young or there) if worker else ():
            yield ticket, seconds / len(young or there)


class _Queue:
    """Those that wait, in the order of their turns: with each that is taken its user owes more."""

    def __init__(self, tickets: Sequence[Ticket], debts: Mapping[str, float]):
        owed = defaultdict[str, float](float, debts)
        self._waiting: dict[str, list[Ticket]] = {}
        for ticket in tickets:
            if ticket.worker:
                owed[ticket.user] += ticket.left / ticket.weight
            else:
                self._waiting.setdefault(ticket.user, []).append(ticket)
        for line in self._waiting.values():
            line.sort(key=_order, reverse=True)
        self._users = [(owed[user], _order(line[-1]), user) for user, line in self._waiting.items()]
        heapq.heapify(self._users)

    def first(self) -> Ticket | None:
        return self._waiting[self._users[0][2]][-1] if self._users else None

    def take(self) -> None:
        """The first has its turn."""
        owed, _, user = heapq.heappop(self._users)
        line = self._waiting[user]
        ticket = line.pop()
        if line:
            heapq.heappush(self._users, (owed + ticket.seconds / ticket.weight, _order(line[-1]), user))

    def leave(self, user: str) -> None:
        """The user of the first waits on."""
        heapq.heappop(self._users)


def _order(ticket: Ticket) -> tuple[bool, float]:
    return ticket.background, ticket.asked + ticket.seconds


def _place(
    ticket: Ticket,
    places: Sequence[Place],
    held: Mapping[str, list[Ticket]],
    passed: Sequence[Ticket],
    debts: Mapping[str, float],
    astray: int,
) -> Place | None:
    """A worker that is free, beside as many as those that went astray may need; else one on which the ticket may
    overtake what is there, and those that it passes, of which one may wait for the worker to be free."""
    free = [place for place in places if not place.draining and not held.get(place.worker)]
    if len(free) > astray:
        return free[0]
    if ticket.alone or not all(_overtakes(ticket, other, debts) for other in passed):
        return None
    shared = [place for place in places if held.get(place.worker) and _shares(ticket, place, held[place.worker], debts)]
    return min(shared, key=lambda place: len(held[place.worker]), default=None)


def _shares(ticket: Ticket, place: Place, there: Sequence[Ticket], debts: Mapping[str, float]) -> bool:
    """Whether the ticket may overtake all that the worker holds."""
    memory = ticket.memory + sum(other.memory for other in there)
    room = place.threads if ticket.short else place.threads - 1
    if place.draining or len(there) >= room or (place.memory and memory > MEMORY_SHARE * place.memory):
        return False
    return not any(other.alone or not _overtakes(ticket, other, debts) for other in there)


def _overtakes(ticket: Ticket, other: Ticket, debts: Mapping[str, float]) -> bool:
    if ticket.user == other.user:
        before = _order(ticket) < _order(other) or other.charged > other.seconds
        much_longer = other.to_go >= MUCH_LONGER * ticket.seconds and before
        return not ticket.background and (other.background or (ticket.short and much_longer))
    slack = 0.0 if ticket.background else SLACK
    return debts.get(ticket.user, 0.0) <= debts.get(other.user, 0.0) + slack
