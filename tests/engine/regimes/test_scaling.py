"""A power law along beta against a known one."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from engine.regimes.collapse import scaling

BETAS = np.repeat([1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2], 2)


def test_a_known_law_and_its_error() -> None:
    """Depths 2 and 8 at every beta, with depth^.4: half of ln 4^.4 to either side is the scatter."""
    depth = np.tile([2.0, 8.0], 6)
    cells = pd.DataFrame({"beta": BETAS, "drift": 3 * BETAS**0.5 * (depth / 4) ** 0.4})
    law = scaling(cells, "drift")
    assert law is not None
    assert law.exponent == pytest.approx(0.5, abs=1e-9)
    assert law.prefactor == pytest.approx(3, rel=1e-9)
    x = np.log(BETAS[:10])
    off = 0.4 * np.log(2)
    reach = scipy.stats.t.ppf(0.975, 8) * off * np.sqrt(10 / 8 / np.sum((x - x.mean()) ** 2))
    assert law.error == pytest.approx(reach, rel=1e-6)
    assert (law.low, law.high) == (1 / 64, 1 / 4)
    np.testing.assert_allclose(law.at(np.array([0.04])), 0.6)


def test_an_elt_that_is_only_rounding_is_no_number() -> None:
    """Below beta = 1/16 it stays at the rounding: with those cells the exponent would be half of 1."""
    elt = np.where(BETAS < 1 / 16, 1 / 16, BETAS)
    cells = pd.DataFrame({"beta": np.tile(BETAS, 2), "elt": np.tile(elt, 2), "unresolved": np.tile(BETAS < 1 / 16, 2)})
    law = scaling(cells, "elt")
    assert law is not None
    assert law.exponent == pytest.approx(1)
    assert law.low == 1 / 16


def test_too_little_is_no_law() -> None:
    cells = pd.DataFrame({"beta": BETAS, "drift": np.where(BETAS < 0.03, 1.0, np.inf)})
    assert scaling(cells, "drift") is None
    assert scaling(cells[:2], "drift") is None
