"""Cells of a sweep with metrics that follow a law written down here."""

from collections.abc import Mapping

import numpy as np

from engine import jobs
from engine.config import RunConfig
from engine.networks.kinds import depth_per_width
from engine.progress import Arrays
from engine.regimes.config import SweepConfig
from engine.regimes.result import METRICS

FACTORS = {"mlp": 1.0, "resnet": 0.5, "conv": 2.0}


def part(
    run: RunConfig, *, scale: float = 4.0, exponent: float = 0.0, noise: float = 0.1, fails_from: float = 1.0
) -> Arrays:
    """Metrics scale beta depth^exponent / alpha, times a factor of each seed; runs fail from a beta on.

    Those of residual networks are half as large, of convolutional ones twice; n CV^2 of either is 4, give or take 10%.
    """
    network, seeds, beta = run.network, np.array(run.seeds), depth_per_width(run.network)
    factors = np.exp(noise * np.random.default_rng(int(run.hash[:8], 16)).normal(size=len(seeds)))
    values = scale * FACTORS[network.kind] * beta * network.depth**exponent / network.alpha * factors
    metrics = dict.fromkeys(METRICS, values) | {"sharpness": np.full(len(seeds), 0.4), "steps": 100 * factors}
    metrics |= {"rounding": np.full(len(seeds), 1e-12), "bits": np.full(len(seeds), 32.0)}
    spread = np.expm1(5 * beta) if network.kind == "mlp" else 4 / network.width
    reach = 0.0 if network.kind == "mlp" else 0.1
    end = "cap" if beta >= fails_from else "residual"
    return {
        "seed": seeds,
        "end": np.array([end] * len(seeds)),
        **metrics,
        "cv2": np.array(float(spread)),
        "cv2_low": np.array(float(spread * (1 - reach))),
        "cv2_high": np.array(float(spread * (1 + reach))),
        "meta": np.array('{"seconds": 2.0}'),
    }


def results(sweep: SweepConfig, **law: float) -> dict[str, Arrays]:
    """Of every cell, by the hash of its part."""
    return {some.hash: part(some, **law) for cell in sweep.cells for some in cell.parts}


def stored(sweep: SweepConfig, **law: float) -> Mapping[str, Arrays]:
    """The same by the key of its job."""
    return {jobs.key("cell", some): part(some, **law) for cell in sweep.cells for some in cell.parts}
