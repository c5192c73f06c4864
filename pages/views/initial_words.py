"""What the pages on the kernel at initialisation say, in sentences computed from their numbers. No Streamlit here."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import betaincinv

from engine.initialisation.estimates import Estimate
from engine.initialisation.higher_moments import required_draws
from engine.initialisation.law import exact_law
from engine.initialisation.moments import moments
from engine.networks.activations import ACTIVATIONS
from pages.charts.words import exponential, listing, number, plain, signed
from pages.views.initial_network import Network

FADED = 0.1
"""A signal whose mean square falls below this share of its size no longer carries the kernel."""
FEWEST_FOR_A_BAND = 20
"""Draws from which a band of 90% leaves some out on either side."""


def variation(frame: pd.DataFrame) -> str:
    """How much K varies where the narrowest and the widest curve end; empty where neither is drawn there.

    Args:
        frame: of `pages.views.initial_curves.second_moment_table`.
    """
    ends = _ends(frame, frame["ratio"])
    if not ends:
        return ""
    times = listing([f"{number(math.sqrt(max(ratio - 1, 0.0)))} times its mean at {where}" for ratio, _, where in ends])
    ratios = listing([number(ratio) for ratio, _, _ in ends])
    grows = listing([*dict.fromkeys(exponential(5 * beta) for _, beta, _ in ends)])
    return (
        f"Exactly, the standard deviation of $K(x, x)$ over initialisations is {times}: $E[K^2]/E[K]^2$ is {ratios}, "
        rf"$e^{{5\beta}}$ {grows}."
    )


def first_rate(frame: pd.DataFrame, target: float) -> str:
    """How fast the mean kernel moves at first where the narrowest and the widest curve end; empty where neither is
    drawn there.

    Args:
        frame: of `pages.views.initial_curves.first_step_table`.
    """
    rates = [f"{number(rate)} at {where}" for rate, _, where in _ends(frame, frame["size"] * frame["sign"])]
    if not rates:
        return ""
    return f"Exactly, for y = {target:g} the kernel starts to move at $E[dK/dt]/E[K]$ = {listing(rates)}."


def _ends(frame: pd.DataFrame, values: pd.Series) -> list[tuple[float, float, str]]:
    """Value, beta and place at the end of the narrowest and of the widest curve, where they can be drawn."""
    found = []
    for width in dict.fromkeys([int(frame["width"].min()), int(frame["width"].max())]):
        last = int(frame["depth"].where(frame["width"] == width).argmax())
        beta, value = float(frame["beta"].iloc[last]), float(values.iloc[last])
        if math.isfinite(value):
            found.append((value, beta, f"n = {width:,}, β = {number(beta)}"))
    return found


def above_the_mean(histogram: pd.DataFrame, log_mean: float, draws: int) -> str:
    """Which share of draws lies above the exact mean; empty where all do."""
    low, high = histogram["low"].to_numpy(float), histogram["high"].to_numpy(float)
    if not math.isfinite(log_mean) or log_mean < np.log(low[0]):
        return ""
    if log_mean > np.log(high[-1]):
        most = number(100 * (1 - 0.05 ** (1 / draws)), 2)
        return f"None of {draws:,} draws lies above their exact mean: at most {most}% of all initialisations do (95%)."
    above = float(np.interp(log_mean, np.log(low), histogram["tail"]))
    if not 0 < above < 1:
        return ""
    least, most = (number(100 * end) for end in _binomial(above, draws))
    return f"{number(100 * above)}% (95%: {least} to {most}%) of {draws:,} draws lie above their exact mean."


def _binomial(share: float, draws: int) -> tuple[float, float]:
    """An interval for a probability of which draws show this share: at least 95% (Clopper and Pearson, Biometrika 26,
    1934). The normal one covers .84 of 3% of 100 draws."""
    count = share * draws
    low, high = betaincinv([count, count + 1], [draws - count + 1, draws - count], [0.025, 0.975])
    return float(low), float(high)


def zeros(count: int, total: int) -> str:
    """Draws that are 0; empty where none are."""
    return (
        f"K is 0 in {count:,} of {total:,} draws (closed readout or dead network): not on a log axis." if count else ""
    )


def out_of_reach(estimate: Estimate) -> str:
    """Of a sampled second moment that its draws do not determine; empty where they may."""
    if estimate.trusted is not False:
        return ""
    return (
        "These draws do not reach far enough into the tail for the second moment: the exact moments say that their own "
        f"estimate {number(estimate.mean)} of E[K²]/E[K]² cannot be trusted."
    )


def breakdown(breaks: dict[int, float], budget: float) -> str:
    """From which beta on plain Monte Carlo needs more draws than can be afforded; empty where it nowhere does."""
    if not breaks:
        return ""
    where = "; ".join(f"n = {width:,} from about β = {number(beta)}" for width, beta in breaks.items())
    return f"Plain Monte Carlo needs more than {number(budget)} draws for 5% of E[K²]: {where}."


def bias_share(share: np.ndarray, deepest: int) -> str:
    """How much of E[K] the biases make up, over all depths of a curve; empty where that is not known.

    Args:
        share: over depths from one hidden layer on.
    """
    if not len(share) or not np.all(np.isfinite(share)):
        return ""
    first, last, low, high = map(_of_the_mean, (share[0], share[-1], share.min(), share.max()))
    if low == high:
        return f"Biases make up {first} of $E[K]$ at every depth drawn."
    between = "" if {low, high} == {first, last} else f", between {low} and {high} over the depths drawn"
    return f"Biases make up {first} of $E[K]$ at one hidden layer and {last} at {deepest:,}{between}."


def _of_the_mean(share: float) -> str:
    """Not 100% of what is not whole."""
    return "over 99.9%" if 0.9995 <= share < 1 else f"{100 * share:.3g}%"


def signs(frame: pd.DataFrame, target: float) -> str:
    """The sign of E[dK/dt] along the curves; empty where nothing of them can be drawn."""
    present = sorted(set(frame.dropna(subset="size")["sign"].astype(int)))
    goes = {
        -1: "the sign is negative everywhere, the mean kernel falls",
        0: "it is 0 everywhere",
        1: "the sign is positive everywhere, the mean kernel grows",
    }
    if not present:
        return ""
    several_ways = "the sign flips along the curves; dotted where the mean kernel grows"
    return f"y = {target:g}: {goes[present[0]] if len(present) == 1 else several_ways}"


def point_signs(source: str, rows: pd.DataFrame) -> str:
    """How many points of a source grow and fall beyond an error that can be trusted; the others are counted.

    Args:
        rows: of `pages.views.initial_points.drift_points`.
    """
    sign = rows["sign"].to_numpy(int)
    beyond = (rows["low"].to_numpy(float) > 0) & (sign != 0)
    sure = beyond & (rows["trusted"] != "no").to_numpy(bool)
    within, hollow = int(np.sum(~beyond)), int(np.sum(beyond & ~sure))
    more = f"; the sign of {within} is within its error" if within else ""
    more += f"; of {hollow} the error bar cannot be trusted" if hollow else ""
    line = (
        f"{source}: {int(np.sum(sure & (sign > 0)))} of {len(rows)} points grow, {int(np.sum(sure & (sign < 0)))} fall"
    )
    return f"{line}{more}."


def untrusted(drawn: pd.DataFrame) -> str:
    """Of hollow points; empty where there are none."""
    if not (drawn["trusted"] == "no").any():
        return ""
    return "Hollow points: exact moments say that the error bar of this many draws cannot be trusted."


def stiff(count: int, draws: int) -> str:
    """Networks left out; empty where none are."""
    return f"{count} of {draws:,} networks were too stiff to follow and are left out." if count else ""


def largest_eigenvalue(first: Mapping[str, float], draws: int) -> str:
    """The largest eigenvalue against its limit; empty where either is not known.

    Args:
        first: the first row of `pages.charts.initial_law.spectrum_table`.
    """
    if not np.isfinite(first["mean"] + first["ratio"]):
        return ""
    ratio = f"{number(first['ratio'])} times that of infinite width"
    said = f"The largest eigenvalue is {number(first['mean'])} on average, {ratio}"
    if draws < FEWEST_FOR_A_BAND or not np.isfinite(first["low"] + first["high"]):
        return f"{said}."
    return f"{said}; 90% of the {draws:,} draws lie between {number(first['low'])} and {number(first['high'])}."


def off_critical(network: Network, depth: int) -> str:
    """What happens to the signal where sigma_w of the hidden layers is not critical; empty where it is."""
    one = network.one
    critical, sigma = ACTIVATIONS[one.activation].critical, one.sigmas[0]
    log_decay = 2 * depth * math.log(sigma / critical)
    if abs(log_decay) < 0.01:
        return ""
    decay = plain(number(math.exp(log_decay)) if abs(log_decay) < 600 else f"e^{signed(log_decay, 0)}")
    homogeneous = ACTIVATIONS[one.activation].homogeneous
    what = "the mean square of the signal" if homogeneous else "the mean square of a small signal"
    if sigma > critical:
        first = "" if homogeneous else ", until the activation saturates"
        return (
            rf"**Growing signal.** $\sigma_w$ = {number(sigma)} is above its critical value {number(critical)}: {what} "
            f"grows by a factor {decay} through {depth:,} hidden layers{first}."
        )
    said = (
        rf"**Vanishing signal.** $\sigma_w$ = {number(sigma)} is under its critical value {number(critical)}: {what} "
        f"falls to {decay} of its size through {depth:,} hidden layers."
    )
    if log_decay > math.log(FADED):
        return said
    if one.train_bias and (one.sigma_b > 0 or one.parameterization == "standard"):
        return (
            f"{said} Only the biases of the last few layers still reach the kernel, those layers hardly fluctuate, and "
            "the ratio looks like 1 at any such depth. That does not say that the kernel is deterministic: it says "
            "that the network is dead."
        )
    return f"{said} Without trained biases the whole kernel shrinks with it; ratios stay as they are at criticality."


def point(network: Network, hidden: tuple[int, ...]) -> str:
    """The point in one line, with its exact numbers where there are some."""
    beta = math.fsum(1 / width for width in hidden)
    widths = f"n = {hidden[0]:,}" if len(set(hidden)) == 1 else f"widths {', '.join(map(str, hidden[:12]))}"
    line = f"{widths}, L = {len(hidden):,} hidden layers, β = {number(beta)}"
    if network.law is None:
        return line
    law = exact_law(network.setting(hidden))
    exact = moments(law)
    needed = required_draws(law) / math.log(10)
    many = f"{number(10**needed) if needed < 300 else f'10^{needed:.0f}'} draws" if needed > 0 else "a single draw"
    return (
        f"{line}; exactly: E[K] = {exponential(exact.log_E_K[0])}, E[K²]/E[K]² = {exponential(exact.log_ratio[0])}. "
        f"Plain Monte Carlo needs {many} for 5% of E[K²]."
    )
