"""How large a file may be that somebody brings."""

from math import ceil

import cache
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
