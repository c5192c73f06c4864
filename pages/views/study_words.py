"""What a study shows, in sentences computed from it. No Streamlit here."""

import pandas as pd

from engine.perturbation.law import Crossing, PowerLaw
from engine.perturbation.result import QUANTITIES, RESOLVED, StudyResult
from pages.charts.expansion import BOUNDS, CURVES
from pages.charts.study import FAR, SYMBOLS
from pages.charts.words import number, signed

LABELS = {
    "error_order_0": CURVES["order_0"],
    "error_order_1": CURVES["order_1"],
    "error_order_2": CURVES["order_2"],
    "bound_P2": BOUNDS["P2"],
    "drift": "drift",
    "drift_predicted": "drift foretold",
}
"""By the names of `QUANTITIES`."""
GOOD = 0.9
"""R^2 from which a law of one seed per network is said, which has no interval."""
NARROW = 0.2
"""An interval shorter than this tells an exponent near 0."""


def answer(result: StudyResult) -> str:
    """How the errors of the orders scale, or that no law is determined; empty along no axis."""
    return " ".join(_errors(result)[:1])


def sentences(result: StudyResult, error: float) -> list[str]:
    """Markdown, one finding each, beside the answer."""
    return [*_errors(result)[1:], *_drift(result), *_crossings(result, error), *_seeds(result)]


def law_rows(result: StudyResult) -> pd.DataFrame:
    """Every fitted law: exponents with intervals, prefactor, R^2 and how many runs it rests on."""
    # Along one axis β says the same once more.
    laws = [result.laws, result.beta_laws] if len(result.axes) > 1 else [result.laws]
    found = [(LABELS[name], law) for of_axes in laws for name in QUANTITIES if (law := of_axes[name]) is not None]
    return pd.DataFrame(
        {
            "quantity": label,
            "law": power_law(law),
            "R²": signed(law.r_squared),
            "runs": f"{law.used} of {law.used + law.left_out}",
        }
        for label, law in found
    )


def power_law(law: PowerLaw) -> str:
    """0.5 · n^−0.88 · L^1.1, with intervals."""
    powers = [f"{SYMBOLS[axis]}^{signed(p)}{between(law, axis)}" for axis, p in law.exponents.items()]
    return " · ".join([number(law.prefactor, 2), *powers])


def between(law: PowerLaw, axis: str) -> str:
    """The interval of an exponent; empty at one seed."""
    interval = law.intervals.get(axis)
    return f" [{signed(interval[0])}, {signed(interval[1])}]" if interval else ""


def determined(law: PowerLaw, axis: str) -> bool:
    """Whether the exponent may be said: networks follow a power law, and its interval leaves 0 out, or is narrow; at
    one seed, the fit is good."""
    interval = law.intervals.get(axis)
    if not law.follows:
        return False
    if interval is None:
        return law.r_squared >= GOOD
    return interval[0] > 0 or interval[1] < 0 or interval[1] - interval[0] < NARROW


def _errors(result: StudyResult) -> list[str]:
    """The exponents of the orders in the first axis that varies."""
    if not result.axes:
        return []
    axis = result.axes[0]
    known = {name: law for name in QUANTITIES[:3] if (law := result.laws[name]) is not None}
    if not known:
        return ["No order's error stands clear of the floor in enough networks to fit a law."]
    sure = {name: law for name, law in known.items() if determined(law, axis)}
    parts = [f"{LABELS[name]} as ${_power(axis, law)}${between(law, axis)}" for name, law in sure.items()]
    found = [f"The error of {', of '.join(parts)}."] if parts else []
    found += [
        f"Of {LABELS[name]} **no law is determined**: the exponent in {SYMBOLS[axis]} is "
        f"{signed(law.exponents[axis])}{between(law, axis)}, $R^2$ = {signed(law.r_squared)}."
        for name, law in known.items()
        if name not in sure
    ]
    near = f"within a factor {RESOLVED:g} of the floor"
    if floored := [LABELS[name] for name, law in known.items() if law.left_out]:
        found.append(f"Runs {near} are left out of the law of {' and of '.join(floored)}.")
    if lost := [LABELS[name] for name in QUANTITIES[:3] if name not in known]:
        found.append(f"Too few networks are not {near} to fit {' and '.join(lost)}.")
    return found


def _power(axis: str, law: PowerLaw) -> str:
    symbol = r"\alpha" if axis == "alpha" else SYMBOLS[axis]
    return f"{symbol}^{{{law.exponents[axis]:.2f}}}"


def _drift(result: StudyResult) -> list[str]:
    law, predicted = result.beta_laws["drift"], result.beta_laws["drift_predicted"]
    if law is None:
        return []
    if not determined(law, "beta"):
        return [f"**No law of the drift is determined**: {_in_beta(law)}, $R^2$ = {signed(law.r_squared)}."]
    fitted = f"The drift at the stop follows {_in_beta(law)}, $R^2$ = {signed(law.r_squared)}"
    if predicted is None or not determined(predicted, "beta"):
        return [f"{fitted}."]
    return [f"{fitted}; foretold from initialisation alone: {_in_beta(predicted)}."]


def _in_beta(law: PowerLaw) -> str:
    power = rf"$\beta^{{{law.exponents['beta']:.2f}}}$"
    return f"{number(law.prefactor, 2)} {power}{between(law, 'beta')}"


def _crossings(result: StudyResult, error: float) -> list[str]:
    crossings, beta = result.crossings(error), result["beta"]
    found = []
    for name, what in (("error_order_0", "order 0 errs by"), ("bound_P2", "P2 reaches"), ("drift", "the drift is")):
        at, law = crossings[name], result.beta_laws[name]
        if at is None or law is None:
            continue
        if not determined(law, "beta") or (at.interval and at.interval[1] == float("inf")):
            found.append(f"Where {what} {number(error)} is **not determined**.")
            continue
        near = beta.min() / FAR < at.beta < beta.max() * FAR
        found.append(
            f"{what[0].upper()}{what[1:]} {number(error)} {_beta(at) if near else 'far outside the study only'}."
        )
    return found or [f"None of order 0, P2 and drift reaches {number(error)} by a law that grows with β."]


def _beta(found: Crossing) -> str:
    outside = "outside the study" if found.extrapolated else ""
    span = f"95%: {number(found.interval[0])} to {number(found.interval[1])}" if found.interval else ""
    more = ", ".join(filter(None, [span, outside]))
    return rf"at $\beta$ = {number(found.beta)}" + (f" ({more})" if more else "")


def _seeds(result: StudyResult) -> list[str]:
    count = len(result.config.run.seeds)
    return ["With one seed for each network there are no intervals."] if count == 1 else []
