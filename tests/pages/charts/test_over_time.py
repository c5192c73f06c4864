import numpy as np
import pytest

from pages.charts.over_time import GRID, _of_seeds, on_common_times, over_time_table


def _series(name: str):
    return {name: lambda seed: seed[name]}


def test_median_and_range_of_three_seeds_are_those_of_their_values(by_hand):
    t = [0, 1, 2, 4]
    result = by_hand({"t": t, "drift": [0, 1, 2, 3]}, {"t": t, "drift": [0, 5, 6, 7]}, {"t": t, "drift": [0, 2, 9, 4]})
    frame = over_time_table(result, _series("drift")).frame
    middle = frame[frame["part"] == "all"]
    assert middle["t"].tolist() == t
    assert middle["value"].tolist() == [0, 2, 6, 4]
    assert middle["low"].tolist() == [0, 1, 2, 3]
    assert middle["high"].tolist() == [0, 5, 9, 7]


def test_seeds_keep_their_own_checkpoints(by_hand):
    result = by_hand({"t": [0, 1, 3], "drift": [0, 1, 2]}, {"t": [0, 2], "drift": [0, 8]})
    frame = over_time_table(result, _series("drift")).frame
    own = frame[(frame["part"] == "seed") & (frame["seed"] == 0)]
    assert own["t"].tolist() == [0, 1, 3]
    assert own["value"].tolist() == [0, 1, 2]


def test_the_common_grid_ends_where_the_first_seed_stops(by_hand):
    result = by_hand({"t": [0, 1, 2, 8], "drift": [0, 1, 2, 8]}, {"t": [0, 1, 3], "drift": [0, 1, 3]})
    frame = over_time_table(result, _series("drift")).frame
    assert frame.loc[frame["part"] == "all", "t"].tolist() == [0, 1, 2, 3]


def test_interpolation_is_linear_in_log_t_and_log_value():
    # v = t^2 is a straight line in both logs: exact between checkpoints.
    coarse, fine = np.array([1.0, 16.0]), np.array([1.0, 2.0, 4.0, 16.0])
    t, values = on_common_times([(coarse, coarse**2), (fine, fine**2)], log_value=True)
    np.testing.assert_allclose(t, fine)
    np.testing.assert_allclose(values, np.stack([fine**2, fine**2]), rtol=1e-12)


def test_interpolation_of_a_plain_value_is_linear_in_log_t():
    t, values = on_common_times(
        [(np.array([0, 1.0, 100.0]), np.array([7.0, 0.0, 2.0])), (np.array([0, 10.0, 100]), np.zeros(3))], False
    )
    np.testing.assert_allclose(t, [0, 1, 10, 100])
    np.testing.assert_allclose(values[0], [7, 0, 1, 2])


def test_long_runs_are_thinned_but_keep_both_ends():
    t = np.linspace(0, 5, 2000)
    grid, values = on_common_times([(t, t)], False)
    assert len(grid) <= GRID
    assert grid[0] == 0
    assert grid[-1] == 5
    np.testing.assert_allclose(values[0], grid)


@pytest.mark.parametrize(
    ("log_value", "left", "word"), [(False, 3, "not finite"), (True, 2, "not positive or not finite")]
)
def test_what_an_axis_cannot_show_is_left_out_and_counted(by_hand, log_value, left, word):
    result = by_hand({"t": [0, 1, 2, 3, 4], "loss": [1, np.nan, 0, np.inf, 2]})
    table = over_time_table(result, _series("loss"), log_value)
    assert len(table.frame) == left
    assert table.notes == (f"{5 - left} of 5 values are {word} and are not drawn.",)


def test_diverged_seeds_are_drawn_but_do_not_enter_the_median(by_hand):
    calm = {"t": [0, 1, 2], "drift": [0, 1, 2]}
    result = by_hand(calm, {"t": [0, 1], "drift": [0, 1e6], "stop_reason": "diverged"})
    table = over_time_table(result, _series("drift"))
    middle = table.frame[table.frame["part"] == "all"]
    assert middle["high"].tolist() == [0, 1, 2]
    assert table.frame["value"].max() == 1e6
    assert table.notes == ("Median and range leave out seed 1 (diverged at t = 1).",)


def test_what_one_seed_alone_has_is_said_to_be_of_it(by_hand):
    def said(*drifts: list[float]) -> list[str]:
        result = by_hand(*({"t": [0, 1, 2], "drift": drift} for drift in drifts))
        return _of_seeds(over_time_table(result, _series("drift")).frame)

    known, unknown = [0.0, 1.0, 2.0], [np.nan] * 3
    assert said(unknown, known) == ["of seed 1 alone"]
    assert said(known, known) == ["median and range of 2 seeds, thin: each seed"]
    assert said(known) == []


def test_nothing_but_nan_gives_an_empty_frame(by_hand):
    table = over_time_table(by_hand({"t": [0], "drift": [np.nan]}), _series("drift"))
    assert len(table.frame) == 0
    assert table.notes
