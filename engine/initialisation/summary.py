"""What the command line prints: `python -m engine moments` and `python -m engine sample`. Imports no JAX."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.initialisation.config import SampleConfig
from engine.initialisation.estimates import FIRST_STEP, PARTS, POWERS, Tally, columns, estimates
from engine.initialisation.higher_moments import log_moment, required_draws
from engine.initialisation.law import Law, Setting, exact_law
from engine.initialisation.moments import hanin_nica_log_drift, hanin_nica_log_ratio, moments
from engine.initialisation.sampler import draw_chunks
from engine.progress import Progress, Report, silent
from engine.schema import ConfigError, Problem

Number = float | None


def moments_summary(
    widths: str | Sequence[int],
    readout: str = "linear",
    norm_x_squared: float = 1.0,
    target: float = 0.0,
    **settings: Any,
) -> dict[str, Number]:
    """The exact moments under the names of the reference file, `E_dK` at `target`, and the paper's rates.

    Numbers beyond what a float holds are None. `settings` are further fields of `Setting`.

    Raises:
        ConfigError: a bad setting, or one without an exact law.
    """
    law = exact_law(_setting(widths, readout, norm_x_squared, settings))
    _check_target(target)
    exact = moments(law)
    sign, log_size = exact.log_abs_E_dK(target)
    drift = _number(float(log_size[0]))
    return {
        "E_K": _number(exact.log_E_K[0]),
        "E_K2": _number(exact.log_E_K2[0]),
        "ratio": _number(exact.log_ratio[0]),
        "E_Kw": _number(exact.log_E_Kw[0]),
        "E_Kb": _number(exact.log_E_Kb[0]),
        "E_Kw2": _number(exact.log_E_Kw2[0]),
        "E_KwKb": _number(exact.log_E_KwKb[0]),
        "E_Kb2": _number(exact.log_E_Kb2[0]),
        "E_K3": _number(log_moment(law, 3)),
        "E_K4": _number(log_moment(law, 4)),
        "E_gHg": _number(exact.log_E_gHg[0]),
        "mc_draws_for_5pct_E_K2": _number(required_draws(law, 0.05)[0]),
        "E_dK": None if drift is None else (float(sign[0]) * drift if drift else 0.0),
        **_rates(law),
    }


def sample_summary(
    widths: str | Sequence[int],
    draws: int,
    seed: int = 0,
    readout: str = "linear",
    norm_x_squared: float = 1.0,
    target: float = 0.0,
    report: Report = silent,
    **settings: Any,
) -> dict[str, Any]:
    """Sample means from the exact law: {name: {mean, standard_error, trusted}} under the names of `moments_summary`.

    `trusted` is False where the exact moments say that the interval is none, None where there is no such verdict.
    `draws`, `seed` and the paper's rates stand beside them.

    Raises:
        ConfigError: a bad setting, number of draws or seed, or a setting without an exact law.
    """
    setting = _setting(widths, readout, norm_x_squared, settings)
    config = SampleConfig.from_dict({"setting": setting, "draws": draws, "seed": seed, "target": target})
    law = exact_law(config.setting)
    tally = Tally((*POWERS, *PARTS, *FIRST_STEP))
    for some in draw_chunks(law, config.draws, config.seed):
        tally.add(columns(some, config.target))
        report(Progress(tally.draws / config.draws, f"{tally.draws:,} of {config.draws:,} draws"))
    found = {
        name: {
            "mean": _finite(estimate.mean),
            "standard_error": _finite(estimate.standard_error),
            "trusted": estimate.trusted,
        }
        for name, estimate in estimates(tally, law).items()
    }
    return {**found, "draws": config.draws, "seed": config.seed, **_rates(law)}


def _setting(widths: str | Sequence[int], readout: str, norm_x_squared: float, settings: dict[str, Any]) -> Setting:
    values = widths if isinstance(widths, str) else list(widths)
    return Setting.from_dict({"widths": values, "readout": readout, "norm_x_squared": norm_x_squared, **settings})


def _check_target(target: float) -> None:
    if not math.isfinite(target) or abs(target) > 1e6:
        raise ConfigError([Problem("target", f"{target} given; a number between -1e6 and 1e6")])


def _rates(law: Law) -> dict[str, Number]:
    return {
        "beta": law.beta,
        "hn_ratio": _number(float(hanin_nica_log_ratio(np.array(law.beta)))),
        "hn_dK_over_K": _number(float(hanin_nica_log_drift(np.array(law.d), np.array(law.beta), law.n_0))),
    }


def _number(log_value: float) -> Number:
    """exp, or None (JSON's null) beyond what a float holds."""
    return math.exp(log_value) if log_value < math.log(1.7e308) else None


def _finite(value: float) -> Number:
    return value if math.isfinite(value) else None
