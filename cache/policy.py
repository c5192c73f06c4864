"""Who may do what, and how much: roles and their limits, from one TOML file that the operator writes.

    [people]
    "ann@lab.example" = "admin"

    [domains]
    "lab.example" = "member"

    [roles.member]
    running = 2
    cache_bytes = 2e9

Without a file the server is for one person on their own machine, who may do everything.
"""

import os
import re
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from cache.failure import SMALLER, CacheFault, Failure, log
from engine.networks.module.listed import refused_in
from engine.schema import Config, ConfigError

VARIABLE = "KERNEL_DRIFT_POLICY"
Role = Literal["reader", "member", "admin"]
NOBODY = "nobody"
"""On a server where people sign in, whose login has expired since the page was drawn: on no list."""

OWN = ("calibration", "command line")
"""Who asks for the program itself. No person is called so: people have an @."""


class Limits(Config):
    """What a person may take.

    Attributes:
        running: jobs computed at once.
        waiting: jobs in the queue.
        job_seconds: expected of the largest job; computed, of one of which nobody knows before it runs.
        cache_bytes: of results that they alone asked for.
        upload_bytes: of one file.
        files_bytes: of all files that are here and that they brought first.
        weight: of their share of the computing.
    """

    running: int = Field(4, ge=0)
    waiting: int = Field(64, ge=0)
    job_seconds: float = Field(48 * 3600.0, ge=0)
    cache_bytes: float = Field(5e9, ge=0)
    upload_bytes: float = Field(20e6, ge=0)
    files_bytes: float = Field(1e9, ge=0)
    weight: float = Field(1.0, gt=0)


READER = Limits(running=0, waiting=0, job_seconds=0.0, cache_bytes=0.0, upload_bytes=0.0, files_bytes=0.0)
ADMIN = Limits(running=1000, waiting=1000, cache_bytes=1e15, files_bytes=1e15)


class Roles(Config):
    reader: Limits = READER
    member: Limits = Limits()
    admin: Limits = ADMIN


class Policy(Config):
    """Who has which role: a person by address, else everyone of a domain.

    Attributes:
        people, domains: as `called`: e-mail address or its part after the @ -> role.
    """

    people: dict[str, Role] = Field(default_factory=dict)
    domains: dict[str, Role] = Field(default_factory=dict)
    roles: Roles = Roles()

    @field_validator("people")
    @classmethod
    def _of_people(cls, names: dict[str, Role]) -> dict[str, Role]:
        for name in names:
            before, _, after = name.strip().rpartition("@")
            if not (before and after):
                raise ValueError(f"{name!r} names nobody: write ann@lab.example, or SUB@ISSUER")
        return _called(names)

    @field_validator("domains")
    @classmethod
    def _of_domains(cls, names: dict[str, Role]) -> dict[str, Role]:
        for name in names:
            if not re.fullmatch(r"[\w-]+(\.[\w-]+)*", name.strip()):
                raise ValueError(f"{name!r} is no domain: write what stands behind the @, such as lab.example")
        return _called(names)

    def role(self, person: str) -> Role | None:
        """None for somebody who is not on the list."""
        person = called(person)
        return self.people.get(person) or self.domains.get(person.rpartition("@")[2] if "@" in person else "")

    def limits(self, person: str) -> Limits:
        """Of somebody who is not on the list: those of a reader."""
        if person in OWN:
            return ADMIN
        return getattr(self.roles, self.role(person) or "reader")


def called(name: str) -> str:
    """An address in small letters, those of ASCII only: else another letter would become one of them (the sign of the
    kelvin a k). `SUB@ISSUER` as it is: providers tell `Q7x` from `q7x`."""
    name = name.strip()
    return name if "://" in name else re.sub("[A-Z]+", lambda large: large[0].lower(), name)


def _called(names: dict[str, Role]) -> dict[str, Role]:
    """The same by what they are called. Raises `ValueError` where two are one."""
    found = dict[str, Role]()
    for name, role in names.items():
        if called(name) in found:
            raise ValueError(f"{called(name)!r} stands there twice: keep one")
        found[called(name)] = role
    return found


class Everything(Policy):
    """For a server without sign-in: whoever is there may do everything."""

    def role(self, person: str) -> Role | None:
        return "admin"


def policy() -> Policy:
    """From the file that `KERNEL_DRIFT_POLICY` names. Raises `CacheFault` in one line where it cannot be one."""
    named = os.environ.get(VARIABLE)
    if not named:
        return Everything()
    try:
        return Policy.from_dict(tomllib.loads(Path(named).read_text()))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CacheFault(f"{VARIABLE} is {named!r}, which cannot be read: {error}") from error
    except ConfigError as error:
        raise CacheFault(f"{named}: {'; '.join(str(problem) for problem in error.problems)}") from error


class PolicyFile:
    """The file behind a policy, which is read again when it changes: who is taken off the list is out at once."""

    def __init__(self):
        self._seen = self._stamp()

    def again(self, known: Policy) -> Policy:
        """What the file says now; `known` where it has not changed, or can no longer be read."""
        stamp = self._stamp()
        if stamp == self._seen:
            return known
        self._seen = stamp
        try:
            return policy()
        except CacheFault as error:
            log.error("%s; what it said before holds", error)
            return known

    def _stamp(self) -> tuple[int, ...]:
        if not (named := os.environ.get(VARIABLE)):
            return ()
        try:
            found = os.stat(named)
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_size, found.st_ino


def too_much_kept(limits: Limits, taken: float) -> Failure | None:
    """Why somebody may not ask for more while the results that they alone asked for take so many bytes."""
    if taken <= limits.cache_bytes:
        return None
    size, unit = (1e9, "GB") if limits.cache_bytes >= 1e8 else (1e6, "MB")
    share = f"{taken / size:.3g} of {limits.cache_bytes / size:.3g} {unit}"
    return Failure("limits", f"Your results take {share}: delete some on the Runs page.")


def not_run(config: Config) -> Failure | None:
    """Why this process does not compute it: it is a server, and its operator did not list a module that is in it."""
    return Failure("limits", no) if (no := refused_in(config.to_dict())) else None


def refusal(limits: Limits, seconds: float, waiting: int) -> Failure | None:
    """Why somebody may not ask for a job of so many expected seconds while so many of theirs wait."""
    if limits.running == 0:
        return Failure("limits", "You may look at results here, and start nothing: ask the administrator.")
    if seconds > limits.job_seconds:
        hours = f"About {seconds / 3600:.2g} h of computing, and you may ask for {limits.job_seconds / 3600:.2g} h"
        return Failure("limits", f"{hours} at once: {SMALLER}.")
    if waiting >= limits.waiting:
        return Failure("queue", f"{limits.waiting} jobs of yours wait already: ask again when some have ended.")
    return None


def overdue(limits: Limits) -> Failure:
    """Why a job is ended of which nobody knew before what it takes."""
    hours = f"It has computed for {limits.job_seconds / 3600:.2g} h, as long as you may ask for at once"
    return Failure("limits", f"{hours}: take fewer steps, or points, or a smaller network.")
