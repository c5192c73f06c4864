"""The rules of the sentences about a run, its data and its cost."""

from pages.rules.rule import Rule

RULES = (
    Rule(
        "pages.findings._stability",
        "η_eff λ_max was ... at the start, ... at its peak, and is ... now: it crossed the limit ... times, "
        "first at t = ...",
        "every checkpoint of the path is read; 'stable' only where all of them lie below the limit, and no "
        "peak comes within 5% of it",
        "the run diverged, its kernel was dead, it has one checkpoint, or a value is not finite; with "
        "minibatches nothing is judged",
        path="every checkpoint",
    ),
    Rule(
        "pages.findings._alignment",
        "Its alignment with the target on held-out points rose / fell from ... to ..., stayed at ..., or was "
        "... at the start and ... at the stop, between ... and ... on the way",
        "two finite checkpoints; changes up to .005 are none; as many digits as the difference needs",
        "no path has two finite checkpoints, or no step was taken",
        path="a verb only where it holds on the whole path of every seed; else start, stop and reach",
        also=("pages.course.course",),
    ),
    Rule(
        "pages.findings._drift",
        "By the stop K_t has moved by ... of its norm (on the way by up to ...), its shape by ...; ... of the"
        " residual is left",
        "a seed that took steps, did not diverge, and whose drift is above the rounding of its kernel; the "
        "largest drift where it is over 1.05 times that at the stop",
        "no seed is such",
        path="the stop is named; what was larger on the way is said",
    ),
    Rule(
        "pages.findings._floor",
        "... of ... eigenvalues lie under the noise floor at the start: they are rounding",
        "an eigenvalue lies below p u lambda_1, or below the measured rounding of the kernel; the range over seeds",
        "none does, or they are not finite",
    ),
    Rule(
        "pages.findings._precision",
        "This run / Seeds ... trained in float64: [reason]. Rounding in ... moves the function at the start "
        "by ... of its size",
        "each reason with its own seeds; the largest measured rounding in each precision, above 1e-3",
        "float64 was asked for or not taken; rounding is at most 1e-3 or not known",
    ),
    Rule(
        "pages.findings._stop",
        "Training stopped: the residual reached ... of its start / the step cap was reached / ...",
        "the stop reason of the engine; 'overflow' only before the first step",
        "there is no seed",
    ),
    Rule(
        "pages.findings.went_wrong",
        "Seed ...: the residual diverged / the kernel at the start is zero",
        "the stop reason of the engine",
        "training ended as asked",
    ),
    Rule(
        "pages.findings.dropped",
        "Seed ...: the last ... checkpoints left out, as the numbers there are not finite",
        "they were counted",
        "none were dropped",
    ),
    Rule(
        "pages.findings.headlines",
        "Numbers at the top: medians over seeds, with the range",
        "finite values; drift none after divergence and under rounding; two numbers have the digits that "
        "their difference needs",
        "a value is not finite",
        "—",
    ),
    Rule(
        "pages.findings.of_network",
        "network, held out: ...; R^2 = ...",
        "finite errors of a table's held-out rows",
        "no error is finite, or the targets do not vary",
        "—",
    ),
    Rule(
        "pages.asking.costs",
        "An estimated ... on this machine with nothing else to do, if every step up to the cap is taken",
        "a cost model with the rate measured here; never 'at most'",
        "it is not finite",
    ),
    Rule(
        "pages.asking.outdated",
        "Computed on ... by an earlier version: compute again for the present definitions",
        "a result under the key of an earlier version",
        "the day was not noted",
        "an unknown day",
        also=("pages.asking._by_an_earlier_version",),
    ),
    Rule(
        "pages.controls.off_critical",
        "σ_w is ... times its critical value: a small signal grows / shrinks, here by a factor ... through ... layers",
        "the signal's factor differs from 1 by over 1%; said of a small signal",
        "it does not, or there is no config",
    ),
    Rule(
        "engine.data.remarks._repeated",
        "... of ... training points repeat the inputs of another: the kernel matrix is singular, of rank ... "
        "at most. ... have other targets: no function fits them all, ... of the targets' norm is left at best",
        "equal inputs to 12 digits, counted",
        "no two inputs are equal",
    ),
    Rule(
        "engine.data.remarks._shared",
        "... of ... held-out points have the inputs of a training point: the error on them is no test",
        "equal inputs to 12 digits, counted",
        "none are shared",
    ),
)
