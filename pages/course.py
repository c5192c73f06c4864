"""How a number went along a run, in words that read its whole path. No Streamlit here."""

from collections.abc import Sequence

import numpy as np

from pages.words import change, middle, number


def course(paths: Sequence[np.ndarray], steady: float, digits: int = 2) -> str:
    """What follows the name of a number: "rose from 0.2 to 0.6", "stayed at 0.4", or its start, stop and reach.

    A verb is used only where it holds on the whole path of every seed; numbers are medians over seeds. Empty where no
    path has two finite checkpoints.

    Args:
        paths: over checkpoints, one for each seed; those that are not finite are left out.
        steady: changes up to it are none.
    """
    known = [np.asarray(path, float) for path in paths]
    known = [path for path in known if len(path) > 1 and np.all(np.isfinite(path))]
    if not known:
        return ""
    start, end = (middle([float(path[at]) for path in known]) for at in (0, -1))
    whose = "" if len(known) == len(paths) else f" in {len(known)} of {len(paths)} seeds"
    if all(np.ptp(path) <= steady for path in known):
        return f"stayed at {number(end, digits)}{whose}"
    for verb, sign in (("rose", 1), ("fell", -1)):
        if all(_goes(sign * path, steady) for path in known):
            return f"{verb} from {change(start, end, ' to ', digits)}{whose}"
    low, high = (number(float(reach), 3) for reach in (min(map(np.min, known)), max(map(np.max, known))))
    ends = change(start, end, " at the start and ", digits)
    return f"was {ends} at the stop{whose}, between {low} and {high} on the way"


def _goes(path: np.ndarray, steady: float) -> bool:
    """Whether it ends higher, and never falls back by more than `steady`."""
    return bool(path[-1] - path[0] > steady and np.max(np.maximum.accumulate(path) - path) <= steady)
