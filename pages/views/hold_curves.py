"""Hold, of exact curves at initialisation: those of other settings stay beneath the charts, their answers beside."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from engine.schema import ConfigError
from pages.charts.ghosts import MOST
from pages.run.differing import from_to, in_one_line, labels
from pages.shell.figure import Figure, built
from pages.shell.form import Form
from pages.shell.held import Named
from pages.views.hold_parts import held_already, hold_button, release_button, under
from pages.views.initial_curves import DEEPEST, Span
from pages.views.initial_network import MOST_WIDTHS, Curves, Network

NAME = "held"
"""Of the parameter in the link."""
LONGEST = 4000
"""Letters of it that are read."""
FIELDS = (
    "norm_x_squared", "readout", "activation", "sigma_w", "sigma_w_readout", "sigma_b", "train_bias", "output_bias",
)  # fmt: skip
"""Of a network, in the order of its controls."""
RENAMED = {"norm_x_squared": "norm"}
"""Fields of a network that the link calls otherwise."""
WIDEST, FURTHEST, LARGEST_TARGET = 1_000_000, 50.0, 10.0
HELP = "Keeps these curves beneath every chart, thin and dashed, while you change a setting."
HELD_NOW = "These curves are held: change a setting, and they stay beneath every chart."
UNREADABLE = "What this link holds beneath the charts cannot be read: left out."


@dataclass(frozen=True)
class Drawn:
    """What the exact curves of a page are of; `target` where they depend on one."""

    curves: Curves
    target: float | None = None

    def settings(self) -> dict[str, Any]:
        """By name, as the link has them."""
        network, span = self.curves.network, self.curves.span
        end = {"up_to_beta" if span.by == "beta" else "up_to_depth": span.largest}
        fields = {RENAMED.get(name, name): value for name, value in network.fields}
        found = {"widths": [*self.curves.widths], **end, "n_0": network.n_0, **fields}
        return found if self.target is None else found | {"y": self.target}

    @classmethod
    def of(cls, values: Any) -> "Drawn":
        """From `settings`. Raises `ConfigError`, or `ValueError` and its kin where they make no sense."""
        values = dict(values)
        widths, target = tuple(values.pop("widths")), values.pop("y", None)
        by, largest = (
            ("beta", values.pop("up_to_beta")) if "up_to_beta" in values else ("depth", values.pop("up_to_depth"))
        )
        network = Network(values.pop("n_0"), tuple((name, values.pop(RENAMED.get(name, name))) for name in FIELDS))
        if values:
            raise ValueError("unknown")
        network.setting((1,))
        whole = all(type(width) is int and 1 <= width <= WIDEST for width in widths)
        if not (whole and 1 <= len(widths) <= MOST_WIDTHS and len({*widths}) == len(widths)):
            raise ValueError("widths")
        if not 0 < float(largest) <= (FURTHEST if by == "beta" else DEEPEST):
            raise ValueError("range")
        if target is not None and not abs(float(target)) <= LARGEST_TARGET:
            raise ValueError("target")
        return cls(Curves(network, widths, Span(by, largest)), target)


def written(drawn: Sequence[Drawn]) -> str:
    """As the link has them."""
    return json.dumps([one.settings() for one in drawn], separators=(",", ":")) if drawn else ""


def read(text: str) -> tuple[list[Drawn], bool]:
    """What a link holds, and whether all of it could be read."""
    if not text:
        return [], True
    try:
        given = json.loads(text) if len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, list):
        return [], False
    found = []
    for values in given[:MOST]:
        try:
            found.append(Drawn.of(values))
        except (ConfigError, ValueError, TypeError, KeyError):
            continue
    return [one for one in dict.fromkeys(found) if one.curves.network.law is not None], len(found) == len(given)


Held = Sequence[tuple[Named, Drawn]]


@contextmanager
def beside(form: Form, now: Drawn, answer: Callable[[Drawn], str]) -> Iterator[Held]:
    """Within it the page gives its answer, of the curves it draws now; gives what is held beside them. Their answers
    stand beside it."""
    every, whole = read(form.given(NAME))
    others = [one for one in every if one != now]
    if not whole:
        st.warning(UNREADABLE)
    settings = [one.settings() for one in (*others, now)]
    names = labels(settings, [""] * len(settings), ["curves"] * len(settings))
    found = [(Named(name, place), one) for place, (name, one) in enumerate(zip(names, others, strict=False))]
    if not others:
        yield found
        _hold(form, every, now)
        return
    st.markdown(f"Held: {from_to(*settings)}." if len(settings) == 2 else f"Held beside these. {in_one_line(settings)}")
    first, *columns = st.columns(len(settings), gap="medium")
    with under(first, names[-1]):
        yield found
        _hold(form, every, now)
    for column, (named, one) in zip(columns, found, strict=True):
        with under(column, named.name, named.place):
            said = built(f"held answer {one}", partial(answer, one))
            st.markdown(f"**{said.replace('**', '')}**" if said else "The page says nothing of it.")
            rest = written([other for other in every if other != one])
            release_button(named.name, str(named.place), partial(form.set, NAME, rest))


def over(
    figures: Sequence[Figure], held: Held, of: Callable[[Drawn], Sequence[Figure]], name: str = ""
) -> list[Figure]:
    """The figures over those that `of` makes of what is held, in the same order; `name` tells several such apart."""
    ghosts = [(named, built(f"held figures {name} {one}", partial(of, one))) for named, one in held]
    return [figure.over([(named, own[place]) for named, own in ghosts]) for place, figure in enumerate(figures)]


def _hold(form: Form, every: Sequence[Drawn], now: Drawn) -> None:
    if now in every:
        held_already(HELD_NOW, partial(form.set, NAME, written([one for one in every if one != now])))
    else:
        hold_button(partial(form.set, NAME, written([*every, now])), len(every), HELP)
