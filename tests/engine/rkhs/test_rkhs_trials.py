"""The reference figures of regression (docs/figures.md), in the setting of tests/data/trials/rkhs-*.yaml. Minutes long.

The trial's own points are not ours, and its figures move with them: over 80 draws of the data the error of
K_infinity, which has no network in it, is .371 +- .052 (parity) and .209 +- .041 (x0 + x1 x2). So the figures are
compared on points that are as hard as the trial's: draws on which K_infinity errs as much. At output scale .1 two more
things matter, and are shown: parity's figures are those of half the step, and those of x0 + x1 x2 of easier points.
"""

import numpy as np
import pytest

from engine.rkhs.config import RkhsConfig
from engine.rkhs.job import compare
from engine.rkhs.result import RkhsResult

PRODUCT = {"name": "sphere", "dim": 8, "size": 64, "test_size": 256, "target": "x0+x1x2", "target_rms": 1.0}
PARITY = {"name": "parity", "dim": 8, "order": 2, "size": 64, "test_size": 192}
NETWORK = {"depth": 3, "width": 64, "activation": "relu", "sigma_w": "critical", "sigma_w_readout": 1.0,
           "train_bias": False, "output_bias": False, "centred": True}  # fmt: skip
TRAINING = {"loss": "half_sum", "max_steps": 4000, "stop_residual": 0.05, "checkpoints": 16}
LIGHT = {"times": 2, "grid": 64, "sample": 64, "sizes": [8], "draws": 4}
STEP = 0.25
"""stability_fraction of the trial: eta_eff lambda_max(K_0) = .5."""
SEEDS = 4

AS_HARD = {"product": 30, "parity": 9}
"""Seeds of the data on which K_infinity errs as in the trial."""
EASIER = 8
"""A seed of x0 + x1 x2 on which K_infinity errs .17."""

pytestmark = pytest.mark.long


def errors(name: str, alpha: float, points: int, step: float = STEP) -> dict[str, np.ndarray]:
    """Held-out errors at the end, one for each initialisation, on points of this seed."""
    data = {**(PRODUCT if name == "product" else PARITY), "seed": points}
    training = {**TRAINING, "stability_fraction": step}
    run = {"data": data, "network": {**NETWORK, "alpha": alpha}, "training": training, "seeds": [*range(SEEDS)]}
    result = RkhsResult.from_arrays(dict(compare(RkhsConfig.from_dict({"run": run, "options": LIGHT}))["result"]))
    assert result.summary["stop_reason"] == ["residual"] * SEEDS
    assert all(set(flags.values()) == {"ok"} for flags in result.summary["flags"])
    rows = result.summary["test_error"]
    return {kernel: np.array([row[kernel] for row in rows], float) for kernel in rows[0]}


def agree(found: dict[str, np.ndarray], figures: dict[str, float]) -> None:
    """Within 3 standard errors of the difference of two means over 4 seeds."""
    for kernel, figure in figures.items():
        values = found[kernel]
        allowed = 3 * values.std(ddof=1) * np.sqrt(2 / SEEDS)
        assert abs(figure - values.mean()) < allowed, (kernel, figure, values)


@pytest.mark.parametrize(
    ("name", "alpha", "step", "figures"),
    [
        ("product", 1.0, STEP, {"network": 0.27, "K_0": 0.33, "K_T": 0.24}),
        ("parity", 1.0, STEP, {"network": 0.44, "K_0": 0.52, "K_T": 0.40}),
        ("parity", 0.1, STEP / 2, {"network": 0.072, "K_0": 0.52, "K_T": 0.040}),
    ],
)
def test_the_regression_figures_of_theory(name: str, alpha: float, step: float, figures: dict[str, float]) -> None:
    found = errors(name, alpha, AS_HARD[name], step)
    assert found["K_inf"] == pytest.approx({"product": 0.25, "parity": 0.45}[name], abs=0.006)
    agree(found, figures)
    assert found["K_T"].mean() < found["K_0"].mean()


def test_what_the_step_does_to_learned_parity() -> None:
    """Twice the step of the figure leaves half of its error."""
    found = errors("parity", 0.1, AS_HARD["parity"])
    assert found["K_T"].mean() < 0.6 * 0.040


def test_learned_features_of_x0_and_x1x2() -> None:
    agree(errors("product", 0.1, EASIER), {"network": 0.083, "K_T": 0.074})
    found = errors("product", 0.1, AS_HARD["product"])
    # Feature learning: K_T and the network leave less than K_0 and K_infinity at every seed, half of it in the mean.
    fixed = np.minimum(found["K_0"], found["K_inf"])
    assert np.all(np.maximum(found["network"], found["K_T"]) < fixed)
    assert found["K_T"].mean() < 0.6 * fixed.mean()
