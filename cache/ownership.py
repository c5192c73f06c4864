"""What people may do with results: who asked for one owns it with whoever else did, and an administrator may all."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from cache.claims import EVERYBODY, UNREADABLE, Claim, claimant, own_claim
from cache.failure import Failure, NotAllowed
from cache.job import Job
from cache.logs import named
from cache.policy import OWN, Role, too_much_kept

if TYPE_CHECKING:
    from cache.service import CachedEngine

RECORDING = "recording"
"""The kind of what a loop left here, which nobody asked for."""

LONGEST_NAME = 80
LONGEST_TAG, MOST_TAGS = 40, 20
LONGEST_NOTE = 2000
"""Letters, and how many."""


def refused_to(claims: Sequence[Claim], person: str, role: Role | None) -> str:
    """Why the person may not change what was asked for by these; "" where they may."""
    mine = any(claim.person == person for claim in claims)
    if role == "admin" or (role == "member" and mine):
        return ""
    if role == "reader" and mine:
        return "You may look at results here, and change none: ask the administrator."
    return "Only who asked for it, or an administrator, may do that."


def stays(kind: str, claims: Sequence[Claim], person: str, role: Role | None) -> bool:
    """Whether a result outlives the claim of the person: a recording, which nothing computes again, that was not
    brought in as theirs. Who claims one has not shown that the loop was theirs; an administrator may delete it."""
    theirs = role == "admin" or any(claim.person == person and claim.brought for claim in claims)
    return kind == RECORDING and not theirs


def title(claims: Sequence[Claim], person: str) -> str:
    """What the person calls it, else what the first does who gave it a name."""
    named = sorted((claim for claim in claims if claim.name), key=lambda claim: claim.person != person)
    return named[0].name if named else ""


def tags(claims: Sequence[Claim]) -> list[str]:
    """Of everybody who gave one."""
    return sorted({tag for claim in claims for tag in claim.tags})


def note(claims: Sequence[Claim], person: str) -> str:
    """What the person wrote down, else what the first did who wrote something."""
    noted = sorted((claim for claim in claims if claim.note), key=lambda claim: claim.person != person)
    return noted[0].note if noted else ""


def as_tag(text: str) -> str:
    """As it is kept: one word, without the # that some write before it."""
    return "-".join(_printable(text).strip("#").split())


class Ownership:
    """Each act raises `NotAllowed`, or `CacheFault` where the disk does not take it, and is noted in the audit log.

    `viewer` is a person's address, or the cookie of a browser where nobody signs in: there everybody owns everything.
    """

    def __init__(self, engine: "CachedEngine"):
        self._engine, self._store = engine, engine.store

    def asked(self, key: str, kind: str, viewer: str, begun: bool = False) -> None:
        """Notes that the viewer asks for a result, and in the log if that is new, or if its computing has `begun`.

        Who has a recording read does not own it: their claim could be the only one.
        """
        if self._engine.policy_now().role(viewer) not in ("member", "admin") and viewer not in OWN:
            return  # a reader looks on, and could never give it up
        new = kind != RECORDING and self._store.claims.add(key, claimant(viewer))
        if new:
            self._store.index.list_again(key)
        if new or begun:
            self._engine.audit(viewer, "request", key=key, kind=kind)

    def refused(self, key: str, kind: str, viewer: str, why: Failure) -> None:
        """Notes it in the log, unless it is only for now: who waits asks again and again."""
        if why.reason == "limits":
            self._engine.audit(viewer, "refused", what="request", key=key, kind=kind)

    def too_much_kept(self, viewer: str) -> Failure | None:
        """Why the viewer, for all that they have, may not ask for more."""
        if (person := claimant(viewer)) == EVERYBODY:
            return None
        return too_much_kept(self._engine.policy_now().limits(viewer), self._store.index.bytes_of(person))

    def delete(self, key: str, viewer: str, everyone: bool = False) -> bool:
        """Gives up one's own claim, and the result with the last unless it `stays`; an administrator may do so for
        `everyone`.

        The viewer's job for it is cancelled. Gives whether the result is gone.
        """
        with self._changing(key, viewer, "delete") as (claims, person):
            mine = [claim for claim in claims if claim.person == person]
            others = [claim for claim in claims if claim.person != person]
            if others and everyone and not self._is_administrator(viewer):
                raise NotAllowed("Others asked for it too: only an administrator may delete it for them.")
            if others and not everyone and not mine:
                raise NotAllowed("You did not ask for it: an administrator may delete it for everyone.")
            self._engine.call_off(key, None if everyone else viewer)
            if (everyone or not others) and not self._stays(key, claims, viewer):
                asked = {claim.person for claim in claims}
                for part in self._store.index.parts_only_of(key):
                    of_these = {claim.person for claim in self._store.claims.of(part)} <= asked
                    with suppress(NotAllowed):  # what somebody asked for without the map stays theirs
                        self.delete(part, viewer, everyone and of_these)
                self._engine.forget(key)
                self._store.remove(key)
                return True
            if any(claim.pinned for claim in mine):
                self._unpin(key, viewer, mine, others)
            self._store.claims.give_up(key, person)
            return False

    def claim(self, key: str, viewer: str) -> None:
        """Makes the viewer an owner of a recording, beside whoever else is, and keeps it for them.

        Whose loop it was is not known here: they may name and tag it, and it `stays` when they give it up.
        """
        with self._recording(key, viewer, "claim"):
            own = own_claim(self._store.claims.of(key), claimant(viewer))
            self._store.pin(key)
            self._store.claims.put(key, replace(own, pinned=True))

    def take_in(self, key: str, viewer: str) -> None:
        """Keeps a recording, whoever looked first, as nobody's: so is one that its loop has closed."""
        with self._recording(key, viewer, "take in"):
            self._store.pin(key)

    @contextmanager
    def _recording(self, key: str, viewer: str, action: str) -> Iterator[None]:
        """What anybody may do with any recording who may compute here."""
        record = self._store.index.get(key)
        facts = {"key": key, "kind": record.kind if record else ""}
        if facts["kind"] != RECORDING or self._engine.policy_now().role(viewer) not in ("member", "admin"):
            self._engine.audit(viewer, "refused", what=action, **facts)
            raise NotAllowed("Only a recording is claimed, by who may compute here.")
        with self._store.writing():
            yield
        self._store.index.list_again(key)
        self._engine.audit(viewer, action, **facts)

    def pin(self, key: str, viewer: str) -> None:
        """Keeps the run's entries whatever the size limit, as long as anybody does."""
        with self._changing(key, viewer, "pin") as (claims, person):
            self._store.pin(key)
            self._store.claims.put(key, replace(own_claim(claims, person), pinned=True))
            for part in self._parts(key):
                with suppress(NotAllowed):
                    self.pin(part, viewer)

    def unpin(self, key: str, viewer: str) -> None:
        """Takes back one's own pin; an administrator without one, everybody's."""
        with self._changing(key, viewer, "unpin") as (claims, person):
            pins = [claim for claim in claims if claim.pinned]
            mine = [claim for claim in pins if claim.person == person]
            if not mine and self._is_administrator(viewer):
                mine = pins
            self._unpin(key, viewer, mine, [claim for claim in pins if claim not in mine])
        for part in self._store.index.parts_only_of(key, pinned=True):
            with suppress(NotAllowed):
                self.unpin(part, viewer)

    def rename(self, key: str, viewer: str, name: str) -> None:
        """A title of one's own, which others see who gave none; an administrator's, where they did not ask for the
        result, is everybody's. An empty one takes it away."""
        name = " ".join(_printable(name).split())
        if len(name) > LONGEST_NAME:
            raise NotAllowed(f"A name has at most {LONGEST_NAME} letters, not {len(name)}.")
        with self._changing(key, viewer, "rename") as (claims, person):
            for claim in _said(claims, person):
                self._store.claims.put(key, replace(claim, name=name))

    def tag(self, key: str, viewer: str, add: Sequence[str], drop: Sequence[str] = ()) -> None:
        """Words to find it by: `add` to one's own, `drop` from them; an administrator's, where they did not ask for
        the result, are everybody's."""
        new = [tag for tag in map(as_tag, add) if tag]
        if long := [tag for tag in new if len(tag) > LONGEST_TAG]:
            raise NotAllowed(f"A tag has at most {LONGEST_TAG} letters, not {len(long[0])}.")
        with self._changing(key, viewer, "tag") as (claims, person):
            for claim in _said(claims, person):
                kept = tuple(tag for tag in dict.fromkeys([*claim.tags, *new]) if tag not in drop)
                if len(kept) > MOST_TAGS:
                    raise NotAllowed(f"A result has at most {MOST_TAGS} tags, not {len(kept)}.")
                self._store.claims.put(key, replace(claim, tags=kept))

    def note(self, key: str, viewer: str, text: str) -> None:
        """A note of one's own, which others see who wrote none, as with `rename`. An empty one takes it away."""
        text = "\n".join(_printable(line).rstrip() for line in text.strip().splitlines())
        if len(text) > LONGEST_NOTE:
            raise NotAllowed(f"A note has at most {LONGEST_NOTE:,} letters, not {len(text):,}.")
        with self._changing(key, viewer, "note") as (claims, person):
            for claim in _said(claims, person):
                self._store.claims.put(key, replace(claim, note=text))

    def cancel(self, key: str, viewer: str) -> Job | None:
        """Stops the job for everybody, if the viewer alone asked for it or is an administrator; else for them."""
        with self._changing(key, viewer, "cancel") as (claims, person):
            alone = self._is_administrator(viewer) or all(claim.person == person for claim in claims)
            return self._engine.call_off(key, None if alone else viewer)

    def cancel_all(self, who: str, viewer: str) -> None:
        """Ends all that a viewer has under way, on every server: their own, or an administrator anybody's."""
        self._administer(viewer, "cancel all", who == viewer, of=named(who))
        self._engine.call_off_all(who)

    def drain(self, worker: str, viewer: str, draining: bool) -> None:
        """Gives a worker no new job, or again: an administrator may."""
        self._administer(viewer, "drain" if draining else "fill again", worker=worker)
        self._engine.queue.drain(worker, draining)

    def _administer(self, viewer: str, action: str, own: bool = False, **facts: str) -> None:
        """Notes it, and raises `NotAllowed` where it is for an administrator, or an act on one's own."""
        if not (self._is_administrator(viewer) or (own and self._engine.policy_now().role(viewer) == "member")):
            self._engine.audit(viewer, "refused", what=action, **facts)
            raise NotAllowed("Only an administrator may do that.")
        self._engine.audit(viewer, action, **facts)

    def _parts(self, key: str) -> tuple[str, ...]:
        """Of what it is made: to keep a map is to keep the cells that one has asked for."""
        record = self._store.index.get(key)
        return record.parts if record else ()

    @contextmanager
    def _changing(self, key: str, viewer: str, action: str) -> Iterator[tuple[tuple[Claim, ...], str]]:
        """All claims on the result and the person who wants to change it, if they may."""
        person = claimant(viewer)
        record = self._store.index.get(key)
        facts = {"key": key, "kind": record.kind if record else ""}
        try:
            with self._store.writing():
                claims = self._store.claims.of(key)
                if reason := refused_to(claims, person, self._engine.policy_now().role(viewer)):
                    raise NotAllowed(reason)
                yield claims, person
        except NotAllowed:
            self._engine.audit(viewer, "refused", what=action, **facts)
            raise
        self._store.index.list_again(key)
        self._engine.audit(viewer, action, **facts)

    def _unpin(self, key: str, viewer: str, claims: Sequence[Claim], others: Sequence[Claim]) -> None:
        """Takes these pins back, and the result's when nobody else keeps it, unless it `stays`."""
        for claim in claims:
            self._store.claims.put(key, replace(claim, pinned=False))
        if not any(claim.pinned for claim in others) and not self._stays(key, claims, viewer):
            self._store.unpin(key)

    def _stays(self, key: str, claims: Sequence[Claim], viewer: str) -> bool:
        record = self._store.index.get(key)
        return stays(record.kind if record else "", claims, claimant(viewer), self._engine.policy_now().role(viewer))

    def _is_administrator(self, viewer: str) -> bool:
        return self._engine.policy_now().role(viewer) == "admin"


def _said(claims: Sequence[Claim], person: str) -> Sequence[Claim]:
    """Whose words change when the person gives some: their own; where they did not ask, everybody's."""
    mine = [claim for claim in claims if claim.person == person]
    return mine or [claim for claim in claims if claim.person != UNREADABLE] or [own_claim(claims, person)]


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
