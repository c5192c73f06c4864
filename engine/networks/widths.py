"""Widths that follow a pattern over the hidden layers, n_k = m k^p, as a person types it."""

import re

_PATTERN = re.compile(
    r"(?:(?P<before>[0-9]{1,6})\s*[*·]?\s*)?k(?:\s*(?:\^|\*\*)\s*(?P<power>[0-9]))?(?:\s*[*·]\s*(?P<after>[0-9]{1,6}))?"
)


def pattern(text: str) -> tuple[int, int] | None:
    """m and p of "m k^p" as it is commonly written: 16 k^2, 16*k**2, k^2*16, 16k², k; None of anything else.

    For p = 2 the sum of 1/n_k stays below pi^2/(6 m) at any depth.
    """
    found = _PATTERN.fullmatch(text.strip().lower().replace("²", "^2").replace("³", "^3"))
    if found is None or (found["before"] and found["after"]):
        return None
    return int(found["before"] or found["after"] or 1), int(found["power"] or 1)
