"""What the numbers of a map mean, beside those of `engine.quantities`. No Streamlit here."""

from engine.quantities import QUANTITIES, Quantity
from engine.regimes.boundaries import LEVEL, RESAMPLES
from engine.regimes.collapse import MOST_BETA, PERMUTATIONS

HANIN_NICA = "Hanin and Nica, [arXiv 1909.05989](https://arxiv.org/abs/1909.05989)"
EDGE_OF_STABILITY = "Cohen et al., [arXiv 2103.00065](https://arxiv.org/abs/2103.00065)"
LAZINESS = "Chizat, Oyallon and Bach, [arXiv 1812.07956](https://arxiv.org/abs/1812.07956)"

METRICS = {
    "elt": Quantity(
        "lazy error",
        "elt = ‖f_T − f_lazy‖ / ‖f_T − f₀‖",
        r"$\|f_T - f_{\rm lazy}\|/\|f_T - f_0\|$ on held-out points at the stop $T$: $f_{\rm lazy}$ is trained with "
        r"$K_0$ frozen for the same time $t = \eta_{\rm eff}\times$ step. 0: the frozen kernel predicts what was "
        "learned; 1: it is off by as much as was learned.",
        LAZINESS,
    ),
    "drift": Quantity(
        "drift",
        "‖K_T − K₀‖ / ‖K₀‖",
        r"$\|K_T - K_0\|_F/\|K_0\|_F$ on the training points at the stop. In narrow deep networks mostly a rescaling.",
        QUANTITIES["drift"].source,
    ),
    "shape_drift": Quantity(
        "shape drift", "‖K_T/‖K_T‖ − K₀/‖K₀‖‖", QUANTITIES["shape_drift"].definition + " Here at the stop."
    ),
    "first_step": Quantity(
        "drift of the first step",
        "‖K₁ − K₀‖ / ‖K₀‖",
        r"$\|K_1 - K_0\|_F/\|K_0\|_F$ after one step of gradient descent.",
    ),
    "residual_lazy_error": Quantity(
        "training lazy error",
        "sup ‖r − r_lazy‖ / ‖r₀‖",
        r"$\sup_t\|r_t - r_{\rm lazy}\|/\|r(0)\|$ over every step of the run: what order 0 of the expansion in "
        r"$\Delta K_t$ misses at most, as on the Perturbation page.",
    ),
    "p2": Quantity(
        "bound P₂ on the training lazy error",
        "P₂/‖r₀‖ = ∫ ‖ΔK_s‖ ‖r_lazy(s)‖ ds / ‖r₀‖",
        r"$\int_0^T \|\Delta K_s\|\,\|r_{\rm lazy}(s)\|\,ds/\|r(0)\|$ with the operator norm on training points, "
        "linear between looks, which are added until the last ones change it by at most 10%; where more than allowed "
        "would be needed it is an estimate. A bound for the flow; descent adds what curvature does within a step.",
        "engine.regimes.bound; bounds: engine.perturbation.bounds",
    ),
    "cv2": Quantity(
        "spread at initialisation",
        "CV² = E[K²]/E[K]² − 1",
        r"$E[K(x,x)^2]/E[K(x,x)]^2 - 1$ over initialisations at the mean $|x|^2$ of the training points; exact for "
        "ReLU with zero-initialised biases in the ntk parameterization, sampled elsewhere: with a 95% interval, which "
        "is open above where the draws that were allowed do not determine it. A cell whose interval holds the "
        "threshold is undecided.",
        f"{HANIN_NICA}; exact recursion in engine.regimes.spread",
    ),
    "sharpness": Quantity(
        "sharpness at the stop",
        "η_eff λ_max(K_T)",
        r"$\eta_{\rm eff}\lambda_{\max}(K_T)$ on the training points; plain descent is unstable from 2.",
        EDGE_OF_STABILITY,
    ),
    "test_error": QUANTITIES["test_error"],
    "steps": Quantity(
        "steps to the stop", "steps", "Steps of gradient descent until 10% of the residual is left, or the cap."
    ),
    "failed": Quantity(
        "share of failed networks",
        "failed / all",
        "Share of a cell's networks that did not reach 10% of their residual: diverged, dead ($K_T = 0$), or stopped "
        "by the cap.",
    ),
}
"""Name of a column of `engine.regimes.result.cells_frame` -> what it is. Medians over the seeds of a cell."""

EXPLAINED = {
    "comparable": Quantity(
        "comparable runs",
        "",
        r"Every network is centred ($f = \alpha(h - h_0)$), trained by full-batch gradient descent with "
        r"$\eta_{\rm eff}\lambda_{\max}(K_0) = 0.5$ unless the map varies it, and stopped at 10% of its residual, or "
        "at the cap of 2,000 steps. A cell is the median over seeds; bands are quartiles.",
    ),
    "boundary": Quantity(
        "boundary along β",
        "",
        r"The $\beta$ at which a run is as likely as not beyond the threshold: logistic regression on $\ln\beta$. "
        f"Band: {LEVEL:.0%} of {RESAMPLES} bootstrap resamples of cells and, within each, of seeds. With few cells or "
        "seeds it covers less than its share says (77% at six cells of one seed). It is for the points of this map: in "
        "one trial 57% (elt = 0.1) and 79% (0.2) of other draws of the points fell inside it.",
        "scikit-learn; engine.regimes.boundaries",
    ),
    "dynamics": Quantity(
        "where ΔK alters the dynamics",
        "",
        r"The $\beta$ at which a run is as likely as not to have a training lazy error, or its bound $P_2$, above the "
        "threshold of the label lazy: from there on the frozen kernel no longer gives the training curve.",
        "engine.regimes.boundaries",
    ),
    "law": Quantity(
        "fitted law",
        "",
        rf"Least squares of $\ln$ median on $\ln\beta$ over cells with $\beta \le {MOST_BETA:g}$. The 95% interval "
        "of the exponent comes from the scatter of cells: what depth adds at equal β is in it.",
        "engine.regimes.collapse",
    ),
    "stochastic": Quantity(
        "edge of the stochastic kernel",
        "",
        r"Where the exact CV² passes its threshold. It needs no training, so it is drawn beyond the cells, too.",
        f"{HANIN_NICA}; engine.regimes.spread",
    ),
    "collapse": Quantity(
        "does β alone decide?",
        "",
        rf"Cells of equal $\beta \le {MOST_BETA:g}$ are compared: do they differ by more than their seeds explain? $p$ "
        f"by {PERMUTATIONS:,} permutations of runs among cells of equal β. The depth exponent is that of the metric "
        r"at fixed β, with its 95% interval from the scatter of cells; the best $q$ puts the metric closest to one "
        r"smooth curve in $L^q\beta$ ($q = 0$: β alone).",
        "engine.regimes.collapse",
    ),
    "edge": Quantity(
        "edge of stability",
        "",
        r"$\eta_{\rm eff}\lambda_{\max}(K_0) = 2$: beyond it descent on the frozen kernel diverges. A network may "
        "still train there if its kernel shrinks first.",
        f"{EDGE_OF_STABILITY}; Lewkowycz et al., [arXiv 2003.02218](https://arxiv.org/abs/2003.02218)",
    ),
}
