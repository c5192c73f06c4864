"""Maps among the runs: what is made of jobs is no job of its own; its record says of which it is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine import jobs
from engine.schema import Config
from engine.versions import VERSIONS

if TYPE_CHECKING:
    from cache.service import CachedEngine


@dataclass(frozen=True)
class Whole:
    """What is asked for as one and computed in parts.

    Attributes:
        kind: one of `engine.jobs.WHOLES`.
        config: such as that of a sweep.
        groups: of the jobs that it is made of.
    """

    kind: str
    config: Config
    groups: Sequence[Sequence[Config]]

    @property
    def key(self) -> str:
        """The same for every way of writing the same config."""
        return jobs.key_of(self.kind, self.config.canonical(), version(self.kind))


def version(kind: str) -> int:
    """That of the numbers of its parts."""
    return VERSIONS[jobs.WHOLES[kind]]


def note(engine: "CachedEngine", whole: Whole, viewer: str, link: str = "") -> str:
    """Notes that the viewer asks for it; gives its key. Its parts are asked for elsewhere.

    Args:
        link: of the page that shows it.
    """
    key, index = whole.key, engine.store.index
    known = index.get(key)
    if known is None:
        parts = tuple(jobs.key(jobs.WHOLES[whole.kind], part) for group in whole.groups for part in group)
        index.add(key, whole.kind, whole.config, version=version(whole.kind), parts=parts, link=link)
    elif link and not known.link:
        index.settle(key, known.status, link=link)
    engine.ownership.asked(key, whole.kind, viewer, begun=known is None)
    return key
