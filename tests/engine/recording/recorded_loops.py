"""Loops to watch, and what was recorded of them."""

from contextlib import closing
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

import engine as kd
from cache import Store
from engine.data import contents
from engine.recording.file import Recording, read

HELD_OUT = 6
X = np.random.default_rng(0).standard_normal((16, 3))
Y = X[:, :1] * X[:, 1:2]


def of(result: Any) -> Recording:
    """What was recorded."""
    with closing(Store()):
        return read(contents.find(result.config.source.digest) or b"")


def linear(params: Any, x: Any) -> Any:
    return x @ params["w"]


class Nnx(nnx.Module):
    def __init__(self, outputs: int):
        rngs = nnx.Rngs(0)
        self.hidden, self.readout = nnx.Linear(3, 5, rngs=rngs), nnx.Linear(5, outputs, rngs=rngs)
        self.norm = nnx.BatchNorm(5, rngs=rngs, use_running_average=True)

    def __call__(self, x: Any) -> Any:
        return self.readout(jnp.tanh(self.norm(self.hidden(x))))


def watched(apply: Any, x: Any = X, y: Any = Y, name: str = "bad", held_out: int = HELD_OUT, **more: Any) -> None:
    with kd.watch(name, apply, x, y, held_out=held_out, **more) as watch:
        watch(0, {"w": jnp.ones((3, 1))})
