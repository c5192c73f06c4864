"""Files that somebody brings: how large they may be, and how they are kept."""

from math import ceil

import cache
from cache.claims import claimant
from engine.data import contents
from engine.schema import Problem
from pages.shell.viewers import viewer


def allowed(most: int) -> int:
    """Bytes of a file that this person may bring, of a sort of at most so many."""
    return min(most, int(cache.current().policy_now().limits(viewer()).upload_bytes))


def megabytes(most: int) -> int:
    """The limit that Streamlit shows at an upload, in whole megabytes: what the page refuses is not larger."""
    return max(1, ceil(allowed(most) / 1e6))


def too_large(name: str, size: int, most: int) -> list[Problem]:
    """What forbids a file of so many bytes."""
    given = f"{name}: {size:,} bytes given, at most {allowed(most):,} allowed"
    return [Problem("file", given)] if size > allowed(most) else []


def keep(content: bytes, name: str) -> str:
    """Keeps a file of this person's, and notes in the audit log that they brought it; returns the name under which it
    came first. Raises `CacheFault` where there is no room, or no room for more of theirs."""
    engine, who = cache.current(), viewer()
    files, digest = engine.store.files, contents.digest_of(content)
    new = not files.has(digest)
    known = files.take(content, name, claimant(who), engine.policy_now().limits(who).files_bytes)
    if new:
        engine.audit(who, "upload", digest=digest, bytes=len(content))
    return known
