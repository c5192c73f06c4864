"""The engine: neural tangent kernels of finite networks, as pure functions of frozen configs and keys.

This is its face, for notebooks and scripts:

>>> import engine as kd
>>> circle = {"name": "circle", "size": 16, "test_size": 16}
>>> result = kd.run(data=circle, network={"depth": 2, "width": 32}, training={"max_steps": 20}, seeds=[0, 1])
>>> [round(float(seed["cka"][0]), 6) for seed in result.seeds]
[1.0, 1.0]

Results are cached like those of the pages and of `python -m engine`: they find each other's. A setting that is
wrong raises `ConfigError` with every problem at once. Importing `engine` imports no JAX; what computes imports it, and
switches it to 64 bits meanwhile.

Like `engine.__main__` this is a door: it reaches `cache`, the rest of the engine does not.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.progress import Arrays, Report, silent
from engine.schema import Config, ConfigError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import ArrayLike

    from engine.config import NetworkConfig, RunConfig
    from engine.networks.infinite import OperatorSpectrum
    from engine.networks.mlp import Params
    from engine.perturbation.result import PerturbationResult
    from engine.rkhs.result import RkhsResult
    from engine.training.result import RunResult

__all__ = [
    "ConfigError", "Sweep", "infinite_ntk", "init", "moments", "nngp", "ntk", "operator_spectrum", "perturb", "run",
    "sample", "spaces", "sweep",
]  # fmt: skip


def run(config: "RunConfig | None" = None, /, *, report: Report = silent, **settings: Any) -> "RunResult":
    """Trains every seed and follows its kernel.

    Args:
        config: the run; or its fields as keywords: `data`, `network`, `training`, `seeds` (`engine.config.RunConfig`),
            each a config or plain values. Fields given beside a config stand in place of its own, whole.
        report: called with the progress; may raise to stop.

    Raises:
        ConfigError: bad settings, or a learning rate at the stability limit of K_0 or beyond.
    """
    from engine.training.result import RunResult

    return RunResult.from_arrays(_cached("run", _run_config(config, settings), report))


def perturb(
    config: "RunConfig | None" = None, /, *, options: Mapping[str, Any] | None = None, report: Report = silent,
    **settings: Any,
) -> "PerturbationResult":  # fmt: skip
    """Trains every seed and expands it in K_t - K_0, order by order.

    Args:
        options: of `engine.perturbation.config.Options`.

    The others, and errors, as for `run`; besides momentum and minibatches, which the expansion does not cover.

    >>> circle = {"name": "circle", "size": 6, "test_size": 6, "frequencies": [1]}
    >>> training = {"integrator": "rk4", "max_steps": 10, "checkpoints": 4}
    >>> result = perturb(data=circle, network={"depth": 1, "width": 32, "activation": "erf"}, training=training)
    >>> result.summary["dynamics"]
    'gradient flow'
    """
    from engine.perturbation.config import PerturbationConfig
    from engine.perturbation.result import PerturbationResult

    asked = PerturbationConfig.from_dict(
        {"run": _run_config(config, settings).to_dict(), "options": {**(options or {})}}
    )
    return PerturbationResult.from_arrays(_cached("perturbation", asked, report))


def spaces(
    config: "RunConfig | None" = None, /, *, options: Mapping[str, Any] | None = None, report: Report = silent,
    **settings: Any,
) -> "RkhsResult":  # fmt: skip
    """Trains every seed and compares the spaces H_t of its kernels with H_0.

    Args:
        options: of `engine.rkhs.config.Options`.

    The others, and errors, as for `run`.
    """
    from engine.rkhs.config import RkhsConfig
    from engine.rkhs.result import RkhsResult

    run_config = _run_config(config, settings).to_dict()
    asked = RkhsConfig.from_dict({"run": run_config, "options": {**(options or {})}})
    return RkhsResult.from_arrays(_cached("rkhs", asked, report))


class Sweep(NamedTuple):
    """A regime map: a row for each cell (`engine.regimes.result.cells_frame`) and each run
    (`engine.regimes.result.runs_frame`), and why a cell is missing, by its place in the grid.
    """

    cells: "pd.DataFrame"
    runs: "pd.DataFrame"
    failures: Mapping[int, str]


def sweep(*, report: Report = silent, **settings: Any) -> Sweep:
    """Trains the cells of a grid: `base`, `grid`, `seeds` of `engine.regimes.config.SweepConfig`.

    Computes in worker processes: local ones, or those of the scheduler that `KERNEL_DRIFT_SCHEDULER` names.

    Raises:
        ConfigError: bad settings.
        cache.failure.SchedulerError: no scheduler or worker answers.
    """
    from cache import Store
    from cache.batch import run_batch
    from engine.regimes.config import SweepConfig
    from engine.regimes.result import cells_frame, runs_frame

    config = SweepConfig.from_dict(_plain(settings))
    with closing(Store()) as store:
        done = run_batch("cell", config.groups, report, store, "cells")
    runs = runs_frame(config, done.results)
    return Sweep(cells_frame(runs) if len(runs) else runs, runs, done.failures)


def moments(widths: Sequence[int], **settings: Any) -> dict[str, float | None]:
    """Exact moments of K(x, x) of a ReLU network at initialisation (`engine.initialisation.result.moments_summary`).

    Args:
        widths: n_0 (input), the hidden widths, and 1.

    >>> found = moments([3, 5, 4, 7, 1])
    >>> round(found["E_K2"] / found["E_K"] ** 2 / found["ratio"], 12)
    1.0
    """
    from engine.initialisation.result import moments_summary

    return moments_summary(widths, **settings)


def sample(widths: Sequence[int], draws: int = 100_000, seed: int = 0, **settings: Any) -> dict[str, Any]:
    """Means and standard errors of the same over draws from the exact law, and how far to trust them."""
    from engine.initialisation.job import sample_summary

    return sample_summary(widths, draws, seed, **settings)


def init(network: "NetworkConfig | Mapping[str, Any]", seed: int, input_dim: int, output_dim: int = 1) -> "Params":
    """Float32 parameters of a network at initialisation, the same for the same seed.

    >>> params = init({"depth": 2, "width": 8}, seed=0, input_dim=3)
    >>> params["readout"]["w"].shape
    (8, 1)
    """
    from engine.networks.mlp import init

    return init(_network(network), seed, input_dim, output_dim)


def ntk(
    network: "NetworkConfig | Mapping[str, Any]", params: "Params", x: "ArrayLike", other: "ArrayLike | None" = None
) -> "np.ndarray":
    """The empirical kernel in float64, averaged over outputs (`engine.networks.kernel.ntk`).

    Args:
        x: (n, n_0); other: (m, n_0), or `x` itself when left out.

    Returns:
        (n, m), alpha^2 included and no factor 1/M.

    >>> import numpy as np
    >>> x = np.eye(3)
    >>> K = ntk({"depth": 1, "width": 8}, init({"depth": 1, "width": 8}, seed=0, input_dim=3), x)
    >>> K.shape, bool(np.allclose(K, K.T)), bool(np.linalg.eigvalsh(K).min() > -1e-12)
    ((3, 3), True, True)
    """
    import jax.numpy as jnp
    import numpy as np

    from engine.device import in_float64
    from engine.networks.kernel import ntk

    with in_float64():
        there = None if other is None else jnp.asarray(other)
        return np.asarray(ntk(_network(network), params, jnp.asarray(x), there))


def infinite_ntk(
    network: "NetworkConfig | Mapping[str, Any]", x: "ArrayLike", other: "ArrayLike | None" = None
) -> "np.ndarray":
    """The neural tangent kernel at infinite width, (n, m), with the conventions of `ntk` (`engine.networks.infinite`).

    >>> import numpy as np
    >>> no_bias = {"depth": 1, "train_bias": False, "output_bias": False}
    >>> bool(np.allclose(np.diag(infinite_ntk(no_bias, np.eye(3))), 4 / 3))
    True
    """
    import numpy as np

    from engine.networks.infinite import ntk

    return ntk(_network(network), np.asarray(x, float), None if other is None else np.asarray(other, float))


def nngp(
    network: "NetworkConfig | Mapping[str, Any]", x: "ArrayLike", other: "ArrayLike | None" = None
) -> "np.ndarray":
    """The covariance of the outputs at infinite width, (n, m): E[f f'] over initialisations, alpha^2 included."""
    import numpy as np

    from engine.networks.infinite import nngp

    return nngp(_network(network), np.asarray(x, float), None if other is None else np.asarray(other, float))


def operator_spectrum(
    network: "NetworkConfig | Mapping[str, Any]", data: Mapping[str, Any], degrees: int = 64
) -> "OperatorSpectrum | None":
    """Eigenvalues of the infinitely wide kernel's integral operator on the domain of a dataset, by degree; None on
    domains other than circle, sphere and cube (`engine.networks.infinite.operator_spectrum`).

    >>> spectrum = operator_spectrum({"depth": 1}, {"name": "circle"}, degrees=4)
    >>> spectrum.multiplicities, bool(spectrum.eigenvalues[0] > spectrum.eigenvalues[2] > 0)
    ((1, 2, 2, 2), True)
    """
    from engine.config import RunConfig
    from engine.networks.infinite import operator_spectrum

    return operator_spectrum(_network(network), RunConfig.from_dict({"data": {**data}}).data, degrees)


def _run_config(config: "RunConfig | None", settings: Mapping[str, Any]) -> "RunConfig":
    from engine.config import RunConfig

    if config is None:
        return RunConfig.from_dict(_plain(settings))
    return RunConfig.from_dict({**config.to_dict(), **_plain(settings)})


def _network(network: "NetworkConfig | Mapping[str, Any]") -> "NetworkConfig":
    from engine.config import NetworkConfig

    return network if isinstance(network, NetworkConfig) else NetworkConfig.from_dict({**network})


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with every config among them as plain values."""
    return {name: value.to_dict() if isinstance(value, Config) else value for name, value in settings.items()}


def _cached(kind: str, config: Config, report: Report) -> Arrays:
    """The "result" entry, from the cache or computed here and kept."""
    from cache import Store, cached_compute
    from engine.device import in_float64

    with closing(Store()) as store, in_float64():
        return dict(cached_compute(store, kind, config, report))
