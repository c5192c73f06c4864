"""The batches of all viewers: driven on here, whether a page looks or not, as long as somebody wants them."""

import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cache import job as jobs_of_viewers
from cache.batch import Batch
from cache.failure import DISK_FAULTS, log, words
from cache.run_folders import RunFolders
from engine import jobs
from engine.schema import Config

if TYPE_CHECKING:
    from cache.service import CachedEngine

MOST_KEPT = 64
"""Batches that have ended and are remembered, over all viewers."""

MOST_OF_ONE = 16
"""The same, of one viewer."""

MOST_UNDER_WAY = 32
"""Batches of one viewer that have not ended."""

TOO_MANY = f"You have {MOST_UNDER_WAY} computations under way: let one end, or cancel one (Home lists them)."

STEP_EVERY = 0.25
"""Seconds between two steps of every batch."""

RETRY_EVERY = 5.0
"""Seconds between two tries to bring files up to date that the disk did not take, or give up."""


@dataclass(frozen=True)
class Order:
    """Jobs that a viewer asks for together.

    Attributes:
        who: the viewer.
        button: by which it was asked for.
        name: of the jobs, the same for the same in the same order.
        kind, groups: of the jobs, as `Batch` takes them.
        unit: what a group is called, in the singular.
        link: of the page that shows it.
        alone: takes the place of what the viewer has asked for by this button before.
    """

    who: str
    button: str
    name: str
    kind: str
    groups: Sequence[Sequence[Config]]
    unit: str = "computation"
    link: str = ""
    alone: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """Who, by which button, what."""
        return self.who, self.button, self.name


@dataclass
class OpenBatch:
    """A batch here. `stays`: it goes on when no page looks; `looked`: when one did last."""

    order: Order
    batch: Batch
    stays: bool = False
    looked: float = field(default_factory=time.monotonic)


class Batches:
    """Batches by who ordered them, so that a page that is opened again finds them. Thread-safe.

    One that is to stay is kept in a file until its end: a server that starts goes on with it.
    """

    def __init__(self, engine: "CachedEngine", directory: Path):
        self._engine, self._directory, self._files = engine, directory / "batches", RunFolders(directory)
        self._kept: OrderedDict[tuple[str, str, str], OpenBatch] = OrderedDict()
        self._lock = threading.RLock()
        self._behind: set[tuple[str, str, str]] = set()
        self._tried = time.monotonic()

    def start(self, order: Order, joined: bool = False) -> None:
        """Starts what is missing, what failed or was cancelled included; `joined` gives nothing up for it."""
        # One job that fails says so at once; of many, those that may fare better on another worker are tried twice.
        single = len({config.hash for group in order.groups for config in group}) == 1
        batch = Batch(self._engine, order.kind, order.groups, order.who, f"{order.unit}s", tries=1 if single else 2)
        with self._lock:
            former = [key for key in self._kept if key[:2] == (order.who, order.button)]
            for key in former if order.alone and not joined else ():
                self._end(key)
            others = sum(not found.batch.done for found in self.listed(order.who) if found.order.key != order.key)
            if joined or others < MOST_UNDER_WAY:
                batch.step()
            else:
                batch.give_up(TOO_MANY)
            self._kept.pop(order.key, None)
            self._kept[order.key] = OpenBatch(order, batch)
            self._forget_oldest(order)

    def _forget_oldest(self, new: Order) -> None:
        """Of those that have ended: results are on disk, where a page finds them. What goes on is never forgotten."""
        for most, people in ((MOST_OF_ONE, {new.who}), (MOST_KEPT, {key[0] for key in self._kept})):
            ended = [key for key, found in self._kept.items() if found.batch.done and key[0] in people]
            for key in ended[: max(0, len(ended) - most)]:
                if key != new.key:
                    self.forget(key)

    def of(self, key: tuple[str, str, str]) -> OpenBatch | None:
        """The batch of this order. A page looks: it goes on."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                found.looked = time.monotonic()
            return found

    def listed(self, who: str | None = None) -> list[OpenBatch]:
        """Those of a viewer, or of all, the newest first."""
        with self._lock:
            return [found for key, found in reversed(self._kept.items()) if who in (None, key[0])]

    def stay(self, key: tuple[str, str, str], stays: bool) -> None:
        """Whether it goes on when nobody looks."""
        with self._lock:
            if (found := self._kept.get(key)) is not None and found.stays != stays:
                found.stays = stays
                self._keep(key)
                self._engine.audit(key[0], "go on alone" if stays else "stop with page", kind=found.order.kind)

    def cancel(self, key: tuple[str, str, str]) -> None:
        """Gives up what has not ended."""
        with self._lock:
            if key in self._kept:
                self._kept[key].batch.cancel()
                self._keep(key)

    def call_off(self, who: str, before: float) -> None:
        """Ends all of a viewer that began before this time, by the machine's monotonic clock. Leaves no line."""
        for found in self.listed(who):
            if found.batch.began <= before:
                with self._lock:
                    found.batch.cancel(noted=False)
                    self._keep(found.order.key)

    def forget(self, key: tuple[str, str, str]) -> None:
        """One that has ended: it holds its results in memory."""
        with self._lock:
            self._kept.pop(key, None)
            self._keep(key)

    def step(self) -> None:
        """Drives all of them on, and gives up those that nobody wants."""
        now = time.monotonic()
        with self._lock:
            under_way = [(key, found) for key, found in self._kept.items() if not found.batch.done]
        for key, found in under_way:
            if found.stays or now - found.looked < jobs_of_viewers.VIEWER_SECONDS:
                found.batch.step()
            else:
                self.cancel(key)
            if found.batch.done:
                self._keep(key)
        if now - self._tried > RETRY_EVERY:
            self._tried = now
            for key in [*self._behind]:
                self._keep(key)

    def drive(self, closing: Callable[[], bool]) -> None:
        """Drives all of them on until the server closes, those that an earlier one left included."""
        try:
            self.go_on()
        except Exception:
            log.exception("what was to go on after a restart could not be looked through")
        while not closing():
            try:
                self.step()
            except Exception:
                log.exception("the batches stumbled")
            time.sleep(STEP_EVERY)

    def go_on(self) -> None:
        """Starts those again that were to stay when a server ended."""
        for path in sorted(self._directory.glob("*.json")):
            try:
                order = _from_values(json.loads(path.read_text()))
                self.start(order, joined=True)
                self.stay(order.key, True)
            except Exception as error:  # whatever one file holds, the others go on
                log.warning("the batch in %s is left as it is: %s", path.name, error)

    def _end(self, key: tuple[str, str, str]) -> None:
        self.cancel(key)
        del self._kept[key]

    def _file(self, key: tuple[str, str, str]) -> Path:
        return self._directory / f"{hashlib.sha256(json.dumps(key).encode()).hexdigest()}.json"

    def _keep(self, key: tuple[str, str, str]) -> None:
        """The file is there while the batch is to stay and has not ended; a disk that forbids it is asked again."""
        with self._lock:
            found, path = self._kept.get(key), self._file(key)
            try:
                if found is not None and found.stays and not found.batch.done:
                    self._files.write_file(path, [json.dumps(_values(found.order)).encode()], durable=True)
                else:
                    path.unlink(missing_ok=True)
                self._behind.discard(key)
            except DISK_FAULTS as error:
                self._behind.add(key)
                log.warning("what batches go on after a restart cannot be noted: %s", words(error))


def _values(order: Order) -> dict[str, Any]:
    """As plain values, which `_from_values` reads."""
    groups = [[config.to_dict() for config in group] for group in order.groups]
    return {**vars(order), "groups": groups}


def _from_values(values: dict[str, Any]) -> Order:
    """Raises `KeyError`, `TypeError` or `ValueError`."""
    groups = tuple(tuple(jobs.parse(values["kind"], config) for config in group) for group in values["groups"])
    order = Order(**{**values, "groups": groups})
    if not all(groups) or not groups:
        raise ValueError("it asks for nothing")
    if not all(isinstance(text, str) for text in (*order.key, order.unit, order.link)):
        raise TypeError("who, button, name, unit and link are texts")
    return order
