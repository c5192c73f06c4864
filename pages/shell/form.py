"""Controls in the sidebar that the URL remembers, each with its own problems beneath it."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine.schema import Config, Problem
from pages.charts.words import number, plain, sentence
from pages.shell.texts import Kind, left_out

BOUND = "query-params"

AnyConfig = TypeVar("AnyConfig", bound=Config)
AnyCost = TypeVar("AnyCost")


@dataclass(frozen=True)
class Asked(Generic[AnyConfig, AnyCost]):
    """What the controls of a page ask for.

    Attributes:
        config: None where there are problems.
        cost: the estimate; None without a config.
        problems: what must be mended first.
    """

    config: AnyConfig | None = None
    cost: AnyCost | None = None
    problems: tuple[Problem, ...] = ()


class Form:
    """Draws controls and reads them. A value that cannot be read is None, with the reason at its control.

    Attributes:
        prefix: of every name in the URL. A page that is opened from another with parameters needs one of its own:
            Streamlit refuses to set a parameter that a control of the page before is bound to.
        problems: everything that is wrong so far, as Markdown.
    """

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.problems: list[str] = []
        self._names: set[str] = set()
        self._places: dict[str, tuple[str, DeltaGenerator]] = {}

    def key(self, name: str) -> str:
        """The control's key in the session and in the URL."""
        key = f"{self.prefix}{name}"
        self._names.add(key)
        return key

    def text(self, name: str, label: str, default: str, help_text: str = "", placeholder: str = "") -> str:
        """A line of text, its default where it is left empty."""
        place = st.container(gap=None)
        more = {"value": default, "bind": BOUND, "placeholder": placeholder, "max_chars": 200}
        given = draw("text", label, self.key(name), help_text, place, **more)
        self._places[name] = label, place
        return given.strip() or default

    def number(
        self, name: str, label: str, default: float, low: float, high: float, help_text: str = ""
    ) -> float | None:
        """A number between `low` and `high`."""
        text = self.text(name, label, f"{default:g}" if default < 1e5 else _large(default), help_text)
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            self.blame(name, f"{text[:40]!r} given; a number from {number(low)} to {number(high)}")
            return None
        return value

    def whole(self, name: str, label: str, default: int, low: int, high: int, help_text: str = "") -> int | None:
        """A whole number between `low` and `high`; 1e6 is one too."""
        value = self.number(name, label, default, low, high, help_text)
        if value is not None and value != int(value):
            self.blame(name, f"{value:g} given; a whole number")
            return None
        return None if value is None else int(value)

    def wholes(
        self, name: str, label: str, default: str, high: int, most: int, help_text: str = ""
    ) -> tuple[int, ...] | None:
        """One or several whole numbers from 1 to `high`, separated by commas."""
        text = self.text(name, label, default, help_text)
        parts = [part.strip() for part in text.split(",") if part.strip()]
        wrong = [part for part in parts if not (part.isascii() and part.isdigit() and 1 <= int(part[:20]) <= high)]
        if wrong or not 1 <= len(parts) <= most:
            given = f"{(wrong or [text])[0][:40]!r} given" if wrong else f"{len(parts)} given"
            self.blame(name, f"{given}; {f'1 to {most} ' if most > 1 else ''}whole numbers from 1 to {high:,}")
            return None
        return tuple(int(part) for part in parts)

    def choice(self, name: str, label: str, options: Sequence[str], help_text: str = "", wide: bool = False) -> str:
        """One of a few; the first where the URL names none of them."""
        place = st.container(gap=None)
        with place:
            self._known(name, label, lambda text: text in options, ", ".join(options))
        if wide:
            return str(draw("choice", label, self.key(name), help_text, place, options=options, bind=BOUND))
        chosen = place.segmented_control(
            label, options, default=options[0], required=True, key=self.key(name), bind=BOUND, help=help_text or None
        )
        self._places[name] = label, place
        return str(chosen or options[0])

    def flag(self, name: str, label: str, default: bool, help_text: str = "") -> bool:
        """A switch."""
        self._known(name, label, lambda text: text in ("true", "false"), "true, false")
        return draw("flag", label, self.key(name), help_text, value=default, bind=BOUND)

    def slider(
        self, name: str, label: str, low: float, high: float, default: float, step: float, help_text: str = ""
    ) -> float:
        """A number to slide."""

        def inside(text: str) -> bool:
            try:
                return low <= float(text) <= high
            except ValueError:
                return False

        self._known(name, label, inside, f"{low:g} to {high:g}")
        return st.slider(label, low, high, default, step, key=self.key(name), bind=BOUND, help=help_text or None)

    def _known(self, name: str, label: str, allowed: Callable[[str], bool], said: str) -> None:
        """Says which value in the link the control cannot take."""
        asked = st.query_params.get(self.key(name))
        if asked is not None and not allowed(asked):
            st.warning(f"{label}: {plain(repr(asked[:40]))} in the link is unknown, left out. Allowed: {said}")

    def blame(self, name: str, message: str) -> None:
        """Says what is wrong at a control."""
        label, place = self._places.get(name, (name, st.container()))
        said = f"{label}: {plain(message)}"
        place.error(said)
        self.problems.append(said)

    def blame_all(self, problems: Iterable[Problem], names: Mapping[str, str] | None = None) -> None:
        """Each problem of a config at the control of its field; `names` maps fields to controls."""
        for problem in problems:
            field = problem.field.rsplit(".", 1)[-1]
            name = (names or {}).get(field, field)
            if name in self._places:
                self.blame(name, problem.message)
            else:
                st.error(sentence(problem))
                self.problems.append(sentence(problem))

    def say_left_out(self, elsewhere: Iterable[str] = ()) -> None:
        """Says which names in the link no control has.

        Args:
            elsewhere: controls that are drawn later, or for other settings.
        """
        known = self._names | {f"{self.prefix}{name}" for name in elsewhere}
        for problem in left_out([name for name in st.query_params if name not in known], sorted(known)):
            st.warning(sentence(problem))

    def fine(self) -> bool:
        """Whether nothing is wrong; says it in the page where something is."""
        if self.problems:
            refuse(f"{in_need(len(self.problems))}:", self.problems)
        return not self.problems


def draw(kind: Kind, label: str, key: str, help_text: str = "", place: Any = st, **more: Any) -> Any:
    """The widget of a setting, and what stands in it: a switch, one of a few, several of a few, or a line of text."""
    widgets = {"flag": place.toggle, "choice": place.selectbox, "names": place.multiselect}
    return widgets.get(kind, place.text_input)(label, key=key, help=help_text or None, **more)


def in_need(count: int) -> str:
    """How many settings must be mended."""
    return f"{'One setting needs' if count == 1 else f'{count} settings need'} a change"


def refuse(why: str, problems: Iterable[str]) -> None:
    """Every problem once more, in one place, as Markdown."""
    st.error("\n".join([why, "", *(f"- {problem}" for problem in problems)]), icon=":material/rule:")


def _large(value: float) -> str:
    return f"{value:.0f}" if value < 1e7 else f"{value:g}"


def unfolded(label: str, needed: bool) -> DeltaGenerator | None:
    """A folded part, when it is open or `needed`: what nobody sees need not be sent to the browser."""
    if needed:
        st.session_state[label] = True
    part = st.expander(label, key=label, on_change="rerun")
    return part if part.open else None
