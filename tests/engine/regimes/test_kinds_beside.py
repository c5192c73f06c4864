"""Kinds of network beside each other: the ratio of a metric and its interval, and the growth of the spread."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from engine.initialisation.spread import exact_spread, initial_network
from engine.networks.mlp_config import MLPConfig
from engine.regimes.config import SweepConfig
from engine.regimes.kinds import Growth, growths, kind_ratio, of_fully_connected


def runs(rng: np.random.Generator, level: float, scatter: float, seeds: int = 4) -> pd.DataFrame:
    """ln drift = level + ln(depth/width) + scatter, by its depth, of six shapes."""
    rows = [
        (depth, width, seed, np.exp(level + np.log(depth / width) + scatter * depth * rng.normal()))
        for depth in (1, 2, 4)
        for width in (8.0, 16.0)
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows, columns=["depth", "width", "seed", "drift"]).assign(failed=False)


def test_the_ratio_of_two_kinds_that_differ_by_a_factor() -> None:
    rng = np.random.default_rng(0)
    found = kind_ratio(runs(rng, 0.0, 0.0), runs(rng, np.log(0.25), 0.0), "drift")
    assert found is not None
    assert (found.ratio, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))
    assert (found.least, found.most) == pytest.approx((0.25, 0.25))
    assert (found.shapes, found.left_out) == (6, 0)


def test_the_ratio_is_the_geometric_mean_over_shapes() -> None:
    """Ratios 1, 1, 2, 2, 16, 16: their product is 2^10 of six shapes."""
    one = runs(np.random.default_rng(0), 0.0, 0.0)
    found = kind_ratio(one, one.assign(drift=one["drift"] * one["depth"].map({1: 1.0, 2: 2.0, 4: 16.0})), "drift")
    assert found is not None
    assert (found.ratio, found.least, found.most) == pytest.approx((2 ** (10 / 6), 1.0, 16.0))


def test_at_one_shape_the_interval_is_that_of_welch() -> None:
    rng = np.random.default_rng(1)
    one, other = (runs(rng, level, 0.3, 6).query("depth == 2 and width == 8") for level in (0.0, 0.5))
    found = kind_ratio(one, other, "drift")
    welch = scipy.stats.ttest_ind(np.log(other["drift"]), np.log(one["drift"]), equal_var=False)
    low, high = welch.confidence_interval(0.95)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((np.exp(low), np.exp(high)))


def test_the_interval_covers_as_often_as_it_says() -> None:
    """95% of 600 maps whose kinds differ by a factor e^.3, with a scatter that grows with depth: within three standard
    errors, 2.7 percent."""
    rng, covered = np.random.default_rng(2), 0
    for _ in range(600):
        found = kind_ratio(runs(rng, 0.0, 0.1), runs(rng, 0.3, 0.2), "drift")
        assert found is not None
        covered += found.low <= np.exp(0.3) <= found.high
    assert 0.923 <= covered / 600 <= 0.977


def test_shapes_where_a_network_has_no_number_are_left_out_and_counted() -> None:
    rng = np.random.default_rng(3)
    one, other = runs(rng, 0.0, 0.1), runs(rng, 0.0, 0.1)
    other.loc[0, "drift"], other.loc[5, "drift"] = np.nan, 0.0
    one.loc[10, "failed"] = True
    found = kind_ratio(one, other, "drift")
    assert found is not None
    assert (found.shapes, found.left_out) == (3, 3)
    assert kind_ratio(one.assign(failed=True), other, "drift") is None
    assert kind_ratio(one, other.assign(width=other["width"] + 1), "drift") is None
    alone = kind_ratio(runs(rng, 0.0, 0.1, 1), runs(rng, 0.0, 0.1, 1), "drift")
    assert alone is not None
    assert np.isnan(alone.low)


def test_a_lazy_error_that_is_only_rounding_is_no_number() -> None:
    rng = np.random.default_rng(4)
    one = runs(rng, 0.0, 0.1).rename(columns={"drift": "elt"}).assign(rounding=1e-6)
    found = kind_ratio(one, one.assign(rounding=np.where(one["depth"] == 1, one["elt"], 1e-6)), "elt")
    assert found is not None
    assert (found.shapes, found.left_out) == (4, 2)
    whole = one.assign(elt=3.0, rounding=np.where(one["depth"] == 1, 2.0, 1e-6))  # the change itself is rounding
    found = kind_ratio(whole, whole, "elt")
    assert found is not None
    assert (found.shapes, found.left_out) == (4, 2)


def spreads(rows: list[tuple[float, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["depth", "width", "cv2", "cv2_low", "cv2_high"])


def test_the_growth_is_read_where_it_is_farthest_and_determined_of_all() -> None:
    exact = spreads([(d, n, d * n, d * n, d * n) for d in (1, 4, 8) for n in (8, 16)])
    sampled = spreads([(1, 8, 1, 0.9, 1.1), (4, 8, 2, 1.8, 2.2), (8, 8, 9, 7, np.inf), (1, 16, 1, 0.9, 1.1)])
    found = growths({"mlp": exact, "resnet": sampled})
    assert {(one.width, one.shallow, one.deep) for one in found.values()} == {(8, 1, 4)}
    assert found["mlp"].exact
    assert found["mlp"].factor == 4
    assert not found["resnet"].exact
    assert (found["resnet"].low, found["resnet"].high) == pytest.approx((1.8 / 1.1, 2.2 / 0.9))
    alone = growths({"mlp": exact, "conv": sampled.tail(1)})
    assert list(alone) == ["mlp"]  # the other has no two depths
    assert (alone["mlp"].width, alone["mlp"].shallow, alone["mlp"].deep) == (8, 1, 8)
    three = growths({"mlp": exact, "resnet": sampled, "conv": sampled.head(0)})
    assert list(three) == ["mlp", "resnet"]
    assert growths({}) == {}


def test_the_law_of_fully_connected_networks_grows_with_depth_as_theory_says() -> None:
    """Without biases, from one hidden layer, by hand from theory.md 3: E[K^2]/E[K]^2 = (1 + 5/n)(2 e_1 - 1 + 1)/4 with
    e_1 = 1 + (1 + 1/n)/(1 + 5/n); to beta = 1/2, by its scaling limit R_w within 5%."""
    n, b, biases = 1024, 0.5, {"train_bias": False, "output_bias": False}
    rows = []
    for depth in (1, 512):
        network = MLPConfig.from_dict({"depth": depth, "width": n, **biases})
        cv2 = exact_spread(initial_network(network, 8, 8.0))
        rows.append((depth, n, cv2, cv2, cv2))
    shallow = (1 + 5 / n) * (1 + (1 + 1 / n) / (1 + 5 / n)) / 2 - 1
    deep = np.exp(5 * b) * (1 / 3 + 2 / (9 * b) - (1 - np.exp(-6 * b)) / (27 * b**2)) - 1
    found = growths({"mlp": spreads(rows)})["mlp"]
    assert found.exact
    assert found.factor == pytest.approx(deep / shallow, rel=0.05)


def test_the_law_beside_other_kinds_is_that_of_networks_that_are_drawn() -> None:
    """Critical ReLU networks with biases, |x|^2 = 400 and width 4, written anew: one hidden layer in closed form, whose
    terms 1{z > 0} (z^2 + v^2 c) are independent; two by 200,000 draws, which tell CV^2 to 1%."""
    n, bias, dim, square = 4, 3.0, 2, 400.0
    base = {
        "data": {"name": "sphere", "dim": dim, "radius": square**0.5, "size": 4, "test_size": 4, "target": "harmonic"},
        "network": {"kind": "resnet", "sigma_b": bias, "output_bias": False},
    }
    sweep = SweepConfig.from_dict({"base": base, "grid": {"network.depth": [1, 2], "network.width": [2, n]}})
    found = of_fully_connected(sweep, Growth(n, 1, 2, 1.0, 0.5, 2.0))
    q = 2 * square / dim
    c = q + bias**2
    shallow = (2 * (3 * q**2 + 2 * q * c + 3 * c**2) / (q + c) ** 2 - 1) / n
    rng, draws = np.random.default_rng(0), 200_000
    z = np.sqrt(q) * rng.standard_normal((draws, n))
    W, a = np.sqrt(2 / n) * rng.standard_normal((draws, n, n)), np.maximum(z, 0)
    after = np.einsum("dij,dj->di", W, a)
    last = np.sqrt(2 / n) * rng.standard_normal((draws, n)) * (after > 0)
    first = np.einsum("dij,di->dj", W, last) * (z > 0)
    top, back, below, through = (np.sum(v**2, axis=1) for v in (np.maximum(after, 0), last, a, first))
    K = 2 / n * top + back * (2 / n * below + bias**2) + through * c
    assert found is not None
    assert found.factor == pytest.approx(K.var() / K.mean() ** 2 / shallow, rel=0.05)
    assert (found.low, found.high) == (found.factor, found.factor)
    last = base | {"network": base["network"] | {"train": "readout"}}
    for other in (last, {"data": base["data"]}):
        sweep = SweepConfig.from_dict({"base": other, "grid": {"network.depth": [1, 2]}})
        assert of_fully_connected(sweep, Growth(n, 1, 2, 1.0, 0.5, 2.0)) is None
