"""A cache with recordings of several kinds, made in a process of its own: that of the tests stays free of JAX."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from computed import made_once

ROOT = Path(__file__).parents[2]
KEPT = "kept.json"

MADE = """
import json, sys
import numpy as np
import engine as kd
from engine import jobs
from engine.recording.config import RecordedSpacesConfig
from cache import Store, cached_compute
from cache.recordings import Loop

random = np.random.default_rng(0)
x = random.standard_normal((70, 6))
y = np.sign(x[:, :1] * x[:, 1:2])
kept = {}

def apply(params, x):
    import jax.numpy as jnp
    return jnp.tanh(x @ params["w"]) @ params["v"]

def record(name, steps=12, **more):
    w, v = random.standard_normal((6, 20)), random.standard_normal((20, 1)) / 5
    with kd.watch(name, apply, x, more.pop("y", y), held_out=40, **more) as watch:
        for step in range(steps):
            watch(step, {"w": w + 0.05 * step, "v": v}, loss=None if "quiet" in name else 1 / (1 + step))
    kept[name] = watch.result.recording.to_dict()

record("whole", loss="mean")
record("quiet other", loss="other")
record("classes", y=(y[:, 0] > 0).astype(int), loss="logistic")

def descend(name, k, momentum=0.0, **more):
    import jax, jax.numpy as jnp
    params = {"w": random.standard_normal((6, 20)), "v": random.standard_normal((20, k)) / 5}
    target = np.sin(x[:, :k])
    slope = jax.jit(jax.grad(lambda p: jnp.sum((apply(p, x[:30]) - target[:30]) ** 2) / 60))
    speed = jax.tree.map(jnp.zeros_like, params)
    asked = {"held_out": 40, "loss": "half_mean", "learning_rate": 0.05} | more
    with kd.watch(name, apply, x, target, **asked) as watch:
        for step in range(30):
            watch(step, params, t=0.1 * step)
            speed = jax.tree.map(lambda v, g: momentum * v + g, speed, slope(params))
            params = jax.tree.map(lambda p, v: p - 0.05 * v, params, speed)
    kept[name] = watch.result.recording.to_dict()

import warnings
warnings.simplefilter("ignore")
descend("driven", 1)
descend("driven by two", 2, full_kernel=True)
descend("between left out", 2)
descend("momentum", 1, momentum=0.9)
became, Loop.became = Loop.became, lambda self, key: None
kept["left"] = ""
watch = kd.watch("left <b>open</b>", apply, x, y, held_out=40)
for step in range(6):
    watch(step, {"w": random.standard_normal((6, 20)), "v": random.standard_normal((20, 1))}, loss=1.0)
watch._write()
kept["left"] = watch._file._loop.id
store = Store()
from engine.recording.config import RecordingConfig
for name in ("whole", "quiet other", "classes"):
    spaces = RecordedSpacesConfig.of(RecordingConfig.from_dict(kept[name]))
    cached_compute(store, "recording_spaces", spaces)
from engine.recording.config import RecordedPerturbationConfig
for name in ("driven", "driven by two"):
    expanded = RecordedPerturbationConfig.of(RecordingConfig.from_dict(kept[name]))
    cached_compute(store, "recording_perturbation", expanded)
print(json.dumps(kept))
"""


def recordings(factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder of a store, and the config of each recording by name; of the one that its loop left open its id."""
    folder = made_once(factory, "recordings", _make)
    return folder / f"store-{os.getuid()}", json.loads((folder / KEPT).read_text())


def _make(folder: Path) -> None:
    folder.mkdir()
    command = [sys.executable, "-c", MADE]
    environment = {**os.environ, "KERNEL_DRIFT_CACHE": str(folder), "PYTHONPATH": str(ROOT), "JAX_ENABLE_X64": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=200, capture_output=True, text=True)
    (folder / KEPT).write_text(done.stdout.splitlines()[-1])
