"""The layout of "result" entries: metadata as JSON in "meta", arrays of the seed at a position under "seed0/"."""

import json
from typing import Any

from engine.progress import Arrays


def opened(arrays: Arrays) -> tuple[dict[str, Any], list[tuple[dict[str, Any], Arrays]]]:
    """The metadata, and by seed the facts that it holds and the arrays without their prefix.

    The arrays are made read-only.
    """
    meta, seeds = json.loads(str(arrays["meta"])), []
    for array in arrays.values():
        array.setflags(write=False)
    for index, facts in enumerate(meta.pop("seeds")):
        prefix = f"seed{index}/"
        own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        seeds.append((facts, own))
    return meta, seeds
