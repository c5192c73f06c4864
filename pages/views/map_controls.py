"""The maps, what spans each, and the controls that ask for a sweep."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import streamlit as st

from engine.config import RunConfig
from engine.networks.activations import ACTIVATIONS
from engine.networks.kinds import built_in, depth_per_width
from engine.networks.layered import MAX_DEPTH, MAX_WIDTH
from engine.problems import several
from engine.regimes.config import DEFAULT_MAP, SweepConfig
from engine.regimes.grid import BETA, DEPTH, KIND, WIDTH
from engine.schema import ConfigError
from pages.run.labels import DATASET_LABELS
from pages.shell import calibration
from pages.shell.form import Form, FormState
from pages.shell.texts import text_of

# The three maps: what spans each, and where a run lies on it.

ALPHA, STEP = "network.alpha", "training.stability_fraction"
EDGE = 2.0
"""eta_eff lambda_max(K_0) at which plain descent on a frozen kernel no longer converges."""


@dataclass(frozen=True)
class Axis:
    """One direction of a map.

    Attributes:
        name: of the control that lists its values.
        setting: of the sweep's grid; the values of the control are divided by `unit` to give the setting's.
        title, symbol: on a chart and in a sentence.
        of: the value of a run.
        start, help: of the control.
        most: the largest value that is accepted.
    """

    name: str
    setting: str
    title: str
    symbol: str
    of: Callable[[RunConfig], float]
    start: str
    help: str
    unit: float = 1.0
    most: float = float("inf")


BY_DEPTH = Axis("depths", DEPTH, "depth L, hidden layers", "L", lambda run: float(built_in(run.network).depth),
    text_of(DEFAULT_MAP.grid[DEPTH]), "Hidden layers, separated by commas.")  # fmt: skip
BY_WIDTH = Axis("widths", WIDTH, "width n", "n", lambda run: built_in(run.network).mean_width,
    text_of(DEFAULT_MAP.grid[WIDTH]), "Of every hidden layer, separated by commas.")  # fmt: skip
BY_BETA = Axis("betas", BETA, "β = Σ 1/n_l over hidden layers", "β", lambda run: depth_per_width(run.network),
    "0.01, 0.03, 0.1, 0.3, 1", r"$\beta = L/n$; each becomes the nearest width $n$ at the depth below.")  # fmt: skip
BY_RATIO = Axis("ratios", WIDTH, "L/n: depth over width", "L/n", lambda run: depth_per_width(run.network),
    "0.03, 0.1, 0.3, 1", "Each becomes the nearest width at the depth below. β: fully connected only.")  # fmt: skip
BY_ALPHA = Axis("alphas", ALPHA, "output scale α", "α", lambda run: run.network.alpha,
    "0.1, 0.3, 1, 3, 10", r"$f = \alpha (h - h_0)$; small: features move, large: lazy.")  # fmt: skip
BY_RATE = Axis("rates", STEP, "learning rate, η_eff λ_max(K₀)", "ηλ",
    lambda run: 2 * (run.training.stability_fraction or 0.0), "0.25, 0.5, 1, 1.6, 2.5, 4",
    rf"$\eta_\mathrm{{eff}}\lambda_{{\max}}(K_0)$, with commas; the edge of stability is {EDGE:g}.",
    unit=2.0, most=20.0)  # fmt: skip


@dataclass(frozen=True)
class Map:
    """A plane of cells.

    Attributes:
        name: in the menu and in the URL.
        question: that its picture answers.
        asks: that the page answers with it; the same where empty.
        plain: whether only depth and width vary, so that beta orders the cells.
    """

    name: str
    question: str
    x: Axis
    y: Axis
    asks: str = ""

    @property
    def axes(self) -> tuple[Axis, Axis]:
        return self.x, self.y

    @property
    def plain(self) -> bool:
        return {self.x.setting, self.y.setting} == {DEPTH, WIDTH}

    def of(self, kinds: Sequence[str]) -> "Map":
        """The same for these kinds of network: beta is an axis of fully connected ones alone."""
        return self if tuple(kinds) == PLAIN or self.x is not BY_BETA else replace(self, x=BY_RATIO)

    def asked_of(self, kinds: Sequence[str]) -> str:
        """What the page asks of them."""
        asked = self.asks or self.question
        if tuple(kinds) == PLAIN or not self.plain:
            return asked
        return ASKED_BESIDE if len(kinds) > 1 else asked.replace(r"\beta = L/n", "L/n")

    def places(self, sweep: SweepConfig) -> pd.DataFrame:
        """Where every cell lies: `cell`, `x`, `y`, `depth`, `width`, `beta`, `alpha`, `rate`."""
        rows = [
            {
                "cell": index,
                "x": self.x.of(cell.run),
                "y": self.y.of(cell.run),
                "depth": built_in(cell.run.network).depth,
                "width": BY_WIDTH.of(cell.run),
                "beta": depth_per_width(cell.run.network),
                "alpha": cell.run.network.alpha,
                "rate": BY_RATE.of(cell.run),
            }
            for index, cell in enumerate(sweep.cells)
        ]
        return pd.DataFrame(rows)


MAPS: Mapping[str, Map] = {
    row.name: row
    for row in (
        Map("depth and width", "Lazy, learning features, or unstable?", BY_WIDTH, BY_DEPTH,
            r"Lazy, learning features, or unstable: does $\beta = L/n$ alone decide?"),
        Map("alpha and beta", "Does the output scale move the regimes?", BY_BETA, BY_ALPHA),
        Map("rate and width", "How large a step does a network of this width bear?", BY_WIDTH, BY_RATE),
    )
}  # fmt: skip

PLAIN = ("mlp",)
ASKED_BESIDE = (
    "Which kind of network is lazier at equal depth and width, and whose kernel at initialisation spreads with depth?"
)

DATA: Mapping[str, dict[str, Any]] = {
    "sphere": {"name": "sphere", "dim": 8, "test_size": 64},
    "circle": {"name": "circle", "frequencies": [1, 3], "amplitudes": [1.0, 0.5], "test_size": 64},
    "parity": {"name": "parity", "dim": 8, "test_size": 64},
    "two_moons": {"name": "two_moons", "test_size": 64},
    "digits": {"name": "digits", "test_size": 64},
}
"""What the networks learn; the number of training points is a control of its own."""


# The controls of a map in the sidebar, and the sweep that they ask for.

MOST_VALUES = 12
KINDS = {
    "fully connected": PLAIN,
    "residual": ("resnet",),
    "convolutional": ("conv",),
    "beside residual": ("mlp", "resnet"),
    "beside residual and convolutional": ("mlp", "resnet", "conv"),
}
"""The networks that a map may be of; of several a map beside the other."""
BRANCHES = ("1/sqrt(L)", "1")
SEEDS = ("4", "8", "16")
CONTROLS = {
    "depth": BY_DEPTH.name,
    "width": BY_WIDTH.name,
    "beta": BY_BETA.name,
    "alpha": BY_ALPHA.name,
    "stability_fraction": BY_RATE.name,
    "dim": "size",
    "test_size": "size",
    "kind": "networks",
    "branch_scale": "branch",
}
"""Field of a config -> the control that decides it; one that is the same in every cell has a control of its name."""

SOMEWHERE = {axis.name for chosen in MAPS.values() for axis in (*chosen.axes, BY_RATIO)} | {
    "depth",
    "alpha",
    "alpha_exponent",
    "networks",
    "kinds",
    "branch",
}
"""Controls that some maps have and others have not."""


MapFormState = FormState[SweepConfig, tuple[float, ...]]
"""Its cost: about what the sweep takes in seconds, by each cell's place in `cells`."""


def show(form: Form) -> tuple[Map, tuple[str, ...], MapFormState]:
    """Draws the controls; what is wrong stands at them. Gives the map, the kinds of network, and what is asked for."""
    with st.sidebar:
        st.markdown("**Map**")
        chosen = MAPS[form.choice("map", "map", list(MAPS), wide=True)]
        networks = "kinds" if BY_BETA in chosen.axes else "networks"  # older links of that map say it in vain
        kinds = KINDS[form.choice(networks, "networks", list(KINDS), NETWORKS, wide=True)]
        chosen = chosen.of(kinds)
        grid = {axis.setting: _values(form, axis) for axis in (chosen.y, chosen.x)}
        seeds = int(
            form.choice("seeds", "networks in each cell", SEEDS, "One seed each. More seeds reuse what is known.")
        )
        st.markdown("**Network**")
        network = _network(form, chosen, kinds)
        st.markdown("**Data**")
        data = _data(form)
    if form.problems:
        return chosen, kinds, MapFormState()
    if chosen.x is BY_RATIO:
        grid[WIDTH] = [max(1, round(min(network["depth"] / ratio, 10**15))) for ratio in grid[WIDTH]]
    asked = math.prod(map(len, grid.values())) * len(kinds)
    if chosen.x is BY_RATIO:
        grid[WIDTH] = list(dict.fromkeys(grid[WIDTH]))
    grid |= {KIND: list(kinds)} if len(kinds) > 1 else {}
    training = {"allow_unstable": True} if chosen.x is BY_RATE or chosen.y is BY_RATE else {}
    base = {
        "data": data,
        "network": {**DEFAULT_MAP.base["network"], **network},
        "training": {**DEFAULT_MAP.base["training"], **training},
    }
    try:
        sweep = SweepConfig.from_dict({"base": base, "grid": grid, "seeds": list(range(seeds))})
        seconds = _affordable(sweep)
    except ConfigError as error:
        form.blame_all(error.problems, _places(chosen))
        return chosen, kinds, MapFormState(problems=error.problems)
    if alike := asked - len(sweep.cells):
        with st.sidebar:
            st.caption(f"{several(alike, 'cell')} left out: some values make the same network.")
    return chosen, kinds, MapFormState(sweep, seconds)


def _places(chosen: Map) -> dict[str, str]:
    """Field of a config -> the control where its problems stand."""
    drawn = (chosen.x.name, chosen.y.name, "size", "networks", "branch")
    names = {field: name for field, name in CONTROLS.items() if name in drawn}
    if chosen.x in (BY_BETA, BY_RATIO):
        names |= {"width": chosen.x.name, "kind": "kinds"}
    return names


def _values(form: Form, axis: Axis) -> list[float] | list[int]:
    """The values of an axis, in the unit of its setting."""
    if axis is BY_DEPTH or axis is BY_WIDTH:
        most = MAX_DEPTH if axis is BY_DEPTH else MAX_WIDTH
        found = form.wholes(axis.name, axis.title, axis.start, most, MOST_VALUES, axis.help)
        return list(found or ())

    def allowed(value: float) -> bool:
        return 0 < value < math.inf and value <= axis.most

    noun = "numbers above 0" + (f" and up to {axis.most:g}" if axis.most < math.inf else "")
    found = form.numbers(axis.name, axis.title, axis.start, allowed, MOST_VALUES, noun, axis.help)
    return [value / axis.unit for value in found or ()]


def _network(form: Form, chosen: Map, kinds: tuple[str, ...]) -> dict[str, Any]:
    """What is the same in every cell."""
    axes = (chosen.x, chosen.y)
    network: dict[str, Any] = {"kind": kinds[0]} if len(kinds) == 1 and kinds != PLAIN else {}
    if BY_DEPTH not in axes:
        network["depth"] = form.whole("depth", "hidden layers L", 4, 1, MAX_DEPTH, "Of every network.")
    names = ("relu", *(name for name in ACTIVATIONS if name != "relu"))
    network["activation"] = form.choice("activation", "activation", names, wide=True)
    if BY_ALPHA not in axes:
        network["alpha"] = form.number("alpha", "output scale α", 1.0, 1e-6, 1e6, BY_ALPHA.help)
    tied = r"$\alpha n^{-s/2}$ in place of $\alpha$, $n$ the width. 0: the NTK. 1: mean field, muP."
    if kinds == ("resnet",):
        network["branch_scale"] = form.choice("branch", "scale of a residual branch", BRANCHES, BRANCH_HELP)
    if kinds == PLAIN:
        network["alpha_exponent"] = form.number("alpha_exponent", "exponent s of α", 0.0, 0.0, 2.0, tied)
    biases = form.flag("biases", "trained biases", False, "In every layer, the output included; they start at zero.")
    return network | {"train_bias": biases, "output_bias": biases}


NETWORKS = "Of one kind, or the same map of several side by side. Convolutions take images: digits."
BRANCH_HELP = (
    r"$s$ in $a_l = a_{l-1} + s F_l(a_{l-1})$. At $1/\sqrt{L}$ the spread of the kernel is not expected to grow."
)


def _data(form: Form) -> dict[str, Any]:
    labels = ", ".join(DATASET_LABELS.get(name, name) for name in DATA)
    name = form.choice("data", "data", list(DATA), labels, wide=True)
    size = form.whole("size", "training points M", 16, 2, 512)
    return {**DATA[name], "size": size}


def _affordable(sweep: SweepConfig) -> tuple[float, ...]:
    """Seconds of every cell. Raises `ConfigError`: a cell needs more than a run may."""
    speed = calibration.measured()
    sweep.check_cost(calibration=speed)
    return sweep.cell_seconds(speed)
