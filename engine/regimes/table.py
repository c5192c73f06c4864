"""What a sweep gives to a notebook. Imports no JAX."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd


class Sweep(NamedTuple):
    """A regime map: a row for each cell (`engine.regimes.result.cells_frame`) and each run
    (`engine.regimes.result.runs_frame`), and why a cell is missing, by its place in the grid.

    `beta` is NaN of a kind of network that has none: there are `depth_per_width`, of every network, and
    `measured_beta` with the ends of its 95% interval, `measured_beta_low` and `measured_beta_high`.
    """

    cells: "pd.DataFrame"
    runs: "pd.DataFrame"
    failures: Mapping[int, str]

    def to_frame(self) -> "pd.DataFrame":
        """A row for each cell that is known, as `cells`, with all the columns above whatever the kinds of network.

        >>> import engine as kd
        >>> base = {"data": {"name": "circle", "size": 4, "test_size": 4}, "training": {"max_steps": 20}}
        >>> found = kd.sweep(base=base, grid={"network.kind": ["mlp", "resnet"], "network.width": [32]}, seeds=[0])
        >>> cells = found.to_frame().set_index("kind")
        >>> cells[["depth", "width", "beta", "depth_per_width"]].round(4).to_dict("index")["mlp"]
        {'depth': 3, 'width': 32.0, 'beta': 0.0938, 'depth_per_width': 0.0938}
        >>> residual = cells.loc["resnet"]
        >>> bool(0 < residual["measured_beta_low"] < residual["measured_beta"] < residual["measured_beta_high"])
        True
        """
        from engine.initialisation.spread import MEASURED_BETA

        shape = ["kind", "depth", "width", "beta", "depth_per_width", *MEASURED_BETA]
        rest = [name for name in self.cells.columns if name not in (*shape, "cell")]
        return self.cells.reindex(columns=[*shape, *rest])
