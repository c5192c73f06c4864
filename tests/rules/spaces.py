"""The rules of the sentences of the pages on function spaces."""

from tests.rules.rule import Rule

RULES = (
    Rule(
        "pages.views.bias_words._alignment",
        "The kernel's alignment with the target rose / fell / stayed / was ...",
        "as for a run",
        "no path has two finite checkpoints",
        path="a verb only where it holds on the whole path of every seed; else start, stop and reach",
    ),
    Rule(
        "pages.views.bias_words._decay",
        "On ... points the spectrum decays under K_0 as i^... and K_T by no power law (...)",
        "at least 8 eigenvalues above the noise floor up to p/2, R^2 > .95, standard error < .1; in how many seeds, "
        "and the range over them",
        "they are not",
        "by no power law",
    ),
    Rule(
        "pages.views.bias_words._power",
        "On held-out points 90% of the target lies in the leading ... (over seeds ... to ...) modes of K_0 and in the"
        " leading ... of K_T (in ... of ... seeds)",
        "modes above the noise floor hold so much; the range over seeds",
        "they do not, at either end",
        "do not hold 90%",
    ),
    Rule(
        "pages.views.norm_words._of_one_space",
        "This kernel does not move, so H_T is H_0: on held-out points the target's S there is ... (over seeds)",
        "a kernel of infinite width, or none of whose seeds' spaces moved beyond rounding; S is determined",
        "it moves, no seed took a step, or S is not determined",
    ),
    Rule(
        "pages.views.bias_words._of_one_kernel",
        "This kernel does not move: on held-out points 90% of the target lies in its leading ... modes, of ...",
        "as above; modes above the noise floor hold so much in every seed",
        "it moves, or they do not",
    ),
    Rule(
        "pages.views.error_words._of_one_kernel",
        "This kernel does not move: held out, regression with it errs ..., the network ...",
        "as above; errors that conditioning determines in every seed",
        "it moves, or they are not determined",
    ),
    Rule(
        "pages.views.bias_words._size",
        "The effective dimension ... rose / fell / stayed / was ...; the stable rank ...",
        "changes by up to 1% are none",
        "no path has two finite checkpoints",
        path="a verb only where it holds on the whole path of every seed; else start, stop and reach",
    ),
    Rule(
        "pages.views.bias_words._turned",
        "The leading ...-dimensional eigenspace of K_0 is by the stop turned by up to ...°: ... of it is left"
        " in that of K_T, where chance would leave ...",
        "its modes lie above the noise floor at both ends; said of the stop",
        "they do not, an angle is not finite, there is one checkpoint, or the kernel does not move",
    ),
    Rule(
        "pages.views.bias_words._baked",
        "The labels of these points are baked into K_t",
        "training points of a run whose kernel moved",
        "held-out points, one checkpoint, or a kernel of infinite width",
    ),
    Rule(
        "pages.views.bias_words.headlines",
        "decay exponent, modes, alignment, CKA",
        "medians over seeds of finite values",
        "a value is not finite",
        "—",
    ),
    Rule(
        "pages.views.error_words._against_start",
        "Held out, regression with K_T errs ... times less than K_0 (over seeds ... to ...)",
        "errors that conditioning determines and that lie above rounding, both ridgeless or, where that is in no seed "
        "determined, both with the ridge that leave-one-out picks; the range over seeds, and of how many; where seeds "
        "disagree, that",
        "they are not determined, or seeds disagree",
        "**not determined**",
        also=("pages.views.spaces_words.less_over_seeds",),
    ),
    Rule(
        "pages.views.stopped_words._fixed",
        "From t = ... on the kernel could have been held fixed: it then ends within ...% of ||f_T - f_0|| of the "
        "network, held out, and so does that of every later checkpoint. ... of the steps come after it; one kernel "
        "with its eigenvectors taken off, ... of the operations / but one kernel costs more than they do",
        "every kernel from there to the last but one ends within the tolerance; the range over the seeds of which that "
        "is so, and in how many",
        "momentum, minibatches, weight decay, a loss of classes, another kernel than the neural tangent one, a run "
        "that diverged or was dead, fewer than three checkpoints, or an end that is not finite",
        path="every later checkpoint; where only the stop itself will do, that none does",
    ),
    Rule(
        "pages.views.stopped_words._errors",
        "Its held-out error at the stop would have been ...; going on gave ...",
        "as above, at a checkpoint after the start, and both errors are finite",
        "no kernel before the stop will do, or that of the start does",
    ),
    Rule(
        "pages.views.stopped_words._still",
        "From there to the stop the kernel moves by another ... of its norm: ... in its eigenvalues and ... by "
        "rotation, in quadrature; CKA is ...",
        "as above, and all four are finite",
        "no kernel before the stop will do, or that of the start does",
    ),
    Rule(
        "pages.views.frequency_words._strength",
        "The strength of frequencies in K_0 is within 10% of M lambda_k for k = ..., at most ... off at k = ...; in "
        "K_T it is ... to ... times that",
        "uniform points, where lambda_k has a closed form, and frequencies whose lambda_k stands clear of rounding; "
        "medians over seeds",
        "a density, or a strength that is not finite",
    ),
    Rule(
        "pages.views.frequency_words._leakage",
        "Of what K_0 makes of the frequencies in r(0), other frequencies get ... at k = ... (... in K_T)",
        "of the at most four largest frequencies of r(0) those with 10% of it or more in every seed; medians over "
        "seeds of finite values; that infinite width leaks nothing only on a uniform grid",
        "no frequency is such, or a leakage is not finite",
    ),
    Rule(
        "pages.views.frequency_words._decay",
        "By the stop there is left of the residual ... at k = ... (foretold ...), each of its own start",
        "the same frequencies; every seed trained, and by a law that a kernel alone continues",
        "momentum, minibatches, weight decay, a loss of classes or another kernel than the neural tangent one, a seed "
        "that diverged, was dead or took no step, or a value that is not finite",
    ),
    Rule(
        "pages.views.frequency_words._exchange",
        "The share of the decay r^T K_t r that is between different frequencies rose / fell / stayed / was ...",
        "changes of up to .01 are none",
        "no path has two finite checkpoints, weights decay, which takes part in the decay of the residual, or another "
        "kernel than the neural tangent one is followed",
        path="a verb only where it holds on the whole path of every seed; else start, stop and reach",
    ),
    Rule(
        "pages.views.spaces_words.of_loss",
        "The network trained by ... loss and weight decay, regression by squares: the network is compared by its "
        "probability, in the units of the targets, and a kernel held fixed is not followed; or so is what a kernel "
        "held fixed makes of it, by ... loss too",
        "a loss of classes or weight decay, by the config; the guess is that of the loss; of a kernel held fixed where "
        "every seed has it",
        "a squared loss without weight decay",
    ),
    Rule(
        "pages.views.error_words._kernels",
        "Held out, errors are: .... K_T errs ... times less than K_∞ / the network",
        "errors that conditioning determines; a comparison as with K_0, seed by seed",
        "they are not determined",
        "$K_0$ not determined and $K_T$ not determined",
    ),
    Rule(
        "pages.views.four_answers.labels",
        "moved? CKA with K_0 ...; cheaper? yes, ...×; outside? yes so far; better? no, ...× more; of a kernel that "
        "does not move: no; the same space; the same kernel",
        "each as its sentence: where seeds or fits disagree, that; ratios within 1.1 are about the same",
        "it is not determined",
        "moved? **not determined** cheaper? **not determined** outside? **not determined** better? **not determined**",
    ),
    Rule(
        "pages.views.error_words._tuned",
        "With the ridge that leave-one-out picks: K_0 ..., K_T ...",
        "both are determined",
        "either is not",
    ),
    Rule(
        "pages.views.error_words._flags",
        "Ridgeless regression with K_... is [flag] (condition number ..., rank ...)",
        "the flag of the engine; in how many seeds",
        "the flag is ok",
    ),
    Rule(
        "pages.views.error_words.curve_sentences",
        "With a ridge, ... of ... measured errors lie within two standard errors of the prediction. Without "
        "one the prediction misses by ... in the median, at most .... After ... points K_T errs ...",
        "errors and standard errors of this run; a comparison only beyond two standard errors",
        "too few points, no standard error, or not told apart",
        "not told apart",
    ),
    Rule(
        "pages.views.error_words.headlines",
        "network, regression with K_0, K_T, K_∞",
        "finite errors",
        "not determined",
        "—",
    ),
    Rule(
        "pages.views.norm_words._target",
        "On held-out points the target costs ... times less in H_T than in H_0 at equal trace: S is ... in "
        "H_0 and ... in H_T",
        "conditioning determines S at both ends; where seeds disagree which costs less, that",
        "it does not",
        "not determined",
        also=("pages.views.norm_words._not_priced",),
    ),
    Rule(
        "pages.views.norm_words._function",
        "The trained function f_T - f_0 costs ... times less in H_T than in H_0",
        "both norms are determined and above 0; the range over seeds, and of how many; where seeds disagree, that",
        "either is not",
    ),
    Rule(
        "pages.views.norm_words._limit",
        "At infinite width the target's S is ...",
        "it is determined",
        "it is not, or there is no such limit",
    ),
    Rule(
        "pages.views.norm_words._inclusion",
        "At ridge 1e-4 the unit ball of H_T lies in ... times that of H_0, that of H_0 in ... times that of "
        "H_T: [verdict]",
        "both constants are determined; the range over seeds, and of how many; 'nearly one' below 1.25, 'further out' "
        "from a factor 2, where that holds in each of them; that the space has grown is never said",
        "either is not",
        "not determined",
    ),
    Rule(
        "pages.views.norm_words._growing",
        "As the ridge falls from 1e-2 to 1e-6 they grow up to ... times: no bounded constant is in sight on "
        "these points",
        "growth above 3, in how many seeds",
        "growth of at most 3, or not determined",
    ),
    Rule(
        "pages.views.norm_words.headlines",
        "S of the target, cheaper in H_T, unit balls, condition number",
        "medians over seeds of finite values",
        "a value is not finite",
        "—",
    ),
    Rule(
        "pages.views.function_space_words.answer",
        "On nested grids of ... to ... points / one grid of ... points f_T has a squared norm that grows like p^... in "
        "H_0 and ... in H_T: [verdict] so far",
        "at least three grids that allow an inverse, in how many seeds; verdicts speak of these grids only, need an "
        "exponent of every seed, and hold for each and a standard error of its fit to either side; of "
        "a kernel that does not move, of H_0 alone",
        "fewer than three; a verdict that a standard error would change",
        "not determined",
    ),
    Rule(
        "pages.views.function_space_words._others",
        "On the same grids (ranks ... and ... on the largest) the target ...; white noise, in no space, grows like"
        " p^...",
        "as for the trained function",
        "fewer than three; a verdict that a standard error would change",
        "not determined",
    ),
    Rule(
        "pages.views.norm_words._baked",
        "On training points, whose labels are baked into K_T, the target costs ... times less than in H_0",
        "conditioning determines S there at both ends, in how many seeds, and the kernel is the network's own; where "
        "seeds disagree, that",
        "it does not, or the kernel is of infinite width",
    ),
    Rule(
        "pages.views.function_space_words._balls",
        "At the norm with which the best function of H_T leaves a squared error of 10% held out, the best of "
        "H_0 leaves ...",
        "a ball of H_T reaches 10%, in how many seeds; within a factor 1.1 in each of them no enlargement is said",
        "none does",
        "No ball",
        also=("pages.views.function_space_words.error_at_budget",),
    ),
    Rule(
        "pages.views.function_space_words._modes",
        "Of the leading ... eigenfunctions of K_0, matched with those of K_T, the overlap is ... in the "
        "median and ... for mode ...",
        "modes above the noise floor at both ends",
        "none is",
    ),
    Rule(
        "pages.views.function_space_words._headline",
        "growth of y and f_T in H_0 and H_T",
        "at least three grids",
        "fewer",
        "—",
    ),
)
