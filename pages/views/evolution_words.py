"""What a run shows, in numbers and short sentences computed from them. No Streamlit here."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from engine.config import RunConfig
from engine.data.point import PointConfig
from engine.initialisation.law import exact_law, reasons_without_law
from engine.initialisation.moments import moments
from engine.initialisation.spread import initial_network
from engine.losses import LOSSES
from engine.networks.mlp_config import MLPConfig
from engine.numerics import REFUSED, WARNED
from engine.problems import several
from engine.result import Seed
from engine.rkhs.bias import decay
from engine.training.result import RunResult, SeedResult
from pages.charts.words import (
    Headline,
    course,
    duration,
    exponential,
    in_seeds,
    middle,
    number,
    of_seeds,
    percent,
    spread,
)
from pages.views import kernel_words, network_words

STOPPED = {
    "residual": "the residual reached {residual} of its start",
    "max_steps": "the step cap was reached",
    "diverged": "the residual diverged",
    "overflow": "the outputs overflow at the start, so nothing can train: lower sigma_w, alpha or depth",
    "dead": "the kernel at the start is zero, so nothing can train",
}

R_SQUARED = "$R^2$ is 1 for no error and 0 for that of the held-out mean."
STEADY = 0.005
"""An alignment that changed by no more has stayed."""
RETURNED = 1.05
"""A drift that was larger than at the stop by this factor came back."""
STILL = 1e-12
"""A drift up to this is rounding of the kernel."""
BESIDE_THE_EDGE = 0.05
"""lambda_max within this share of the limit counts as the edge of stability."""


def headlines(result: RunResult) -> list[Headline]:
    """The numbers that a reader wants first."""
    found, config = result.summary, result.config
    start, end = middle(found["alignment_start"]), middle(found["alignment_end"])
    over_seeds = spread(found["alignment_end"])
    alignment = f"On held-out points, at t = 0 and at the stop. At the stop over seeds: {over_seeds}."
    computed = f"Training and kernels of all seeds, on {found['device']}."
    told = [
        network_words.headline(config),
        *network_words.measured_beta(result),
        Headline.over_seeds("drift", found["drift"], percent),
        Headline.over_seeds("shape drift", found["shape_drift"], percent),
        Headline.at_both_ends("alignment", start, end, alignment),
        _decay(result),
        _held_out(result),
        Headline.over_seeds("t at the stop", found["t_stop"], beside=several(int(middle(found["steps"])), "step")),
        Headline("computed in", duration(found["seconds"]), computed),
    ]
    return [one for one in told if one.label not in _undefined(config)]


def _undefined(config: RunConfig) -> set[str]:
    """Labels of what means nothing on these data: one point has no shape, and to the target 0 nothing is relative."""
    shape = {"shape drift", "decay exponent"} if config.data.size == 1 else set()
    return shape | ({"alignment", "test error"} if config.data.only_zero else set())


def _held_out(result: RunResult) -> Headline:
    """The held-out error beside its R^2; of a loss of classes the accuracy beside the loss."""
    if not LOSSES[result.config.training.loss].classes:
        found = result.summary
        error, squares = number(middle(found["test_error_end"])), number(middle(found["test_r_squared_end"]))
        return Headline("test error", error, f"At the stop; 1 is the error of f = 0. {R_SQUARED}", f"R² = {squares}")
    accuracy, loss = ([float(seed[name][-1]) for seed in result.seeds] for name in ("test_accuracy", "test_loss"))
    more = f"Of held-out points, at the stop; over seeds: {spread(accuracy, percent)}. Beneath: their mean loss."
    return Headline("test accuracy", percent(middle(accuracy)), more, f"loss {number(middle(loss))}")


def _decay(result: RunResult) -> Headline:
    """The exponent of the law i^-a of the eigenvalues, at both ends, where they follow one."""
    fits = [[decay(spectrum) for spectrum in _resolved(result, index)] for index in range(len(result.seeds))]
    start, end = ([seed[at].exponent for seed in fits if not seed[at].reason] for at in (0, -1))
    more = (
        f"Of $K_t$ on training points, at t = 0 and at the stop. At the stop over seeds: {spread(end)}. A dash: not a "
        "power law over enough eigenvalues."
    )
    return Headline.at_both_ends("decay exponent", middle(start), middle(end), more)


def _resolved(result: RunResult, index: int) -> list[np.ndarray]:
    """The spectra of a seed at both ends; 0 for eigenvalues under the noise floor, or not finite."""
    values, floor = np.asarray(result.seeds[index]["eigenvalues"], float), result.noise_floor(index)
    return [np.where(values[at] > floor[at], values[at], 0.0) for at in (0, -1)]


def of_network(errors: Sequence[float], r_squared: float) -> Headline:
    """The held-out error of the network at the stop, over seeds, beside its R^2."""
    more = f"At the stop; 1 is the error of f = 0. Over seeds: {spread(errors)}. {R_SQUARED}"
    known = [error for error in errors if np.isfinite(error)]
    return Headline("network, held out", number(middle(known)), more, f"R² = {number(r_squared)}")


def parameters(result: RunResult) -> str:
    """How many there are, and how many of them train where the layers do not all."""
    config = result.config
    trained = f"{result.parameter_count:,} parameters"
    return trained if config.network.trained_part == "all" else f"{trained} that train, of {config.stored_count:,}"


def facts(result: RunResult) -> str:
    """What was computed, and on what."""
    config = result.config
    return (
        f"{kernel_words.in_short(config)}{config.data.whence}; {several(config.data.size, 'training point')}; "
        f"{parameters(result)}; "
        f"{of_seeds(seed.seed for seed in result.seeds)}; computed on {result.meta['device']}"
        f"{network_words.missing(config, limit=result.limit_eigenvalues is not None)}"
    )


def answer(result: RunResult) -> str:
    """How far the kernel moved; empty where that is no number."""
    return " ".join(_drift(result))


def sentences(result: RunResult) -> list[str]:
    """Markdown, one finding each, beside the answer."""
    found = [*_stop(result), *_precision(result), *alignment(result), *stability(result), *floor(result)]
    return [*kernel_words.which_kernel(result.config, kernel_words.LARGEST), *found, *one_point(result)]


def dropped(facts: Iterable[Mapping[str, Any]]) -> list[str]:
    """How many checkpoints are left out because their numbers are not finite; nothing where none are."""
    return [
        f"Seed {one['seed']}: the last {several(one['dropped_checkpoints'], 'checkpoint')} left out, as the numbers "
        "there are not finite."
        for one in facts
        if one.get("dropped_checkpoints")
    ]


def of_the_first(seeds: Sequence[Seed]) -> str:
    """ " (seed 0)", where something is said of the first of several seeds."""
    return "" if len(seeds) == 1 else f" (seed {seeds[0].facts['seed']})"


def went_wrong(seeds: Sequence[Seed]) -> list[str]:
    """Of which seeds training failed, and how many checkpoints that cost; nothing where none did."""
    facts = [seed.facts for seed in seeds]
    odd = [one for one in facts if one["stop_reason"] in ("diverged", "dead")]
    return [*(f"Seed {one['seed']}: {STOPPED[one['stop_reason']]}." for one in odd), *dropped(facts)]


def _precision(result: RunResult) -> list[str]:
    """Seeds that float32 does not resolve, and networks whose outputs rounding moves."""
    reasons: dict[str, list[int]] = {}
    for seed in result.seeds:
        if seed.precision_reason:
            reasons.setdefault(seed.precision_reason, []).append(seed.seed)
    said = []
    for reason, seeds in reasons.items():
        who = "This run" if len(seeds) == len(result.seeds) else of_seeds(seeds).capitalize()
        said.append(f"{who} trained in float64: {reason}.")
    moved: dict[str, float] = {}
    for seed in result.seeds:
        if (share := seed.rounding or 0.0) > WARNED:
            moved[seed.precision] = max(share, moved.get(seed.precision, 0.0))
    for precision, share in moved.items():
        said.append(
            f"**Rounding in {precision} moves the function at the start by {percent(share)} of its size**: "
            f"trust no digit beyond that. From {percent(REFUSED)} on nothing is computed."
        )
    return said


def _stop(result: RunResult) -> list[str]:
    reasons: dict[str, list[int]] = {}
    for seed in result.seeds:
        reasons.setdefault(_reason(seed), []).append(seed.seed)
    said = []
    for reason, seeds in reasons.items():
        who = "Training stopped" if len(reasons) == 1 else f"{of_seeds(seeds).capitalize()} stopped"
        residual = percent(result.config.training.stop_residual or 0.0)
        said.append(f"{who}: {STOPPED.get(reason, reason).format(residual=residual)}.")
    lost = [int(np.sum(~np.isfinite(seed["lambda_max"] + seed["residual"]))) for seed in result.seeds]
    return [
        *said,
        *dropped({"seed": seed.seed, "dropped_checkpoints": n} for seed, n in zip(result.seeds, lost, strict=True)),
    ]


def _reason(seed: SeedResult) -> str:
    return "overflow" if seed.stop_reason == "diverged" and seed.steps == 0 else seed.stop_reason


def _drift(result: RunResult) -> list[str]:
    found = result.summary
    drift, shape = spread(found["drift"], percent), spread(found["shape_drift"], percent)
    moved = [seed for seed, end in zip(result.seeds, found["drift"], strict=True) if end is not None and seed.steps]
    if not moved:
        return []
    whose = in_seeds(len(moved), len(result.seeds))
    peaks = [(float(np.nanmax(seed["drift"])), float(seed["drift"][-1])) for seed in moved]
    back = [peak for peak, end in peaks if peak > RETURNED * end]
    which = in_seeds(len(back), len(moved))
    more = f" (on the way by up to {percent(max(back))}{which and ', and back,'}{which})" if back else ""
    rest = middle([float(seed["residual"][-1]) for seed in moved if "residual" in seed])
    left = f"; {percent(rest)} of the residual is left" if np.isfinite(rest) else ""
    if stays := still(result):
        return [f"{stays}{left}."]
    form = f", its shape by {shape}" if moved[0]["eigenvalues"].shape[1] > 1 else ""
    return [f"By the stop $K_t$ has moved by {drift} of its norm{more}{form}{whose}{left}."]


def still(result: RunResult) -> str:
    """That the kernel is that of the start, as words without a stop; empty where it moved, or no seed took steps."""
    ends = zip(result.seeds, result.summary["drift"], strict=True)
    trained = [seed for seed, end in ends if end is not None and seed.steps]
    if not trained:
        return ""
    if not result.config.kernel_moves:
        return "This kernel, of infinite width, does not move"
    return "" if max(float(np.nanmax(seed["drift"])) for seed in trained) > STILL else "$K_t$ has not moved"


def alignment(result: RunResult) -> list[str]:
    """Whether it turned towards the target; of one that cannot, where it stands."""
    went = course([seed["alignment_test"] for seed in result.seeds if seed.steps], STEADY)
    return [f"The kernel's alignment with the target on held-out points {went}."] if went else []


def stability(result: RunResult) -> list[str]:
    """Of eta_eff lambda_max (of `steepness` where that is not all) over the whole path, as far as checkpoints show it.

    Nothing of a run that did not train, nor of the hinge, which has no limit.
    """
    training, paths = result.config.training, _sharpness(result)
    limit = training.stability_limit
    if not paths or not np.isfinite(limit):
        return []
    start, end = (number(middle([float(path[at]) for _, path in paths])) for at in (0, -1))
    trough = number(min(float(path.min()) for _, path in paths))
    peak = number(max(float(path.max()) for _, path in paths))
    whose = in_seeds(len(paths), len(result.seeds))
    went = f"was{whose} {start} at the start, {peak} at its peak, and is {end} now"
    said = f"${steepness(result.config)}$ {went if trough != peak else f'stayed{whose} at {peak}'}"
    if training.batch_size is not None and training.batch_size < result.config.data.size:
        batch = several(training.batch_size, "point")
        return [f"{said}; {number(limit)}, the limit of full batches, does not bound steps on {batch}."]
    return [f"{said}: {_against(paths, limit)}."]


def steepness(config: RunConfig) -> str:
    """eta_eff s as LaTeX: what `engine.config.RunConfig.steepness` is multiplied to."""
    top = r"\lambda_{\max}" + {1.0: "", 0.5: "/2", 0.25: "/4"}[config.curvature]
    share = LOSSES[config.training.loss].share
    decay = r"\lambda" + {None: "", 1.0: " M", 2.0: " M/2"}[share]
    return r"\eta_\mathrm{eff}" + (f"({top}+{decay})" if config.training.weight_decay else top)


def _sharpness(result: RunResult) -> list[tuple[np.ndarray, np.ndarray]]:
    """t and eta_eff s at the checkpoints of every seed that trained and stayed finite."""
    paths = [
        (np.asarray(seed["t"]), seed.effective_rate * result.config.steepness(np.asarray(seed["lambda_max"])))
        for seed in result.seeds
        if seed.stop_reason not in ("diverged", "dead")
    ]
    return [(t, path) for t, path in paths if len(path) > 1 and np.all(np.isfinite(path))]


def beyond_edge(result: RunResult) -> bool:
    """Whether a seed comes to the edge of stability or beyond; minibatches have no limit to compare with."""
    training, limit = result.config.training, (1 - BESIDE_THE_EDGE) * result.config.training.stability_limit
    if training.batch_size is not None and training.batch_size < result.config.data.size:
        return False
    return any(path.max() > limit for _, path in _sharpness(result))


def _against(paths: list[tuple[np.ndarray, np.ndarray]], limit: float) -> str:
    """What the paths do at the limit, at checkpoints."""
    crossed = [(t[1:][turns], int(turns.sum())) for t, path in paths if (turns := np.diff(path > limit) != 0).any()]
    if crossed:
        first = number(min(float(at[0]) for at, _ in crossed))
        times = spread([count for _, count in crossed], lambda count: f"{count:g}")
        who = "" if len(paths) == 1 else f" in {len(crossed)} of {len(paths)} seeds"
        return (
            f"it crossed the limit {number(limit)}{who} {times} time{'' if times == '1' else 's'}, first at t = {first}"
        )
    if all(np.all(path > limit) for _, path in paths):
        return f"beyond the limit {number(limit)} throughout"
    if any(path.max() > limit for _, path in paths):
        return f"in some seeds beyond the limit {number(limit)} throughout"
    near = max(float(path.max()) for _, path in paths) > (1 - BESIDE_THE_EDGE) * limit
    return f"it reached the edge of stability, {number(limit)}" if near else f"stable, the limit is {number(limit)}"


def floor(result: RunResult) -> list[str]:
    """Eigenvalues of K_0 that are rounding; nothing where there are none."""
    below = [
        int(np.sum(seed["eigenvalues"][0] < result.noise_floor(index)[0])) for index, seed in enumerate(result.seeds)
    ]
    if not any(below):
        return []
    count = spread(below, lambda n: f"{n:g}")
    whole = len(result.seeds[0]["eigenvalues"][0])
    return [f"At the start {count} of {whole} eigenvalues lie under the noise floor: they are rounding."]


# What the exact law of the kernel at one input says beside a run on one point. No Streamlit here.


def one_point(result: RunResult) -> list[str]:
    """Mean and spread of K_0(x, x) exactly, and the mean of its rate under the squared loss, beside what these seeds
    have. Empty where the run is on more points, follows another kernel, or its network has no exact law."""
    data, network = result.config.data, result.config.network
    if not isinstance(data, PointConfig) or not isinstance(network, MLPConfig) or result.config.kernel != "ntk":
        return []
    setting = initial_network(network, data.dim, data.norm_squared)
    if reasons_without_law(setting):
        return []
    exact = moments(exact_law(setting.model_copy(update={"centred": network.centred})))
    mean, cv = exponential(exact.log_E_K[0]), _deviation(exact.log_ratio[0])
    told = data.noise == 0 and result.config.training.is_linear
    with np.errstate(over="ignore", invalid="ignore"):
        slope = float(exact.E_dK(data.value)[0]) if told else math.nan
    rate = rf", and $dK/dt$ at t = 0 mean {number(slope)}" if math.isfinite(slope) else ""
    started = [float(seed["eigenvalues"][0][0]) for seed in result.seeds]
    return [
        rf"Exactly, over all initialisations, $K_0(x, x)$ has mean {mean} and standard deviation {cv} "
        f"of that{rate}; in the {several(len(started), 'seed')} of this run $K_0(x, x)$ is {spread(started)}."
    ]


def _deviation(log_ratio: float) -> str:
    """sqrt(ratio - 1), as a share."""
    log_cv = log_ratio / 2 + math.log(-math.expm1(-log_ratio)) / 2 if log_ratio > 0 else -math.inf
    return percent(math.exp(log_cv)) if log_cv < 690 else f"{exponential(log_cv)}×"
