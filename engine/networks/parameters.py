"""The parameters along a run: which are kept, how they are stored, and how they are read back.

An entry of its own beside the light result. Names: `seed{i}/step` (T,) and `seed{i}/{path}` (T, ...) for every leaf,
such as `seed0/hidden_0/w`, in the precision of the training.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from engine.config import RunConfig
from engine.progress import Arrays

PARAMETER_BYTES = 200 * 10**6
"""Parameters kept for a whole run. Past it fewer checkpoints are kept; t = 0 and the stop always are."""

Tree = Mapping[str, Any]
"""Arrays by name, in mappings within one another."""


def capacity(config: RunConfig, precision: str = "float32", count: int = 1) -> int:
    """Checkpoints per seed whose parameters fit, at least two; `count` of them where the config does not say."""
    size = np.dtype(precision).itemsize
    return max(2, PARAMETER_BYTES // (size * (config.stored_count or count) * len(config.seeds)))


class StateStore:
    """States of one trajectory by step, at most `most`: the one least missed in log time goes first.

    The first and the latest are never dropped.
    """

    def __init__(self, most: int):
        self.most = most
        self.states: dict[int, Any] = {}

    def add(self, step: int, state: Any) -> None:
        self.states[step] = state
        steps = sorted(self.states)
        if len(steps) > self.most:
            inner = range(1, len(steps) - 1)
            least = min(inner, key=lambda i: log((steps[i + 1] + 1) / (steps[i - 1] + 1)))
            del self.states[steps[least]]

    def before(self, step: int) -> tuple[int, Any]:
        """The latest kept state at or before `step`."""
        found = max(kept for kept in self.states if kept <= step)
        return found, self.states[found]


def pack(index: int, states: Mapping[int, Tree]) -> dict[str, np.ndarray]:
    """Arrays of the seed at position `index` of the config."""
    steps = sorted(states)
    arrays = {f"seed{index}/step": np.array(steps)}
    flat = [flattened(states[step]) for step in steps]
    return arrays | {f"seed{index}/{path}": np.stack([each[path] for each in flat]) for path in flat[0]}


def flattened(tree: Tree, within: str = "") -> dict[str, np.ndarray]:
    """The leaves of a tree by path, such as "hidden_0/w"."""
    found: dict[str, np.ndarray] = {}
    for name, part in tree.items():
        path = f"{within}{name}"
        found |= flattened(part, f"{path}/") if isinstance(part, Mapping) else {path: part}
    return found


def nested(leaves: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The tree whose leaves have these paths."""
    tree: dict[str, Any] = {}
    for path, leaf in leaves.items():
        *within, name = path.split("/")
        place = tree
        for part in within:
            place = place.setdefault(part, {})
        place[name] = leaf
    return tree


@dataclass(frozen=True, eq=False)
class ParameterPath:
    """Parameters of one seed along its run.

    Attributes:
        steps: (T,) ascending.
        stacked: path of a leaf -> (T, ...), in the precision of the training.
    """

    steps: np.ndarray
    stacked: Mapping[str, np.ndarray]

    @classmethod
    def from_arrays(cls, arrays: Arrays, index: int) -> "ParameterPath":
        prefix = f"seed{index}/"
        own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        return cls(own.pop("step"), own)

    def at(self, index: int) -> Tree:
        """The parameters at the checkpoint with this position in `steps`."""
        return nested({path: array[index] for path, array in self.stacked.items()})
