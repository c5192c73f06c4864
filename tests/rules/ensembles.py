"""The rules of the sentences on the kernel at initialisation and on the Regime map."""

from tests.rules.rule import Rule

# The rules of the sentences on the kernel at initialisation.

INITIALISATION = (
    Rule(
        "pages.views.initial_words.above_the_mean",
        "...% (95%: ... to ...%) of ... draws lie above their exact mean; or none of ..., at most ...% of all (95%)",
        "an exact law; the binomial interval of Clopper and Pearson, where none lies above its upper end",
        "all lie above",
    ),
    Rule(
        "pages.views.initial_words.variation",
        "Exactly, the standard deviation of K(x, x) is ... times its mean at n = ..., β = ...: E[K²]/E[K]² is ...",
        "an exact law; the ends of the narrowest and of the widest curve only",
        "neither end can be drawn",
    ),
    Rule(
        "pages.views.initial_words.first_rate",
        "Exactly, for y = ... the kernel starts to move at E[dK/dt]/E[K] = ... at n = ..., β = ...",
        "an exact law; the ends of the narrowest and of the widest curve only",
        "neither end can be drawn",
    ),
    Rule(
        "pages.views.initial_words.zeros",
        "K is 0 in ... of ... draws",
        "counted",
        "none is 0",
    ),
    Rule(
        "pages.views.initial_words.out_of_reach",
        "These draws do not reach far enough into the tail: their own estimate ... cannot be trusted",
        "exact moments say so (Cochran's rule)",
        "they do not, or there is no exact law",
    ),
    Rule(
        "pages.views.initial_words.breakdown",
        "Plain Monte Carlo needs more than ... draws for 5% of E[K²]: n = ... from about β = ...",
        "the exact variance, at depths looked at and interpolated between",
        "the budget suffices on the whole curve",
    ),
    Rule(
        "pages.views.initial_words.bias_share",
        "Biases make up ...% of E[K] at one hidden layer and ...% at ..., between ... and ... over the depths drawn",
        "all depths of the curve are read",
        "a share is not finite",
        path="every depth drawn",
    ),
    Rule(
        "pages.views.initial_words.signs",
        "y = ...: the sign is negative / positive / 0 everywhere, or flips along the curves",
        "the sign at every depth that can be drawn",
        "nothing can be drawn",
        path="every depth drawn",
    ),
    Rule(
        "pages.views.initial_words.point_signs",
        "...: ... of ... points grow, ... fall; the sign of ... is within its error; of ... the error bar cannot be "
        "trusted",
        "an interval that leaves 0 out, unless exact moments say that it cannot be trusted",
        "it holds 0",
        "0 of 1 points grow, 0 fall",
    ),
    Rule(
        "pages.views.initial_words.untrusted",
        "Hollow points: exact moments say that the error bar cannot be trusted",
        "exact moments say so",
        "no point is such",
    ),
    Rule(
        "pages.views.initial_words.stiff",
        "... of ... networks were too stiff to follow and are left out",
        "counted",
        "none is",
    ),
    Rule(
        "pages.views.initial_words.largest_eigenvalue",
        "The largest eigenvalue is ... on average, ... times that of infinite width; 90% of the ... draws lie"
        " between ... and ...",
        "a limit; the band from 20 draws on",
        "either is not finite",
    ),
    Rule(
        "pages.views.initial_words.off_critical",
        "Vanishing / Growing signal: the mean square of the (small) signal falls to / grows by ... through "
        "... hidden layers",
        "σ_w of the hidden layers differs from critical; 'dead' only below a tenth of the signal; 'small' "
        "where the activation is not homogeneous",
        "σ_w of the hidden layers is critical",
    ),
    Rule(
        "pages.charts.initial_drift.parting",
        "The first step's line lies within the bars of the mean at every time shown / leaves them at t = ...",
        "intervals at all times shown",
        "a mean has no interval",
        path="every time shown",
    ),
    Rule(
        "pages.views.initial_words.point",
        "n = ..., L = ..., β = ...; exactly: E[K] = ..., E[K²]/E[K]² = ...",
        "'exactly' only where the law is exact (ReLU, zero-initialised trained biases, ntk)",
        "there is none",
        "hidden layers, β = ",
    ),
    Rule(
        "pages.views.initial_curves._notes",
        "Curves end at ... hidden layers; ... of ... points are not drawn",
        "counted",
        "all are drawn",
    ),
)


# The rules of the sentences of the Regime map.

REGIMES = (
    Rule(
        "pages.views.map_kinds_words.at_equal_shape",
        "Beside fully connected networks of equal depth and width the ... is ... times as large / not told apart, ... "
        "times as large, in residual ones (95%: ... to ...; ... shapes, ... to ... among them; ... left out)",
        "a shape of which both kinds have cells whose networks all train, and several networks in each; a ratio stands "
        "alone only where its 95% interval leaves 1 out",
        "no shape is such, or a cell has one network",
        path="every shape that both kinds have: the range of the ratio over them, and how many are left out",
    ),
    Rule(
        "pages.views.map_kinds_words.growth",
        "From L = ... to ... at n = ..., n CV² of the kernel at initialisation grows by a factor ... in fully "
        "connected networks (exactly, by the law that goes as exp(5β)) and ... in residual networks (95%: ... to ...): "
        "branches of 1/√L flatten it / damp it, and some growth is left / damp it, and no growth is told / do not damp "
        "it; whether they do is not told",
        "two depths at one width at which CV² has both ends, where most kinds have it; of kinds that do not nothing is "
        "said; 'exactly' only where there is a law; 'flatten' only where the interval lies at 1 or below, 'damp' where "
        "it lies below the law's factor, growth being left where it lies above 1; 'do not' where it lies above",
        "no such depths, or fully connected networks alone",
    ),
    Rule(
        "pages.views.map_kinds_words.edges",
        "Lazy training ends (elt = ...): at β = ... (90% of resamples, for these points: ... to ...) in fully "
        "connected networks and at L/n = ... (...) in residual networks",
        "of each kind what permits its own boundary: 6 cells at 3 values, runs on both sides, odds that grow",
        "no kind has the boundary",
    ),
    Rule(
        "pages.views.map_kinds_words.measured",
        "The measured β of residual networks is ... (95%: ... to ...) to ... (...): ... to ... times their L/n; it is "
        "determined in ... of ... cells",
        "cells of a kind that has no β, whose draws determine CV² on both sides",
        "it is determined in none, or the kind has a β",
    ),
    Rule(
        "pages.views.map_kinds_words.counts",
        "Residual: of ... cells: ... lazy, ...",
        "the cells of each kind that are known",
        "none is known",
        "no cell is known, so nothing is said of it",
    ),
    Rule(
        "pages.views.map_words.edges",
        "Lazy training ends (elt = ...): at β = ... (90% of resamples, for these points: ... to ...)",
        "at least 6 cells at 3 values of β, runs on both sides, odds that grow with β, a boundary inside the map",
        "any of them fails",
        "not enough data",
    ),
    Rule(
        "pages.views.map_words.no_sharp_edge",
        "There is no sharp lazy boundary: twice the threshold moves it to β = ...",
        "both boundaries exist",
        "either does not",
    ),
    Rule(
        "pages.views.map_words.altered",
        "On the training points ΔK_t alters the dynamics from β = ...",
        "the boundary of the training lazy error exists; P_2 is called a bound only where its looks settle it to 15%",
        "there is no such boundary",
    ),
    Rule(
        "pages.views.map_words.grows",
        "The ... grows like ... β^... ± ... (95%)",
        "at least 6 cells at 3 values of β up to .25, and a 95% t interval of the exponent that leaves 0 out",
        "the interval holds 0",
        "**no law in β is determined**",
    ),
    Rule(
        "pages.views.map_words.answer",
        "No / Not rejected: at equal β the ... of cells differs ... (p = ...); at fixed β it goes as L^... ± ... (95%)",
        "at least 3 values of β up to .25 with 2 depths each, and several networks in a cell; cells whose networks "
        "all have a number, the others counted; the depth exponent only with its interval, and as nothing where that "
        "holds 0",
        "there are fewer",
        "Not enough data: at least 3 values of β",
    ),
    Rule(
        "pages.views.map_words.by_alpha",
        "At β = ... the ... is ... at α = ... and ... at α = ..., the ends of its range over ... α: the "
        "output scale hardly matters / β alone does not decide, a factor ...",
        "all α at this β are read, those without a finite number counted; 'decides' only where the quartiles of the "
        "extreme cells do not overlap; a factor only above 0",
        "one α, or quartiles overlap",
        "not told apart",
        path="every α, not the outermost two",
    ),
    Rule(
        "pages.views.map_words.by_rate",
        "The largest η_eff λ_max(K_0) tried at which most networks train is ...; in ... cells below it most "
        "fail. In ... of ... cells the sharpness is lower at the stop than at the start",
        "only of steps tried; a sharpness that changed by under 1% or is not finite does not count",
        "no cell trains",
        "No cell trains",
        path="every step tried; failures below the largest are counted",
    ),
    Rule(
        "pages.views.map_words.precision",
        "... of ... cells trained in float64: float32 is foretold not to resolve them ...",
        "the bits of every run; the reason only where precision is left to the engine",
        "all trained in float32",
    ),
    Rule(
        "pages.views.map_words.unresolved",
        "In ... cells the lazy error is below its rounding: it is not drawn as a value",
        "elt at its own rounding in half of the runs or more",
        "none is",
    ),
    Rule(
        "pages.views.map_words.cell",
        "On the map this cell is ..., by the median of ... networks",
        "the networks of this cell that are in the cache, and the thresholds of the map that was clicked",
        "none of them is",
    ),
    Rule(
        "pages.views.map_words.counts",
        "Of ... cells: ... lazy, ...",
        "cells that are known",
        "none is known",
        "Of 0 cells",
    ),
    Rule(
        "pages.views.map_words.dashed",
        "dashed: ... β^... ± ... (95%)",
        "as the sentence on it",
        "there is no law, or its interval holds 0",
    ),
)
