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
        "at least 8 eigenvalues above the noise floor up to p/2, R^2 > .95, standard error < .1; in how many seeds",
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
        "they do not, an angle is not finite, or there is one checkpoint",
    ),
    Rule(
        "pages.views.bias_words._baked",
        "The labels of these points are baked into K_t",
        "training points of a run that moved",
        "held-out points, or one checkpoint",
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
        "errors that conditioning determines and that lie above rounding; the range over seeds; where seeds "
        "disagree, that",
        "they are not determined, or seeds disagree",
        "**not determined**",
        also=("pages.views.spaces_words.less_over_seeds",),
    ),
    Rule(
        "pages.views.error_words._kernels",
        "Held out, errors are: .... K_T errs ... times less than K_∞ / the network",
        "errors that conditioning determines; a comparison where both lie above rounding",
        "they are not determined",
        "$K_0$ not determined and $K_T$ not determined",
    ),
    Rule(
        "pages.views.four_answers.labels",
        "moved? CKA with K_0 ...; cheaper? yes, ...×; outside? yes so far; better? no, ...× more",
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
        "both norms are determined and above 0",
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
        "both constants are determined; 'nearly one' below 1.25, 'further out' from a factor 2; that the "
        "space has grown is never said",
        "either is not",
        "not determined",
    ),
    Rule(
        "pages.views.norm_words._growing",
        "As the ridge falls from 1e-2 to 1e-6 they grow up to ... times: no bounded constant is in sight on "
        "these points",
        "growth above 3",
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
        "On nested grids of ... to ... points f_T has a squared norm that grows like p^... in H_0 and ... in "
        "H_T: [verdict] so far",
        "at least three grids that allow an inverse; verdicts speak of these grids only, and hold for every seed and a "
        "standard error of each fit to either side",
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
        "conditioning determines S there at both ends",
        "it does not",
    ),
    Rule(
        "pages.views.function_space_words._balls",
        "At the norm with which the best function of H_T leaves a squared error of 10% held out, the best of "
        "H_0 leaves ...",
        "a ball of H_T reaches 10%; within a factor 1.1 no enlargement is said; in how many seeds",
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
