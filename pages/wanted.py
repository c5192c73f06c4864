"""A job on a run that a page asks for, and its problems in the run's own names."""

from dataclasses import dataclass

from engine.schema import Config, Problem


@dataclass(frozen=True)
class Wanted:
    """A job as `pages.initialisation.asking.gather` takes it.

    Attributes:
        seconds: at most, on the machine that computes.
    """

    kind: str
    config: Config
    seconds: float


def of_run(problem: Problem) -> Problem:
    """A problem with the name that the controls of a run know: "training.momentum"."""
    return Problem(problem.field.removeprefix("run."), problem.message)
