"""Hold, of exact curves at initialisation: those of other settings stay beneath the charts, their answers beside."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

from pages.shell.figure import Figure, built
from pages.shell.form import Form
from pages.shell.held import Named
from pages.views import hold_parts, hold_settings
from pages.views.hold_settings import settings_of, take_network
from pages.views.initial_curves import DEEPEST, Span
from pages.views.initial_network import FURTHEST, MOST_WIDTHS, WIDEST, Curves

LARGEST_TARGET = 10.0


@dataclass(frozen=True)
class Drawn:
    """What the exact curves of a page are of; `target` where they depend on one."""

    curves: Curves
    target: float | None = None

    def settings(self) -> dict[str, Any]:
        """By name, as the link has them."""
        span = self.curves.span
        end = {"up_to_beta" if span.by == "beta" else "up_to_depth": span.largest}
        found = {"widths": [*self.curves.widths], **end, **settings_of(self.curves.network)}
        return found if self.target is None else found | {"y": self.target}

    @classmethod
    def of(cls, values: dict[str, Any]) -> "Drawn":
        """From `settings`. Raises `ConfigError`, or `ValueError` and its kin where they make no sense."""
        widths, target = tuple(values.pop("widths")), values.pop("y", None)
        by, largest = (
            ("beta", values.pop("up_to_beta")) if "up_to_beta" in values else ("depth", values.pop("up_to_depth"))
        )
        network = take_network(values)
        if values:
            raise ValueError("unknown")
        whole = all(type(width) is int and 1 <= width <= WIDEST for width in widths)
        if not (whole and 1 <= len(widths) <= MOST_WIDTHS and len({*widths}) == len(widths)):
            raise ValueError("widths")
        if not 0 < float(largest) <= (FURTHEST if by == "beta" else DEEPEST):
            raise ValueError("range")
        if target is not None and not abs(float(target)) <= LARGEST_TARGET:
            raise ValueError("target")
        if network.law is None:
            raise ValueError("no exact law")
        return cls(Curves(network, widths, Span(by, largest)), target)


Held = Sequence[tuple[Named, Drawn]]


def beside(form: Form, now: Drawn, answer: Callable[[Drawn], str]) -> AbstractContextManager[Held]:
    """As `hold_settings.beside`; `answer` of curves."""

    def tell(named: Named, one: Drawn) -> None:
        hold_parts.say(built(f"held answer {one}", partial(answer, one)))

    return hold_settings.beside(form, now, Drawn.of, tell, "curves")


def over(
    figures: Sequence[Figure], held: Held, of: Callable[[Drawn], Sequence[Figure]], name: str = ""
) -> list[Figure]:
    """The figures over those that `of` makes of what is held, in the same order; `name` tells several such apart."""
    ghosts = [(named, built(f"held figures {name} {one}", partial(of, one))) for named, one in held]
    return hold_parts.over(figures, ghosts)
