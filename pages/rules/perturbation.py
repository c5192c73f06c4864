"""The rules of the sentences of the Perturbation page."""

from pages.rules.rule import Rule

RULES = (
    Rule(
        "pages.perturb.words._lazy",
        "The frozen kernel K_0 misses the network by at most ... over every step",
        "the supremum over every step of the run; 'at a checkpoint' for results that know their checkpoints only",
        "the error is 0 or not finite",
    ),
    Rule(
        "pages.perturb.words._explained",
        "First order explains ... of the deviation from lazy training, first and second order together ...",
        "checkpoints see at least 80% of the largest lazy error of the path",
        "they see less",
        "**not determined**",
    ),
    Rule(
        "pages.perturb.words._modes",
        "Modes ... of K_0 carry ... of the squared deviation at the checkpoint where it is largest",
        "checkpoints see at least 80% of the largest lazy error of the path",
        "they see less, or nothing deviates",
    ),
    Rule(
        "pages.perturb.study_words._errors",
        "The error of order 0 as n^... [..., ...]",
        "the 95% t interval of the exponent leaves 0 out, or is shorter than .2; with one seed for each "
        "network, which has no interval, R^2 is at least .9",
        "neither holds",
        "**no law is determined**",
    ),
    Rule(
        "pages.perturb.study_words._drift",
        "The drift at the stop follows ... β^... [..., ...]",
        "as for the orders",
        "neither holds",
        "**No law of the drift is determined**",
    ),
    Rule(
        "pages.perturb.study_words._crossings",
        "Order 0 errs by ... at β = ... (95%: ... to ...)",
        "the exponent of the law is surely above 0 (Fieller's interval is bounded), or there is one seed and "
        "no interval",
        "the exponent could be 0",
        "**not determined**",
    ),
    Rule(
        "pages.perturb.words._bound",
        "The bound P2 holds at every checkpoint; at its largest it is ... times the largest error there. Or: "
        "P2 is crossed at ... of ... checkpoints and is no bound there",
        "every checkpoint is compared, with the rounding of the run allowed for",
        "the largest error is within rounding, or error or bound are not finite",
        path="every checkpoint",
    ),
    Rule(
        "pages.perturb.words._floor",
        "The whole propagator misses the network by ... at the checkpoints, where rounding leaves ... open / "
        "about as much as is predicted of ... / ... is predicted of ...",
        "measured error beside what is predicted; no cause is named. 'About as much' within a factor of 2",
        "the error is 0 or not finite",
    ),
    Rule(
        "pages.perturb.words._foretold",
        "From initialisation alone the drift is foretold as ..., ΔK at the stop to within ... of its norm",
        "prediction and its measured error are finite; beyond 1 it is called of no use",
        "either is not",
    ),
    Rule(
        "pages.perturb.words.headlines",
        "lazy error, explained by order 1 and 2, drift",
        "medians over seeds of finite values",
        "a value is not finite",
        "—",
    ),
    Rule(
        "pages.perturb.study_words._seeds",
        "With one seed for each network there are no intervals",
        "one seed",
        "there are several",
    ),
)
