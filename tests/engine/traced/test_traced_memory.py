"""What the kernel of many examples holds."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

PROGRAM = """
import resource
import jax, numpy as np
import engine as kd
from flax import linen as nn

class Network(nn.Module):
    @nn.compact
    def __call__(self, x):
        for strides in (1, 2, 2):
            x = nn.relu(nn.Conv(64, (3, 3), strides=strides)(x))
        return nn.Dense({outputs})(x.mean((1, 2)))

x = np.random.default_rng(0).standard_normal(({size}, 16, 16, 3))
params = jax.jit(Network().init)(jax.random.key(0), x[:1])["params"]
K = kd.ntk(lambda params, x: Network().apply({{"params": params}}, x), params, x)
some = kd.ntk(lambda params, x: Network().apply({{"params": params}}, x), params, x[:7], x[-5:])
assert np.allclose(K[:7, -5:], some, rtol=1e-11), np.abs(K[:7, -5:] - some).max()
assert np.array_equal(K, K.T)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
"""


OURS = """
import resource
import numpy as np
import engine as kd

network = {"kind": "conv", "width": 32, "shape": (8, 8, 1)}
x = np.random.default_rng(0).standard_normal((2000, 64))
params = kd.init(network, 0, 64)
K = kd.ntk(network, params, x)
assert np.allclose(K[:7, -5:], kd.ntk(network, params, x[:7], x[-5:]), rtol=1e-11)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
"""


@pytest.mark.long
def test_a_kernel_of_two_thousand_digits_by_our_own_network_takes_less_than_four_gigabytes() -> None:
    assert gigabytes(OURS) < 4


@pytest.mark.long
@pytest.mark.parametrize(("size", "outputs"), [(2000, 1), (500, 10)])
def test_a_kernel_of_two_thousand_images_takes_less_than_four_gigabytes(size: int, outputs: int) -> None:
    """The whole process, three convolutions of 64 features on 16 x 16 x 3."""
    assert gigabytes(PROGRAM.format(size=size, outputs=outputs)) < 4


def gigabytes(code: str) -> float:
    """What a program prints, in a process of its own."""
    path = f"{ROOT}:{Path(__file__).parent}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={"PYTHONPATH": path, "PATH": "/usr/bin:/bin"}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return float(done.stdout)
