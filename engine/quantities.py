"""What every number means: symbol, definition, normalisation and source, in one table for pages and files."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    """One quantity.

    Attributes:
        label: its name in plain words.
        symbol: as an axis carries it (Unicode; Vega draws no LaTeX).
        definition: in Markdown with LaTeX, normalisation included.
        source: where the definition comes from.
    """

    label: str
    symbol: str
    definition: str
    source: str = "definition of this project"


NTK_PAPER = "Jacot, Gabriel and Hongler, [arXiv 1806.07572](https://arxiv.org/abs/1806.07572)"

QUANTITIES = {
    "t": Quantity(
        "time",
        "t = η_eff · step",
        r"$t = \eta_\mathrm{eff} \cdot \mathrm{step}$, where one step moves $f$ by $-\eta_\mathrm{eff} K r$ to first "
        r"order: $\eta_\mathrm{eff} = \eta/M$, $2\eta/M$ or $\eta$ for the losses half_mean, mean and half_sum over $M$ points. "
        "For rk4 it is the time of the gradient flow. Unit: one over an eigenvalue of $K$.",
    ),
    "loss": Quantity(
        "training loss", "L", r"The loss as configured, e.g. $\frac{1}{2M}\sum_i |f_i - y_i|^2$ for half_mean."
    ),
    "residual": Quantity(
        "relative residual",
        "‖r‖ / ‖r(0)‖",
        r"$\|r_t\|/\|r_0\|$ with $r = f - y$ on the training points: a norm, not a loss.",
    ),
    "train_error": Quantity(
        "training error", "‖f − y‖² / ‖y‖²", r"$\sum_i |f_i - y_i|^2/\sum_i |y_i|^2$ over the training points."
    ),
    "test_error": Quantity(
        "test error",
        "‖f − y‖² / ‖y‖²",
        r"$\sum_i |f_i - y_i|^2/\sum_i |y_i|^2$ over the held-out points, whose targets carry no noise. 1 is the error of $f = 0$.",
    ),
    "test_accuracy": Quantity(
        "test accuracy",
        "accuracy",
        "Fraction of held-out points whose class is predicted: the largest output, or the sign of a single one.",
    ),
    "drift": Quantity(
        "drift", "‖K_t − K_0‖ / ‖K_0‖", r"$\|K_t - K_0\|_F/\|K_0\|_F$ on the training points.", NTK_PAPER
    ),
    "shape_drift": Quantity(
        "shape drift",
        "‖K_t/‖K_t‖ − K_0/‖K_0‖‖",
        r"$\left\|K_t/\|K_t\|_F - K_0/\|K_0\|_F\right\|_F$ on the training points: drift with rescaling taken out. Between 0 and 2.",
    ),
    "cka": Quantity(
        "CKA with K_0",
        "CKA(K_t, K_0)",
        r"$\langle HK_tH, HK_0H\rangle/(\|HK_tH\|\,\|HK_0H\|)$, $H = I - \mathbf{1}\mathbf{1}^T/M$, on the training points.",
        "Cortes, Mohri and Rostamizadeh, [arXiv 1203.0550](https://arxiv.org/abs/1203.0550); Kornblith et al., "
        "[arXiv 1905.00414](https://arxiv.org/abs/1905.00414)",
    ),
    "alignment_train": Quantity(
        "alignment, training points",
        "A(K_t, yyᵀ)",
        r"Centred kernel-target alignment $\langle HK_tH, yy^T\rangle/(\|HK_tH\|\,\|Hyy^TH\|)$ on the training points. "
        r"The training labels are baked into $K_t$: read the held-out one for what was learned.",
        "Cortes, Mohri and Rostamizadeh, [arXiv 1203.0550](https://arxiv.org/abs/1203.0550)",
    ),
    "alignment_test": Quantity(
        "alignment, held-out points",
        "A(K_t, yyᵀ)",
        r"Centred kernel-target alignment $\langle HK_tH, yy^T\rangle/(\|HK_tH\|\,\|Hyy^TH\|)$ on up to 64 held-out points, evenly "
        "spread over the test set.",
        "Cortes, Mohri and Rostamizadeh, [arXiv 1203.0550](https://arxiv.org/abs/1203.0550)",
    ),
    "lambda_max": Quantity(
        "largest eigenvalue",
        "λ_max(K_t)",
        r"Top eigenvalue of $K_t$ on the training points (of the full $Mk \times Mk$ kernel for $k$ outputs). Descent is stable while "
        r"$\eta_\mathrm{eff}\lambda_\max < 2$. A value that settles at $2/\eta_\mathrm{eff}$ is the edge of stability, not a property "
        "of the kernel.",
        "Cohen et al., [arXiv 2103.00065](https://arxiv.org/abs/2103.00065)",
    ),
    "eigenvalues": Quantity(
        "eigenvalues",
        "λ_i(K_t)",
        r"Eigenvalues of $K_t(x_i, x_j) = \langle\nabla_\theta f_t(x_i), \nabla_\theta f_t(x_j)\rangle$ on the training points, descending, "
        r"no $1/M$ factor, $\alpha^2$ included. Those under the noise floor $M u \lambda_1$ ($u = 1.1\cdot10^{-16}$ in float64) are rounding.",
        NTK_PAPER,
    ),
    "mode_residual": Quantity(
        "residual per mode",
        "|u_iᵀ r| / ‖r(0)‖",
        r"$|u_i^T r_t|/\|r_0\|$ along the eigenvectors $u_i$ of $K_0$ ($k$ outputs in quadrature).",
    ),
    "overlap": Quantity(
        "top-k eigenspace overlap",
        "‖U_kᵀ V_k‖² / k",
        r"$\|U_k^T V_k\|_F^2/k$ between the leading $k$ eigenvectors of $K_0$ and of $K_t$: 1 for equal spaces, $k/M$ by chance.",
    ),
    "profile": Quantity(
        "kernel profile",
        "K_t(x_0, x)",
        r"$K_t(x_0, x)$ from the first training point ($\theta = 0$) to points on the circle.",
    ),
    "kernel_shown": Quantity(
        "kernel",
        "K_t(x_i, x_j)",
        "$K_t$ between up to 32 training points, ordered by angle on the circle, else by label and then by the top eigenvector of $K_0$.",
        NTK_PAPER,
    ),
    "beta": Quantity(
        "beta",
        "β = Σ 1/n_l",
        r"$\beta = \sum_{l=1}^{L} 1/n_l$ over the hidden layers: depth/width for equal widths.",
        "Hanin and Nica, [arXiv 1909.05989](https://arxiv.org/abs/1909.05989)",
    ),
}
