"""Exact moments against the reference file, enumeration in rational numbers, and theory.md's formulas as fractions."""

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from initialisation_oracles import Enumeration

from engine.initialisation.law import law_of
from engine.initialisation.layer_sums import Shapes
from engine.initialisation.moments import moments, moments_of_shapes

REFERENCE = Path(__file__).parent / "hanin_nica.json"
ROWS = json.loads(REFERENCE.read_text())["rows"]
LOGS = ("E_K", "E_K2", "E_Kw", "E_Kb", "E_Kw2", "E_KwKb", "E_Kb2", "E_gHg")


def named(row):
    return f"{'-'.join(map(str, row['widths'][:6]))}-{row['readout']}"


def exact(found, name):
    return float(np.exp(getattr(found, f"log_{name}")[0]))


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_reference_rows(row):
    found = moments(law_of(row["widths"], readout=row["readout"], norm_x_squared=row["norm_x_squared"]))
    for name in LOGS:
        assert exact(found, name) == pytest.approx(row[name], rel=1e-10, abs=1e-300), name
    assert np.exp(found.log_ratio[0]) == pytest.approx(row["ratio"], rel=1e-10)
    assert found.E_dK(0)[0] == pytest.approx(row["E_dK_y0"], rel=1e-10)
    assert found.E_dK(1)[0] == pytest.approx(row["E_dK_y1"], rel=1e-10)
    assert found.beta[0] == pytest.approx(row["beta"], rel=1e-14)


SMALL = [
    (2, 1),
    (5, 1, 1),
    (2, 2, 1),
    (3, 3, 1),
    (2, 1, 1, 1),
    (3, 1, 3, 1),
    (3, 3, 1, 1),
    (4, 2, 3, 1),
    (1, 2, 2, 2, 1),
]


@pytest.mark.parametrize("readout", ["linear", "relu"])
@pytest.mark.parametrize("widths", SMALL, ids=str)
def test_enumeration(widths, readout):
    oracle = Enumeration(widths, readout, norm=Fraction(3, 2))
    found = moments(law_of(widths, readout=readout, norm_x_squared=1.5))
    for name, powers in {"E_Kw": (1, 0), "E_Kb": (0, 1), "E_Kw2": (2, 0), "E_KwKb": (1, 1), "E_Kb2": (0, 2)}.items():
        assert exact(found, name) == pytest.approx(float(oracle.moment(*powers)), rel=1e-13), name
    assert found.E_dK(0)[0] == pytest.approx(float(-2 * oracle.curvature(2)), rel=1e-13)
    if readout == "relu":
        assert exact(found, "E_gHg") == pytest.approx(oracle.curvature(1), rel=1e-12)


@pytest.mark.parametrize("readout", ["linear", "relu"])
@pytest.mark.parametrize(("bias", "output_bias"), [(0, 0), (4, 0), (Fraction(1, 4), Fraction(1, 4))])
@pytest.mark.parametrize("r", [(1, 1, 1), (Fraction(1, 2), Fraction(1, 2), Fraction(1, 2)), (2, Fraction(1, 3), 5)])
def test_enumeration_of_reductions(r, bias, output_bias, readout):
    """Off-critical weights (each layer's own), bias scale, untrained biases, no output bias, alpha."""
    widths, alpha = (3, 2, 3, 1), 0.5
    oracle = Enumeration(
        widths, readout, r=[Fraction(v) for v in r], bias=Fraction(bias), output_bias=Fraction(output_bias)
    )
    found = moments(
        law_of(
            widths,
            readout=readout,
            sigma_w=[math.sqrt(2 * v) for v in r],
            sigma_b=math.sqrt(bias) or 1.0,
            train_bias=bias > 0,
            output_bias=output_bias > 0,
            alpha=alpha,
        )
    )
    for name, powers in {"E_Kw": (1, 0), "E_Kb": (0, 1), "E_Kw2": (2, 0), "E_KwKb": (1, 1), "E_Kb2": (0, 2)}.items():
        expected = float(oracle.moment(*powers)) * alpha ** (2 * sum(powers))
        assert exact(found, name) == pytest.approx(expected, rel=1e-12, abs=1e-300), name
    curvature = oracle.curvature(1) if readout == "relu" else 0.0
    for target in (0.0, 0.7, -2.0):
        expected = float(-2 * oracle.curvature(2)) * alpha**4 + 2 * target * curvature * alpha**3
        assert found.E_dK(target)[0] == pytest.approx(expected, rel=1e-11)


def theory(widths, s1):
    """E[K_w^2], E[K_w K_b], E[K_b^2] and E[dK/dt] at y = 0 of the linear readout, as theory.md 3 writes them."""
    d, n = len(widths) - 1, [None, *widths[1:-1]]
    G, F, Q, e, rho = ([Fraction(0)] * (d + 2) for _ in range(5))
    G[d], e[d], F[1], Q[1] = Fraction(1), Fraction(1), Fraction(1), Fraction(1)
    for layer in range(d - 1, 0, -1):
        u = Fraction(1, n[layer])
        G[layer] = (1 + 5 * u) * G[layer + 1]
        e[layer] = 1 + (2 * u * (d - layer) + (1 - u) * e[layer + 1]) / (1 + 5 * u)
        rho[layer] = 2 * u * (d - layer) * G[layer + 1] + (1 - u) * rho[layer + 1]
    for layer in range(1, d):
        F[layer + 1] = F[layer] * (1 + Fraction(5, n[layer]))
        Q[layer + 1] = Q[layer] * (1 - Fraction(1, 2 ** n[layer]))
    Q[d] = Fraction(1)
    above = [sum(G[layer + 1 : d + 1]) for layer in range(d + 1)]
    return (
        s1**2 * G[1] * sum(2 * e[layer] - 1 for layer in range(1, d + 1)),
        s1 * sum((e[layer] + layer - 1) * G[layer] for layer in range(1, d + 1)),
        sum(Q[layer] * (G[layer] + 2 * above[layer]) for layer in range(1, d + 1)),
        4 * sum((s1**2 * F[layer] + s1) * rho[layer] for layer in range(1, d)),
    )


def log(fraction):
    return math.log(fraction.numerator) - math.log(fraction.denominator)


@pytest.mark.parametrize(
    "widths", [(10, *[10] * 500, 1), (7, *[3, 8, 2, 40] * 30, 1), (5, *[1] * 300, 1)], ids=lambda w: len(w)
)
def test_log_space_does_not_overflow(widths):
    """beta = 50 and beyond, against the formulas in exact rational arithmetic."""
    found = moments(law_of(widths))
    logs = [float(v[0]) for v in (found.log_E_Kw2, found.log_E_KwKb, found.log_E_Kb2, found.log_minus_E_dK_0)]
    assert logs == pytest.approx([log(v) for v in theory(widths, Fraction(2, widths[0]))], abs=1e-10)


def test_far_beyond_what_a_float_holds():
    found = moments(law_of((10, *[1] * 10_000, 1), readout="relu"))
    for name in LOGS:
        assert np.isfinite(getattr(found, f"log_{name}")[0]), name
    off = moments(law_of((10, *[20] * 5000, 1), sigma_w=0.5))
    # The weights' part is 2^-15000; a bias term j layers below the output has 8^-j, if the layers below it live.
    biases = 1 + sum(0.125**j * (1 - 2.0**-20) ** (5000 - j) for j in range(1, 40))
    assert np.exp(off.log_E_K[0]) == pytest.approx(biases, rel=1e-12)
    assert off.log_E_Kw[0] == pytest.approx(math.log(0.2 * 5001) + 5001 * math.log(0.125), rel=1e-12)


def test_many_shapes_are_what_each_is_alone():
    rng = np.random.default_rng(0)
    widths = [(int(rng.integers(1, 9)), *rng.integers(1, 30, rng.integers(0, 12)).tolist(), 1) for _ in range(40)]
    for readout in ("linear", "relu"):
        law = law_of((3, 4, 1), readout=readout, sigma_w=1.2, sigma_w_readout=1.1, sigma_b=0.5)
        many = moments_of_shapes(law, Shapes.of(widths))
        for i, shape in enumerate(widths):
            # Without a hidden layer the only weights are the readout's.
            alone = moments(
                law_of(shape, readout=readout, sigma_w=1.2, sigma_w_readout=1.1, sigma_b=0.5, norm_x_squared=1.0)
            )
            for name in (*LOGS, "minus_E_dK_0"):
                got, want = (getattr(v, f"log_{name}") for v in (many, alone))
                assert got[i] == pytest.approx(want[0], rel=1e-12, abs=1e-12), (shape, name)


def test_equal_shapes():
    law = law_of((10, 4, 1))
    many = moments_of_shapes(law, Shapes.equal(np.array([1, 5, 3]), 16, 10))
    for i, depth in enumerate((1, 5, 3)):
        assert many.log_E_K2[i] == pytest.approx(moments(law_of((10, *[16] * depth, 1))).log_E_K2[0], rel=1e-14)


hidden_widths = st.lists(st.integers(1, 300), min_size=0, max_size=12)


@settings(deadline=None)
@given(hidden_widths, st.sampled_from(["linear", "relu"]), st.floats(1e-3, 1e3), st.floats(0.3, 3), st.booleans())
def test_second_moments_obey_cauchy_and_schwarz(hidden, readout, norm, sigma, trained):
    found = moments(law_of((4, *hidden, 1), readout=readout, norm_x_squared=norm, sigma_w=sigma, train_bias=trained))
    slack = 1e-12
    assert found.log_ratio[0] >= -slack
    assert found.log_E_Kw2[0] >= 2 * found.log_E_Kw[0] - slack
    if trained:
        assert found.log_E_Kb2[0] >= 2 * found.log_E_Kb[0] - slack
        assert 2 * found.log_E_KwKb[0] <= found.log_E_Kw2[0] + found.log_E_Kb2[0] + slack
    if readout == "relu":
        assert found.log_ratio[0] >= math.log(2) - slack


@settings(deadline=None)
@given(hidden_widths, st.floats(0.01, 100))
def test_input_scaling(hidden, factor):
    """K_w scales with |x|^2, K_b does not."""
    one, two = (moments(law_of((4, *hidden, 1), norm_x_squared=norm)) for norm in (1.0, factor))
    assert two.log_E_Kw2[0] - one.log_E_Kw2[0] == pytest.approx(2 * math.log(factor), abs=1e-11)
    assert two.log_E_KwKb[0] - one.log_E_KwKb[0] == pytest.approx(math.log(factor), abs=1e-11)
    assert two.log_E_Kb2[0] == pytest.approx(one.log_E_Kb2[0], abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.integers(1, 50), min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_the_mean_of_the_weight_part_forgets_the_order_of_widths(hidden, random):
    shuffled = random.sample(hidden, len(hidden))
    one, two = (moments(law_of((4, *order, 1))) for order in (hidden, shuffled))
    assert one.log_E_Kw[0] == pytest.approx(two.log_E_Kw[0], abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.integers(1, 50), min_size=2, max_size=6))
def test_the_weight_part_is_the_same_read_backwards(hidden):
    """Reversing the hidden layers leaves the law of K_w alone (paths read backwards), and its flow rate."""
    one, two = (moments(law_of((4, *order, 1), train_bias=False)) for order in (hidden, hidden[::-1]))
    assert one.log_E_Kw2[0] == pytest.approx(two.log_E_Kw2[0], abs=1e-11)
    assert one.log_minus_E_dK_0[0] == pytest.approx(two.log_minus_E_dK_0[0], abs=1e-11)


def test_other_moments_remember_the_order_of_widths():
    one, two, three = (Enumeration((4, *order, 1)) for order in ((1, 2, 3), (3, 2, 1), (2, 1, 3)))
    assert one.moment(2, 0) == two.moment(2, 0) != three.moment(2, 0)
    assert one.moment(0, 1) != two.moment(0, 1)
    a, b, c = (moments(law_of((4, *order, 1))) for order in ((1, 2, 3), (3, 2, 1), (2, 1, 3)))
    assert a.log_E_Kb[0] != pytest.approx(b.log_E_Kb[0], abs=1e-3)
    assert a.log_E_Kw2[0] != pytest.approx(c.log_E_Kw2[0], abs=1e-3)


def test_the_sign_flips_with_the_target():
    """ReLU readout: negative at y = 0, positive beyond some y > 0; no such flip for the linear readout."""
    relu, linear = (moments(law_of((10, *[64] * 4, 1), readout=readout)) for readout in ("relu", "linear"))
    assert relu.E_dK(0)[0] < 0 < relu.E_dK(2)[0]
    assert relu.E_dK(-1)[0] < relu.E_dK(0)[0]
    assert linear.E_dK(5)[0] == linear.E_dK(0)[0] < 0


def test_centred_functions_start_at_zero():
    found = moments(law_of((3, 5, 4, 1), readout="relu", centred=True))
    plain = moments(law_of((3, 5, 4, 1), readout="relu"))
    assert found.E_dK(0)[0] == 0
    assert found.E_dK(1)[0] == pytest.approx(2 * np.exp(plain.log_E_gHg[0]), rel=1e-14)


def test_drift_over_the_papers_rate():
    """docs/figures.md: the ratio to (d beta/n_0) e^{5 beta} tends to -(8/3)|x|^2 as beta -> 0."""
    depth, width, norm = 200, 1_000_000, 1.7
    found = moments(law_of((10, *[width] * depth, 1), norm_x_squared=norm))
    rate = (depth + 1) * found.beta[0] / 10 * np.exp(5 * found.beta[0])
    assert found.E_dK(0)[0] / np.exp(found.log_E_K[0]) / rate == pytest.approx(-8 / 3 * norm, rel=0.02)
