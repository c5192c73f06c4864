"""The rules of the sentences beside charts: what they leave out."""

from pages.rules.rule import Rule

RULES = (
    Rule(
        "pages.charts.regimes.along._note",
        "Not drawn: ... cells, [reason]",
        "counted; below rounding and not finite apart",
        "none is left out",
        also=("pages.charts.regimes.along.along_table",),
    ),
    Rule(
        "pages.charts.over_time._masked",
        "... of ... values are [reason] and are not drawn",
        "counted",
        "none is",
        also=(
            "pages.charts.over_time._left_out",
            "pages.charts.function._notes",
            "pages.charts.initialisation.gram.spectrum_table",
            "pages.charts.kernel._notes",
            "pages.charts.modes.modes_table",
            "pages.charts.probes.probe_function_table",
            "pages.charts.probes.probe_kernel_table",
            "pages.charts.perturbation.modes.modes_table",
            "pages.charts.perturbation.over_time._with_hidden",
            "pages.charts.perturbation.study.study_table",
            "pages.charts.rkhs.bias.bias_tables",
            "pages.charts.rkhs.growth.growth_table",
            "pages.charts.rkhs.over_time._table",
            "pages.charts.rkhs.over_time.decay_table",
            "pages.charts.rkhs.over_time.error_table",
            "pages.charts.spectrum.spectrum_table",
            "pages.charts.timeline.timeline_table",
        ),
    ),
    Rule(
        "pages.charts.rkhs.learning.learning_table",
        "... of ... errors are not determined. Without ridge the prediction is approximate: here ... to ... "
        "times what was measured",
        "measured by this run",
        "all are determined, with a ridge",
    ),
)
