"""Kernel regression, with and without ridge, and its leave-one-out error in closed form. NumPy, no JAX."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.diagnostics import ratio
from engine.rkhs.gram import DECIDES, Flag, Gram

RIDGES = np.logspace(-10, 2, 49)
"""Ridges that leave-one-out chooses from, in mean eigenvalues."""

NOTHING = 1e-9
"""Errors below this are none, whatever the jitter does to them."""


@dataclass(frozen=True, eq=False)
class Regression:
    """Regression of targets on one kernel.

    Attributes:
        prediction: at the test points.
        error: sum |f - y|^2/sum |y|^2 at the test points. NaN where the jitter decides it.
        leave_one_out: the same over training points, each predicted from the others. NaN where the jitter decides it.
        ridge: added to the diagonal of K.
        condition, rank: of K without it.
        flag: whether K can be inverted; "ok" where a ridge makes good for it.
    """

    prediction: Float[np.ndarray, "m k"]
    error: float
    leave_one_out: float
    ridge: float
    condition: float
    rank: int
    flag: Flag


@dataclass(frozen=True, eq=False)
class Regressor:
    """A kernel on training points, against test points, and the targets of both.

    Attributes:
        gram: of the kernel on n training points.
        cross: K(test, training).
        y, y_test: targets.
        offset, offset_test: a function that is known already, f_0: y - f_0 is regressed and f_0 added back.
    """

    gram: Gram
    cross: Float[np.ndarray, "m n"]
    y: Float[np.ndarray, "n k"]
    y_test: Float[np.ndarray, "m k"]
    offset: Float[np.ndarray, "n k"] | float = 0.0
    offset_test: Float[np.ndarray, "m k"] | float = 0.0

    def at(self, ridge: float) -> Regression:
        """K(test, X)(K + ridge I)^-1 (y - f_0) + f_0."""
        return Regression(
            self.predict(ridge),
            self.determined_error(ridge),
            self._determined(self.leave_one_out, ridge),
            ridge,
            self.gram.condition,
            self.gram.rank,
            "ok" if self._regularised(ridge) else self.gram.flag,
        )

    def ridgeless(self) -> Regression:
        """With the jitter, 1e-10 tr K/n, for ridge."""
        return self.at(self.gram.jitter)

    def tuned(self) -> Regression:
        """With the ridge of the smallest leave-one-out error."""
        ridges = np.maximum(RIDGES * self.gram.mean, self.gram.jitter)
        return self.at(float(min(ridges, key=self.leave_one_out)))

    def leave_one_out(self, ridge: float) -> float:
        """sum_i |y_i - f^(-i)(x_i)|^2/sum |y|^2, from one fit: the residual is [(K + r)^-1 y]_i/[(K + r)^-1]_ii.

        Source: Allen (1974), PRESS; Rifkin and Lippert (2007), eq. 7.
        """
        coefficients = self.gram.solve(self.y - self.offset, ridge)
        diagonal = self.gram.vectors**2 @ self.gram.inverse(ridge)
        if not np.all(diagonal > 0):
            return float("nan")
        return ratio(np.sum((coefficients / diagonal[:, None]) ** 2), np.sum(self.y**2))

    def error(self, ridge: float) -> float:
        """sum |f - y|^2/sum |y|^2 at the test points, whatever decides it."""
        return ratio(np.sum((self.predict(ridge) - self.y_test) ** 2), np.sum(self.y_test**2))

    def determined_error(self, ridge: float) -> float:
        """The same; NaN where the jitter decides it."""
        return self._determined(self.error, ridge)

    def predict(self, ridge: float) -> Float[np.ndarray, "m k"]:
        """K(test, X)(K + ridge I)^-1 (y - f_0) + f_0."""
        return self.cross @ self.gram.solve(self.y - self.offset, ridge) + self.offset_test

    def _regularised(self, ridge: float) -> bool:
        """Whether a ridge is more than a jitter."""
        return ridge > 10 * self.gram.jitter

    def _determined(self, value: Callable[[float], float], ridge: float) -> float:
        """A value; NaN where the ridge is a jitter of which a tenth or ten times move it by more than 5%."""
        found = value(ridge)
        if self._regularised(ridge) or abs(value(0.1 * ridge) - value(10 * ridge)) <= DECIDES * max(found, NOTHING):
            return found
        return float("nan")
