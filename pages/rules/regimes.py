"""The rules of the sentences of the Regime map."""

from pages.rules.rule import Rule

RULES = (
    Rule(
        "pages.regime_map.words.edges",
        "Lazy training ends (elt = ...): at β = ... (90% of resamples, for these points: ... to ...)",
        "at least 6 cells at 3 values of β, runs on both sides, odds that grow with β, a boundary inside the map",
        "any of them fails",
        "not enough data",
    ),
    Rule(
        "pages.regime_map.words.no_sharp_edge",
        "There is no sharp lazy boundary: twice the threshold moves it to β = ...",
        "both boundaries exist",
        "either does not",
    ),
    Rule(
        "pages.regime_map.words.altered",
        "On the training points ΔK_t alters the dynamics from β = ...",
        "the boundary of the training lazy error exists; P_2 is called a bound only where its looks settle it to 15%",
        "there is no such boundary",
    ),
    Rule(
        "pages.regime_map.words.grows",
        "The ... grows like ... β^... ± ... (95%)",
        "at least 6 cells at 3 values of β, and a 95% t interval of the exponent that leaves 0 out",
        "the interval holds 0",
        "**no law in β is determined**",
    ),
    Rule(
        "pages.regime_map.words.verdict",
        "Does β alone decide? No / Not rejected (p = ...). At fixed β it goes as L^... ± ... (95%)",
        "at least 3 values of β with 2 depths each, and several networks in a cell; the depth exponent only "
        "with its interval, and as nothing where that holds 0",
        "there are fewer",
        "Not enough data: at least 3 values of β",
    ),
    Rule(
        "pages.regime_map.words.by_alpha",
        "At β = ... the ... is ... at α = ... and ... at α = ..., the ends of its range over ... α: the "
        "output scale hardly matters / β alone does not decide, a factor ...",
        "all α at this β are read; 'decides' only where the quartiles of the extreme cells do not overlap; a "
        "factor only above 0",
        "one α, or quartiles overlap",
        "not told apart",
        path="every α, not the outermost two",
    ),
    Rule(
        "pages.regime_map.words.by_rate",
        "The largest η_eff λ_max(K_0) tried at which most networks train is ...; in ... cells below it most "
        "fail. In ... of ... cells the sharpness is lower at the stop than at the start",
        "only of steps tried; a sharpness that changed by under 1% or is not finite does not count",
        "no cell trains",
        "No cell trains",
        path="every step tried; failures below the largest are counted",
    ),
    Rule(
        "pages.regime_map.words.precision",
        "... of ... cells trained in float64: float32 is foretold not to resolve them ...",
        "the bits of every run; the reason only where precision is left to the engine",
        "all trained in float32",
    ),
    Rule(
        "pages.regime_map.words.unresolved",
        "In ... cells the lazy error is below its rounding: it is not drawn as a value",
        "elt at its own rounding in half of the runs or more",
        "none is",
    ),
    Rule(
        "pages.regime_map.words.counts",
        "Of ... cells: ... lazy, ...",
        "cells that are known",
        "none is known",
        "Of 0 cells",
    ),
    Rule(
        "pages.regime_map.words.dashed",
        "dashed: ... β^... ± ... (95%)",
        "as the sentence on it",
        "there is no law, or its interval holds 0",
    ),
)
