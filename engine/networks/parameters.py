"""The parameters along a run: which are kept, how they are stored, and how they are read back.

An entry of its own beside the light result. Names: `seed{i}/step` (T,) and `seed{i}/{block}/{w or b}` (T, ...), in
the precision of the training.
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

Tree = Mapping[str, Mapping[str, np.ndarray]]


def capacity(config: RunConfig, precision: str = "float32") -> int:
    """Checkpoints per seed whose parameters fit, at least two."""
    size = np.dtype(precision).itemsize
    return max(2, PARAMETER_BYTES // (size * config.parameter_count * len(config.seeds)))


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
    for block, leaves in states[steps[0]].items():
        for leaf in leaves:
            arrays[f"seed{index}/{block}/{leaf}"] = np.stack([states[step][block][leaf] for step in steps])
    return arrays


@dataclass(frozen=True, eq=False)
class ParameterPath:
    """Parameters of one seed along its run.

    Attributes:
        steps: (T,) ascending.
        stacked: block -> leaf -> (T, ...), in the precision of the training.
    """

    steps: np.ndarray
    stacked: Tree

    @classmethod
    def from_arrays(cls, arrays: Arrays, index: int) -> "ParameterPath":
        prefix = f"seed{index}/"
        stacked: dict[str, dict[str, np.ndarray]] = {}
        for name, array in arrays.items():
            if name.startswith(prefix) and name.count("/") == 2:
                _, block, leaf = name.split("/")
                stacked.setdefault(block, {})[leaf] = array
        return cls(arrays[prefix + "step"], stacked)

    def at(self, index: int) -> Tree:
        """The parameters at the checkpoint with this position in `steps`."""
        return {block: {leaf: array[index] for leaf, array in leaves.items()} for block, leaves in self.stacked.items()}
