"""Which modes feel Delta K: the first order resolved into source and target modes of K_0, in closed form.

    C_ij(t) = - int_0^t e^{-l_i (t-s)} [U^T Delta K_s U]_ij e^{-l_j s} ds  c_j,    c = U^T r(0)
so that U^T r1 is the sum over j. With Delta K linear between checkpoints every interval is I0 and I1 of
`engine.perturbation.phi`.
"""

import numpy as np
from jaxtyping import Float

from engine.perturbation.frame import Frame
from engine.perturbation.phi import integrals


def coupling(frame: Frame) -> Float[np.ndarray, "T n n"]:
    """C at the checkpoints: from mode j (column) to mode i (row), in the unit of r. For the flow, linear in between.

    The sum over columns is U^T r1 of the linearly interpolated path.
    """
    values, n = frame.eigenvalues, len(frame.eigenvalues)
    change = frame.change.kernel[:, :n]
    found = np.zeros((len(frame.t), n, n))
    for k, h in enumerate(np.diff(frame.t)):
        constant, rising = integrals(values[:, None], values[None, :], float(h))
        source = np.exp(-values * frame.t[k]) * frame.start
        pushed = change[k] * constant + (change[k + 1] - change[k]) * rising
        found[k + 1] = np.exp(-values * h)[:, None] * found[k] - pushed * source
    return found
