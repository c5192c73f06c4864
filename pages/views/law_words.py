"""What the exact law of the kernel at one input says beside a run on one point. No Streamlit here."""

import math

from engine.data.point import PointConfig
from engine.initialisation.law import exact_law, reasons_without_law
from engine.initialisation.moments import moments
from engine.initialisation.spread import initial_network
from engine.networks.mlp_config import MLPConfig
from engine.training.result import RunResult
from pages.charts.words import number, percent, several, signed, spread


def one_point(result: RunResult) -> list[str]:
    """Mean and spread of K_0(x, x) exactly, and the mean of its rate under the squared loss, beside what these seeds
    have. Empty where the run is on more points, follows another kernel, or its network has no exact law."""
    data, network = result.config.data, result.config.network
    if not isinstance(data, PointConfig) or not isinstance(network, MLPConfig) or result.config.kernel != "ntk":
        return []
    setting = initial_network(network, data.dim, data.norm_squared)
    if reasons_without_law(setting):
        return []
    exact = moments(exact_law(setting.model_copy(update={"centred": network.centred})))
    mean, cv = math.exp(exact.log_E_K[0]), math.sqrt(math.expm1(exact.log_ratio[0]))
    y = data.value if data.noise == 0 and result.config.training.is_linear else None
    rate = "" if y is None else rf", and $dK/dt$ at t = 0 mean {signed(float(exact.E_dK(y)[0]))}"
    started = [float(seed["eigenvalues"][0][0]) for seed in result.seeds]
    return [
        rf"Exactly, over all initialisations, $K_0(x, x)$ has mean {number(mean)} and standard deviation {percent(cv)} "
        f"of that{rate}; in the {several(len(started), 'seed')} of this run $K_0(x, x)$ is {spread(started)}."
    ]
