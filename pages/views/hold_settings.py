"""Hold, on the pages at initialisation: what was shown of other settings stays beneath the charts, its answer beside.

These settings stand in the link, whole: what is held is there again on any server.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol, TypeVar

import streamlit as st

from engine.schema import ConfigError
from pages.charts.ghosts import MOST
from pages.run.differing import labels
from pages.shell.form import Form
from pages.shell.held import NAME, Named
from pages.views.hold_parts import held_already, hold_button, release_button, under
from pages.views.hold_words import apart
from pages.views.initial_network import Network

LONGEST = 4000
"""Letters of it that are read."""
FIELDS = (
    "norm_x_squared", "readout", "activation", "sigma_w", "sigma_w_readout", "sigma_b", "train_bias", "output_bias",
)  # fmt: skip
"""Of a network, in the order of its controls."""
RENAMED = {"norm_x_squared": "norm"}
"""Fields of a network that the link calls otherwise."""
HELP = "Keeps these {} beneath every chart, thin and dashed, while you change a setting."
HELD_NOW = "These {} are held: change a setting, and they stay beneath every chart."
UNREADABLE = "What this link holds beneath the charts cannot be read: left out."


class Settings(Protocol):
    """What a page shows, as what it depends on; hashable."""

    def settings(self) -> dict[str, Any]:
        """By name, as the link has them."""
        ...


Kept = TypeVar("Kept", bound=Settings)
Read = Callable[[Any], Kept]
"""From `settings`. Raises `ConfigError`, or `ValueError` and its kin where they make no sense."""
Held = Sequence[tuple[Named, Kept]]


def settings_of(network: Network) -> dict[str, Any]:
    """Those of a network."""
    return {"n_0": network.n_0, **{RENAMED.get(name, name): value for name, value in network.fields}}


def take_network(values: dict[str, Any]) -> Network:
    """The network, whose settings are taken out of the values. Raises as `Read` does."""
    network = Network(values.pop("n_0"), tuple((name, values.pop(RENAMED.get(name, name))) for name in FIELDS))
    network.setting((1,))
    return network


def written(kept: Sequence[Settings]) -> str:
    """As the link has them."""
    return json.dumps([one.settings() for one in kept], separators=(",", ":")) if kept else ""


def read(text: str, of: Read[Kept]) -> tuple[list[Kept], bool]:
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
            found.append(of(dict(values)))
        except (ConfigError, ValueError, TypeError, KeyError):
            continue
    return [*dict.fromkeys(found)], len(found) == len(given)


@contextmanager
def beside(
    form: Form, now: Kept, of: Read[Kept], tell: Callable[[Named, Kept], None], noun: str
) -> Iterator[Held[Kept]]:
    """Within it the page gives its answer, of what it shows now; gives what is held beside that.

    Args:
        of: reads what is held.
        tell: puts the answer of something held under its name.
        noun: what is held, as "curves".
    """
    every, whole = read(form.given(NAME), of)
    others = [one for one in every if one != now]
    if not whole:
        st.warning(UNREADABLE)
    settings = [one.settings() for one in (*others, now)]
    names = labels(settings, [""] * len(settings), [noun] * len(settings))
    found = [(Named(name, place), one) for place, (name, one) in enumerate(zip(names, others, strict=False))]
    if not others:
        yield found
        _hold(form, every, now, noun)
        return
    st.markdown(apart(settings, "these"))
    first, *columns = st.columns(len(settings), gap="medium")
    with under(first, names[-1]):
        yield found
        _hold(form, every, now, noun)
    for column, (named, one) in zip(columns, found, strict=True):
        with under(column, named.name, named.place):
            tell(named, one)
            rest = written([other for other in every if other != one])
            release_button(named.name, str(named.place), partial(form.set, NAME, rest))


def _hold(form: Form, every: Sequence[Settings], now: Settings, noun: str) -> None:
    if now in every:
        rest = written([one for one in every if one != now])
        held_already(HELD_NOW.format(noun), partial(form.set, NAME, rest))
    else:
        hold_button(partial(form.set, NAME, written([*every, now])), len(every), HELP.format(noun))
