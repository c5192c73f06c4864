"""What the expansion of a run shows, in numbers and sentences computed from them. No Streamlit here."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from engine.data import MEASURED
from engine.networks.activations import ACTIVATIONS
from engine.networks.module.config import ModuleConfig
from engine.perturbation.result import APPROXIMATIONS, CURVES, PerturbationResult, SeedPerturbation
from engine.problems import several
from engine.recording.result import RecordedPerturbation
from pages.charts import expansion
from pages.charts.words import Headline, in_seeds, listing, middle, number, of_seeds, percent, spread
from pages.views import network_words
from pages.views.evolution_words import STILL, of_network, of_the_first, went_wrong

MOST = 0.9
"""Share of the squared deviation that the named modes carry together."""
MOST_NAMED = 4
LARGEST = "at the checkpoint where it is largest"
SEEN = 0.8
"""Checkpoints that see less of the largest lazy error say nothing about the orders."""
ALIKE = 2.0
"""An error within this factor of what is predicted is about as much."""
NEAR = 0.5
"""Where the whole propagator errs by more than this share of order 2, it is the floor of the orders."""


def facts(result: PerturbationResult) -> str:
    """What was computed, and on what."""
    run = result.config.run
    return (
        f"{result.dynamics}; {run.data.whence}; {several(run.data.size, 'training point')}; "
        f"{network_words.short(run.network)}; {of_seeds(seed.facts['seed'] for seed in result.seeds)}; computed "
        f"on {result.meta['device']}{network_words.missing(run)}"
    )


def headlines(result: PerturbationResult) -> list[Headline]:
    """The numbers that a reader wants first, as medians over seeds."""
    found, of_deviation = result.summary, f"Of the deviation from lazy training, {LARGEST}. "
    lazy = rf"Largest $\|r_0(t) - r(t)\|/\|r(0)\|$ {_where(result)}. "
    return [
        Headline.over_seeds("lazy error", found["error_order_0"], percent, lazy),
        Headline.over_seeds("explained by order 1", _share_of_change(found, 1), share, of_deviation),
        Headline.over_seeds("by orders 1 and 2", _share_of_change(found, 2), share, of_deviation),
        Headline.over_seeds("drift", found["drift"], percent, r"$\|K_t - K_0\|_F/\|K_0\|_F$. "),
        *_of_a_table(result),
    ]


def _of_a_table(result: PerturbationResult) -> list[Headline]:
    """How well the network itself does on held-out rows; nothing of other data."""
    run = getattr(result.config, "run", None)
    if run is None or run.data.name not in MEASURED:
        return []
    data = run.data
    errors, squares = zip(*(seed.network_held_out(data.output_dim) for seed in result.seeds), strict=True)
    return [of_network(errors, middle(squares))]


def answer(result: PerturbationResult) -> str:
    """How far the frozen kernel carries; empty where it misses by no number."""
    return " ".join(_lazy(result))


def sentences(result: PerturbationResult) -> list[str]:
    """Markdown, one finding each, beside the answer."""
    return [
        *went_wrong(result.seeds),
        *_explained(result),
        *_modes(result),
        *_floor(result),
        *_bound(result),
        *_foretold(result),
    ]


def dynamics(result: PerturbationResult) -> str:
    """Which equation was expanded, as Markdown."""
    if result.dynamics == "gradient descent":
        what = "recording" if isinstance(result, RecordedPerturbation) else "run"
        return (
            rf"This {what} is **gradient descent**: the orders are those of the product of "
            r"$(I - \eta_\mathrm{eff} K_t)$, step by step. Errors are on the training points, at equal $t$."
        )
    return (
        r"This run is **gradient flow** (rk4): the orders are those of $r' = -K_t r$. Errors are on the training "
        "points, at equal $t$."
    )


def share(value: float | None) -> str:
    """An explained share: 87%, 99.6%; "none" where the order made it worse."""
    if value is None or not np.isfinite(value):
        return "—"
    if value < 0:
        return "none"
    return f"{100 * value:.1f}%" if 0.985 <= value < 0.9995 else f"{100 * value:.0f}%"


def end_table(result: PerturbationResult) -> pd.DataFrame:
    """One row per curve: medians over seeds with their range. Errors on held-out points are in the unit of f."""

    def cells(seed: SeedPerturbation, name: str) -> dict[str, float]:
        own = {
            "residual at the stop": seed.residual(name)[-1],
            "held-out residual at the stop": seed.residual_held_out(name)[-1],
        }
        if name == "network":
            return own
        return own | {
            "error at the stop": seed.error(name)[-1],
            "largest error at a checkpoint": seed.at_checkpoints(name),
            "change on halving checkpoints": seed["quadrature_error"][APPROXIMATIONS.index(name)],
            "held-out error at the stop": seed.error_held_out(name)[-1],
        }

    rows = []
    for name in CURVES:
        over_seeds = pd.DataFrame([cells(seed, name) for seed in result.seeds])
        shown = {column: spread(over_seeds[column], lambda one: number(one, 2)) for column in over_seeds}
        rows.append({"curve": expansion.CURVES[name], **shown})
    return pd.DataFrame(rows).fillna("—")


def is_still(result: PerturbationResult) -> bool:
    """Whether all seeds train and none's kernel moves, as where the readout alone trains: no order adds anything."""
    trained = all(seed.facts.get("stop_reason") not in ("diverged", "dead") for seed in result.seeds)
    return trained and all(drift is not None and drift <= STILL for drift in result.summary["drift"])


def _lazy(result: PerturbationResult) -> list[str]:
    found = result.summary
    if is_still(result):
        return ["$K_t$ does not move: the frozen kernel carries the whole run, and no order adds anything to it."]
    if not middle(found["error_order_0"]) > 0:
        return []
    error, drift = spread(found["error_order_0"], percent), spread(found["drift"], percent)
    rest = percent(middle([float(seed.residual("network")[-1]) for seed in result.seeds]))
    return [
        rf"The frozen kernel $K_0$ misses the network by at most {error} of $\|r(0)\|$ {_where(result)}; at the stop "
        f"{rest} of the residual is left and $K_t$ has drifted by {drift}."
    ]


def _where(result: PerturbationResult) -> str:
    """Over what the largest lazy error was taken: results before version 6 know their checkpoints only."""
    return "over every step" if all("lazy_error" in seed.facts for seed in result.seeds) else "at a checkpoint"


def _share_of_change(found: Mapping[str, Any], order: int) -> list[float | None]:
    """Of the deviation from lazy training what the orders up to this explain, by seed; None where the kernel stays, for
    there is only rounding to explain."""
    pairs = zip(found[f"explained_order_{order}"], found["drift"], strict=True)
    return [one if drift else None for one, drift in pairs]


def _explained(result: PerturbationResult) -> list[str]:
    found = result.summary
    shares = _share_of_change(found, 1), _share_of_change(found, 2)
    first, second = map(middle, shares)
    if not np.isfinite(first + second):
        return []
    if (seen := min(seed.seen for seed in result.seeds)) < SEEN:
        return [
            f"What the orders explain is **not determined**: the checkpoints see {percent(seen)} of the largest lazy "
            "error, which lies between them. Ask for more checkpoints."
        ]
    if first < 0:
        return [
            f"**The expansion fails here**: with first order the error grows to {_grown(shares[0])} times that of "
            f"lazy training, with second order to {_grown(shares[1])} times; "
            r"$\Delta K_t$ acts for too long to be a small change."
        ]
    said = f"**First order explains {spread(shares[0], share)} of the deviation from lazy training"
    both = spread(shares[1], share)
    if second < first:
        return [f"{said}**; second order takes that back to {both}: the expansion does not converge here."]
    return [f"{said}**, first and second order together {both}."]


def _grown(shares: Sequence[float | None]) -> str:
    """An error over that of lazy training, by what is explained of the latter."""
    return spread((None if one is None else 1 - one for one in shares), lambda one: number(one, 2))


def _modes(result: PerturbationResult) -> list[str]:
    """The modes that carry most of the deviation where it is largest, of the first seed."""
    seed = result.seeds[0]
    if seed.seen < SEEN or is_still(result):
        return []
    at = int(np.argmax(np.where(seed.at_checkpoint, seed.error("order_0"), -1.0)))
    squares = seed.contributions[3, at] ** 2
    if not squares.sum() > 0:
        return []
    order = np.argsort(-squares)
    shares = np.cumsum(squares[order]) / squares.sum()
    count = min(int(np.searchsorted(shares, MOST)) + 1, MOST_NAMED)
    modes = [str(i + 1) for i in sorted(order[:count])]
    carry = f"Mode {modes[0]} of $K_0$ carries" if count == 1 else f"Modes {listing(modes)} of $K_0$ carry"
    share = percent(float(shares[count - 1]))
    return [f"{carry} {share} of the squared deviation {LARGEST}{of_the_first(result.seeds)}."]


def _floor(result: PerturbationResult) -> list[str]:
    found = result.summary
    whole, floor = middle(found["error_full"]), middle(found["floor"])
    noise = middle([seed.noise for seed in result.seeds])
    if not whole > 0:
        return []
    missed = spread(found["error_full"], lambda one: number(one, 2))
    said = f"The whole propagator, with nothing expanded, misses the network by {missed} at the checkpoints"
    part = "curvature within each step" if result.dynamics == "gradient descent" else "the truncation of Runge-Kutta"
    if whole < ALIKE * noise:
        beside = (
            f", where rounding in {result.seeds[0].facts.get('precision', 'float32')} leaves {number(noise, 2)} open"
        )
    elif floor / ALIKE < whole < ALIKE * floor:
        beside = f", about as much as is predicted of {part}, {number(floor, 2)}"
    else:
        quadrature = middle(found["quadrature_error_full"])
        beside = f"; {number(floor, 2)} is predicted of {part}, and halving the checkpoints changes it by "
        beside += number(quadrature, 2)
    hidden = whole > NEAR * middle(found["error_order_2"])
    return [f"{said}{beside}.{' No order can be judged below this floor.' if hidden else ''}"]


def _bound(result: PerturbationResult) -> list[str]:
    """Whether P2 holds at every checkpoint, and how loose it is."""
    crossed, count, loose = 0, 0, []
    for seed in result.seeds:
        error, bound = seed.error("order_0")[seed.at_checkpoint], seed.bound("P2")[seed.at_checkpoint]
        if not np.all(np.isfinite(error + bound)) or error.max() <= seed.noise:
            continue
        crossed, count = crossed + int(np.sum(error > bound + seed.noise)), count + len(error)
        loose.append(float(bound.max() / error.max()))
    if not loose:
        return []
    if crossed:
        descent = "; of descent it bounds the flow only" if result.dynamics == "gradient descent" else ""
        return [
            f"**P2 is crossed at {crossed} of {count} checkpoints** and is no bound there: it is that of the path "
            f"interpolated between checkpoints{descent}."
        ]
    return [
        f"The bound P2 holds at every checkpoint{in_seeds(len(loose), len(result.seeds))}; at its largest it is "
        f"{spread(loose, lambda one: number(one, 2))} times the largest error there."
    ]


def _foretold(result: PerturbationResult) -> list[str]:
    found = result.summary
    predicted, missed = middle(found["drift_predicted"]), middle(found["drift_predicted_error"])
    if not np.isfinite(predicted + missed):
        return []
    said = (
        f"From initialisation alone the drift is foretold as {spread(found['drift_predicted'], percent)}, "
        rf"$\Delta K$ at the stop to within {spread(found['drift_predicted_error'], percent)} of its norm"
    )
    network = result.config.run.network
    if not isinstance(network, ModuleConfig) and ACTIVATIONS[network.activation].kinked:
        return [f"{said}: no derivative at $\\theta_0$ sees the kinks of the activation."]
    return [f"{said}{': of no use here' if missed > 1 else ''}."]
