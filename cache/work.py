"""What goes on: workers and what they hold, the queue in its order, and what each user was given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cache.computing import Computing
from cache.queue import Queue
from cache.task import Device
from cache.turns import Outlook, Ticket, outlooks


@dataclass(frozen=True)
class Worker:
    """A compute process.

    Attributes:
        device: None until it has said so.
        draining: it gets no new job.
        holds: the jobs on it, of which one computes at a time.
    """

    name: str
    device: Device | None
    draining: bool
    holds: tuple[Ticket, ...]


@dataclass(frozen=True)
class Work:
    """A moment of the cached engine.

    Attributes:
        waiting: in the order of their turns, with what each may expect; None where that is not known.
        debts: seconds computed for each user, by their weight.
    """

    workers: Sequence[Worker]
    running: Sequence[Ticket]
    waiting: Sequence[tuple[Ticket, Outlook | None]]
    debts: Mapping[str, float]


def work(queue: Queue, computing: Computing) -> Work:
    """As it stands. Starts the compute processes where there are none."""
    places, tickets, debts, draining = computing.places() or [], queue.listed(), queue.debts(), queue.draining()
    running = [ticket for ticket in tickets if ticket.worker]
    workers = [
        Worker(
            place.worker,
            computing.device_of(place.worker),
            place.worker in draining,
            tuple(ticket for ticket in running if ticket.worker == place.worker),
        )
        for place in places
    ]
    found = outlooks(tickets, places, debts)
    waiting = [(ticket, found.get(ticket.id)) for ticket in tickets if not ticket.worker]
    waiting.sort(key=lambda pair: (pair[1].position if pair[1] else len(waiting), pair[0].asked))
    return Work(workers, running, waiting, debts)
