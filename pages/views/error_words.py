"""What the Generalisation page says, in numbers and sentences computed from them. No Streamlit here."""

import numpy as np

from engine.rkhs.regression import NOTHING
from engine.rkhs.result import RkhsResult, SeedSpaces
from pages.charts.growth import determined
from pages.charts.space_curves import determined_error
from pages.charts.theme import power
from pages.charts.words import Headline, listing, middle, number, percent, spread
from pages.views.evolution_words import went_wrong
from pages.views.kernel_words import which_kernel
from pages.views.spaces_words import (
    conditioning,
    determined_values,
    less,
    less_over_seeds,
    of_a_table,
    over_seeds,
    still,
)

NAMES = {"network": "the network", "K_0": "$K_0$", "K_T": "$K_T$", "K_inf": r"$K_\infty$"}
KERNELS = {"K_0": ("K_t", 0), "K_T": ("K_t", -1), "K_inf": ("K_inf", -1)}
"""Regression and checkpoint of each kernel."""
AGAINST_START = "than $K_0$", "as $K_0$"
TOLD = 2.0
"""Standard errors within which a measured error is as foretold."""


def headlines(result: RkhsResult) -> list[Headline]:
    """Held-out errors at the end, as medians over seeds."""
    labels = {"network": "network", "K_0": "regression, K_0", "K_T": "regression, K_T", "K_inf": "regression, K_∞"}
    found = []
    for name, label in labels.items():
        if (name == "K_inf" and "K_inf_error" not in result.seeds[0]) or (name == "K_T" and still(result)):
            continue  # not known at all of this network; of a kernel that stays the same as K_0's
        errors, how = _errors(result, name)
        more = f"Over seeds: {spread(errors)}.{how and f' Taken {how}.'} A dash: not determined."
        found.append(Headline(label, _shown(middle(determined_values(errors))), more))
    return [*of_a_table(result), *found[1:]] if of_a_table(result) else found


def answer(result: RkhsResult) -> str:
    """Whether the trained kernel errs less than K_0, or why that is not determined."""
    return _of_one_kernel(result) or _against_start(result)


def sentences(result: RkhsResult) -> list[str]:
    """Markdown, one finding each, beside the answer."""
    return [
        *which_kernel(result.followed),
        *went_wrong(result.seeds),
        *_kernels(result),
        *_tuned(result),
        *_flags(result),
    ]


def curve_sentences(seed: SeedSpaces) -> list[str]:
    """How well the spectrum foretells the measured errors of one seed."""
    sizes = seed["learning_sizes"]
    if not len(sizes):
        return ["This data set has too few points to draw training sets from: there is no learning curve."]
    predicted, measured, error = (seed[f"learning_{name}"] for name in ("predicted", "measured", "error"))
    off, allowed = np.abs(measured[:, 1] - predicted[:, 1]), TOLD * error[:, 1]
    sure = np.isfinite(off + allowed) & (allowed > 0)
    inside = f"{int(np.sum(off[sure] <= allowed[sure]))} of {int(sure.sum())}"
    said = [f"With a ridge, {inside} measured errors lie within two standard errors of the prediction."]
    said = said if sure.any() else ["Errors with a ridge are **not determined**."]
    there = determined(seed, with_ridge=False)
    if not np.any(there):
        return [*said, f"Ridgeless errors are **not determined** ({_conditions(seed)})."]
    off = np.abs(measured[:, 0] / predicted[:, 0] - 1)[there]
    said.append(
        f"Without one the prediction misses by {percent(float(np.median(off)))} in the median, at most "
        f"{percent(float(off.max()))}."
    )
    if np.all(there[:, -1]) and measured[0, 0, -1] != measured[1, 0, -1]:
        said.append(_at_the_last(int(sizes[-1]), measured[:, 0, -1], error[:, 0, -1]))
    return said


def _at_the_last(size: int, measured: np.ndarray, error: np.ndarray) -> str:
    """K_T against K_0 at the largest size, where their errors are told apart by two standard errors."""
    after = f"After {size} points"
    if not abs(measured[0] - measured[1]) > TOLD * np.hypot(*error):
        return f"{after} the ridgeless errors of $K_0$ and $K_T$ are **not told apart** by two standard errors."
    return f"{after} the kernel $K_T$ errs {less(float(measured[0] / measured[1]), *AGAINST_START)}, ridgeless."


def _errors(result: RkhsResult, name: str) -> tuple[list[float], str]:
    """Held-out errors at the end by seed, NaN where not determined, and how they were regularised if they had to be.

    Ridgeless where conditioning allows it; else with the ridge that leave-one-out picks, if it allows that.
    """
    plain = _by_seed(result, name, tuned=False)
    if name == "network":
        return plain, ""
    kernel, position = KERNELS[name]
    if f"{kernel}_error" not in result.seeds[0]:
        return [], ""
    if determined_values(plain):
        flagged = any(seed.flag(kernel, position) != "ok" for seed in result.seeds)
        return plain, "with the jitter" if flagged else ""
    return _by_seed(result, name, tuned=True), "with the leave-one-out ridge"


def _against_start(result: RkhsResult) -> str:
    """K_T against K_0."""
    ratios, how = _over_end(result, "K_0")
    if not ratios:
        return f"Whether $K_T$ errs less than $K_0$ is **not determined** ({_conditions(result.seeds[0])})."
    return f"Held out, regression with $K_T$ errs {less_over_seeds(ratios, *AGAINST_START)}{how}."


def _of_one_kernel(result: RkhsResult) -> str:
    """The error of a kernel that stays, and the network's; empty where it moves, or its error is not determined."""
    (errors, how), (network, _) = _errors(result, "K_0"), _errors(result, "network")
    if len(determined_values(errors)) < len(errors) or not still(result):
        return ""
    return (
        f"This kernel does not move: held out, regression with it errs **{_shown(middle(errors))}**"
        f"{over_seeds(errors)}{how and f', {how}'}, the network **{_shown(middle(determined_values(network)))}**"
        f"{over_seeds(network)}."
    )


def fewer(result: RkhsResult) -> list[float]:
    """How many times less K_T errs than K_0, for each seed where both errors are determined and above rounding."""
    return determined_values(_over_end(result, "K_0")[0])


def _over_end(result: RkhsResult, name: str) -> tuple[list[float], str]:
    """How many times less K_T errs than another, by seed, NaN where either is not determined or rounding; and how both
    are regularised: alike, ridgeless where in some seed both are determined so. Nothing where in none they are."""
    for tuned, how in ((False, ""), (True, ", each with the ridge that leave-one-out picks")):
        pairs = [*zip(*(_by_seed(result, one, tuned) for one in (name, "K_T")), strict=True)]
        if np.isfinite(pairs).all(axis=-1).any():
            ratios = [a / b if min(a, b) > NOTHING else float("nan") for a, b in pairs]
            return (ratios if determined_values(ratios) else []), "" if name == "network" else how
    return [], ""


def _by_seed(result: RkhsResult, name: str, tuned: bool) -> list[float]:
    """Held-out errors at the end."""
    if name == "network":
        return [float(seed["network_error"][-1]) for seed in result.seeds]
    kernel, position = KERNELS[name]
    taken = f"{kernel}_tuned" if tuned else kernel
    unknown = np.full(1, np.nan)
    return [
        float((determined_error(seed, taken) if f"{taken}_error" in seed else unknown)[position])
        for seed in result.seeds
    ]


def _kernels(result: RkhsResult) -> list[str]:
    """Every error, then K_T against infinite width and the network."""
    errors = {name: _errors(result, name) for name in NAMES}
    errors = {name: found for name, found in errors.items() if found[0]}
    middles = {name: middle(determined_values(found)) for name, (found, _) in errors.items()}
    listed = [
        f"{NAMES[name]} {_shown(value) if np.isfinite(value) else 'not determined'}"
        + (f" ({errors[name][1]})" if errors[name][1] and np.isfinite(value) else "")
        for name, value in middles.items()
    ]
    said = [f"Held out, errors are: {listing(listed)}."]
    for name in ("K_inf", "network"):
        ratios, how = _over_end(result, name)
        if ratios:
            said.append(f"$K_T$ errs {less_over_seeds(ratios, f'than {NAMES[name]}', f'as {NAMES[name]}')}{how}.")
    return said


def _conditions(seed: SeedSpaces) -> str:
    """Of K_0 and K_T on the training points."""
    start, end = (conditioning(seed, "train", position) for position in (0, -1))
    return f"$K_0$: {start}; $K_T$: {end}"


def _shown(error: float) -> str:
    """An error; one that is nothing but rounding, as such."""
    return number(error) if error != NOTHING else f"at most {power(NOTHING)}"


def _tuned(result: RkhsResult) -> list[str]:
    start, end = (
        middle(determined_values(float(determined_error(seed, "K_t_tuned")[position]) for seed in result.seeds))
        for position in (0, -1)
    )
    if not np.isfinite(start + end):
        return []
    return [f"With the ridge that leave-one-out picks: $K_0$ {_shown(start)}, $K_T$ {_shown(end)}."]


def _flags(result: RkhsResult) -> list[str]:
    """What conditioning does to the ridgeless numbers."""
    said = []
    for name, (kernel, position) in KERNELS.items():
        flagged = [seed for seed in result.seeds if kernel == "K_t" and seed.flag(kernel, position) != "ok"]
        if flagged:
            settled = np.isfinite(determined_error(flagged[0], kernel)[position])
            count = len(result.seeds)
            whose = "" if count == 1 else f" in {len(flagged)} of {count} seeds, as in seed {flagged[0].facts['seed']}"
            said.append(
                f"Ridgeless regression with ${name}$ is **{flagged[0].flag(kernel, position)}**{whose} "
                f"({conditioning(flagged[0], 'train', position)}): "
                f"{'its error is that with the jitter' if settled else 'the jitter would decide its error'}."
            )
    return said
