"""Hold, of draws at initialisation: what other jobs drew stays beneath the charts, their answers beside."""

from collections.abc import Sequence

import cache
from engine.progress import Arrays
from pages.shell.figure import Figure
from pages.shell.gathering import Computation, gather
from pages.shell.held import Named
from pages.views.initial_draws import Draws


def drawn(named: Named, one: Draws) -> Arrays | None:
    """What a held job gave, or the button that asks for it."""
    job = Computation(one.kind, one.config, one.config.seconds)
    return gather(f"held {named.place}", "Compute it", [job], "This page has no result of it yet.").get(job)


def known(one: Draws) -> Arrays | None:
    """The same, without a button."""
    return cache.current().lookup(one.kind, one.config)


def over(figures: Sequence[Figure], ghosts: Sequence[tuple[Named, Sequence[Figure]]]) -> list[Figure]:
    """The figures over those of what is held, in the same order."""
    return [figure.over([(named, own[place]) for named, own in ghosts]) for place, figure in enumerate(figures)]
