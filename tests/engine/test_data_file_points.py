"""Files of points as datasets: what is drawn, how it is scaled, what a config says of its file."""

import numpy as np
import pytest
from test_data_file import DIGITS, IMAGES, RNG, ROWS, config, idx, npz

from engine import texts
from engine.config import RunConfig
from engine.data import contents, generate
from engine.data.file import FileConfig, taken_in
from engine.jobs import key
from engine.schema import ConfigError


def test_the_points_of_a_file_are_drawn_once_each():
    data = generate(config(npz(x=ROWS, y=ROWS @ [1.0, 2.0, 3.0]), size=30, test_size=10, scaling="none", centre=False))
    x = np.concatenate([data.x_train, data.x_test])
    np.testing.assert_array_equal(np.sort(x, axis=0), np.sort(ROWS, axis=0))
    y = np.concatenate([data.y_train, data.y_test])[:, 0]
    np.testing.assert_allclose(y, data.target_scale * x @ [1.0, 2.0, 3.0], rtol=1e-12)


def test_images_are_flat_and_share_one_scale():
    settings = config([idx(IMAGES), idx(DIGITS)], "train-images-idx3-ubyte")
    assert (settings.shape, settings.input_dim, settings.output_dim, settings.scaling) == ((5, 4, 1), 20, 3, "common")
    data = generate(settings)
    assert data.x_train.shape == (23, 20)
    assert (data.x_train**2).sum(axis=1).mean() == pytest.approx(20)
    two = generate(config([idx(IMAGES), idx(DIGITS)], classes=[7, 1], target_rms=None, scaling="none"))
    whole = {image.astype(float).tobytes(): digit for image, digit in zip(IMAGES.reshape(30, 20), DIGITS, strict=True)}
    own = [whole[x.tobytes()] for x in two.x_train]
    np.testing.assert_array_equal(two.y_train[:, 0], np.where(np.array(own) == 7, -1, 1))
    assert two.class_names == ("7", "1")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "drawn from 40 by data seed 0; each input to mean 0 and standard deviation 1 over the training points"),
        ({"scaling": "none", "seed": 3}, "drawn from 40 by data seed 3; inputs as they stand"),
        ({"scaling": "common"}, "inputs to mean 0 and mean |x|^2 = n_0 over the training points"),
    ],
)
def test_how_points_are_drawn_and_scaled_is_said(values, said):
    assert said in config(npz(x=ROWS, y=ROWS[:, 0]), **values).whence


def test_the_config_has_the_digest_and_no_content():
    content = npz(x=ROWS, y=ROWS[:, 0])
    run = RunConfig.from_dict({"data": config(content, "/tmp/a/my.npz").to_dict()})
    assert run.data.source.file == "my.npz"
    assert contents.digest_of(content) in run.canonical()
    assert len(run.canonical()) < 2_000
    assert RunConfig.from_dict(texts.read(run.to_yaml())) == run
    assert contents.named_in({"run": run.to_dict(), "probes": [{"name": "file", "source": 7}]}) == {
        contents.digest_of(content): "my.npz"
    }
    assert key("run", run) != key("run", RunConfig.from_dict({"data": config(npz(x=ROWS, y=ROWS[:, 1])).to_dict()}))


def test_what_is_left_out_is_written_out():
    content = npz(x=RNG.normal(size=(400, 2)), y=RNG.normal(size=400))
    short = config(content)
    assert (short.size, short.test_size, short.scaling, short.centre) == (64, 100, "feature", True)
    assert config(content, size=64, test_size=100, scaling="feature", centre=True, classes=None) == short
    assert config(npz(x=ROWS, labels=np.arange(40) % 2)).centre is False


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"classes": ["7", "2"]}, "classes: no class '2'. Classes: 1, 4, 7"),
        ({"classes": [1, 4, 7]}, "classes: ['1', '4', '7'] given: two are compared; null (in a link: none) takes all"),
        ({"classes": [4, 4]}, "classes: ['4', '4'] given: choose two different ones"),
        ({"size": 20, "test_size": 11}, "size: there are 30 points, fewer than size 20 + test_size 11 = 31"),
        ({"size": 15, "test_size": 6, "classes": [7, 1]}, "size: there are 20 points"),
    ],
)
def test_settings_that_the_file_does_not_allow(values, said):
    with pytest.raises(ConfigError) as refusal:
        config([idx(IMAGES), idx(DIGITS)], **values)
    assert said in str(refusal.value)


def test_a_file_that_is_nowhere_here_is_asked_for():
    source = taken_in([("gone.npz", npz(x=ROWS + 5, y=ROWS[:, 0]))]).source
    gone = FileConfig.from_dict({"source": source})
    assert "gone.npz (sha256" in gone.lacking[0].message
    with pytest.raises(ConfigError, match=r"source: gone.npz .* is not in the cache here: upload it again"):
        generate(gone)


@pytest.mark.parametrize("change", [{"points": 41}, {"shape": [3, 1]}, {"outputs": 2}, {"format": "idx"}])
def test_what_a_config_says_of_a_file_is_checked(change):
    values = config(npz(x=ROWS, y=ROWS[:, 0])).to_dict()
    values["source"] |= change
    with pytest.raises(ConfigError, match=r"what is said of mine.npz is not what it holds"):
        generate(FileConfig.from_dict(values))


@pytest.mark.parametrize(
    "source",
    [None, 7, "mine.npz", {}, {"digest": "../../etc/passwd"}, {"digest": "A" * 64}, {"classes": ["a"], "counts": [1]}],
)
def test_a_source_that_is_none(source):
    with pytest.raises(ConfigError, match="source"):
        FileConfig.from_dict({"source": source})
