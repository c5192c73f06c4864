"""Who asked for which result: ownership is by asking. Each claim is a file in the folder of its run."""

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import FiniteFloat, TypeAdapter

from cache.failure import DISK_FAULTS, log, tolerant
from cache.policy import OWN
from cache.run_folders import RunFolders

EVERYBODY = ""
"""Whose the claims are where nobody signs in."""

UNREADABLE = "?"
"""Whose a claim is of which the file says nothing: somebody's, so that nobody else deletes the result."""


@dataclass(frozen=True)
class Claim:
    """That somebody asked for a result.

    Attributes:
        person: by e-mail address, or `EVERYBODY`, or `UNREADABLE`.
        time: when they asked first (Unix time).
        name: what they call it.
        pinned: whether they keep it, however full the cache is.
        tags: words that they find it by.
        note: what they wrote down about it.
        brought: whether it is a recording that was brought in as theirs, which they may delete.
    """

    person: str
    time: FiniteFloat = 0.0
    name: str = ""
    pinned: bool = False
    tags: tuple[str, ...] = ()
    note: str = ""
    brought: bool = False


_CLAIM = TypeAdapter(Claim)
_CLAIMS = TypeAdapter(list[Claim])


def claimant(viewer: str) -> str:
    """Whose claim it is when this viewer asks: a person's. A browser is nobody, and its cookie is never written."""
    return viewer if "@" in viewer and viewer not in OWN else EVERYBODY


class Claims:
    """Thread-safe. What the disk does not take is kept in memory for `flush`."""

    def __init__(self, folders: RunFolders, failed: Callable[[BaseException], None]):
        """`failed` hears of every claim that the disk did not take."""
        self._folders, self._failed = folders, failed
        self._unwritten: dict[tuple[str, str], Claim] = {}
        self._lock = threading.Lock()

    def add(self, key: str, person: str) -> bool:
        """Notes that the person asks for it; False where that was known."""
        claim = Claim(person, time.time())
        try:
            if (key, person) in self._unwritten or self._folders.has_claim(key, _file(person)):
                return False
            self.put(key, claim)
        except DISK_FAULTS as error:
            with self._lock:
                self._unwritten[key, person] = claim
            self._failed(error)
        return True

    def of(self, key: str) -> tuple[Claim, ...]:
        """All claims on the result, the oldest first. Raises `OSError`: what cannot be read must not be deleted."""
        read = [_read(text) for text in self._folders.claims(key)]
        with self._lock:
            waiting = [claim for (of, _), claim in self._unwritten.items() if of == key]
        return tuple(sorted(read + waiting, key=lambda claim: claim.time))

    def listed(self, key: str) -> tuple[Claim, ...]:
        """The same, to be shown: what cannot be read is left out."""
        with tolerant(f"read who asked for {key}"):
            return self.of(key)
        return ()

    def put(self, key: str, claim: Claim) -> None:
        """Writes a claim in place of the person's former one. Raises `OSError`."""
        self._folders.write_claim(key, _file(claim.person), _CLAIM.dump_json(claim))
        with self._lock:
            self._unwritten.pop((key, claim.person), None)

    def give_up(self, key: str, person: str) -> None:
        """Raises `OSError`."""
        self._folders.remove_claim(key, _file(person))
        with self._lock:
            self._unwritten.pop((key, person), None)

    def forget(self, key: str) -> None:
        """The run is gone, and its files."""
        with self._lock:
            for waiting in [waiting for waiting in self._unwritten if waiting[0] == key]:
                del self._unwritten[waiting]

    def flush(self) -> list[str]:
        """Writes what could not be written, and gives the keys of the runs. Raises `OSError`."""
        with self._lock:
            waiting = [*self._unwritten.items()]
        for (key, _), claim in waiting:
            self.put(key, claim)
        return [key for (key, _), _ in waiting]


def own_claim(claims: Sequence[Claim], person: str) -> Claim:
    """The person's claim; who keeps or names a result asks for it."""
    return next((claim for claim in claims if claim.person == person), Claim(person, time.time()))


def sole(claims: Sequence[Claim]) -> str:
    """The only person who claims the result; "" where several do, or nobody."""
    people = {claim.person for claim in claims}
    return people.pop() if len(people) == 1 else EVERYBODY


def to_json(claims: Sequence[Claim]) -> str:
    return _CLAIMS.dump_json([*claims]).decode()


def from_json(text: str) -> tuple[Claim, ...]:
    """Raises `ValueError` for what `to_json` did not write."""
    return tuple(_CLAIMS.validate_json(text, strict=True))


def _file(person: str) -> str:
    """A name that any address has."""
    return hashlib.sha256(person.encode()).hexdigest()[:32]


def _read(text: bytes) -> Claim:
    try:
        return _CLAIM.validate_json(text, strict=True)
    except ValueError:
        log.warning("a claim that makes no sense counts as somebody's")
        return Claim(UNREADABLE)
