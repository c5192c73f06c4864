"""The table at the end, and what is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.chaos.faults import Fault
from benchmarks.chaos.ledger import Ledger
from benchmarks.chaos.vitals import Growth


@dataclass(frozen=True)
class Report:
    """What came of it.

    Attributes:
        found: by job, what is the matter with it (`benchmarks.chaos.compare.matter`).
        died: servers that ended by themselves, or did not end when told to.
        orphans: processes that outlived all.
        aside: files that were set aside as damaged.
        unreadable: lines of the audit log that say nothing.
        tracebacks: in the log of the servers; Dask's own are among them.
    """

    ledger: Ledger
    faults: Sequence[Fault]
    made: Mapping[str, int]
    found: Mapping[str, str | None]
    growths: Sequence[Growth]
    servers: int
    died: int
    orphans: Sequence[str]
    aside: Sequence[str]
    unreadable: Sequence[str]
    tracebacks: int

    def wrong(self) -> list[str]:
        """Everything that must not be."""
        ledger = self.ledger
        return [
            *(f"job {key[:8]} {matter}" for key, matter in self.found.items() if matter),
            *(f"job {key[:8]} hung" for key in ledger.hung()),
            *(f"job {key[:8]} was not offered by the next server" for key in ledger.forgotten),
            *(f"a user met: {words}" for words in ledger.broken),
            *(f"server {growth.what}: memory or descriptors grow" for growth in self.growths if growth.grown),
            *(f"left running: {command}" for command in self.orphans),
            *(f"audit log: {line[:80]!r}" for line in self.unreadable),
            *([f"{self.died} servers ended by themselves, or did not when told to"] if self.died else []),
        ]

    def lines(self) -> list[str]:
        """The table."""
        compared = [matter for matter in self.found.values() if matter is not None]
        right = sum(not matter for matter in compared)
        ledger, wrong = self.ledger, self.wrong()
        return [
            *_table(
                ("fault", "made here by", "times"), [(f.name, f.how, self.made.get(f.name, 0)) for f in self.faults]
            ),
            *_table(("a user's job ended", "times"), ledger.ends.most_common()),
            *_table(("and said", "times"), ledger.words.most_common()),
            *_table(("the server said of the disk", "seconds"), ledger.troubles.most_common()),
            *_table(("after a server's end the index said of what was asked for", "jobs"), ledger.offers.most_common()),
            *_table(("beside that", "times"), ledger.other.most_common()),
            *_table(
                ("servers, first and last quarter", "memory, MB", "descriptors", "threads"),
                [_grown(growth) for growth in self.growths],
            ),
            f"jobs asked for: {len(self.found)}; with a result: {len(compared)}, computed again and the same: {right}",
            f"longest silence: {ledger.silence:.1f} s; longest job: {ledger.longest:.1f} s",
            f"servers: {self.servers}; tracebacks in their logs: {self.tracebacks}; set aside: {len(self.aside)}",
            "",
            *(wrong or ["nothing lost, wrong, hung or grown"]),
        ]


def _grown(growth: Growth) -> tuple[str, str, str, str]:
    first, last = growth.first, growth.last
    spans = [(first.rss // 10**6, last.rss // 10**6), (first.files, last.files), (first.threads, last.threads)]
    memory, files, threads = (f"{one} -> {other}" for one, other in spans)
    return growth.what, memory, files, threads


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """In Markdown."""
    lines = [head, ["---"] * len(head), *rows] if rows else []
    return [*(f"| {' | '.join(map(str, line))} |" for line in lines), *([""] if rows else [])]
