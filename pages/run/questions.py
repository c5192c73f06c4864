"""The questions of Home: what one may want to know, the page that answers it, and the settings that it opens with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pages.run.presets import PRESETS
from pages.shell.gathering import START


@dataclass(frozen=True)
class Question:
    """A link of Home.

    Attributes:
        asks: the question, as Markdown.
        page: that answers it.
        with_: what it opens with, in words.
        query: the same for its URL.
    """

    asks: str
    page: str
    with_: str
    query: Mapping[str, str] = field(default_factory=dict)


def of_preset(name: str, page: str) -> Question:
    """The question of a preset. What costs little computes by itself."""
    preset = PRESETS[name]
    return Question(preset.question, page, preset.label, {"preset": name} | START)


QUESTIONS = (
    of_preset("default", "evolution"),
    of_preset("lazy", "evolution"),
    of_preset("edge", "evolution"),
    of_preset("digits", "evolution"),
    of_preset("flow", "perturbation"),
    Question("Lazy, learning features, or unstable: does β alone decide?", "regimes", "A map over depth and width"),
    of_preset("features", "inductive_bias"),
    of_preset("space_moves", "norms"),
    of_preset("function_leaves", "function_space"),
    Question("Does the trained kernel generalise better, on its own?", "generalisation",
        PRESETS["space_moves"].label, {"preset": "space_moves"} | START),
    Question(r"How much do kernels differ at initialisation: as $\exp(5\beta)$?", "second_moment", "Exact, at once"),
    Question(PRESETS["narrow"].question, "distribution", "Exact draws, at once: 32 hidden layers of width 32",
        {"at_width": "32", "at_depth": "32"}),
    Question("Which way does the kernel move at the first step?", "first_step", "Exact, at once"),
    Question("How far is the whole kernel from infinite width?", "initial_kernel", "Exact draws of width 10,000"),
)  # fmt: skip
