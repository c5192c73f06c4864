"""The rules of the sentences on the kernel at initialisation."""

from pages.rules.rule import Rule

RULES = (
    Rule(
        "pages.initialisation.words.above_the_mean",
        "...% of the draws lie above their exact mean",
        "an exact law, and bins that reach the mean",
        "they do not reach it",
    ),
    Rule(
        "pages.initialisation.words.zeros",
        "K is 0 in ... of ... draws",
        "counted",
        "none is 0",
    ),
    Rule(
        "pages.initialisation.words.out_of_reach",
        "These draws do not reach far enough into the tail: their own estimate ... cannot be trusted",
        "exact moments say so (Cochran's rule)",
        "they do not, or there is no exact law",
    ),
    Rule(
        "pages.initialisation.words.breakdown",
        "Plain Monte Carlo needs more than ... draws for 5% of E[K²]: n = ... from about β = ...",
        "the exact variance, at depths looked at and interpolated between",
        "the budget suffices on the whole curve",
    ),
    Rule(
        "pages.initialisation.words.bias_share",
        "Biases make up ...% of E[K] at one hidden layer and ...% at ..., between ... and ... over the depths drawn",
        "all depths of the curve are read",
        "a share is not finite",
        path="every depth drawn",
    ),
    Rule(
        "pages.initialisation.words.signs",
        "y = ...: the sign is negative / positive / 0 everywhere, or flips along the curves",
        "the sign at every depth that can be drawn",
        "nothing can be drawn",
        path="every depth drawn",
    ),
    Rule(
        "pages.initialisation.words.point_signs",
        "...: ... of ... points grow, ... fall; the sign of ... is within its error",
        "an interval that leaves 0 out",
        "it holds 0",
        "0 of 1 points grow, 0 fall",
    ),
    Rule(
        "pages.initialisation.words.untrusted",
        "Hollow points: exact moments say that the error bar cannot be trusted",
        "exact moments say so",
        "no point is such",
    ),
    Rule(
        "pages.initialisation.words.stiff",
        "... of ... networks were too stiff to follow and are left out",
        "counted",
        "none is",
    ),
    Rule(
        "pages.initialisation.words.largest_eigenvalue",
        "The largest eigenvalue is ... on average, ... times that of infinite width; 90% of the ... draws lie"
        " between ... and ...",
        "a limit; the band from 20 draws on",
        "either is not finite",
    ),
    Rule(
        "pages.initialisation.words.off_critical",
        "Vanishing / Growing signal: the mean square of the (small) signal falls to / grows by ... through "
        "... hidden layers",
        "σ_w of the hidden layers differs from critical; 'dead' only below a tenth of the signal; 'small' "
        "where the activation is not ReLU",
        "σ_w of the hidden layers is critical",
    ),
    Rule(
        "pages.charts.initialisation.beyond.parting",
        "The first step's line lies within the bars of the mean at every time shown / leaves them at t = ...",
        "intervals at all times shown",
        "a mean has no interval",
        path="every time shown",
    ),
    Rule(
        "pages.initialisation.words.point",
        "n = ..., L = ..., β = ...; exactly: E[K] = ..., E[K²]/E[K]² = ...",
        "'exactly' only where the law is exact (ReLU, zero-initialised trained biases, ntk)",
        "there is none",
        "hidden layers, β = ",
    ),
    Rule(
        "pages.initialisation.curves._notes",
        "Curves end at ... hidden layers; ... of ... points are not drawn",
        "counted",
        "all are drawn",
    ),
)
