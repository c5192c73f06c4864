"""A study as a job: the perturbation of every network of a grid, one row for each of its seeds."""

import json

import numpy as np

from engine.config import NetworkConfig
from engine.perturbation.job import expanded
from engine.perturbation.requests import PerturbationConfig, StudyConfig
from engine.perturbation.result import APPROXIMATIONS, PerturbationResult, SeedPerturbation
from engine.progress import Entries, Progress, Report, silent


def study(config: StudyConfig, report: Report = silent) -> Entries:
    """Entry "result": columns over N = cells x seeds; see `engine.perturbation.study_result.StudyResult`.

    Raises:
        ConfigError: as `engine.training.run` and `engine.path.kernel_path`.
    """
    rows: list[dict[str, float]] = []
    meta: dict = {}
    cells = config.cells
    for index, cell in enumerate(cells):
        network = cell.network
        said = f"depth {network.depth}, width {network.width}, alpha {network.alpha:g} ({index + 1} of {len(cells)})"

        def within(progress: Progress, index: int = index, said: str = said) -> None:
            fraction = (index + progress.fraction) / len(cells)
            report(Progress(fraction, f"{said}: {progress.message}"))

        arrays, facts, meta = expanded(cell, config.options, within)
        one = PerturbationConfig(run=cell, options=config.options)
        packed = {**meta, "config": one.to_dict(), "seeds": facts}
        found = PerturbationResult.from_arrays(arrays | {"meta": np.array(json.dumps(packed))})
        new = [_row(index, network, seed) for seed in found.seeds]
        rows += new
        report(Progress((index + 1) / len(cells), said, tuple(new)))
    meta |= {"config": config.to_dict(), "config_hash": config.hash}
    columns = {name: np.array([row[name] for row in rows], np.float64) for name in rows[0]}
    return {"result": columns | {"meta": np.array(json.dumps(meta))}}


def mean_width(network: NetworkConfig) -> float:
    """Harmonic mean of the hidden widths, without the rounding of its sum: equal widths give that width exactly."""
    return float(f"{network.depth / network.beta:.12g}")


def _row(cell: int, network: NetworkConfig, seed: SeedPerturbation) -> dict[str, float]:
    """One run: its place in the grid, the sup of every error (`SeedPerturbation.worst`), and its drift."""

    def last(name: str) -> float:
        return float(seed[name][-1]) if name in seed and len(seed[name]) else float("nan")

    return {
        "cell": cell,
        "width": mean_width(network),
        "depth": network.depth,
        "alpha": network.alpha,
        "beta": network.beta,
        "seed": seed.facts["seed"],
        **{f"error_{name}": seed.worst(name) for name in APPROXIMATIONS},
        "bound_P2": float(seed.bound("P2").max()),
        "floor": float(seed.floor.max()),
        "drift": last("drift"),
        "change_norm": last("change_norm"),
        "drift_predicted": last("predicted_leading"),
        "drift_predicted_error": last("predicted_leading_error"),
        "t_stop": last("t"),
        "converged": float(seed.facts["stop_reason"] == "residual"),
    }
