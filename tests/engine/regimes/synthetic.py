"""Runs with known boundaries: ln metric = slope ln(beta/scale) + exponent ln depth + noise of cells and of seeds."""

import numpy as np
import pandas as pd

DEPTHS, WIDTHS = (2, 4, 8, 16, 32), (8, 16, 32, 64, 128, 256)


def runs(
    rng: np.random.Generator,
    *,
    slope: float = 1.0,
    scale: float = 0.1,
    exponent: float = 0.0,
    cell_noise: float = 0.2,
    seed_noise: float = 0.4,
    seeds: int = 4,
) -> pd.DataFrame:
    """One row per run: cell, depth, width, beta, seed, elt (the metric, scale^slope... = 1 at beta = scale)."""
    rows = []
    for cell, (depth, width) in enumerate((d, w) for d in DEPTHS for w in WIDTHS):
        shift = rng.normal(0, cell_noise)
        for seed in range(seeds):
            beta = depth / width
            log_metric = slope * np.log(beta / scale) + exponent * np.log(depth) + shift + rng.normal(0, seed_noise)
            rows.append((cell, depth, width, beta, seed, float(np.exp(log_metric))))
    return pd.DataFrame(rows, columns=["cell", "depth", "width", "beta", "seed", "elt"]).assign(rounding=1e-12)
