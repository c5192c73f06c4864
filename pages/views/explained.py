"""What the charts at initialisation show, in words, and the popover that says it and gives data and figure away."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from pages.charts.words import plain
from pages.shell import downloads
from pages.shell.figure import Prepared

HANIN_NICA = "Hanin and Nica, arXiv 1909.05989"

EXPLAINED: dict[str, tuple[str, str]] = {
    "ratio": (
        r"**Second moment**, $E[K(x,x)^2]/E[K(x,x)]^2$ over initialisations, $K = K_w + K_b$ (weights and biases). "
        r"1 means that the kernel is the same in every network; the square root of its excess over 1 is the "
        r"coefficient of variation. Exact at finite width, $\beta = \sum_l 1/n_l$ over hidden layers.",
        f"exact recursion over layers (engine.initialisation.moments), for the law of {HANIN_NICA}",
    ),
    "slope": (
        r"**$\exp(5\beta)$** is the growth rate of the theorem, not a curve to lie on: each layer multiplies the "
        r"second moment by $1 + 5/n$, and a prefactor falls from 1 as $\beta$ grows. Drawn as a slope; its height "
        "means nothing.",
        f"{HANIN_NICA}, Theorem 1",
    ),
    "limit": (
        r"**Scaling limit**: depth and width to infinity at fixed $\beta$, equal widths, critical $\sigma_w$, trained "
        "zero biases; a ReLU readout doubles it.",
        "closed forms in engine.initialisation.scaling_limit",
    ),
    "prefactor": (
        r"**Prefactor**, the ratio divided by $\exp(5\beta)$: 1 where the rate would be the whole answer.",
        "the exact ratio over the rate",
    ),
    "local_slope": (
        r"**Local slope**, $d\,\log(E[K^2]/E[K]^2)/d\beta$: what one more hidden layer adds to the log, times $n$.",
        "exact ratio at L + 1 against L",
    ),
    "split": (
        r"**Parts**: $E[K_w^2]/E[K_w]^2$ of the weights, $E[K_b^2]/E[K_b]^2$ of the biases, "
        r"$E[K_w K_b]/(E[K_w]E[K_b])$ mixed. The whole is their mean, weighted by squares of the parts' shares in "
        r"$E[K]$.",
        f"engine.initialisation.moments; {HANIN_NICA}, section on weights and biases",
    ),
    "sampler": (
        r"**Exact sampler**: draws of $K$ from its exact law, one chi-square pair per layer instead of a network. "
        "Bars are 1.96 of the sample's own standard errors: a 95% interval where the point is marked as trusted, none "
        "where it is not, for then the draws that carry the moment are missing from the sample.",
        "engine.initialisation.sampler",
    ),
    "brute_force": (
        "**Brute force**: real networks are drawn and differentiated. Nothing of the exact law is used.",
        "engine.initialisation.brute_force",
    ),
    "trust": (
        r"**Whether an interval can be trusted**: a sample's own error bar lies when the law is skewed, for the draws "
        r"that carry the variance are missing. A normal interval needs more than 25 skewness² draws (Cochran's rule) "
        r"and at least 100; the skewness is exact here. $E[dK/dt]$ is marked as $E[K^4]$ is. The relative variance of "
        r"$K^2$ grows as $e^{20\beta}$.",
        "Cochran, Sampling Techniques (1977), 2.15; engine.initialisation.estimates",
    ),
    "histogram": (
        r"**Density of $\log_{10} K(x,x)$** over initialisations; bins of 1/50 decade, joined where draws are few.",
        "draws of the exact law (or of real networks)",
    ),
    "lognormal": (
        r"**Log-normal with the same two moments**: $\log K \sim N(\mu, s^2)$ with $s^2 = \log(E[K^2]/E[K]^2)$ and "
        r"$\mu = \log E[K] - s^2/2$. A comparison, not a law: the limit at fixed $\beta$ is not log-normal for $K$.",
        f"moments from the exact law; cf. {HANIN_NICA} on products of random matrices",
    ),
    "tail": (
        r"**Tail**, $P(K > k)$: the share of networks whose kernel exceeds $k$. The mean and the second moment live "
        "here.",
        "the same draws, counted from above",
    ),
    "drift": (
        r"**First step**, $|E[dK/dt]|/E[K]$ at $t = 0$, for gradient flow on $(f-y)^2/2$ at the single example $x$: "
        r"$dK/dt = -2(f-y)\,g^\top H g$ with gradient $g$ and Hessian $H$ of $f$. It is the mean of each network's own "
        r"derivative. For ReLU this is **not** $d/dt\,E[K_t]$: a step of size $\eta$ also carries a fraction of order "
        r"$\eta$ of the neurons across their kink.",
        f"exact finite-width form of {HANIN_NICA}, Theorem 2 (engine.initialisation.moments)",
    ),
    "drift_rate": (
        r"**$(d\beta/n_0)\exp(5\beta)$**, with $d = L + 1$ weight layers: the rate of the theorem, up to constants. "
        "Drawn as a slope; its height means nothing.",
        f"{HANIN_NICA}, Theorem 2",
    ),
    "drift_prefactor": (
        r"**Prefactor**: $|E[dK/dt]|/E[K]$ divided by $(d\beta/n_0)\exp(5\beta)$. At $y = 0$ and a linear readout it "
        r"starts at $(8/3)|x|^2$ and falls as $1/\beta$.",
        "the exact value over the rate",
    ),
    "step": (
        r"**Finite step**: $|E[\Delta K]|/(\eta\,E[K])$ after one step of gradient descent of size $\eta$ on the same "
        r"example. For smooth activations it differs from the derivative by $O(\eta)$ of it ($\Delta K$ by "
        r"$O(\eta^2)$); for ReLU crossings of the kink add a term that stays as $\eta \to 0$.",
        "engine.initialisation.first_step, with kink_rate for one hidden layer",
    ),
    "beyond": (
        r"**Beyond the first step**, $E[\Delta K_t]/E[K]$ with $\Delta K_t = K_t(x,x) - K_0(x,x)$, for gradient "
        r"flow on $(f-y)^2/2$ at the single example $x$, over initialisations: mean with 1.96 of the sample's own "
        r"standard errors to either side (no 95% interval where few networks carry the mean), the median network, and "
        r"the band that holds 90% of the networks drawn. "
        r"$t = \eta_{\rm eff}\times$ step. The dashed line is $t\,E[dK/dt]/E[K]$, exact where the law is known.",
        "engine.initialisation.drift_ensemble: real networks, Runge-Kutta",
    ),
    "gram": (
        r"**Spectrum of $K_0$** of $p$ inputs, no $1/p$: eigenvalues in falling order, each rank averaged over "
        r"initialisations; the band holds 90% of the draws.",
        "exact Gram sampler (engine.initialisation.gram): O(L n p²) a draw, no weight matrix is made",
    ),
    "infinite": (
        r"**Infinite width**: eigenvalues of the limit kernel $\Theta$ of the same depth; for a ReLU readout, whose "
        "kernel stays random, those of its mean.",
        "Jacot et al., arXiv 1806.07572 (engine.networks.infinite)",
    ),
    "gram_ratio": (
        r"**Relative to infinite width**: each eigenvalue over that of the limit of the same rank.",
        "the same draws",
    ),
}


def show(name: str, chart: Any, frame: pd.DataFrame, explained: Sequence[str], selection: str | None = None) -> Any:
    """A chart with its info button: definitions, sources, data (CSV) and figure (SVG, PNG).

    Args:
        selection: the chart's selection that runs the page again, which is then returned.
    """
    with st.container(horizontal=True, horizontal_alignment="right", key=f"tools_{name}"):
        about(name, lambda: chart, frame, explained)
    prepared: Any = Prepared(chart)
    if selection is None:
        return st.altair_chart(prepared, width="stretch", key=f"chart_{name}")
    return st.altair_chart(prepared, width="stretch", key=f"chart_{name}", on_select="rerun", selection_mode=selection)


def about(name: str, chart: Callable[[], Any], frame: pd.DataFrame, explained: Sequence[str]) -> None:
    """The popover of a chart."""
    with st.popover("about", icon=":material/info:", type="tertiary", help="definitions, sources, data and figure"):
        for key in explained:
            definition, source = EXPLAINED[key]
            st.markdown(definition)
            st.caption(f"Source: {plain(source)}")
        downloads.table_file(name, frame)
        downloads.figure_files(name, chart)


def warn(said: str) -> None:
    """A warning, where there is anything to say."""
    if said:
        st.warning(said, icon=":material/trending_flat:")


def say(notes: Sequence[str]) -> None:
    with st.container(gap=None):
        for note in notes:
            if note:
                st.caption(plain(note))
