"""The rules of the sentences about several results side by side."""

from tests.rules.rule import Rule

RULES = (
    Rule(
        "pages.run.differing.in_one_line",
        "They differ in ... (... / ...) and ...; only some of them have ...; or: they have the same settings",
        "every setting of every run is read, defaults included; a value for each run, in their order; 'the same' only "
        "where each has every setting with one value",
        "fewer than two runs",
    ),
    Rule(
        "pages.run.differing.from_to",
        "Held: ... from ... to ...; only one has ...; seeds the same",
        "every setting of both runs is read, defaults included; 'the same' only where both have these seeds",
        "neither has a setting",
    ),
    Rule(
        "pages.views.hold_words.meeting",
        "... is drawn at equal t, which of a recording is what its loop gave / at equal steps: its loop gave no t, or "
        "neither did / not over t: its loop gave no t, and the steps of the run are those of Runge-Kutta, or a step is "
        "not the same t in every seed",
        "one of both is a recording; a loop gave no t where t is the step at every checkpoint; steps are compared "
        "where both are of descent and, on an axis of t, a step is one t, to a millionth, at every checkpoint of every "
        "seed; else nothing of it is drawn over t",
        "both are runs, or expansions, whose t is the rate times steps",
    ),
    Rule(
        "pages.views.hold_words.lacking",
        "... has no numbers of ..., ... and ... more",
        "a held recording; quantities that the present result has a finite number of, and the recording none; the "
        "stability limit beside a run that has one",
        "it is a run, or has a number of each",
    ),
    Rule(
        "pages.views.compare_words.relabelled",
        "Of ... cells on both maps, ... have another label on the second: ... to ... in ...; or: none has",
        "cells of the same place on both, with a label on both, counted",
        "there is no such cell",
    ),
    Rule(
        "pages.views.compare_words.ends",
        "They stopped between t = ... and ...: compare the curves at equal t, not the numbers at the stop",
        "two runs or more, every seed with a positive stop, the last over 10% beyond the first",
        "one run, stops within 10% of each other, or a seed that never trained",
    ),
    Rule(
        "pages.views.compare_words.undrawn",
        "... has no curve over t; ... has no numbers of ..., ... and ... more; no two of them have a curve of one "
        "quantity",
        "of results that are compared: no curve where its kind has none; no numbers of a quantity that its kind has "
        "and another one has a finite number of, and it none; no two where every quantity is there of one at most",
        "all have a curve of each quantity of their kind that any has",
    ),
    Rule(
        "pages.views.compare_words.apart",
        "Of ... cells on both maps, the ... is larger on the second in ..., smaller in ..., and within 10% in ...; the "
        "median factor is ..., between ... and ...",
        "cells of the same place on both, with finite numbers above 0 on both",
        "there is no such cell",
    ),
    Rule(
        "pages.charts.compare.difference_table",
        "On one map only: ... cells. Without a positive number on both: ... cells",
        "they were counted",
        "every cell is on both, with numbers above 0",
    ),
    Rule(
        "pages.charts.compare.scatter_table",
        "... of ... have no such number or no such setting, and are not drawn",
        "they were counted",
        "all are drawn",
    ),
)
