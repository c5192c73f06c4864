"""When the kernel has stopped, in sentences computed from the numbers. No Streamlit here."""

import numpy as np

from engine.rkhs.config import frozen_step_flops
from engine.rkhs.result import RkhsResult, SeedSpaces, SetName
from pages.charts.words import in_seeds, number, percent, spread
from pages.views.spaces_words import WHERE

WAY = r"of $\|f_T - f_0\|$"


def sentences(result: RkhsResult, where: SetName, tolerance: float) -> list[str]:
    """Markdown, one finding each."""
    return [*_fixed(result, tolerance), *_errors(result, tolerance), *_still(result, where, tolerance)]


def _told(result: RkhsResult) -> list[SeedSpaces]:
    """Seeds that took steps and of which the end with a fixed kernel is known from the start on."""
    return [
        seed
        for seed in result.seeds
        if "frozen_departure" in seed and seed.facts["stop_reason"] not in ("diverged", "dead")
        and len(seed["followed"]) > 2 and np.all(np.isfinite(seed["frozen_departure"][:, -1]))
    ]  # fmt: skip


def _stopped(result: RkhsResult, tolerance: float) -> list[tuple[SeedSpaces, int]]:
    """Seeds whose kernel could have been held fixed before the stop, and from which followed checkpoint on."""
    found = [(seed, seed.stopped(tolerance)) for seed in _told(result)]
    return [(seed, at) for seed, at in found if at is not None]


def _fixed(result: RkhsResult, tolerance: float) -> list[str]:
    """From when on the kernel could have been held fixed, and what that would have saved."""
    told, found = _told(result), _stopped(result, tolerance)
    if not told:
        return []
    within = f"within {percent(tolerance)} {WAY} of the network, held out"
    if not found:
        return [f"**No kernel held fixed before the stop ends {within}**: at this tolerance it never stopped."]
    whose = in_seeds(len(found), len(told))
    if all(at == 0 for _, at in found):
        return [f"**The kernel at the start, held fixed, already ends {within}**{whose}, and so does every later one."]
    t = spread([float(seed.t_followed[at]) for seed, at in found])
    steps = spread([float(seed.steps_left[at]) for seed, at in found], _share)
    said = (
        f"**From t = {t} on the kernel could have been held fixed**{whose}: it then ends {within}, and so does that of "
        f"every later checkpoint. {steps} of the steps come after it"
    )
    operations = [float(result.operations_left(seed)[at]) for seed, at in found]
    if not np.isfinite(operations).all():  # nobody knows those of a network of one's own
        return [f"{said}."]
    kernel = "one kernel with its " + ("steps" if frozen_step_flops(result.config) else "eigenvectors")
    if min(operations) > 0:
        return [f"{said}; {kernel} taken off, {spread(operations, _share)} of the operations."]
    where = "" if max(operations) <= 0 else " in some seeds"
    return [f"{said}, but {kernel} costs more operations than they do{where}."]


def _share(value: float) -> str:
    """As 99.5%."""
    return f"{number(100 * value)}%"


def _errors(result: RkhsResult, tolerance: float) -> list[str]:
    """The held-out errors of stopping there and of going on."""
    found = [(seed, at) for seed, at in _stopped(result, tolerance) if at > 0]
    ends = [(float(seed["frozen_error"][at, -1]), float(seed["network_error"][-1])) for seed, at in found]
    ends = [pair for pair in ends if np.all(np.isfinite(pair))]
    if not ends:
        return []
    fixed, network = (spread([pair[position] for pair in ends]) for position in (0, 1))
    whose = in_seeds(len(ends), len(_told(result)))
    return [f"Its held-out error at the stop would have been {fixed}{whose}; going on gave {network}."]


def _still(result: RkhsResult, where: SetName, tolerance: float) -> list[str]:
    """How far the kernel still moves from there to the stop, and by what."""
    found = [(seed, at) for seed, at in _stopped(result, tolerance) if at > 0]
    if not found:
        return []
    moved = {
        name: [float(seed[f"{where}/motion_{name}"][at, -1]) for seed, at in found]
        for name in ("drift", "spectrum", "rotation", "cka")
    }
    if not np.all(np.isfinite(list(moved.values()))):
        return []
    drift, spectrum, rotation = (spread(moved[name], percent) for name in ("drift", "spectrum", "rotation"))
    return [
        f"From there to the stop the kernel moves by another {drift} of its norm on {WHERE[where]}: {spectrum} in its "
        f"eigenvalues and {rotation} by rotation, in quadrature; CKA is {spread(moved['cka'], _fine)}."
    ]


def _fine(value: float) -> str:
    return number(value, 4)
