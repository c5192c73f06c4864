"""What is said of held results beside the present one: what each is called, in what they differ, how their times meet,
what one lacks. No Streamlit here."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from engine.config import RunConfig
from engine.quantities import QUANTITIES
from engine.recording.config import RecordedPerturbationConfig, RecordingConfig
from engine.result import Field
from engine.training.result import SeedResult
from pages.charts.matched import counts_steps, descends, per_step, recorded_in
from pages.charts.words import listing, plain
from pages.run.differing import Settings, from_to, in_one_line, labels, setting_in_words, settings_in

RunOrRecording = RunConfig | RecordingConfig
"""What is held, or beside it: a run, or a recording."""
TELLING = ("depth", "width")
"""Settings by which a run is called that stands alone among recordings."""
BRIEFLY = (*TELLING, "loss", "size")
MOST = 6
"""Quantities that a sentence names."""
DIGITS = 8


def settings(asked: RunOrRecording) -> Settings:
    """By name; of a recording what it says of itself."""
    if isinstance(asked, RunConfig):
        return settings_in(asked.to_dict())
    return {
        "recording": asked.recording,
        "framework": asked.versions or "not said",
        "loss": asked.loss or "not said",
        "training points": asked.train,
        "held-out points": asked.held_out,
        "outputs": asked.outputs,
    }


def _recordings(every: Sequence[RunOrRecording]) -> list[Settings]:
    """The settings of those that are recordings; files tell apart those of one name."""
    found = [one for one in every if isinstance(one, RecordingConfig)]
    alike = len({one.recording for one in found}) < len(found)
    return [{**settings(one), **({"file": one.source.digest[:DIGITS]} if alike else {})} for one in found]


def called(every: Sequence[RunOrRecording], names: Sequence[str]) -> list[str]:
    """What to call each beside the others, each only once: its name, else that of its loop, else what tells the runs
    apart."""
    runs = [settings(one) for one in every if isinstance(one, RunConfig)]
    told = iter(
        labels(runs, [""] * len(runs), ["run"] * len(runs)) if len(runs) > 1 else (alone(run) or "run" for run in runs)
    )
    own = [next(told) if isinstance(one, RunConfig) else one.recording for one in every]
    given = [name or text for name, text in zip(names, own, strict=True)]
    return labels([{}] * len(given), given, [""] * len(given))


def alone(run: Settings) -> str:
    """What to call the one run among recordings; "" where it has no depth and no width."""
    return ", ".join(setting_in_words(name, run[name]) for name in TELLING if name in run)


def differ(held: Sequence[RunOrRecording], own: RunOrRecording) -> str:
    """In what they differ, in a line; settings of a run are none of a recording."""
    every = [*held, own]
    runs = [settings(one) for one in every if isinstance(one, RunConfig)]
    beside = "this run" if isinstance(own, RunConfig) else "this recording"
    if len(runs) in (0, len(every)):
        return apart(runs or _recordings(every), beside)
    if len(every) == 2:
        return f"Held: {brief(held[0])} → {brief(own)}."
    told = [brief(one) for one in held if isinstance(one, RecordingConfig) or len(runs) == 1]
    whom = beside if isinstance(own, RunConfig) and len(runs) > 1 else brief(own)
    more = f" Of the runs: {in_one_line(runs).replace('They', 'they', 1)}" if len(runs) > 1 else ""
    return f"Held beside {whom}: {listing(told)}.{more}"


def apart(every: Sequence[Settings], beside: str) -> str:
    """In what the settings of what is held differ from the last, those of what it is `beside`, in a line."""
    if len(every) == 2:
        return f"Held: {from_to(*every)}."
    return f"Held beside {beside}. {in_one_line(every)}".strip()


def brief(asked: RunOrRecording) -> str:
    """One of them in a few words, as Markdown."""
    own = settings(asked)
    if isinstance(asked, RunConfig):
        parts = [setting_in_words(name, own[name]) for name in BRIEFLY if name in own]
        return f"a run ({plain(', '.join(parts))})"
    parts = (own["framework"], f"loss {own['loss']}", f"{asked.train:,} + {asked.held_out:,} points")
    return f"the recording **{plain(asked.recording)}** ({plain('; '.join(parts))})"


def meeting(name: str, own: Any, other: Any, called: str = "this recording") -> str:
    """How the time of a held result meets that of the present one, where one of them is a recording; "" of two runs,
    and of expansions, whose t is eta_eff times steps.

    Args:
        called: what the present one is called, where it is a recording.
    """
    recorded = [one for one in (own, other) if recorded_in(one)]
    if not recorded or isinstance(recorded[0].config, RecordedPerturbationConfig):
        return ""
    rate, who = per_step(own, other), f"**{plain(name)}**"
    if rate == 0:
        both = "for neither loop gave a t" if counts_steps(own) else "which of a recording is what its loop gave"
        return f"{who} is drawn at equal {'steps' if counts_steps(own) else 't'}, {both}."
    whose = "its loop" if counts_steps(other) else f"the loop of {called}"
    if rate is not None:
        return f"{who} is drawn at equal steps: {whose} gave no t."
    if not (descends(own) and descends(other)):
        return f"{who} is **not drawn over t**: {whose} gave no t, and the steps of the run are those of Runge-Kutta."
    return (
        f"{who} is **not drawn over t**: {whose} gave no t, and here a step is not the same t throughout, in every "
        "seed. Hold this one and open that one: there steps are compared."
    )


def lacking(name: str, own: Any, other: Any) -> str:
    """What a held recording has no numbers of, that the page has of its own; "" where it is a run, or has all."""
    return without(name, [*dict.fromkeys(_lacking(own, other))]) if recorded_in(other) else ""


def without(name: str, found: Sequence[str]) -> str:
    """That it has no numbers of these quantities; "" where there are none such."""
    if not found:
        return ""
    more = [f"{len(found) - MOST} more"] if len(found) > MOST else []
    return f"**{plain(name)}** has no numbers of {listing([*map(plain, found[:MOST]), *more])}."


def _lacking(own: Any, other: Any) -> Iterator[str]:
    """Labels of quantities."""
    mine, theirs = own.seeds[0], other.seeds[0]
    for name in mine.arrays:
        label = _label(name, mine.FIELDS)
        if label and _known(mine, name) and not _known(theirs, name):
            yield label
    if isinstance(mine, SeedResult) and mine.effective_rate > 0 and np.isfinite(own.config.training.stability_limit):
        yield "the stability limit"


def _known(seed: Any, name: str) -> bool:
    return name in seed and bool(np.isfinite(np.asarray(seed[name], float)).any())


def _label(name: str, fields: Mapping[str, Field]) -> str:
    """Of the quantity that an array carries; "" where that is none."""
    own = fields[name].quantity if name in fields else ""
    quantity = own or name.rpartition("/")[2]
    return QUANTITIES[quantity].label if quantity in QUANTITIES else ""
