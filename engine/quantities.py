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
    "orders": Quantity(
        "orders of ΔK_t",
        "r_0 + … + r_m",
        r"With $K_t = K_0 + \Delta K_t$: $r_0(t) = e^{-K_0 t} r(0)$ (lazy), $r_m(t) = -\int_0^t e^{-K_0(t-s)} \Delta K_s\, "
        r"r_{m-1}(s)\,ds$, with $\Delta K_s$ of the trained network. Order $m$ is the sum up to $r_m$; the whole is $r' = -K_t r$ with "
        r"nothing expanded. For gradient descent the discrete analogues: $(I - \eta_\mathrm{eff} K_0)^k$, a sum in place of the integral.",
        "Duhamel's formula (Dyson's series)",
    ),
    "order_residual": Quantity(
        "relative residual, training points",
        "‖r‖ / ‖r(0)‖",
        r"$\|r_t\|/\|r(0)\|$ on the training points, of the network and of each order, at equal $t$.",
    ),
    "order_residual_test": Quantity(
        "relative residual, held-out points",
        "‖f* − y*‖ / ‖f*(0) − y*‖",
        r"$\|f_*(t) - y_*\|/\|f_*(0) - y_*\|$ on held-out points, of the network and of each order.",
    ),
    "order_error": Quantity(
        "distance from the network",
        "‖r − r_network‖ / ‖r(0)‖",
        r"$\|r_{\mathrm{order}}(t) - r_{\mathrm{network}}(t)\|/\|r(0)\|$ on the training points, at equal $t$.",
    ),
    "order_error_test": Quantity(
        "distance from the network, held-out points",
        "rms(f* − f*_network)",
        "Root mean square over held-out points of the difference to the network's output, in the unit of $f$.",
    ),
    "explained": Quantity(
        "share explained",
        "1 − error_m / error_0",
        r"$1 - \|r_{\mathrm{order}\ m} - r\|/\|r_{\mathrm{order}\ 0} - r\|$ at the checkpoint where order 0 is furthest from the network: "
        "1 is all of the deviation from lazy training; negative makes it worse.",
    ),
    "bound_P2": Quantity(
        "bound P2",
        "∫‖ΔK_s‖ ‖r_0(s)‖ ds / ‖r(0)‖",
        r"$\|r - r_0\| \le \int_0^t \|\Delta K_s\|\,\|r_0(s)\|\,ds$, since $K_t \succeq 0$ makes the propagator a contraction. The norm between "
        "checkpoints is bounded, not sampled, and the floor of the run's own steps is added: it lies above the error of order 0.",
    ),
    "estimates": Quantity(
        "estimates P3 and P4",
        "∫‖ΔK_s r_0(s)‖ ds / ‖r(0)‖",
        r"P3: $\int_0^t \|\Delta K_s r_0(s)\|\,ds$. P4: $v' = -\lambda_{\min}(K_t)\,v + \|\Delta K_t r_0\|$. Tighter than P2, but as exact as the "
        "interpolated path only: estimates.",
    ),
    "groenwall": Quantity(
        "Grönwall's bound",
        "exp(∫‖ΔK_s‖ ds) − 1",
        r"$e^{\int_0^t\|\Delta K_s\|\,ds} - 1$, relative to $\|r(0)\|$: grows exponentially. For comparison.",
    ),
    "remainder": Quantity(
        "remainder of an order",
        "∫‖ΔK_s r_m(s)‖ ds / ‖r(0)‖",
        r"$\|r - r_0 - \dots - r_m\| \le \int_0^t \|\Delta K_s r_m(s)\|\,ds$, as exact as the path.",
    ),
    "floor": Quantity(
        "floor of the steps",
        "‖Σ defects‖ / ‖r(0)‖",
        r"What the steps of the run add beyond $r' = -K_t r$, carried along: for descent the curvature within a step, of order "
        r"$\eta_\mathrm{eff}$; for Runge-Kutta its truncation. No order in $\Delta K$ can come closer than that. For ReLU, gates that chatter at "
        "their kink put the whole propagator itself above it: orders closer to the network than the whole are not drawn.",
    ),
    "contributions": Quantity(
        "what an order adds to a mode",
        "|u_iᵀ r_m| / ‖r(0)‖",
        r"$s_i u_i^T r_m(t)/\|r(0)\|$ along the eigenvectors $u_i$ of $K_0$, with $s_i$ the sign of $u_i^T r(0)$: positive where the mode is learned "
        r"slower than under $K_0$, negative where faster. Of the network: $s_i u_i^T (r - r_0)/\|r(0)\|$.",
    ),
    "change_eigenvalues": Quantity(
        "eigenvalues of ΔK_t",
        "|λ_i(ΔK_t)|",
        r"Eigenvalues of $\Delta K_t = K_t - K_0$ on the training points, positive and negative ones apart, each by size; beside those of $K_0$.",
    ),
    "change_block": Quantity(
        "ΔK_t between modes of K_0",
        "u_iᵀ ΔK_t u_j / λ_1(K_0)",
        r"$u_i^T \Delta K_t u_j/\lambda_1(K_0)$ between the leading eigenvectors of $K_0$: the diagonal changes rates, the rest mixes modes.",
    ),
    "coupling": Quantity(
        "first order from mode to mode",
        "C_ij(t) / ‖r(0)‖",
        r"$C_{ij}(t) = -\int_0^t e^{-\lambda_i(t-s)}\,[U^T \Delta K_s U]_{ij}\, e^{-\lambda_j s}\,ds\; u_j^T r(0)$: what mode $j$ gives to mode $i$ at first "
        r"order in the flow; its sum over $j$ is $u_i^T r_1$.",
    ),
    "drift_predicted": Quantity(
        "drift predicted from initialisation",
        "‖ΔK_t‖ / ‖K_0‖",
        r"Leading order: $\Delta K(t) = O_3 q(t) + \int_0^t O_4(q(s), r_0(s))\,ds$, $q = \int r_0$, with the third and fourth tensors of the neural "
        r"tangent hierarchy at $\theta_0$ as nested derivatives. Taylor in $t$ holds for $\lambda_{\max} t < 1$ only. No derivative sees the kinks of ReLU.",
        "Huang and Yau, [arXiv 1909.08156](https://arxiv.org/abs/1909.08156)",
    ),
    "drift_predicted_error": Quantity(
        "distance of the prediction",
        "‖ΔK_foretold − ΔK_t‖ / ‖ΔK_t‖",
        r"$\|\Delta K_{\mathrm{foretold}} - \Delta K_t\|_F/\|\Delta K_t\|_F$ on the training points: as a matrix, not only in size.",
        "Huang and Yau, [arXiv 1909.08156](https://arxiv.org/abs/1909.08156)",
    ),
    "power_law": Quantity(
        "power law",
        "c · xᵖ",
        "Least squares in logarithms over all runs. Interval: 95%, Student's t from the scatter of seeds within each network. Errors that are not twice "
        "the distance of the whole propagator are left out: below it one would fit the floor.",
    ),
    "norm_target": Quantity(
        "squared norm of the target, scale-free",
        "S = (tr K/p) yᵀK⁻¹y / ‖y‖²",
        r"$S = \frac{\mathrm{tr}\,K_t}{p}\; y^T K_t^{-1} y/\|y\|^2$ on $p$ points: the squared norm in $H_t$ of the smallest function "
        r"through the targets $y$, at trace $p$, over $\|y\|^2$. 1 for $K = cI$, whatever $c$; $cK$ has the same functions as $K$, with squared "
        "norms divided by $c$. With $k$ outputs, summed.",
        "Aronszajn 1950, Theory of reproducing kernels",
    ),
    "norm_function": Quantity(
        "squared norm, scale-free",
        "S = (tr K/p) fᵀK⁻¹f / ‖f‖²",
        r"$S = \frac{\mathrm{tr}\,K}{p}\; f^T K^{-1} f/\|f\|^2$ of the trained function's values $f = f_t - f_0$, in $H_t$ ($K = K_t$) and in "
        "$H_0$ ($K = K_0$), beside the target's in $H_t$. At $t = 0$ there is none yet.",
    ),
    "norm_across": Quantity(
        "softened squared norm",
        "fᵀ(K/(tr K/p) + εI)⁻¹f / ‖f‖²",
        r"$f^T\left(\frac{p}{\mathrm{tr}\,K} K + \varepsilon I\right)^{-1} f/\|f\|^2$ on training and held-out points together, of the ridgeless "
        r"interpolant $f$ of the training targets $y - f_0$ by $K_t$ or by $K_0$, in $H_t$ or in $H_0$. The ridge $\varepsilon$ keeps it finite for "
        "functions outside the space.",
    ),
    "inclusion": Quantity(
        "inclusion constant",
        "C = λ_max(K + εI, K′ + εI)^½",
        r"Smallest $C$ for which the unit ball of $H_t$ lies in $C$ times that of $H_0$: $C^2 = \lambda_{\max}(K_t + \varepsilon I,\, K_0 + \varepsilon I)$, "
        "and the reverse; both kernels scaled to mean eigenvalue 1 on these points. 1 and 1 for equal spaces; never below 1. Without a bound as "
        r"$\varepsilon \to 0$: no inclusion. On finitely many points it is a lower bound.",
        "Aronszajn 1950, Theory of reproducing kernels, section 7",
    ),
    "conditioning": Quantity(
        "when a number is not determined",
        "flag",
        r"Eigenvalues under the noise floor $p\,u\,\lambda_1$ count as zero (*rank-deficient*). *Ill-conditioned*: condition number $\times\, u > "
        r"10^{-3}$, or the value moves by over 5% when the jitter $10^{-10}\,\mathrm{tr}K/p$ is taken ten times smaller or larger. A norm that the "
        "jitter decides is not determined: no number is shown.",
    ),
    "regression": Quantity(
        "kernel regression",
        "K(x, X)(K + εI)⁻¹(y − f_0) + f_0",
        r"$f = f_0 + K(\cdot, X)\,(K + \varepsilon I)^{-1}(y - f_0)$ from the training points, with $K_0$, with $K_t$ as it stands at $t$, and with "
        r"infinite width. Ridgeless: the jitter $\varepsilon = 10^{-10}\,\mathrm{tr}K/M$. Tuned: the ridge of the smallest leave-one-out error.",
    ),
    "leave_one_out": Quantity(
        "leave-one-out error",
        "Σ|y − f⁽⁻ⁱ⁾|² / ‖y‖²",
        r"$\sum_i |y_i - f^{(-i)}(x_i)|^2/\|y\|^2$ over training points, each predicted from the others; in closed form the residual is "
        r"$[(K+\varepsilon)^{-1}(y - f_0)]_i/[(K+\varepsilon)^{-1}]_{ii}$. $K_t$ has seen all labels: it flatters itself.",
        "Allen 1974 (PRESS); Rifkin and Lippert 2007",
    ),
    "learning_curve": Quantity(
        "error after n training points",
        "E‖f − y‖² / ‖y‖²",
        r"Predicted from the spectrum: $n = \sum_i L_i + \varepsilon/\kappa$, $L_i = \lambda_i/(\lambda_i + \kappa)$, error "
        r"$\frac{n}{n - \sum L_i^2}\left[\sum (1 - L_i)^2 v_i^2 + \sigma^2\right] - \sigma^2$ over $\sum v_i^2$, with eigenvalues $\lambda_i$ of "
        "the Gram matrix over $p$ on a large sample and the target's coefficients $v_i$. Measured: training sets drawn from that sample, mean and "
        "two standard errors over draws. Every kernel is the one that *this* run ended with: it does not retrain with $n$.",
        "Bordelon, Canatar and Pehlevan, [arXiv 2002.02561](https://arxiv.org/abs/2002.02561); Canatar et al., "
        "[arXiv 2006.13198](https://arxiv.org/abs/2006.13198); Simon et al., [arXiv 2110.03922](https://arxiv.org/abs/2110.03922)",
    ),
    "decay_exponent": Quantity(
        "decay exponent",
        "a in λ_i ~ i⁻ᵃ",
        r"Least squares of $\log\lambda_i$ on $\log i$ over logarithmic bins, from $i = \max(4, 0.03p)$ to the noise floor. Given only for at least 8 "
        r"eigenvalues, $R^2 > 0.95$ and a standard error below 0.1; else *not a power law*: an exponential spectrum passes $R^2$ alone.",
    ),
    "target_power": Quantity(
        "cumulative target power",
        "Σ_{j≤i} (u_jᵀy)² / ‖y‖²",
        r"$\sum_{j \le i}(u_j^Ty)^2/\|y\|^2$ along the eigenvectors of $K_t$ in their order: how much of the target the leading $i$ modes hold.",
        "Canatar, Bordelon and Pehlevan, [arXiv 2006.13198](https://arxiv.org/abs/2006.13198)",
    ),
    "mode_strength": Quantity(
        "strength of K_0's modes",
        "u_iᵀK_t u_i / (tr K_t/p)",
        r"$u_i^T K_t u_i/(\mathrm{tr}\,K_t/p)$ along the eigenvectors $u_i$ of $K_0$: what $K_t$ gives to each of them, mean 1.",
    ),
    "principal_angles": Quantity(
        "principal angles",
        "θ_j(U_k, V_k)",
        r"Angles between the spans of the leading $k$ eigenvectors of $K_0$ and of $K_t$, ascending; $k$ = 8 (fewer on few points).",
        "Björck and Golub 1973",
    ),
    "alignment_uncentred": Quantity(
        "alignment, not centred",
        "⟨K, yyᵀ⟩ / (‖K‖ ‖yyᵀ‖)",
        r"$\langle K_t, yy^T\rangle/(\|K_t\|_F\,\|yy^T\|_F)$: as the centred one, but the constant function counts.",
        "Cristianini et al. 2001",
    ),
    "effective_dimension": Quantity(
        "effective dimension",
        "Σ λ/(λ + ε)",
        r"$\sum_i \lambda_i/(\lambda_i + \varepsilon)$, $\varepsilon$ in mean eigenvalues $\mathrm{tr}K/p$: the degrees of freedom of ridge regression.",
    ),
    "mode_counts": Quantity(
        "number of modes",
        "tr K/λ_1, (Σλ)²/Σλ², exp H",
        r"Stable rank $\mathrm{tr}K/\lambda_1$; participation ratio $(\sum\lambda)^2/\sum\lambda^2$; $\exp$ of the spectral entropy "
        r"$-\sum q\ln q$, $q = \lambda/\mathrm{tr}K$. Each lies between 1 and $p$.",
    ),
    "frontier": Quantity(
        "error of a ball",
        "min ‖f − y‖² / ‖y‖², ‖f‖_H ≤ R",
        r"$R^2(\mu) = \sum \lambda_i c_i^2/(\lambda_i + \mu)^2$ against $E(\mu) = \sum \mu^2 c_i^2/(\lambda_i + \mu)^2$, $c = U^Ty$, both over "
        r"$\|y\|^2$, at mean eigenvalue 1: exactly the least squared error on these points that functions of norm $R$ leave. No inverse is taken.",
        "Tikhonov regularisation; the multiplier of the ball",
    ),
    "grid_norm": Quantity(
        "squared norm on p points",
        "fᵀK_p⁻¹f",
        r"$f^T K_p^{-1} f$ on nested grids: grows towards $\|f\|_H^2$ where $f$ is in the space, and without bound where it is not. Raw: it compares "
        "growth, not spaces. White noise is in no space: its growth is the one to compare with.",
        "Aronszajn 1950, Theory of reproducing kernels",
    ),
    "interpolants": Quantity(
        "interpolants",
        "f_0 + K(x, X)K⁻¹(y − f_0)",
        r"The ridgeless interpolant of the training targets with $K_t$ and with $K_0$ (jitter $10^{-10}\,\mathrm{tr}K/M$), and the network, along the "
        "circle, or on spheres and in Gaussian space the circle of the first two coordinates.",
    ),
    "eigenfunctions": Quantity(
        "eigenfunctions",
        "φ_i(x), mean square 1",
        r"Leading eigenvectors of $K_0$ on the held-out points, and for each the one of $K_t$ that overlaps it most ($\sum$ of squared overlaps "
        r"maximal, each used once), drawn by Nyström's extension $\sqrt{p}\,K(x, Z)u/\lambda$, signs turned alike.",
    ),
}
