"""One seed along its checkpoints: every space on every set, regression with its kernel, and what is drawn."""

import numpy as np
from jaxtyping import Float

from engine.diagnostics import ratio, without_rounding
from engine.rkhs import bias
from engine.rkhs.comparison import Space, across, compared, described
from engine.rkhs.gram import FLAGS, Gram
from engine.rkhs.points import Sets
from engine.rkhs.regression import Regressor
from engine.rkhs.stored import StoredNetwork
from engine.schema import ConfigError, Problem

DRAWN_MODES = 8
"""Leading eigenfunctions that are matched and drawn."""

Values = dict[str, np.ndarray | float]
Kernel = Float[np.ndarray, "points points"]


class Along:
    """Checkpoints of one seed against its first, at the points of a run.

    Attributes:
        gaps: dimension of the eigenspaces at the largest gap of K_0's spectrum, by set.

    Raises:
        ConfigError: the kernel overflows at initialisation.
    """

    def __init__(self, points: Sets, network: StoredNetwork):
        self.points, self.network = points, network
        K, self.f_0 = network.kernel(0, points.x), network.outputs(0, points.x)
        if not _tame(K, self.f_0):
            message = "the kernel overflows at initialisation: lower sigma_w, alpha or depth"
            raise ConfigError([Problem("run.network", message)])
        self.start = {name: self._space(K, part) for name, part, _ in parts(points)}
        self.start_union = self._space(K, points.union)
        self.gaps = {name: bias.largest_gap(space.gram) for name, space in self.start.items()}
        self.first_interpolant = self._interpolant(K, self.start["train"].gram)[points.union]

    def at(self, index: int) -> tuple[Values, dict[str, str]] | None:
        """Everything at a checkpoint, and by set why the spectrum is no power law. None where numbers overflow."""
        points = self.points
        K, f = self.network.kernel(index, points.x), self.network.outputs(index, points.x)
        if not _tame(K, f):
            return None
        spaces = {name: self._space(K, part) for name, part, _ in parts(points)}
        found: Values = {}
        reasons = {}
        for name, part, y in parts(points):
            values, reasons[name] = described(spaces[name], y)
            moved = without_rounding(f[part] - self.f_0[part], points.y_train - self.f_0[points.train])
            values |= compared(spaces[name], self.start[name], moved, self.gaps[name])
            found |= {f"{name}/{key}": value for key, value in values.items()}
        interpolant = self._interpolant(K, spaces["train"].gram)
        found |= across(
            self._space(K, points.union), self.start_union, interpolant[points.union], self.first_interpolant
        )
        found |= self.regression("K_t", K, spaces["train"].gram)
        found["network_error"] = ratio(
            np.sum((f[points.held_out] - points.y_held_out) ** 2), np.sum(points.y_held_out**2)
        )
        found |= {"curve_network": f[points.curve, 0], "curve_K_t": (self.f_0 + interpolant)[points.curve, 0]}
        return found | self._modes(K, spaces["held_out"].gram), reasons

    def regression(self, name: str, K: Kernel, gram: Gram) -> Values:
        """Regression on y - f_0, plus f_0, of a kernel at all points: ridgeless, and with the leave-one-out ridge."""
        points = self.points
        offsets = self.f_0[points.train], self.f_0[points.held_out]
        cross = K[points.held_out, points.train]
        regressor = Regressor(gram, cross, points.y_train, points.y_held_out, *offsets)
        found: Values = {}
        for key, fit in ((name, regressor.ridgeless()), (f"{name}_tuned", regressor.tuned())):
            found |= {f"{key}_error": fit.error, f"{key}_loo": fit.leave_one_out, f"{key}_ridge": fit.ridge}
            found[f"{key}_flag"] = FLAGS.index(fit.flag)
        return found

    def of_infinite_width(self, K: Kernel) -> Values:
        """Regression with K_infinity, and its interpolant along the curve."""
        train, curve = self.points.train, self.points.curve
        gram = Gram.of(K[train, train])
        interpolant = self._interpolant(K, gram)
        return self.regression("K_inf", K, gram) | {"curve_K_inf": (self.f_0 + interpolant)[curve, 0]}

    def _space(self, K: Kernel, part: slice) -> Space:
        return Space.of(K[part, part], self.network.config.kernel_precision, self.network.rounding)

    def _interpolant(self, K: Kernel, gram: Gram) -> Float[np.ndarray, "points k"]:
        """The ridgeless interpolant of y - f_0 at all points."""
        train = self.points.train
        return K[:, train] @ gram.solve(self.points.y_train - self.f_0[train], gram.jitter)

    def _modes(self, K: Kernel, gram: Gram) -> Values:
        """Leading eigenfunctions on the held-out points, each matched with one of K_0 and of mean square 1 there.

        Along the curve by Nystrom's extension K(., Z) u/l; zero where the eigenvalue is noise.
        """
        points, count = self.points, min(DRAWN_MODES, gram.size // 2)
        position, overlap, sign = bias.matched_modes(self.start["held_out"].gram, gram, count)
        inverse = gram.inverse(0.0)[position]
        extended = K[points.curve, points.held_out] @ gram.vectors[:, position]
        drawn = np.sqrt(gram.size) * sign * inverse * extended
        return {"mode_position": position, "mode_overlap": overlap, "curve_modes": drawn.T}


def _tame(*arrays: np.ndarray) -> bool:
    """Whether numbers and their squares are finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return all(bool(np.isfinite(np.vdot(array, array))) for array in arrays)


def parts(points: Sets) -> list[tuple[str, slice, Float[np.ndarray, "p k"]]]:
    """The sets on which spaces are described, with their targets."""
    return [("train", points.train, points.y_train), ("held_out", points.held_out, points.y_held_out)]
