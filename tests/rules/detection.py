"""Finds the functions that write sentences, by reading the source, and names those that compute no finding."""

import ast
import re
from collections.abc import Iterator, Set
from functools import cache
from pathlib import Path

# Functions that write text but compute no finding, by what they write instead.

NO_FINDINGS: dict[str, tuple[str, ...]] = {
    "what is wrong with an input": (
        "engine.__main__._positive", "engine.initialisation.result._check_target", "engine.regimes.summary._compared",
        "engine.result.Named.checked", "engine.result.Named.to_arrays",
        "engine.training.result.RunResult.check_started", "pages.run.draft_state.from_query",
        "pages.run.draft_state._where",
        "pages.shell.texts.left_out", "pages.run.asking._mend",
        "pages.views.recorded._by_key", "pages.views.recorded._by_name",
        "engine.recording.result._read", "pages.views.recorded._found",
        "pages.views.recorded._taken_in",
        "pages.shell.uploads.too_large", "pages.run.upload.Upload._kept", "pages.run.upload.Upload._use",
        "pages.initial_kernel.controls",
        "pages.all_runs._chosen", "pages.run.named_run.find", "pages.run.named_run.named",
        "pages.run.named_run.map_texts",
        "pages.run.named_run.Elsewhere.of",
        "pages.views.initial_draws.named", "pages.shell.held.keys_in",
        "pages.run.named_run.refuse", "pages.shell.form.say_unknown",
        "pages.shell.form.Form.number", "pages.shell.form.Form.whole",
        "pages.shell.form.Form.wholes", "pages.views.initial_network._sigma", "pages.views.study._error",
        "pages.views.study._seeds", "pages.views.map_controls._values", "pages.views.map_controls.show",
        "pages.views.regime_map.collapsed", "pages.shell.report.Report.add",
    ),
    "a refusal of the gate": (
        "pages.shell.gate.limits.Connections._words", "pages.shell.gate.rules.Hosts._objection",
        "pages.shell.gate.rules.named_hosts", "pages.shell.gate.rules._objection",
        "pages.shell.gate.limits.Uploads._objection",
        "pages.shell.viewers.ViewerCookie.__call__", "pages.shell.probes.Probes._objection",
        "pages.shell.account.turn_away", "pages.shell.account.who_may_enter", "pages.shell.account._cookie",
        "pages.shell.people._auth", "pages.shell.people.check_sign_in",
        "pages.shell.people.providers", "pages.shell.people.reached_by_others",
    ),
    "how far a job is": (
        "engine.__main__.sweep", "engine.__main__.bring_in",
        "pages.views.run_list._state", "pages.shell.jobs.say_past", "pages.shell.jobs.computed_on",
        "pages.views.server.speed_of",
        "pages.shell.gathering.gather",
        "pages.shell.jobs.watch", "pages.shell.jobs._cancelled", "pages.shell.jobs._of_many",
        "pages.shell.jobs._of_one", "pages.shell.jobs._recorded", "pages.run.asking._label",
        "pages.regimes.compute", "pages.run.picker.summary",
        "pages.views.my_jobs.words", "pages.views.server.headline",
    ),
    "what was asked for, or where it is": (
        "pages.all_runs._table", "pages.all_runs.main", "pages.views.run_actions._note",
        "pages.views.run_actions._rename", "pages.views.run_actions._tag", "pages.views.run_actions.going",
        "pages.views.compared.said", "pages.views.hold._result", "pages.views.hold_words.differ",
        "pages.shell.of_seed._seed_of",
        "pages.views.compare.show_against", "pages.views.compare.show_chosen",
        "pages.run.controls._section", "pages.distribution._figures",
        "pages.views.map_words.definitions", "pages.views.network_words.bias_start",
        "pages.views.network_words.as_given",
        "pages.run.controls.say_in_short", "pages.views.latex_conventions._own",
        "pages.views.convention_words._kernel", "pages.views.convention_words._decay",
        "pages.views.convention_words._residual", "pages.views.convention_words._stability",
        "pages.views.network_words.beta", "pages.views.network_words.layers_of",
        "pages.views.latex_conventions._kind", "pages.views.latex_conventions._depth",
        "pages.views.latex_conventions._measured", "pages.views.latex_conventions._on_a_map",
        "pages.views.convention_words.conventions", "pages.views.convention_words.warnings",
        "pages.run.points._in_use", "pages.run.points._targets",
        "pages.views.latex_conventions.of_run", "pages.views.latex_conventions.of_map",
        "pages.views.latex_conventions.of_initialisation", "pages.views.latex_conventions._network",
        "pages.views.latex_conventions._loss", "pages.views.latex_conventions._descent",
        "pages.views.initial_points.ask",
        "pages.initial_kernel.body",
        "pages.views.expansion_words.dynamics",
        "pages.views.spaces_words.facts",
        "pages.views.spaces_words.with_jitter", "pages.run.picker.picker",
        "pages.views.recorded._elsewhere", "pages.views.recorded._grows", "pages.views.recorded._keep_as_it_is",
        "pages.views.recorded._waits", "pages.views.recorded_words._steps",
        "pages.views.recorded_words.conventions_of_expansion", "pages.views.recorded_words.owned",
        "engine.result.Result._told", "pages.views.recorded_words._not_recorded",
        "pages.views.recorded_words.conventions", "pages.views.recorded_words.facts",
        "pages.views.recorded_words.lacking", "pages.views.recorded_words.lacking_spaces",
        "pages.shell.bundle._caption", "pages.shell.bundle._computed", "pages.shell.bundle.methods",
        "pages.shell.bundle._not_here", "pages.shell.bundle.readme", "pages.shell.recipe.at_initialisation",
        "pages.shell.recipe.of_map",
        "pages.shell.recipe.of_result", "pages.shell.recipe.as_yaml", "pages.shell.recipe._command",
        "pages.shell.report._part_of",
        "pages.shell.report._chart", "pages.shell.report._defined",
        "pages.shell.report._definition", "pages.shell.report._section", "pages.shell.report._settings",
        "pages.shell.report.document",
        "pages.shell.example._html", "pages.shell.tools.dialogs.about", "pages.shell.tools.dialogs.paper",
    ),
    "the text of a file that draws": (
        "pages.charts.printing.sheet._spans", "pages.charts.printing.sheet._heading",
        "pages.charts.printing.sheet.laid_out", "pages.charts.printing.stamping.pdf",
        "pages.charts.printing.stamping.svg",
    ),
    "an axis, a legend or a question over a chart": (
        "pages.charts.evolution.available", "pages.charts.evolution.layer_table", "pages.views.hold_parts._stroke",
        "pages.charts.encodings.angle_x", "pages.charts.over_time.bands", "pages.charts.over_time._of_seeds",
        "pages.views.map_figures.levels_of", "pages.views.map_figures.spread_of",
        "pages.views.map_architectures.along",
        "pages.views.map_figures.plane_chart", "pages.views.map_figures.collapse_chart",
        "pages.views.map_figures.Picture.plane", "pages.views.map_figures.Picture.along",
        "pages.second_moment._parts_figure",
        "pages.charts.study.crossing_chart", "pages.charts.bias._power",
        "pages.charts.growth.learning_chart", "pages.charts.map_kinds.growth_chart",
        "pages.charts.kernel._greyed", "pages.second_moment._charts", "pages.first_step._charts",
        "pages.first_step._without_law",
        "pages.charts.theme.label_expression", "pages.views.compare._curve", "pages.views.compare._difference",
        "pages.views.compare._sentences", "pages.views.run_list.columns",
    ),
}  # fmt: skip


# Finds the functions that write sentences, by reading the source: nothing is imported, so page scripts are read too.
#
# A function writes sentences if it holds an f-string with a placeholder and some words, or, where it returns text, a
# fixed text that is long enough to say something. What a function with a rule calls is part of its sentence.

ROOT = Path(__file__).parents[2]
READ = (
    "pages/**/*.py", "engine/**/result.py", "engine/**/summary.py", "engine/data/remarks.py", "engine/__main__.py",
    "cache/headless.py",
)  # fmt: skip
"""Whose functions are read."""
FILLED, FIXED = 3, 4
"""Words beside placeholders, and words of a fixed text, that make a sentence."""
TEXTS = ("str", "list[str]", "list[str] | None", "tuple[str, ...]")
"""Annotations of functions that return text."""
_WORD = re.compile(r"[A-Za-z]{2,}")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def writers() -> frozenset[str]:
    """The functions that write sentences, as module.name or module.Class.name."""
    return frozenset(name for name, function in _functions().items() if _writes(function))


def covered(ruled: Set[str]) -> frozenset[str]:
    """`ruled` and all functions that they call, and those call in turn."""
    found, new = set(ruled), set(ruled)
    while new:
        new = {name for caller in new for name in _called(caller)} - found
        found |= new
    return frozenset(found)


@cache
def _modules() -> dict[str, ast.Module]:
    paths = sorted({path for pattern in READ for path in ROOT.glob(pattern)})
    names = {path.relative_to(ROOT).as_posix(): path for path in paths}
    return {
        name.removesuffix(".py").removesuffix("/__init__").replace("/", "."): ast.parse(path.read_text("utf-8"))
        for name, path in names.items()
    }


@cache
def _functions() -> dict[str, Function]:
    return dict(found for name, tree in _modules().items() for found in _inside(name, tree))


def _inside(name: str, node: ast.AST) -> Iterator[tuple[str, Function]]:
    """Functions of a module and methods of its classes; what is defined within one belongs to it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield f"{name}.{child.name}", child
        elif isinstance(child, ast.ClassDef):
            yield from _inside(f"{name}.{child.name}", child)


def _writes(function: Function) -> bool:
    parts = [part for part in ast.walk(function) if part is not _docstring(function)]
    if any(isinstance(part, ast.JoinedStr) and _filled(part) for part in parts):
        return True
    returns = ast.unparse(function.returns) if function.returns else ""
    return returns in TEXTS and any(isinstance(part, ast.Constant) and _fixed(part.value) for part in parts)


def _docstring(function: Function) -> ast.AST | None:
    first = function.body[0]
    return first.value if isinstance(first, ast.Expr) else None


def _filled(text: ast.JoinedStr) -> bool:
    words = " ".join(str(part.value) for part in text.values if isinstance(part, ast.Constant))
    return len(_WORD.findall(words)) >= FILLED and any(isinstance(part, ast.FormattedValue) for part in text.values)


def _fixed(value: object) -> bool:
    return isinstance(value, str) and " " in value and len(_WORD.findall(value)) >= FIXED


@cache
def _called(caller: str) -> frozenset[str]:
    """Functions of the modules read that this one names."""
    functions = _functions()
    if caller not in functions:
        return frozenset()
    module = next(name for name in sorted(_modules(), key=len, reverse=True) if caller.startswith(f"{name}."))
    imported = _imported(_modules()[module])
    names = set()
    for part in ast.walk(functions[caller]):
        if isinstance(part, ast.Name):
            names |= {f"{module}.{part.id}", imported.get(part.id, "")}
        elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
            names.add(f"{imported.get(part.value.id, '')}.{part.attr}")
    return frozenset(name for name in names if name in functions and name != caller)


def _imported(tree: ast.Module) -> dict[str, str]:
    """What names stand for that were imported."""
    froms = [part for part in ast.walk(tree) if isinstance(part, ast.ImportFrom)]
    return {alias.asname or alias.name: f"{part.module}.{alias.name}" for part in froms for alias in part.names}
