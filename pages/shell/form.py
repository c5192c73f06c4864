"""Controls that the URL remembers, each with its own problems beneath it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Literal, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine.schema import Config, ConfigError, Problem
from pages.charts.words import number, plain, sentence
from pages.shell import held
from pages.shell.link import PAGE, Link, Texts, flush
from pages.shell.pressed import forget_press
from pages.shell.texts import Kind, left_out, text_of, value_of

NAMED = "run"
"""The parameter of a short link."""
LONGEST = 200
"""Characters of a line of text."""
Widget = Kind | Literal["few", "slider", "pills", "count"]
"""A switch, one of a few in a list or side by side, several of a few likewise, a number to slide or to count, or a line
of text."""

AnyConfig = TypeVar("AnyConfig", bound=Config)
AnyCost = TypeVar("AnyCost")
Made = TypeVar("Made")


@dataclass(frozen=True)
class FormState(Generic[AnyConfig, AnyCost]):
    """What the controls of a page ask for.

    Attributes:
        config: None where there are problems.
        cost: the estimate; None without a config.
        problems: what must be mended first.
        bar: a line of the sidebar that stays in sight while one edits; None where there is none.
    """

    config: AnyConfig | None = None
    cost: AnyCost | None = None
    problems: tuple[Problem, ...] = ()
    bar: DeltaGenerator | None = field(default=None, compare=False)


class Form:
    """Draws controls and reads them. A value that cannot be read is None, with the reason at its control.

    Attributes:
        prefix: of every name in the URL.
        problems: everything that is wrong so far, as Markdown.
        bar: as in `FormState`.
    """

    def __init__(self, page: str, prefix: str = "", named: Callable[[str], dict[str, str] | str] | None = None) -> None:
        """Takes the URL up, or writes it.

        Args:
            page: that the controls belong to; what stands in them is kept while another page is shown.
            named: the parameters of the result that a short link names, or why there are none (`missing`).
        """
        self._named = named
        self.prefix = prefix
        self.problems: list[str] = []
        self.bar: DeltaGenerator | None = None
        self._places: dict[str, tuple[str, DeltaGenerator]] = {}
        self._link = Link.of(page)
        self._link.arrive(self._read)
        self._write()

    def _write(self) -> None:
        self._link.write({name: text for name, text in self._link.texts.items() if text})

    def _read(self, query: Texts) -> tuple[Texts, Sequence[Problem]]:
        """The texts in a URL. Back may bring that of the page before, which says nothing about this one."""
        names = self._link.names
        if self._named and query.get(NAMED):
            found = self._named(query[NAMED])
            beside = {name: query[name] for name in (self.key(held.NAME),) if name in query}
            return ({NAMED: query[NAMED]}, [Problem(NAMED, found)]) if isinstance(found, str) else (found | beside, ())
        foreign = query and names and names.isdisjoint(query)
        return self._link.texts if foreign else query, ()

    @property
    def missing(self) -> str:
        """Why the link names no result that can be shown, as Markdown; empty where it does, or names none."""
        return self._link.remarks[0].message if NAMED in self._link.texts and self._link.remarks else ""

    def start_over(self) -> None:
        """Every control as at first. From a callback."""
        self._link.replace({})
        self._write()
        flush()

    def key(self, name: str) -> str:
        """The control's key in the session and in the URL."""
        key = f"{self.prefix}{name}"
        self._link.names.add(key)
        return key

    def set(self, name: str, text: str, default: str = "") -> None:
        """Puts a text into a control; the default of a control is left out of the URL. From a callback."""
        self._link.edit(self.key(name), "" if text == default else text)
        self._write()
        flush()

    def given(self, name: str) -> str:
        """What the link says under a name that no control shows; empty where it says nothing."""
        return self._text(name, "")

    def _text(self, name: str, default: str) -> str:
        return self._link.texts.get(self.key(name)) or default

    def _draw(self, kind: Widget, name: str, label: str, value: Any, default: Any, place: Any = st, **more: Any) -> Any:
        edit = partial(self.set, name, default=text_of(default))
        return draw(kind, label, self.key(name), value, edit, place, **more)

    def text(self, name: str, label: str, default: str, help_text: str = "", placeholder: str = "") -> str:
        """A line of text, its default where it is left empty."""
        place = st.container(gap=None)
        value = self._text(name, default)
        if not self._known(label, value, len(value) <= LONGEST, f"{LONGEST} characters", default):
            value = default
        more = {"help": help_text or None, "placeholder": placeholder, "max_chars": LONGEST}
        given = self._draw("text", name, label, value, default, place, **more)
        self._places[name] = label, place
        return given.strip() or default

    def number(
        self, name: str, label: str, default: float, low: float, high: float, help_text: str = ""
    ) -> float | None:
        """A number between `low` and `high`."""
        text = self.text(name, label, f"{default:g}" if not 1e5 <= default < 1e7 else f"{default:.0f}", help_text)
        value = value_of(text, "number")
        if not isinstance(value, int | float) or not low <= value <= high:
            self.blame(name, f"{text[:40]!r} given; a number from {number(low)} to {number(high)}")
            return None
        return float(value)

    def whole(self, name: str, label: str, default: int, low: int, high: int, help_text: str = "") -> int | None:
        """A whole number between `low` and `high`; 1e6 is one too."""
        value = self.number(name, label, default, low, high, help_text)
        if value is not None and value != int(value):
            self.blame(name, f"{value:g} given; a whole number")
            return None
        return None if value is None else int(value)

    def numbers(
        self,
        name: str,
        label: str,
        default: str,
        allowed: Callable[[float], bool],
        most: int,
        noun: str,
        help_text: str = "",
    ) -> list[int | float] | None:
        """One to `most` numbers, separated by commas; `noun` says which are allowed."""
        text = self.text(name, label, default, help_text)
        given = value_of(text, "numbers")
        values = given if isinstance(given, list) else [given]
        good = [value for value in values if isinstance(value, int | float) and allowed(value)]
        if len(good) == len(values) and 1 <= len(values) <= most:
            return good
        wrong = [value for value in values if value not in good]
        said = f"{text_of(wrong[0])[:40]!r} given" if wrong else f"{len(values)} given"
        self.blame(name, f"{said}; {f'1 to {most} ' if most > 1 else ''}{noun}")
        return None

    def wholes(
        self, name: str, label: str, default: str, high: int, most: int, help_text: str
    ) -> tuple[int, ...] | None:
        """One or several whole numbers from 1 to `high`, separated by commas."""

        def allowed(value: float) -> bool:
            return 1 <= value <= high and value == int(value)

        found = self.numbers(name, label, default, allowed, most, f"whole numbers from 1 to {high:,}", help_text)
        return None if found is None else tuple(int(value) for value in found)

    def choice(self, name: str, label: str, options: Sequence[str], help_text: str = "", wide: bool = False) -> str:
        """One of a few; the first where the URL names none of them."""
        place = st.container(gap=None)
        text = self._text(name, options[0])
        with place:
            known = self._known(label, text, text in options, ", ".join(options), options[0])
        value = text if known else options[0]
        self._places[name] = label, place
        kind = "choice" if wide else "few"
        return str(self._draw(kind, name, label, value, options[0], place, options=options, help=help_text or None))

    def flag(self, name: str, label: str, default: bool, help_text: str = "") -> bool:
        """A switch."""
        text = self._text(name, text_of(default))
        known = self._known(label, text, text in ("true", "false"), "true, false", text_of(default))
        return self._draw("flag", name, label, text == "true" if known else default, default, help=help_text or None)

    def slider(
        self, name: str, label: str, low: float, high: float, default: float, step: float, help_text: str = ""
    ) -> float:
        """A number to slide."""
        text = self._text(name, text_of(default))
        given = value_of(text, "number")
        value = given if isinstance(given, int | float) and low <= given <= high else None
        self._known(label, text, value is not None, f"{low:g} to {high:g}", text_of(default))
        value = default if value is None else float(value)
        more = {"min_value": low, "max_value": high, "step": step, "help": help_text or None}
        return self._draw("slider", name, label, value, default, **more)

    def slide(
        self,
        name: str,
        label: str,
        reach: tuple[float, float, float],
        value: float,
        write: Callable[[float], str],
        default: str = "",
    ) -> None:
        """A slider beside the control of this name: it writes into it, and stands where that does, also beyond its
        ends: then it reaches so far.

        Args:
            reach: its ends and its step.
            value: what the control comes to.
            write: the control's text for a value of the slider.
            default: of the control.
        """
        low, high, step = reach
        more: dict[str, Any] = {"min_value": min(low, value), "max_value": max(high, value), "step": step}
        more |= {} if low <= value <= high else {"format": "%.4g"}

        def edit(text: str) -> None:
            self.set(name, write(float(text)), default)

        draw("slider", label, f"{self.key(name)} slide", value, edit, **more)

    def _known(self, label: str, text: str, known: bool, allowed: str, taken: str) -> bool:
        """Whether the control can take a text; says so where it cannot, and what is taken instead."""
        if not known:
            say_unknown(label, text, allowed, taken)
        return known

    def blame(self, name: str, message: str) -> None:
        """Says what is wrong at a control."""
        label, place = self._places.get(name, (name, st.container()))
        said = f"{label}: {plain(message)}"
        place.error(said)
        self.problems.append(said)

    def blame_all(self, problems: Iterable[Problem], names: Mapping[str, str]) -> None:
        """Each problem of a config at the control of its field; `names` maps fields to controls."""
        for problem in problems:
            field = problem.field.rsplit(".", 1)[-1]
            name = names.get(field, field)
            if name in self._places:
                self.blame(name, problem.message)
            else:
                st.error(sentence(problem))
                self.problems.append(sentence(problem))

    def make(self, kind: Callable[..., Made], *values: Any, names: Mapping[str, str] = {}) -> Made | None:
        """`kind` of the values; None where one could not be read, or where they are refused, said as `blame_all` does.

        Args:
            kind: may raise `ConfigError`.
        """
        if None in values:
            return None
        try:
            return kind(*values)
        except ConfigError as error:
            self.blame_all(error.problems, names)
            return None

    def say_left_out(self, elsewhere: Iterable[str]) -> None:
        """Says which names in the link no control has.

        Args:
            elsewhere: controls that are drawn later, or for other settings.
        """
        known = self._link.names | {f"{self.prefix}{name}" for name in elsewhere}
        for problem in left_out([name for name in self._link.texts if name not in known], sorted(known)):
            st.warning(sentence(problem))

    def fine(self) -> bool:
        """Whether nothing is wrong; says it in the page where something is."""
        if self.problems:
            refuse(f"{in_need(len(self.problems))}:", self.problems)
        return not self.problems


def draw(
    kind: Widget, label: str, key: str, value: Any, edit: Callable[[str], object], place: Any = st, **more: Any
) -> Any:
    """The widget of a setting, and what stands in it.

    Args:
        value: what should stand in it.
        edit: takes what was put there, as a text.
        more: what the widget takes besides.
    """
    # Not again for the same: it would wipe what is being typed. On another page the same name is a new widget.
    page, drawn = st.session_state.get(PAGE), st.session_state.setdefault("drawn on", {})
    if st.session_state.get(key) != value or drawn.get(key) != page:
        st.session_state[key], drawn[key] = value, page
    # Until the browser has taken that up it holds the control's default: a click in between would send it as typed.
    name = "default" if kind in ("few", "names", "pills") else "value"
    more |= {"index": [*more["options"]].index(value)} if kind == "choice" else {name: value}
    widgets = {
        "flag": place.toggle,
        "choice": place.selectbox,
        "few": partial(place.segmented_control, required=True),
        "names": place.multiselect,
        "slider": place.slider,
        "pills": partial(place.pills, selection_mode="multi"),
        "count": place.number_input,
    }
    return widgets.get(kind, place.text_input)(label, key=key, on_change=_edited, args=(key, edit), **more)


def _edited(key: str, edit: Callable[[str], object]) -> None:
    edit(text_of(st.session_state[key]))


def say_unknown(label: str, text: str, allowed: str, taken: str) -> None:
    """Says what is wrong with a text in a link, and what is taken instead; nothing of a default that is empty."""
    instead = f"{plain(taken)} is taken" if taken else "left out"
    st.warning(f"{label}: {plain(repr(text[:40]))} in the link is unknown, {instead}. Allowed: {allowed}")


def in_need(count: int) -> str:
    """How many settings must be mended."""
    return f"{'One setting needs' if count == 1 else f'{count} settings need'} a change"


def refuse(why: str, problems: Iterable[str]) -> None:
    """Every problem once more, in one place, as Markdown. A button that was pressed asks for nothing."""
    forget_press()
    st.error("\n".join([why, "", *(f"- {problem}" for problem in problems)]), icon=":material/rule:")


def unfolded(label: str, needed: bool) -> DeltaGenerator | None:
    """A folded part, when it is open or `needed`: what nobody sees need not be sent to the browser."""
    if needed:
        st.session_state[label] = True
    part = st.expander(label, key=label, on_change="rerun")
    return part if part.open else None
