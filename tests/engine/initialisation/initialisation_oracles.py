"""Independent answers: exact enumeration in rational numbers, and networks differentiated by plain JAX.

Neither uses anything of `engine.initialisation`.
"""

import math
from collections import defaultdict
from fractions import Fraction
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np

Polynomial = dict[tuple[int, ...], Fraction]


def add(*terms: Polynomial) -> Polynomial:
    total: Polynomial = defaultdict(Fraction)
    for term in terms:
        for exponents, coefficient in term.items():
            total[exponents] += coefficient
    return dict(total)


def times(a: Polynomial, b: Polynomial) -> Polynomial:
    total: Polynomial = defaultdict(Fraction)
    for (p, u), (q, v) in product(a.items(), b.items()):
        total[tuple(i + j for i, j in zip(p, q, strict=True))] += u * v
    return dict(total)


def scaled(c, a: Polynomial) -> Polynomial:
    return {exponents: c * coefficient for exponents, coefficient in a.items()}


class Enumeration:
    """The law of theory.md 3 for small widths: every pattern of living neurons, chi-square moments as integers.

    For each pattern, K_w, K_b, f^2 and f R_l are polynomials in g^2, X_1, Y_1, X_2, Y_2, ... Exponents count halves
    of X and g, so that one more factor f = sqrt(S_d) g needs no other code.
    """

    def __init__(self, widths, readout="linear", norm=Fraction(1), r=None, bias=Fraction(1), output_bias=Fraction(1)):
        self.hidden, self.d = widths[1:-1], len(widths) - 1
        self.s1 = 2 * norm / widths[0]
        self.r = r or [Fraction(1)] * self.d
        self.weights = [bias] * (self.d - 1) + [output_bias]
        self.relu, self.bias = readout == "relu", bias
        self.size = 1 + 2 * len(self.hidden)

    def variable(self, index, power) -> Polynomial:
        exponents = [0] * self.size
        exponents[index] = power
        return {tuple(exponents): Fraction(1)}

    def patterns(self):
        for m in product(*(range(n + 1) for n in self.hidden)):
            yield m, math.prod(Fraction(math.comb(n, k), 2**n) for n, k in zip(self.hidden, m, strict=True))

    def pieces(self, m):
        """S_l and D_l for l = 1..d, and E[R_l | X, g]/f, of one living pattern."""
        one = self.variable(0, 0)
        S = [scaled(self.r[0] * self.s1, one)]
        for i, n in enumerate(self.hidden):
            S.append(scaled(self.r[i + 1] * Fraction(2, n), times(S[-1], self.variable(1 + 2 * i, 2))))
        D, R, v = [one], [{}], {}
        ahead = self.variable(0, 2)  # f^2/S_{l+1}
        for i in reversed(range(len(self.hidden))):
            c = self.r[i + 1] * Fraction(2, self.hidden[i])
            v = add(v, times(S[i + 1], D[0]))
            # v/(S_l X_l) = c v/S_{l+1}; every term of v carries S_{l+1}.
            R.insert(0, add(scaled(c, divided(v, S[i + 1])), scaled(c * (m[i] - 1), R[0])))
            D.insert(0, add(scaled(c, ahead), scaled(c, times(self.variable(2 + 2 * i, 1), D[0]))))
            ahead = scaled(c, times(ahead, self.variable(1 + 2 * i, 2)))
        return S, D, R

    def expected(self, polynomial, m, f_power=0):
        """E over X, Y, g of a polynomial times |f|^f_power (without its constant)."""
        total = 0
        for exponents, coefficient in polynomial.items():
            value = coefficient * gaussian(exponents[0] + f_power)
            for i, living in enumerate(m):
                value *= chi(exponents[1 + 2 * i] + f_power, living) * chi(2 * exponents[2 + 2 * i], living - 1)
            total += value
        return total

    def moment(self, weight_power, bias_power):
        """E[K_w^a K_b^b]."""
        total = Fraction(0)
        for m, probability in self.patterns():
            if all(m):
                S, D, _ = self.pieces(m)
                K_w = add(*(times(s, delta) for s, delta in zip(S, D, strict=True)))
                K_b = add(*(scaled(w, delta) for w, delta in zip(self.weights, D, strict=True)))
                term = self.variable(0, 0)
                for factor in [K_w] * weight_power + [K_b] * bias_power:
                    term = times(term, factor)
                value = self.expected(term, m)
            else:
                value = self.weights[-1] ** bias_power if weight_power == 0 and not self.relu else Fraction(0)
            total += probability * value
        return total / 2 if self.relu else total

    def kernel_moment(self, order):
        return sum(math.comb(order, a) * self.moment(a, order - a) for a in range(order + 1))

    def curvature(self, f_power):
        """f_power 2: E[f g^T H g]. f_power 1, ReLU readout: E[g^T H g]."""
        total = 0
        for m, probability in self.patterns():
            if not all(m):
                continue
            S, _, R = self.pieces(m)
            sum_ = add(
                *(times(add(s, scaled(self.bias, self.variable(0, 0))), q) for s, q in zip(S[:-1], R[:-1], strict=True))
            )
            total += probability * self.expected(scaled(2, sum_), m, f_power)
        constant = (
            self.r[0] * self.s1 * math.prod(r * Fraction(2, n) for r, n in zip(self.r[1:], self.hidden, strict=True))
        )
        scale = constant if f_power == 2 else math.sqrt(constant)
        return scale * total * (Fraction(1, 2) if self.relu else 1)


def divided(a: Polynomial, monomial: Polynomial) -> Polynomial:
    ((powers, coefficient),) = monomial.items()
    return {tuple(i - j for i, j in zip(p, powers, strict=True)): u / coefficient for p, u in a.items()}


def gaussian(power):
    """E|g|^power: exact for even powers."""
    if power % 2 == 0:
        return Fraction(math.prod(range(1, power, 2)))
    return 2 ** (power / 2) * math.gamma((power + 1) / 2) / math.sqrt(math.pi)


def chi(halves, freedom):
    """E[X^(halves/2)] for X ~ chi2(freedom): exact for integer powers."""
    if halves % 2 == 0:
        return Fraction(math.prod(freedom + 2 * i for i in range(halves // 2)))
    return 2 ** (halves / 2) * math.gamma((freedom + halves) / 2) / math.gamma(freedom / 2)


def network_draws(
    widths, draws, seed, *, readout="linear", norm=1.0, sigmas=None, sigma_b=1.0, train_bias=True, output_bias=True,
    alpha=1.0, activation=jax.nn.relu, bias_init="zero",
):  # fmt: skip
    """(f, K_w, K_b, gHg) of drawn networks by jax.grad and jax.jvp, in the NTK parameterization; numpy arrays."""
    sigmas = sigmas or [math.sqrt(2)] * (len(widths) - 1)
    x = jnp.full(widths[0], math.sqrt(norm / widths[0]))

    def f(params):
        a = x
        for i, (W, b) in enumerate(params):
            last = i == len(params) - 1
            a = sigmas[i] / math.sqrt(W.shape[1]) * W @ a
            if not last or output_bias:
                a = a + sigma_b * (b if train_bias else jax.lax.stop_gradient(b))
            if not last:
                a = activation(a)
        return alpha * (jax.nn.relu(a) if readout == "relu" else a)[0]

    def one(params):
        value, g = jax.value_and_grad(f)(params)
        gHg = dot(g, jax.jvp(jax.grad(f), (params,), (g,))[1])
        return value, dot([W for W, _ in g], [W for W, _ in g]), dot([b for _, b in g], [b for _, b in g]), gHg

    rng = np.random.default_rng(seed)  # compiling JAX's generators would take most of the tests' time
    params = [
        (
            rng.standard_normal((draws, widths[i + 1], widths[i])),
            rng.standard_normal((draws, widths[i + 1])) * (bias_init == "normal"),
        )
        for i in range(len(widths) - 1)
    ]
    return tuple(np.asarray(v) for v in jax.jit(jax.vmap(one))(params))


def dot(a, b):
    return sum(jax.tree.leaves(jax.tree.map(lambda u, v: jnp.sum(u * v), a, b)))


def z_score(values, expected):
    """Deviation of a sample mean in its standard errors."""
    return (np.mean(values) - expected) / (np.std(values) / math.sqrt(len(values)))
