"""The controls of a run in the sidebar: presets first, the rarely changed folded, each problem at its widget."""

import re
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import cache
from engine import cost
from engine.config import RunConfig
from engine.cost import Cost
from engine.data import contents
from engine.networks.activations import ACTIVATIONS
from engine.networks.mlp_config import MLPConfig
from engine.networks.module.config import ModuleConfig
from engine.schema import ConfigError, Problem
from pages.charts.words import duration, exponential, number, plain, sentence
from pages.run import draft_state, picker, points, tables, yaml_config
from pages.run.presets import PRESETS, preset_of
from pages.run.settings import (
    BY_NAME,
    BY_PATH,
    MLP,
    UPLOADED,
    Draft,
    Setting,
    choices,
    config_of,
    default_text,
    in_effect,
    kind_of,
    setting_at_fault,
)
from pages.shell import calibration
from pages.shell.form import FormState, draw, in_need, unfolded
from pages.shell.gathering import sidebar_bar
from pages.shell.texts import text_of, value_of

SECTIONS = {"data": "Data", "network": "Network", "training": "Training", "run": "Run"}
CHANGED = "changed"
UPLOADS = {
    "csv": (tables.table, "table: upload a CSV file, or paste its text"),
    "file": (points.points, "file: upload one (npz, idx or bin)"),
}
"""Of datasets whose data come in by upload: what asks for them, and what is said while there are none."""

ALL = {"classes": "all"}
"""What an empty field comes to where the config has nothing."""

UNSEEN = ("sources", "versions")
"""Settings that a file or a stored run brings, and no widget has."""
WIDE = ("data", "module", "arguments", "target", "inputs", "classes", "network", "activation", "integrator", "kernel")
"""Settings whose widget takes a row of its own."""


RunFormState = FormState[RunConfig, Cost]


def checked(draft: Draft) -> RunFormState:
    """The draft as a config within the limits, or everything that is wrong with it."""
    try:
        config = config_of(draft)
        if (lacking := config.lacking) and not _is_here(config, lacking):
            return FormState(problems=tuple(lacking))
        return FormState(config, cost.check(config, calibration=calibration.measured()))
    except ConfigError as error:
        return FormState(problems=error.problems)


def _is_here(config: RunConfig, lacking: Sequence[Problem]) -> bool:
    """Whether the result is kept of a network that can no longer, or not here, be computed: it needs no module."""
    own = all(problem.field.startswith("network.") for problem in lacking)
    return own and cache.current().lookup("run", config) is not None


def show(start: Draft | None = None) -> RunFormState:
    """Draws the controls and returns what they ask for; `start` as of `pages.run.draft_state.arrive`."""
    draft_state.arrive(start)
    draft = draft_state.current()
    if draft_state.missing():
        with st.sidebar:
            picker.picker()
            yaml_config.show()
        return RunFormState()
    asked = checked(draft)
    bar = sidebar_bar()
    if asked.config is None:
        bar.markdown(in_need(len({problem.field for problem in asked.problems})))
    with st.sidebar:
        _preset(asked)
        picker.picker()
        _problems_of_none(asked)
        for section, title in SECTIONS.items():
            _section(
                title, [s for s in in_effect(draft) if s.section == section and _asked_for(s, draft)], draft, asked
            )
        yaml_config.show()
    return replace(asked, bar=bar)


def _asked_for(setting: Setting, draft: Draft) -> bool:
    """Whether a setting has a widget: the classes of a file only where it has some."""
    of_file = setting.name == "classes" and draft.get("data") in UPLOADS
    return not of_file or bool(draft.get("classes") or _names(setting, draft))


def say_in_short(bar: DeltaGenerator | None, run: RunConfig, seconds: float) -> None:
    """What the settings come to, in the line that stays in sight: beta (or depth and width), parameters, seconds."""
    if bar is not None:
        if isinstance(run.network, ModuleConfig):
            bar.markdown(f"**{plain(run.network.name)}** · what it takes is known when it runs")
            return
        size = f"{run.parameter_count:,} {'' if run.network.trained_part == 'all' else 'trained '}parameters"
        shape = f"{run.network.depth} × {run.network.width}" if run.beta is None else f"β = {number(run.beta)}"
        at_most = f"up to {duration(seconds)}".replace(" ", "\N{NO-BREAK SPACE}")  # in one line
        bar.markdown(f"**{shape}** · {size} · {at_most}")


def _preset(asked: RunFormState) -> None:
    matching = preset_of(asked.config) if asked.config else ""
    options = [*PRESETS] if matching else [CHANGED, *PRESETS]
    labels = {CHANGED: "your own settings"} | {name: preset.label for name, preset in PRESETS.items()}
    st.session_state["preset"] = matching or CHANGED
    more = {"index": options.index(matching or CHANGED), "format_func": lambda name: labels[name]}  # as `form.draw`
    st.selectbox("preset", options, key="preset", on_change=_preset_chosen, **more)
    if matching:
        st.caption(PRESETS[matching].question)


def _preset_chosen() -> None:
    if st.session_state["preset"] in PRESETS:
        draft_state.load_preset(st.session_state["preset"])


def _problems_of_none(asked: RunFormState) -> None:
    """Remarks on the URL, and problems that belong to no widget."""
    shown = {s.name for s in in_effect(draft_state.current()) if s.name not in UNSEEN}
    for problem in draft_state.remarks():
        st.warning(sentence(problem))
    homeless = [p for p in asked.problems if (s := setting_at_fault(p)) is None or s.name not in shown]
    for problem in homeless:
        st.error(sentence(problem))


def _section(title: str, settings: list[Setting], draft: Draft, asked: RunFormState) -> None:
    st.markdown(f"**{title}**")
    open_ones = [s for s in settings if not s.rare]
    if BY_NAME["data"] in settings and draft.get("data") in UPLOADS:
        upload, _ = UPLOADS[draft["data"]]
        _pairs(open_ones[:1], draft, asked)
        upload(draft, [described(one) for name in UPLOADED for one in _own(BY_NAME[name], asked.problems)])
        open_ones = open_ones[1:]
    _pairs(open_ones, draft, asked)
    rare = [s for s in settings if s.rare]
    bad = [s for s in rare if _own(s, asked.problems)]
    if title == "Network" and (warning := off_critical(asked.config)):
        st.warning(warning)
    if rare and (more := unfolded(f"More about the {title.lower()}", bool(bad))):
        with more:
            _pairs(rare, draft, asked)


def _pairs(settings: Iterable[Setting], draft: Draft, asked: RunFormState) -> None:
    """Short widgets two in a row, long ones alone; problems under their row."""
    row: list[Setting] = []
    for setting in [s for s in settings if s.name not in (*UPLOADED, *UNSEEN)]:
        if setting.name in WIDE:
            _row(row, draft, asked)
            _row([setting], draft, asked)
            row = []
            continue
        row.append(setting)
        if len(row) == 2:
            _row(row, draft, asked)
            row = []
    _row(row, draft, asked)


def _row(settings: list[Setting], draft: Draft, asked: RunFormState) -> None:
    alone = not settings or settings[0].name in WIDE
    for place, setting in zip([nullcontext()] if alone else st.columns(2), settings, strict=False):
        with place:
            _widget(setting, draft, asked.config)
    for setting in settings:
        for problem in _own(setting, asked.problems):
            st.error(described(problem))


def described(problem: Problem) -> str:
    """A problem as Markdown, under the label of its widget; of a file that is not there, what to upload."""
    setting = setting_at_fault(problem)
    data = draft_state.current().get("data", "")
    if setting and setting.name in UPLOADED and problem.message.startswith("is missing") and data in UPLOADS:
        return UPLOADS[data][1]
    named = by_labels(problem)
    return f"{setting.label}: {sentence(named, with_field=False)}" if setting else sentence(named)


def by_labels(problem: Problem) -> Problem:
    """The same, with other settings that it names by their labels, as the widgets have them."""

    def label(found: re.Match[str]) -> str:
        return BY_PATH[found[1]].label if found[1] in BY_PATH else found[0]

    return Problem(problem.field, re.sub(r"\b(?:run\.)?((?:data|network|training)\.[a-z_]+)", label, problem.message))


def _own(setting: Setting, problems: Iterable[Problem]) -> list[Problem]:
    return [problem for problem in problems if setting_at_fault(problem) is setting]


def _widget(setting: Setting, draft: Draft, config: RunConfig | None) -> None:
    dataset, network = draft.get("data", ""), draft.get("network") or MLP
    kind = kind_of(setting, dataset)
    key = f"{dataset} {setting.name}" if setting.section == "data" and setting.name != "data" else setting.name
    key = f"{network} {key}" if setting.section == "network" and network != MLP else key
    key = f"setting {key}"
    text = draft.get(setting.name, "")
    options = choices(setting, dataset, network) if kind in ("choice", "flag") else {}
    default, resolved = default_text(setting, dataset, network), _resolved(setting, config)
    value, more = text, {}
    if kind == "names" and (columns := _names(setting, draft)):
        value = [str(name) for name in listed if name] if isinstance(listed := value_of(text, "names"), list) else []
        # A name that is no column stands there too, for the config to refuse.
        named = [*columns, *(name for name in value if name not in columns)]
        key = f"{key} {contents.digest_of(repr(named).encode())[:8]}"
        chosen = ", ".join(_chosen(setting, config))
        chosen = chosen or ALL.get(setting.name, "")
        more = {"options": named, "placeholder": chosen if len(chosen) <= 60 else f"{chosen[:57]}..."}
    elif kind == "flag" and (text in options or not text):
        value = (text or resolved or default) == "true"
    elif options:
        value = text or ("" if setting.name == "data" else resolved or default)
        if value not in options:
            options = {value: f"{value} (not allowed)" if value else "choose"} | options
        kind, key = "choice", f"{key} {len(options)}"
        more = {"options": list(options), "format_func": lambda name: options.get(name) or str(name)}
    else:
        kind, more = "text", {"placeholder": default or resolved or ALL.get(setting.name, "")}
    draw(kind, setting.label, key, value, partial(draft_state.edit, setting.name), help=setting.help or None, **more)


def _resolved(setting: Setting, config: RunConfig | None) -> str:
    """What an empty field comes to in this config."""
    if config is None:
        return ""
    value: object = config
    for name in setting.path.split("."):
        value = getattr(value, name, None)
    return "" if value is None or setting.kind in ("text", "settings") else text_of(value)


def _names(setting: Setting, draft: Draft) -> tuple[str, ...]:
    """What a field of names may hold: columns of a table, classes of a file."""
    if setting.name != "classes":
        return tables.columns(draft)
    return tables.class_names(draft) if draft.get("data") == "csv" else points.class_names(draft)


def _chosen(setting: Setting, config: RunConfig | None) -> tuple[str, ...]:
    """The columns that an empty field comes to in this config."""
    return () if config is None else getattr(config.data, setting.path.removeprefix("data."), None) or ()


def off_critical(config: RunConfig | None) -> str:
    """What becomes of a small signal through depth; empty where it keeps its size."""
    if config is None or not isinstance(config.network, MLPConfig) or abs(config.network.log_signal_decay) < 0.01:
        return ""
    critical = ACTIVATIONS[config.network.activation].critical
    factor = exponential(config.network.log_signal_decay)
    ratio = number(config.network.sigma_w / critical)
    change = "grows" if config.network.log_signal_decay > 0 else "shrinks"
    return (
        rf"$\sigma_w$ is {ratio} times its critical value {number(critical)}: a small signal {change} as "
        rf"$(\sigma_w/\sigma_w^*)^L$, here by a factor {factor} through {config.network.depth} layers."
    )
