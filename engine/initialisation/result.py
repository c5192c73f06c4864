"""What the jobs at initialisation leave, and what the command line prints of moments. Imports no JAX."""

# ruff: noqa: N815 - the field's symbols

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from engine.initialisation.estimates import Estimate
from engine.initialisation.higher_moments import log_moment, required_draws
from engine.initialisation.law import Law, law_of
from engine.initialisation.moments import hanin_nica_log_drift, hanin_nica_log_ratio, moments
from engine.problems import ConfigError, Problem, short_repr
from engine.progress import Arrays
from engine.result import Field, Named, finite
from engine.schema import Config

MOST_LISTED = 12
"""Numbers of a list in a summary."""


class SampleResult(Named):
    """Moments of K(x, x) over draws from the exact law or of real networks, and the histogram of K.

    Estimates by `names` (`engine.initialisation.estimates`), with `trusted` 1, 0, or -1 where not known; bins of equal
    width in log10 K, with zeros apart; and, where asked for, E[K^2] by importance sampling.
    """

    names = Field("q")
    mean = Field("q", "initial.sampler")
    standard_error = Field("q", "initial.sampler")
    trusted = Field("q", "initial.trust")
    draws = Field("")
    histogram_edges = Field("edges", "initial.histogram", "K")
    histogram_counts = Field("bins", "initial.histogram")
    histogram_zeros = Field("", "initial.histogram")
    importance_E_K2 = Field("", unit="K^2", optional=True)
    importance_standard_error = Field("", unit="K^2", optional=True)
    importance_effective_sample_size = Field("", optional=True)
    importance_trusted = Field("", "initial.trust", optional=True)

    @property
    def estimates(self) -> dict[str, Estimate]:
        """Every sample mean by its name."""
        rows = zip(self.names.tolist(), self.mean, self.standard_error, self.trusted, strict=True)
        known = {1: True, 0: False}
        return {name: Estimate(float(m), float(s), int(self.draws), known.get(int(t))) for name, m, s, t in rows}

    @property
    def summary(self) -> dict[str, Any]:
        """{name: {mean, standard_error, trusted}}; None where not finite, or without a verdict."""
        return {
            name: {"mean": finite(one.mean), "standard_error": finite(one.standard_error), "trusted": one.trusted}
            for name, one in self.estimates.items()
        }


class GramResult(Named):
    """Spectra of the kernel matrix of p inputs over draws, descending; of infinite width where that is computed."""

    x = Field("p n_0")
    spectra = Field("draws p", "initial.gram", "K")
    mean_kernel = Field("p p", unit="K")
    infinite_width = Field("p", "initial.infinite", "K", optional=True)


class FirstStepResult(Named):
    """One step of each size from every drawn network, of K averaged over the points of the batch.

    `change` is Delta K, `flow` Delta K minus eta times each network's own flow rate, `flow_median` of its size;
    `_error` is a standard error; `residual_mean` the mean |f - y|. The exact values stand where they are known.
    """

    sizes = Field("sizes")
    change_mean = Field("sizes", "initial.step", "K")
    change_error = Field("sizes", "initial.step", "K")
    flow_mean = Field("sizes", unit="K")
    flow_error = Field("sizes", unit="K")
    flow_median = Field("sizes", unit="K")
    rate_mean = Field("", "initial.drift", "K/t")
    rate_error = Field("", "initial.drift", "K/t")
    K_mean = Field("", unit="K")
    residual_mean = Field("", unit="f")
    exact_rate = Field("", "initial.drift", "K/t", optional=True)
    exact_K = Field("", unit="K", optional=True)


class DriftResult(Named):
    """Gradient flow from every drawn network, seen at a few times, of K averaged over the points.

    `change_quantiles` are at 5, 50 and 95%; `residual_mean` is that of ||f - y|| over its start; `rate` is of the
    networks at t = 0; `extrapolation` = t E[dK/dt], exact where known; `stiff` counts networks left out.
    """

    times = Field("times", "t")
    change_mean = Field("times", "initial.beyond", "K")
    change_error = Field("times", "initial.beyond", "K")
    change_quantiles = Field("levels times", "initial.beyond", "K")
    residual_mean = Field("times", "residual")
    rate_mean = Field("", "initial.drift", "K/t")
    rate_error = Field("", "initial.drift", "K/t")
    extrapolation = Field("times", "initial.beyond", "K")
    K_mean = Field("", unit="K")
    stiff = Field("")
    exact_rate = Field("", "initial.drift", "K/t", optional=True)
    exact_K = Field("", unit="K", optional=True)


RESULTS: Mapping[str, type[Named]] = {
    "initial_sample": SampleResult,
    "brute_force": SampleResult,
    "gram_spectrum": GramResult,
    "first_step": FirstStepResult,
    "drift_ensemble": DriftResult,
}
"""By kind of job."""

Number = float | None


def result_of(kind: str, arrays: Arrays) -> Any:
    """The result of a job of this kind. Raises `ResultError`."""
    return RESULTS[kind].from_arrays(arrays)


def summary_of(config: Config, result: Named) -> dict[str, Any]:
    """What `summary.json` holds: the config, and the estimates or else every number and short list; None where not
    finite."""
    found = result.summary if isinstance(result, SampleResult) else _short(result)
    return {"config": config.to_dict(), "config_hash": config.hash, **found}


def _short(result: Named) -> dict[str, Any]:
    arrays = {name: np.asarray(array) for name, array in result.arrays.items()}
    numbers = {name: array for name, array in arrays.items() if array.ndim < 2 and array.size <= MOST_LISTED}
    return {
        name: finite(array) if array.ndim == 0 else [finite(value) for value in array]
        for name, array in numbers.items()
        if array.dtype.kind in "fiu"
    }


def moments_summary(
    widths: str | Sequence[int],
    readout: str = "linear",
    norm_x_squared: float = 1.0,
    target: float = 0.0,
    **settings: Any,
) -> dict[str, Number]:
    """The exact moments under the names of the reference file, `E_dK` at `target`, and the paper's rates.

    Numbers beyond what a float holds are None. `settings` are further fields of `InitialNetwork`.

    Raises:
        ConfigError: a bad setting, or one without an exact law.
    """
    law = law_of(widths, readout=readout, norm_x_squared=norm_x_squared, **settings)
    _check_target(target)
    exact = moments(law)
    sign, log_size = exact.log_abs_E_dK(target)
    drift = _number(float(log_size[0]))
    names = ("E_K", "E_K2", "ratio", "E_Kw", "E_Kb", "E_Kw2", "E_KwKb", "E_Kb2")
    return {
        **{name: _number(getattr(exact, f"log_{name}")[0]) for name in names},
        "E_K3": _number(log_moment(law, 3)),
        "E_K4": _number(log_moment(law, 4)),
        "E_gHg": _number(exact.log_E_gHg[0]),
        "mc_draws_for_5pct_E_K2": _number(required_draws(law, 0.05)),
        "E_dK": None if drift is None else (float(sign[0]) * drift if drift else 0.0),
        **rates(law),
    }


def _check_target(target: float) -> None:
    if not isinstance(target, Real) or isinstance(target, bool) or not abs(target) <= 1e6:
        raise ConfigError([Problem("target", f"{short_repr(target)} given; a number between -1e6 and 1e6")])


def rates(law: Law) -> dict[str, Number]:
    """beta, with the rates of Hanin and Nica at it: of E[K^2]/E[K]^2 and of |E[Delta K]|/E[K]."""
    return {
        "beta": law.beta,
        "hn_ratio": _number(float(hanin_nica_log_ratio(np.array(law.beta)))),
        "hn_dK_over_K": _number(float(hanin_nica_log_drift(np.array(law.d), np.array(law.beta), law.n_0))),
    }


def _number(log_value: float) -> Number:
    """exp, or None (JSON's null) beyond what a float holds."""
    return math.exp(log_value) if log_value < math.log(1.7e308) else None
