"""Targets in tables: classes, means far from zero, constants, rows that repeat."""

import numpy as np
import pytest
from typed_tables import ROWS, config, refused, text

from engine.config import RunConfig
from engine.data import generate, overview


def flowers(classes):
    return "a,b,species\n" + "\n".join(f"{i % 7},{i * i % 11},{classes[i % len(classes)]}" for i in range(24))


def test_two_classes_have_targets_minus_one_and_one():
    settings = config(flowers(["oak", "elm"]))
    data = generate(settings)
    assert settings.output_dim == 1
    assert data.class_names == ("elm", "oak")
    np.testing.assert_array_equal(data.y_train[:, 0], np.where(data.labels_train == 1, 1, -1))
    assert "2 classes in 'species' ('elm', 'oak'): 'elm' has target -1 and 'oak' +1" in data.notes


def test_more_classes_have_one_target_each():
    settings = config(flowers(["oak", "elm", "ash"]), target_rms=None)
    data = generate(settings)
    assert settings.output_dim == 3
    assert data.class_names == ("ash", "elm", "oak")
    np.testing.assert_allclose(data.y_train, np.eye(3)[data.labels_train] - 1 / 3)
    species = {(i % 7, i * i % 11): ["oak", "elm", "ash"][i % 3] for i in range(24)}
    raw = generate(config(flowers(["oak", "elm", "ash"]), standardise=False))
    assert [raw.class_names[label] for label in raw.labels_test] == [species[tuple(map(int, x))] for x in raw.x_test]


def test_what_are_no_classes():
    assert "8 different texts in 8 rows" in refused("a,b\n" + "\n".join(f"{i},t{i}" for i in range(8)), "data.target")
    assert "holds one class" in refused("a,b\n" + "\n".join(f"{i},t" for i in range(8)), "data.target")
    both = flowers(["oak", "elm"])
    assert "holds classes: choose it alone" in refused(both, "data.target", target=["b", "species"])
    one_sided = "a,b\n" + "\n".join(f"{i * i},{'rare' if i < 2 else 'usual'}" for i in range(9))
    found = [refused(one_sided, "size", size=2, test_size=6, seed=seed) for seed in (3,)]
    assert "training rows are of the class" in found[0]


def test_targets_are_centred_over_the_training_rows():
    far = text(rows=[(a, b, 293 + c / 10) for a, b, c in ROWS])
    data, near = generate(config(far)), generate(config(text()))
    assert data.y_train.mean() == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(data.y_train, near.y_train, atol=1e-10)
    np.testing.assert_allclose(data.y_test, near.y_test, atol=1e-10)
    assert "their mean over the training rows is taken off (292.929 of 'y')" in " ".join(data.notes)
    assert generate(config(far, centre=False)).y_train.std() < 0.01
    assert "nothing can be learned once it is centred" in refused(
        text(rows=[(a, b, 0.3 if c > 0 else 0.1 + 0.2) for a, b, c in ROWS]), "target"
    )


def test_the_error_of_the_mean_and_of_a_line():
    """A kelvin column read off an independent fit: the mean errs by the spread, and R^2 of a line is 1 - 5.8e-7/1e-5.

    R^2 is measured from the held-out rows' own mean; the same error gives the same R^2 on centred targets.
    """
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, (48, 2))
    kelvin = 293 + 2 * x[:, 0] + 0.3 * rng.standard_normal(48)
    content = text("x1,x2,kelvin", rows=[(*point, value) for point, value in zip(x, kelvin, strict=True)])
    raw, centred = (config(content, centre=centre, target_rms=None) for centre in (False, True))
    data = generate(raw)
    y = data.y_test[:, 0]
    error = np.mean((y - data.y_train.mean()) ** 2)
    assert overview(raw).r_squared(error / np.mean(y**2)) == pytest.approx(1 - error / y.var())
    about = generate(centred).y_test[:, 0]
    assert overview(centred).r_squared(error / np.mean(about**2)) == pytest.approx(1 - error / y.var())
    assert overview(raw).r_squared(0.0186) < -100


def test_rounding_is_no_input():
    rows = [(a, 0.3 if a > 5 else 0.30000000000000004, c) for a, _, c in ROWS]
    settings = config(text(rows=rows))
    assert settings.inputs == ("x1",)
    assert "left out of the inputs: 'x2' (0.3 in every row, to rounding)" in generate(settings).notes
    assert "it cannot be standardised: leave it out" in refused(text(rows=rows), "inputs", inputs=["x1", "x2"])
    assert config(text(rows=rows), standardise=False).inputs == ("x1", "x2")
    fine = text(rows=[(a, 0.3 + 1e-9 * b, c) for a, b, c in ROWS])
    assert config(fine).inputs == ("x1", "x2")


def test_equal_inputs_with_other_labels_and_rows_shared_with_held_out_points():
    """Eight inputs, each with a target and its negative: 12 training rows have 7 of them, as the rank of K_0."""
    rows = [*ROWS[:8], *((a, b, -c) for a, b, c in ROWS[:8])]
    notes = generate(config(text(rows=rows), centre=False)).notes
    assert notes[0].endswith("the kernel matrix is singular, of rank 7 at most")
    assert notes[0].startswith("5 of 12 training points repeat the inputs of another")
    assert notes[1].startswith("10 training points have the inputs of another but other targets")
    assert notes[2].startswith("2 of 4 held-out points have the inputs of a training point")
    assert generate(config(text(), centre=False)).notes == ()


def test_what_contradictory_labels_leave_is_the_least_squares_residual():
    content = "x,y\n" + "1,3\n1,5\n2,1\n2,1\n4,-1\n4,3\n"
    data = generate(config(content, standardise=False, size=4, test_size=2, target_rms=None))
    inputs, place = np.unique(data.x_train, return_inverse=True)
    design = np.eye(len(inputs))[place.ravel()]
    fit = design @ np.linalg.lstsq(design, data.y_train, rcond=None)[0]
    share = np.linalg.norm(data.y_train - fit) / np.linalg.norm(data.y_train)
    said = [note for note in data.notes if "of the targets' norm is left at best" in note]
    assert len(said) == (share > 0)
    assert not said or f"{100 * share:.2g}%" in said[0]


def test_a_table_as_it_is():
    data = generate(config(text(), standardise=False, target_rms=None))
    found = np.concatenate([np.hstack([data.x_train, data.y_train]), np.hstack([data.x_test, data.y_test])])
    assert sorted(map(tuple, found)) == sorted(ROWS)
    assert config(text(), standardise=False).centre is False
    assert config(text()).centre is True


def test_the_key_of_a_table_changed_and_of_others_did_not():
    """Results on tables were computed without centring; those of other data sets stand."""
    assert "centre" in config(text()).to_dict()
    circle = RunConfig.from_dict({"data": {"name": "circle"}})
    assert circle.hash == "f14f66e385639acbf37b64ca4574935811b0b3723fea1e4b33d0a35e738c1e2d"
