"""Functions that write text but compute no finding, by what they write instead."""

NO_FINDINGS: dict[str, tuple[str, ...]] = {
    "what is wrong with an input": (
        "engine.__main__._positive", "engine.initialisation.summary._check_target", "engine.regimes.summary.summary",
        "pages.address.from_query", "pages.address.left_out", "pages.asking._mend", "pages.controls.described",
        "pages.files._text", "pages.files.table", "pages.initial_kernel.job", "pages.initialisation.form.Form._known",
        "pages.initialisation.form.Form.number", "pages.initialisation.form.Form.whole",
        "pages.initialisation.form.Form.wholes", "pages.initialisation.network._sigma", "pages.perturb.studies._error",
        "pages.perturb.studies._seeds", "pages.regime_map.controls._values", "pages.regime_map.controls.show",
        "pages.regime_map.drawing.collapsed",
    ),
    "a refusal of the gate": (
        "pages.gate.connections.Connections._words", "pages.gate.hosts.Hosts._objection",
        "pages.gate.hosts.named_hosts", "pages.gate.messages._objection", "pages.gate.uploads.Uploads._objection",
        "pages.viewer.ViewerCookie.__call__",
    ),
    "how far a job is": (
        "engine.__main__.say", "engine.__main__.show", "engine.__main__.start_jax", "engine.__main__.sweep",
        "pages.all_runs._state", "pages.asking._before", "pages.asking._state", "pages.asking.computed_on",
        "pages.asking.queued", "pages.initialisation.asking.gather", "pages.regime_map.sweeping._left",
        "pages.regime_map.sweeping.offer", "pages.regime_map.sweeping.progress", "pages.runs.line",
    ),
    "what was asked for, or where it is": (
        "pages.all_runs.main", "pages.controls._section", "pages.distribution.show",
        "pages.regime_map.words.definitions", "pages.files._in_use",
        "pages.findings.facts", "pages.first_step.ask", "pages.initial_kernel.page", "pages.perturb.words.dynamics",
        "pages.perturb.words.facts", "pages.rkhs.words.facts",
        "pages.rkhs.words.with_jitter", "pages.runs.picker", "pages.second_moment.ask",
    ),
    "an axis, a legend or a question over a chart": (
        "pages.charts.angle.angle_x", "pages.charts.band.bands", "pages.regime_map.figures.along_chart",
        "pages.regime_map.figures.plane_chart", "pages.regime_map.figures.collapse_chart",
        "pages.charts.initialisation.second_moment.parts_chart",
        "pages.charts.perturbation.study.crossing_chart", "pages.charts.rkhs.bias._power",
        "pages.charts.rkhs.learning.learning_chart", "pages.charts.rkhs.strip.strip_labels",
        "pages.charts.spectrum._greyed", "pages.player._icon", "pages.second_moment.draw",
        "pages.theme.label_expression",
    ),
}  # fmt: skip
