"""The rules of the sentences about a run, its perturbation, and what charts leave out."""

from tests.rules.rule import Rule

# The rules of the sentences about a run, its data and its cost.

RUN = (
    Rule(
        "pages.views.kernel_words.which_kernel",
        "K_t is here the [kernel], of the last hidden layer's activations / K is here the [kernel]: it does not move. "
        "Step and stability are those of the neural tangent kernel; what needs f' = -K r is left out",
        "a run that follows the conjugate kernel, or one of infinite width",
        "it follows the neural tangent kernel",
    ),
    Rule(
        "pages.views.evolution_words.stability",
        "η_eff λ_max was ... at the start, ... at its peak, and is ... now: it crossed the limit ... times, "
        "first at t = ...; stayed at ...",
        "every checkpoint of the path is read; 'stayed' where every checkpoint of every seed reads alike; 'stable' "
        "only where all of them lie below the limit, and no peak comes within 5% of it; λ_max stands times the largest "
        "curvature of the loss, plus what weight decay adds",
        "the run diverged, its kernel was dead, it has one checkpoint, a value is not finite, or the loss is the "
        "hinge, which has no limit; with minibatches nothing is judged",
        path="every checkpoint",
    ),
    Rule(
        "pages.views.evolution_words.alignment",
        "The kernel's alignment with the target on held-out points rose / fell from ... to ..., stayed at ..., or was "
        "... at the start and ... at the stop, between ... and ... on the way",
        "two finite checkpoints; changes up to .005 are none; as many digits as the difference needs",
        "no path has two finite checkpoints, or no step was taken",
        path="a verb only where it holds on the whole path of every seed; else start, stop and reach",
        also=("pages.charts.words.course",),
    ),
    Rule(
        "pages.views.evolution_words._drift",
        "By the stop K_t has moved by ... of its norm (on the way by up to ...), its shape by ...; ... of the"
        " residual is left",
        "a seed that took steps, did not diverge, and whose drift is above the rounding of its kernel; the "
        "largest drift where it is over 1.05 times that at the stop; of a kernel of infinite width, that it does not "
        "move, and of one that never moved beyond rounding, that it has not",
        "no seed is such",
        path="the stop is named; what was larger on the way is said",
        also=("pages.views.evolution_words.still", "pages.views.evolution._curves"),
    ),
    Rule(
        "pages.views.evolution_words.floor",
        "At the start ... of ... eigenvalues lie under the noise floor: they are rounding",
        "an eigenvalue lies below p u lambda_1, or below the measured rounding of the kernel; the range over seeds",
        "none does, or they are not finite",
    ),
    Rule(
        "pages.views.network_words.missing",
        "Of a residual / convolutional / user's own network β is not defined, and its kernel at infinite width is not "
        "computed",
        "the kind of the network; of infinite width, where the page shows it, that the result has none and its kernel "
        "moves",
        "the network is fully connected",
    ),
    Rule(
        "pages.views.convention_words._signal",
        "sigma_w is ... times its critical value ...: a small signal shrinks / grows .... Per layer the factor is ...",
        "as beside the setting: the signal changes by 1% or more through the network",
        "it keeps its size",
    ),
    Rule(
        "pages.views.convention_words._float32",
        "In ... of ... seeds the residual at the stop is under what float32 resolves, ... of that at the start",
        "seeds trained in float32 whose residual at the stop is above 0 and at most their estimated rounding",
        "float64, a larger residual, or rounding that is not known",
    ),
    Rule(
        "pages.views.convention_words._outside",
        "The readout's bias is random and does not train / has no part in this kernel: f_0 lies outside H_0 unless "
        "constants lie in it; or: the readout does not train, or the network is one's own: f_0 need not lie in H_0",
        "a random readout bias, or the whole readout, that does not train, or where the conjugate kernel is followed "
        "any random readout bias; or any network of one's own; and a function that is not centred",
        "the readout trains, and its biases, if it has any that are random; the function is centred; or the kernel is "
        "of infinite width",
    ),
    Rule(
        "pages.views.evolution_words.one_point",
        "Exactly, over all initialisations, K_0(x, x) has mean ... and standard deviation ... of that, and dK/dt "
        "at t = 0 mean ...; in the ... seeds of this run K_0(x, x) is ...",
        "one training point, and a network with an exact law; dK/dt where the target has no "
        "noise and the loss is the squared one alone",
        "more points, another kernel than the neural tangent one, or no exact law "
        "(`engine.initialisation.law.reasons_without_law`)",
    ),
    Rule(
        "pages.views.convention_words._unequal",
        "Seeds stopped at different times, t = ... to ...: what is said of the stop is not at equal t",
        "two seeds that took steps, and stops over 5% apart",
        "one seed, or equal stops",
    ),
    Rule(
        "pages.views.convention_words._few",
        "A range over ... seeds is no interval to trust: one more seed falls inside with probability ...",
        "2 to 7 seeds; (n - 1)/(n + 1), exact for independent seeds",
        "one seed, or 8 and more",
    ),
    Rule(
        "pages.views.evolution_words._precision",
        "This run / Seeds ... trained in float64: [reason]. Rounding in ... moves the function at the start "
        "by ... of its size",
        "each reason with its own seeds; the largest measured rounding in each precision, above 1e-3",
        "float64 was asked for or not taken; rounding is at most 1e-3 or not known",
    ),
    Rule(
        "pages.views.evolution_words._stop",
        "Training stopped: the residual reached ... of its start / the step cap was reached / ...",
        "the stop reason of the engine; 'overflow' only before the first step",
        "there is no seed",
    ),
    Rule(
        "pages.views.evolution_words.went_wrong",
        "Seed ...: the residual diverged / the kernel at the start is zero",
        "the stop reason of the engine",
        "training ended as asked",
    ),
    Rule(
        "pages.views.evolution_words.dropped",
        "Seed ...: the last ... checkpoints left out, as the numbers there are not finite",
        "they were counted",
        "none were dropped",
    ),
    Rule(
        "pages.views.evolution_words.headlines",
        "Numbers at the top: medians over seeds, with the range",
        "finite values; drift none after divergence and under rounding; two numbers have the digits that "
        "their difference needs",
        "a value is not finite",
        "—",
    ),
    Rule(
        "pages.views.evolution_words.of_network",
        "network, held out: ...; R^2 = ...",
        "finite errors of a table's held-out rows",
        "no error is finite, or the targets do not vary",
        "—",
    ),
    Rule(
        "pages.run.asking.costs",
        "An estimated ... (... if float32 does not resolve the run) on this machine with nothing else to do, if every "
        "step up to the cap is taken",
        "a cost model with the rate measured here; never 'at most'; of float64 where the precision is left to the "
        "engine and that takes over 1.2 times as long",
        "it is not finite",
    ),
    Rule(
        "pages.shell.jobs.outdated",
        "Computed on ... by an earlier version: compute again for the present definitions",
        "a result under the key of an earlier version",
        "the day was not noted",
        "an unknown day",
    ),
    Rule(
        "pages.run.controls.off_critical",
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


# The rules of the sentences beside charts: what they leave out.

CHARTS = (
    Rule(
        "pages.charts.map_along.note_of",
        "Not drawn: ... cells, [reason]",
        "counted; below rounding and not finite apart",
        "none is left out",
        also=("pages.charts.map_along.along_table",),
    ),
    Rule(
        "pages.charts.over_time._masked",
        "... of ... values are [reason] and are not drawn",
        "counted",
        "none is",
        also=(
            "pages.charts.over_time._left_out",
            "pages.charts.animated.not_drawn",
            "pages.charts.initial_law.spectrum_table",
            "pages.charts.kernel.modes_table",
            "pages.charts.kernel.probe_function_table",
            "pages.charts.kernel.probe_kernel_table",
            "pages.charts.expansion.modes_table",
            "pages.charts.expansion._with_hidden",
            "pages.charts.study.study_table",
            "pages.charts.bias.bias_tables",
            "pages.charts.growth.growth_table",
            "pages.charts.frequencies.frequency_tables",
            "pages.charts.frequencies.spectrum_table",
            "pages.charts.stopped.pairs_table",
            "pages.charts.space_curves._table",
            "pages.charts.space_curves.decay_table",
            "pages.charts.space_curves.error_table",
            "pages.charts.kernel.spectrum_table",
            "pages.charts.evolution.timeline_table",
        ),
    ),
    Rule(
        "pages.charts.stopped._beyond",
        "... of ... values lie beyond the end, ...: a kernel that is held fixed diverges where its largest eigenvalue "
        "is above the stability limit",
        "counted; the cause is a law of the kernel held fixed, not a finding",
        "none lies there",
        also=("pages.charts.stopped.stop_tables",),
    ),
    Rule(
        "pages.charts.growth.learning_table",
        "... of ... errors are not determined. Without ridge the prediction is approximate: here ... to ... "
        "times what was measured",
        "measured by this run",
        "all are determined, with a ridge",
    ),
)


# The rules of the sentences of the Perturbation page.

PERTURBATION = (
    Rule(
        "pages.views.recorded_words.stepped",
        "The outputs one step on, looked at after ... checkpoints, are where plain gradient descent leads, to within "
        "... of the step",
        "a checkpoint after which the loop was called one step on; the largest miss of them all. A recording of which "
        "one is off by more than 1% of the step and 1e-5 of the outputs is not expanded at all",
        "no two neighbouring steps were recorded, which is said instead",
        "no two neighbouring steps were recorded",
    ),
    Rule(
        "pages.views.expansion_words._lazy",
        "The frozen kernel K_0 misses the network by at most ... over every step",
        "the supremum over every step of the run; 'at a checkpoint' for results that know their checkpoints only",
        "the error is 0 or not finite",
    ),
    Rule(
        "pages.views.expansion_words._explained",
        "First order explains ... of the deviation from lazy training, first and second order together ...",
        "checkpoints of every seed see at least 80% of the largest lazy error of the path; the range over seeds; "
        "nothing of a kernel that stays",
        "they see less",
        "**not determined**",
    ),
    Rule(
        "pages.views.expansion_words._modes",
        "Modes ... of K_0 carry ... of the squared deviation at the checkpoint where it is largest",
        "checkpoints see at least 80% of the largest lazy error of the path",
        "they see less, or nothing deviates, or no kernel moves: then it is rounding that deviates",
    ),
    Rule(
        "pages.views.study_words._errors",
        "The error of order 0 as n^... [..., ...]",
        "the 95% t interval of the exponent leaves 0 out, or is shorter than .2, and means of networks lie on a power "
        "law: off it by no more than seeds explain, or by less than a tenth of their variance; with one seed for each "
        "network, which has no interval, R^2 is at least .9, of more networks than parameters",
        "it does not, or networks are off a law",
        "**no law is determined**",
    ),
    Rule(
        "pages.views.study_words._drift",
        "The drift at the stop follows ... β^... [..., ...]",
        "as for the orders",
        "as for the orders",
        "**No law of the drift is determined**",
    ),
    Rule(
        "pages.views.study_words._crossings",
        "Order 0 errs by ... at β = ... (95%: ... to ...)",
        "the exponent of the law is surely above 0 (Fieller's interval is bounded), or there is one seed and "
        "no interval; and networks follow a law, as for the orders",
        "the exponent could be 0, or there is no law",
        "**not determined**",
    ),
    Rule(
        "pages.views.expansion_words._bound",
        "The bound P2 holds at every checkpoint; at its largest it is ... times the largest error there. Or: "
        "P2 is crossed at ... of ... checkpoints and is no bound there",
        "every checkpoint is compared, with the rounding of the run allowed for",
        "the largest error is within rounding, or error or bound are not finite",
        path="every checkpoint",
    ),
    Rule(
        "pages.views.expansion_words._floor",
        "The whole propagator misses the network by ... at the checkpoints, where rounding leaves ... open / "
        "about as much as is predicted of ... / ... is predicted of ...",
        "measured error beside what is predicted; no cause is named. 'About as much' within a factor of 2",
        "the error is 0 or not finite",
    ),
    Rule(
        "pages.views.expansion_words._foretold",
        "From initialisation alone the drift is foretold as ..., ΔK at the stop to within ... of its norm",
        "prediction and its measured error are finite; beyond 1 it is called of no use",
        "either is not",
    ),
    Rule(
        "pages.views.expansion_words.headlines",
        "lazy error, explained by order 1 and 2, drift",
        "medians over seeds of finite values",
        "a value is not finite",
        "—",
    ),
    Rule(
        "pages.views.study_words._seeds",
        "With one seed for each network there are no intervals",
        "one seed",
        "there are several",
    ),
)
