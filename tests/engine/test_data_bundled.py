"""Scikit-learn's bundled tables: the same numbers as its own loaders, scaled as said, drawn by seed."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.preprocessing import StandardScaler

from engine.config import RunConfig
from engine.data import DATASETS, generate
from engine.data.bundled import BREAST_CANCER, CULTIVARS
from engine.data.finite import scaled
from engine.jobs import key
from engine.schema import ConfigError

LOADED = {
    "breast_cancer": load_breast_cancer(return_X_y=True),
    "wine": load_wine(return_X_y=True),
    "diabetes": load_diabetes(return_X_y=True, scaled=False),
}

TARGETS = {
    "breast_cancer": lambda y: 2 * y[:, None] - 1.0,
    "wine": lambda y: np.eye(3)[y] - 1 / 3,
    "diabetes": lambda y: y[:, None],
}
RECORDED_KEY = "8cf98fe8b604e79d12edec8616d5891b11b7b65df8d5dda74dcac0df2119d858"
RECORDED = [-0.07506343488120698, 1.5513109875449445, 4.0]


def config(name, **values):
    return DATASETS[name].from_dict({"name": name, **values})


def rows_of(name, data):
    """The row of scikit-learn's table that each point is."""
    whole = {row.tobytes(): place for place, row in enumerate(LOADED[name][0])}
    return [whole[row.tobytes()] for row in np.concatenate([data.x_train, data.x_test])]


@pytest.mark.parametrize("name", LOADED)
def test_every_row_comes_once_with_its_own_target(name):
    x, y = LOADED[name]
    unscaled = {"scaling": "none", "target_rms": None, **({"centre": False} if name == "diabetes" else {})}
    data = generate(config(name, size=len(x) // 2, test_size=len(x) - len(x) // 2, **unscaled))
    rows = rows_of(name, data)
    assert sorted(rows) == list(range(len(x)))
    np.testing.assert_array_equal(np.concatenate([data.y_train, data.y_test]), TARGETS[name](y)[rows])


@pytest.mark.parametrize("name", LOADED)
def test_features_are_scaled_as_scikit_learn_does_by_the_training_points(name):
    raw, data = generate(config(name, scaling="none")), generate(config(name))
    scaler = StandardScaler().fit(raw.x_train)
    np.testing.assert_allclose(data.x_train, scaler.transform(raw.x_train), atol=1e-12)
    np.testing.assert_allclose(data.x_test, scaler.transform(raw.x_test), atol=1e-12)


def test_one_scale_for_all_features_keeps_their_ratios():
    raw, data = generate(config("wine", scaling="none")), generate(config("wine", scaling="common"))
    assert (data.x_train**2).sum(axis=1).mean() == pytest.approx(13)
    ratio = (raw.x_train - raw.x_train.mean(axis=0)) / data.x_train
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-9)


def test_constant_features_become_zero_with_a_note():
    train = np.array([[1.0, 7.0, 0.1], [3.0, 7.0, 0.1], [5.0, 7.0, 0.1]])
    (x, held_out), notes = scaled(train, np.array([[3.0, 9.0, 0.2]]), "feature")
    np.testing.assert_allclose(x[:, 0], np.array([-2, 0, 2]) / np.sqrt(8 / 3))
    assert not x[:, 1:].any()
    assert held_out.tolist() == [[0, 0, 0]]
    assert notes == ["2 inputs are constant over the training points, of 3: set to 0, in held-out points too"]
    with pytest.raises(ConfigError, match="every input is the same at all 3 training points"):
        scaled(train[:, 1:], train[:, 1:], "common")


def test_the_classes_of_scikit_learn():
    bunch = load_breast_cancer()
    assert tuple(bunch.target_names) == BREAST_CANCER
    assert tuple(np.bincount(load_wine().target)) == CULTIVARS
    assert [config(name).available for name in LOADED] == [len(LOADED[name][0]) for name in LOADED]
    data = generate(config("breast_cancer"))
    np.testing.assert_array_equal(data.y_train[:, 0], np.where(data.labels_train == 1, 1, -1) * data.target_scale)
    assert "'malignant' has target -1 and 'benign' +1" in data.notes[0]


def test_two_cultivars_in_the_order_given():
    data = generate(config("wine", classes=[2, 0], size=40, test_size=60, scaling="none", target_rms=None))
    labels = LOADED["wine"][1][rows_of("wine", data)]
    np.testing.assert_array_equal(np.concatenate([data.y_train, data.y_test])[:, 0], np.where(labels == 2, -1, 1))
    assert data.class_names == ("cultivar 2", "cultivar 0")


def test_the_target_of_diabetes_is_centred_and_scaled():
    raw = generate(config("diabetes", centre=False, target_rms=None))
    data = generate(config("diabetes", target_rms=2.0))
    centred = raw.y_train - raw.y_train.mean()
    np.testing.assert_allclose(data.y_train, 2 * centred / centred.std(), atol=1e-12)
    np.testing.assert_allclose(data.y_test, 2 * (raw.y_test - raw.y_train.mean()) / centred.std(), atol=1e-12)
    assert data.notes[0].startswith("targets are centred: their mean over the training points is taken off")


def test_held_out_points_stay_out_when_more_are_asked_for():
    few, many = (generate(config("diabetes", test_size=size, scaling="none")) for size in (100, 300))
    np.testing.assert_array_equal(few.x_train, many.x_train)
    np.testing.assert_array_equal(few.x_test, many.x_test[:100])


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        (
            "wine",
            {"size": 100, "test_size": 79},
            "size: there are 178 points, fewer than size 100 + test_size 79 = 179",
        ),
        ("wine", {"classes": [1, 2]}, "size: there are 119 points"),
        ("wine", {"classes": [1, 1], "size": 9}, "classes: [1, 1] given: choose two different ones"),
        (
            "wine",
            {"classes": [0, 1, 2]},
            "classes: [0, 1, 2] given: two are compared; null (in a link: none) takes all, one target for each",
        ),
        (
            "digits",
            {"classes": [*range(10)]},
            "classes: [0, 1, 2, 3, 4, 5, ...] given: two are compared; null (in a link: none) takes all",
        ),
        (
            "mnist",
            {"classes": [0, 1, 2]},
            "classes: [0, 1, 2] given: two are compared; null (in a link: none) takes all",
        ),
        ("digits", {"classes": [[3, 3]] * 3}, "given: two are compared; null (in a link: none) takes all"),
        ("digits", {"classes": [3]}, "classes: [3] given: two are compared; null (in a link: none) takes all"),
        ("diabetes", {"scaling": "all"}, "scaling: 'all' is unknown. Allowed: feature, common, none"),
        ("breast_cancer", {"classes": [0, 1]}, "classes: no such setting"),
    ],
)
def test_what_is_refused(name, values, said):
    with pytest.raises(ConfigError) as refusal:
        config(name, **values)
    assert said in str(refusal.value)


def test_digits_keep_their_numbers_and_keys():
    """Key and numbers as recorded at 3bdf4fb, before other tables came: seed 3, digits 7 and 3."""
    values = {"data": {"name": "digits", "classes": [7, 3], "seed": 3, "size": 32, "test_size": 48}}
    run = RunConfig.from_dict(values)
    assert key("run", run) == RECORDED_KEY
    data = generate(run.data)
    assert [data.x_train[0, 20], data.x_test[-1, 50], data.y_test[:, 0].sum()] == pytest.approx(RECORDED, rel=1e-12)
    assert run.data.shape == (8, 8, 1)
    assert generate(config("digits", classes=None)).y_train.shape == (64, 10)
