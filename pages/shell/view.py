"""How a reader looks at a result: seed, checkpoint, tab, axis, points. Part of the link of every page, by short names.

A choice is made by `choice`, `flag`, `text`, `tabs` or `checkpoint`, each under a name of `NAMES`: it stands in the URL
as `v_NAME` unless it is the default, is undone by the browser's Back, and is there again where the page was left. To
add a parameter, add its row to `NAMES` and call one of these.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from engine.schema import Problem
from pages.charts.words import sentence
from pages.shell.form import LONGEST, Widget, draw, say_unknown
from pages.shell.link import PAGE, VIEW, Link, Texts, flush
from pages.shell.texts import left_out, text_of

NAMES: Mapping[str, str] = {
    "seed": "the seed that the animated chart shows",
    "checkpoint": "its checkpoint, from 1 on",
    "axis": "the axis of time: log or linear",
    "points": "the points that the result is looked at on: train, held_out",
    "on": "Evolution: the points of function and kernel",
    "charts": "Evolution: which curves are drawn",
    "switch": "Evolution: the convention that is exchanged for another",
    "map": "the map whose cell was clicked: its parameters, in one",
    "tab": "Perturbation: one run, or the study",
    "path": "Perturbation: how the kernel goes from checkpoint to checkpoint",
    "between": "Perturbation: times between checkpoints",
    "limits": "Perturbation: the limits drawn with the errors",
    "modes_seed": "Perturbation: the seed whose modes are shown",
    "widths": "Study: the widths",
    "depths": "Study: the depths",
    "alphas": "Study: the output scales",
    "seeds": "Study: the number of seeds of each network",
    "error": "Study: the error to cross",
    "against": "Study: what the errors are drawn against",
    "ridge": "Norms: the ridge, in mean eigenvalues",
    "grids_seed": "Function space: the seed of the nested grids",
    "frequencies_seed": "Inductive bias: the seed of the frequencies in motion",
    "frequencies_checkpoint": "Inductive bias: their checkpoint",
    "frequencies_axis": "Inductive bias: their axis of time",
    "spectrum_seed": "Inductive bias: the seed of the spectrum by frequency",
    "regression": "Generalisation: without a ridge, or with the one that leave-one-out chooses",
    "within": "Generalisation: how near a kernel that has stopped comes",
    "stopped_axis": "Generalisation: the axis of time of what a kernel that stops saves",
    "pairs": "Generalisation: by which number pairs of checkpoints are compared",
    "pairs_seed": "Generalisation: their seed",
    "learning_seed": "Generalisation: the seed of the learning curves",
    "kind": "Runs: what is listed",
    "search": "Runs: words that all stand in what is listed",
    "kept": "Runs: only those that are kept",
    "mine": "Runs: only one's own",
    "cells": "Runs: the key of the map whose cells are listed",
    "page": "Runs: the page of the list",
    "chosen": "Runs: the first digits of the keys of those that are chosen",
    "plot": "Runs: whether a metric is plotted against a setting",
    "map_metric": "Runs: the metric that colours maps that are chosen",
    "metric": "Runs: the metric that is plotted",
    "setting": "Runs: the setting that it is plotted against",
    "curves": "Runs: the curves of those that are chosen",
}
"""Name -> what it says. Names stay: links that were sent must go on."""
EMPTY = "none"


def arrive() -> None:
    """Takes up what the URL says of the view, and says what in it means nothing."""
    link = _link()
    link.arrive(_read)
    _write(link)
    for problem in link.remarks:
        st.warning(sentence(problem))


def carried(page: str) -> dict[str, str]:
    """The parameters that bring another page back as it was left, for a link to it."""
    return _parameters(Link.of(f"view {page}", "view"))


def put(name: str, text: str) -> None:
    """Makes the view say it, or nothing when empty. From a callback."""
    _edit(name, text, "")


def told(name: str) -> str:
    """What the view says by a name, without a control; empty where nothing."""
    return _text(name)


def given(name: str) -> bool:
    """Whether a link says it, and nobody has chosen anything else since."""
    return name in _link().given


def give(texts: Texts) -> None:
    """What stands there unless the URL said otherwise, from a result that knows it."""
    link = _link()
    link.texts = {**texts, **link.texts}
    _write(link)


# Choices.


def choice(
    label: str,
    options: Sequence[Any],
    name: str,
    default: Any = None,
    kind: Widget = "few",
    place: Any = st,
    key: str = "",
    **more: Any,
) -> Any:
    """One of a few side by side, or in a list (`kind` "choice"), at first the default, or the first.

    Args:
        name: one of `NAMES`.
        key: of the widget, where the name does not do.
        more: what the widget takes besides.
    """
    start = options[0] if default is None else default
    value = chosen(label, options, name, start)
    edit = partial(_edit, name, default=text_of(start))
    # Of other options it is another widget: one that knows them.
    key = key or f"{VIEW}{name} {[*map(text_of, options)]}"
    return draw(kind, label, key, value, edit, place, options=options, **more)


def chosen(label: str, options: Sequence[Any], name: str, start: Any, allowed: str = "") -> Any:
    """The one that the view names, without a control; `start` where it names none of them, said where a link did.

    Args:
        allowed: the options in words, where not one by one.
    """
    named = {text_of(option): option for option in options}
    text = _text(name)
    if text and text not in named:
        _unknown(label, name, allowed or ", ".join(named), text_of(start))
    return named.get(text, start)


def flag(label: str, name: str, default: bool = False, key: str = "", **more: Any) -> bool:
    """A switch."""
    value = chosen(label, (True, False), name, default)
    return draw("flag", label, key or f"{VIEW}{name}", value, partial(_edit, name, default=text_of(default)), **more)


def several(label: str, options: Sequence[str], name: str, default: Sequence[str], **more: Any) -> list[str]:
    """Several of a few, side by side, in the order of the options."""
    text = _text(name) or ", ".join(default)
    asked = [] if text == EMPTY else text.split(", ")
    if not set(asked) <= set(options):
        _unknown(label, name, ", ".join(options), ", ".join(default))
        asked = default
    value = [option for option in options if option in asked]

    def edit(given: str) -> None:
        _edit(name, given or EMPTY, ", ".join(default))

    return draw("pills", label, f"{VIEW}{name} {[*options]}", value, edit, options=options, **more)


def count(label: str, most: int, name: str, key: str = "", **more: Any) -> int:
    """A number from 1, at first, to `most`."""
    value = chosen(label, range(1, most + 1), name, 1, f"1 to {most}")
    edit = partial(_edit, name, default="1")
    return draw("count", label, key or f"{VIEW}{name}", value, edit, min_value=1, max_value=most, **more)


def text(label: str, name: str, default: str = "", place: Any = st, key: str = "", **more: Any) -> str:
    """A line of text. In the URL `EMPTY` stands for one that was emptied of its default."""
    value = _text(name) or default
    if len(value) > LONGEST:
        _unknown(label, name, f"{LONGEST} characters", default)
        value = default
    more = {"max_chars": LONGEST} | more

    def edit(given: str) -> None:
        _edit(name, given or EMPTY if default else given, default)

    return draw("text", label, key or f"{VIEW}{name}", "" if value == EMPTY else value, edit, place, **more)


def tabs(name: str, labels: Mapping[str, str]) -> Mapping[str, Any]:
    """Tabs by the texts that the URL has for them; of each `open` says whether it is the one that is shown."""
    shown = chosen(name, [*labels], name, next(iter(labels)))
    # Where Back comes before the browser has drawn the answer to a click, it would stay at the tab clicked: tabs
    # that anything but a click moves are new ones, and what is heard of the old ones later is not heeded.
    known = f"tabs {name}"
    number, drawn = st.session_state.get(known, (0, shown))
    number += shown != drawn
    st.session_state[known] = number, shown
    key = f"{VIEW}{name} {number}"
    if st.session_state.get(key) != labels[shown]:
        st.session_state[key] = labels[shown]

    def edit() -> None:
        if st.session_state[known][0] == number:
            selected = next(text for text, label in labels.items() if label == st.session_state[key])
            st.session_state[known] = number, selected
            _edit(name, selected, next(iter(labels)))

    with st.container(key=f"{known} {number}"):
        return dict(zip(labels, st.tabs([*labels.values()], key=key, on_change=edit), strict=True))


def checkpoint(name: str, count: int, start: int) -> int:
    """The place of the checkpoint to show, of so many; at first the one at `start`."""
    return chosen("checkpoint", range(1, count + 1), name, start + 1, f"1 to {count}") - 1


def to_checkpoint(name: str, place: int, start: int) -> None:
    """The reader went to the checkpoint at this place. From a callback."""
    _edit(name, text_of(place + 1), text_of(start + 1))


def _link() -> Link:
    return Link.of(f"view {st.session_state.get(PAGE, '')}", "view")


def _read(query: Texts) -> tuple[Texts, list[Problem]]:
    """Without the prefix, and without what no page has."""
    own = {name.removeprefix(VIEW): text for name, text in query.items()}
    return {name: text for name, text in own.items() if name in NAMES}, left_out(
        [name for name in query if name.removeprefix(VIEW) not in NAMES], [f"{VIEW}{name}" for name in NAMES]
    )


def _parameters(link: Link) -> dict[str, str]:
    return {f"{VIEW}{name}": text for name, text in link.texts.items() if text}


def _write(link: Link) -> None:
    link.write(_parameters(link))


def _text(name: str) -> str:
    """What the view says by this name, which is one of `NAMES`."""
    return _link().texts.get(name, "")


def _edit(name: str, text: str, default: str) -> None:
    link = _link()
    link.edit(name, "" if text == default else text)
    _write(link)
    flush()


def _unknown(label: str, name: str, allowed: str, taken: str) -> None:
    """Says what is wrong with a link. What was chosen here, of what is no more, is let go without a word."""
    if given(name):
        say_unknown(label, _text(name), allowed, taken)
    else:
        _link().texts.pop(name, None)
