"""What is said of a recording beside what is said of any run: what it is, how it ended, what it lacks. No Streamlit
here."""

from collections.abc import Sequence

from cache.claims import Claim
from engine.problems import several
from engine.recording.config import RecordedPerturbationConfig, RecordingConfig
from engine.recording.result import RecordedPerturbation, RecordedRun
from engine.schema import ConfigError
from pages.charts.words import Headline, listing, middle, number, percent
from pages.views import evolution_words

ENDED = {
    "": "Its loop was cut short: what it had written is kept.",
    "closed": "Its loop ended.",
    "raised": "An error ended its loop.",
    "diverged": "Its outputs or its kernel were no longer finite: they are recorded up to there.",
}
LOSSES = {
    None: "outputs are compared with targets as they are, for the loop did not say what it minimised",
    "half_mean": "squared loss, half the mean",
    "mean": "squared loss, the mean",
    "half_sum": "squared loss, half the sum",
    "logistic": "cross-entropy: outputs are compared with targets as probabilities",
    "squared_hinge": "squared hinge loss: outputs are compared with targets cut off at the margin",
    "hinge": "hinge loss: outputs are compared with targets cut off at the margin",
    "other": "a loss in which outputs are not in the units of the targets",
}
SETTINGS = "the network's settings (β, infinite width)"
"""What no recording has."""

KERNEL = (
    r"Conventions: $K_t(x, x') = \langle\nabla_\theta f_t(x), \nabla_\theta f_t(x')\rangle$, without a factor "
    "$1/M$, of the loop's own network"
)


def answer(result: RecordedRun, grows: bool) -> str:
    """How far the kernel moved, or has so far; empty where that is no number."""
    said = evolution_words.answer(result)
    return said.replace("By the stop", "So far", 1) if grows else said


def headlines(result: RecordedRun) -> list[Headline]:
    """The numbers that a reader wants first, of those that were recorded."""
    found, seed = result.numbers(), result.seeds[0]
    ends = middle(found["alignment_start"]), middle(found["alignment_end"])
    told = [
        Headline("drift", percent(middle(found["drift"])), "Of the last kernel from the first."),
        Headline("shape drift", percent(middle(found["shape_drift"])), "The same with rescaling taken out."),
        Headline.at_both_ends("alignment", *ends, "With the targets, on held-out points, at both ends."),
    ]
    if "test_error" in seed:
        told.append(Headline("test error", number(float(seed["test_error"][-1])), "1 is the error of f = 0."))
    if "test_accuracy" in seed:
        told.append(Headline("test accuracy", percent(float(seed["test_accuracy"][-1])), "On held-out points."))
    count = several(len(seed["t"]), "checkpoint")
    return [*told, Headline("t at the last", number(seed.t_stop), f"{count} recorded.", several(seed.steps, "step"))]


def sentences(result: RecordedRun, grows: bool) -> list[str]:
    """Markdown, one finding each, beside the answer."""
    told = [*evolution_words.alignment(result), *evolution_words.floor(result)]
    if grows:
        return [said.replace("at the stop", "now") for said in told]
    return [ENDED[result.meta.get("ended", "closed")], *told]


def owned(claims: Sequence[Claim]) -> str:
    """Who may name, tag and delete it."""
    if not claims:
        return "Nobody has claimed this recording yet: only an administrator may name, tag or delete it."
    claimed = f"Claimed by {listing([claim.person for claim in claims])}, who may name and tag it."
    brought = [claim.person for claim in claims if claim.brought]
    or_they = f", or {listing(brought)}, for whom it was brought in" if brought else ""
    return f"{claimed} An administrator may delete it{or_they}."


def facts(recorded: RecordingConfig) -> str:
    """What was recorded, and by what."""
    traced = f", traced over {recorded.outputs} outputs" if recorded.outputs > 1 else ""
    by = f"; by {recorded.versions}" if recorded.versions else ""
    return (
        f"Recorded by a loop of your own, “{recorded.recording}”: {recorded.train:,} training and "
        f"{recorded.held_out:,} held-out points{traced}; {LOSSES[recorded.loss]}{by}"
    )


def lacking(result: RecordedRun) -> str:
    """What the recording does not have, so that its charts are not here."""
    seed, more = result.seeds[0], []
    if "loss" not in seed:
        more.append("the loss")
    if "residual" not in seed:
        more.append("outputs in the units of the targets (residual, errors, the residual per mode)")
    if "test_accuracy" not in seed:
        more.append("classes (accuracy)")
    return _not_recorded([*more, SETTINGS, _steps(result.recording), "the kernel by layer"])


def lacking_spaces(recorded: RecordingConfig, grids: int) -> str:
    """The same of the pages on function spaces."""
    more = ["points along a curve to draw functions on", "a large sample"]
    if recorded.loss == "other":
        more.append("outputs in the units of the targets (the network's error)")
    held_out = f"Nested grids and learning curves are of the {recorded.held_out:,} held-out points"
    few = "" if grids > 2 else ", which are too few for an exponent: 64 or more are needed"
    return f"{_not_recorded([*more, SETTINGS, _steps(recorded)])} {held_out}{few}."


def expandable(recorded: RecordingConfig) -> bool:
    """Whether the page Perturbation shows it."""
    try:
        return bool(RecordedPerturbationConfig.of(recorded))
    except ConfigError:
        return False


def _steps(recorded: RecordingConfig) -> str:
    """What is not shown of how it stepped."""
    if expandable(recorded):
        return "how it stepped (stability limit)"
    asked = " for want of a loss" if recorded.loss is None and recorded.learning_rate is not None else ""
    return f"how it stepped (stability limit, perturbation{asked})"


def stepped(result: RecordedPerturbation) -> str:
    """What its expansion is of, and whether that was seen; Markdown."""
    seed, asked = result.seeds[0], result.recording
    count, off, first = seed.facts["looked_at"], seed.facts["off"], seed.facts["first_step"]
    rate = rf"$\eta$ = {number(asked.learning_rate or 0.0)}, $\eta_\mathrm{{eff}}$ = {number(asked.rate)}"
    said = f"Its loop is, it says, plain gradient descent with {rate} on exactly the {asked.train:,} training points: "
    if off is None:
        said += "no two neighbouring steps were recorded that would show it. "
    else:
        said += f"the outputs one step on, looked at after {several(count, 'checkpoint')}, are where that leads, to "
        said += f"within {number(off, 2)} of the step. "
    start = rf"$t = \eta_\mathrm{{eff}}$ times the steps since step {first:,}, whose kernel is $K_0$. " if first else ""
    return f"{said}{start}The kernel between checkpoints is linear, for its slopes $K'_t$ are not recorded."


def _not_recorded(what: Sequence[str]) -> str:
    return f"Not recorded, and not shown: {listing(what)}."


def conventions(recorded: RecordingConfig) -> str:
    """In which its numbers are meant, as LaTeX."""
    traced = f", traced over {recorded.outputs} outputs ($\\frac{{1}}{{k}}\\sum_o K_{{oo}}$)" * (recorded.outputs > 1)
    return f"{KERNEL}{traced}; $t$ as its loop gave it."


def conventions_of_expansion(result: RecordedPerturbation) -> str:
    """The same of its expansion."""
    asked = result.recording
    full = f", between all {asked.outputs} outputs" * (asked.outputs > 1)
    rate = rf"$t = \eta_\mathrm{{eff}}$ times steps, $\eta_\mathrm{{eff}}$ = {number(asked.rate)}"
    return f"{KERNEL}{full}; {rate}; $r = f - y$."
