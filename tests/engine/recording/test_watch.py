"""`kd.watch` in loops of JAX, flax linen and nnx: kernels against Jacobians, what it refuses, what it keeps."""

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import engine as kd
from cache import Store
from engine.data import contents
from engine.recording.file import Recording, read
from engine.recording.probes import Probes
from engine.schema import ConfigError

HELD_OUT = 6
X = np.random.default_rng(0).standard_normal((16, 3))
Y = X[:, :1] * X[:, 1:2]


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of its own; its recordings."""
    monkeypatch.setenv("KERNEL_DRIFT_CACHE", str(tmp_path))
    return tmp_path / f"store-{os.getuid()}" / "recordings"


def of(result: Any) -> Recording:
    """What was recorded."""
    with closing(Store()):
        return read(contents.find(result.config.source.digest) or b"")


def linear(params: Any, x: Any) -> Any:
    return x @ params["w"]


def jacobian_kernel(apply: Callable, params: Any, x: np.ndarray) -> np.ndarray:
    """(1/k) sum_o J_o J_o^T by reverse mode, a row for each example."""
    wide = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), params)
    jacobian = jax.jacrev(apply)(wide, jnp.asarray(x, jnp.float64))
    flat = [leaf.reshape(len(x), leaf.shape[1], -1) for leaf in jax.tree.leaves(jacobian)]
    return sum(np.einsum("iop,jop->ij", leaf, leaf) / leaf.shape[1] for leaf in flat)


def test_a_linear_network_has_the_kernel_of_its_inputs_at_every_step() -> None:
    params = {"w": jnp.ones((3, 1))}
    with kd.watch("linear", linear, X, Y, held_out=HELD_OUT) as watch:
        for step in range(20):
            watch(step, params, t=0.1 * step, loss=1.0 / (1 + step))
            params = {"w": params["w"] * 0.9}
    found, seed = of(watch.result), watch.result.seeds[0]
    np.testing.assert_allclose(found.kernel, np.broadcast_to(X @ X.T, found.kernel.shape), atol=1e-13)
    for at, step in enumerate(found.step):
        np.testing.assert_allclose(found.outputs[at], 0.9**step * X.sum(1, keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(found.t, 0.1 * found.step)
    np.testing.assert_allclose(seed["loss"], 1 / (1 + found.step))
    np.testing.assert_allclose(seed["drift"], 0, atol=1e-15)
    expected = np.linalg.eigvalsh(X[:10] @ X[:10].T)[::-1]
    np.testing.assert_allclose(seed["eigenvalues"][-1][:3], expected[:3], rtol=1e-12)


class Linen(nn.Module):
    outputs: int = 1

    @nn.compact
    def __call__(self, x: Any) -> Any:
        return nn.Dense(self.outputs)(nn.tanh(nn.Dense(5)(x)))


class Nnx(nnx.Module):
    def __init__(self, outputs: int):
        rngs = nnx.Rngs(0)
        self.hidden, self.readout = nnx.Linear(3, 5, rngs=rngs), nnx.Linear(5, outputs, rngs=rngs)
        self.norm = nnx.BatchNorm(5, rngs=rngs, use_running_average=True)

    def __call__(self, x: Any) -> Any:
        return self.readout(jnp.tanh(self.norm(self.hidden(x))))


@pytest.mark.parametrize("outputs", [1, 3])
def test_of_linen_it_is_that_of_jacobians(outputs: int) -> None:
    net, y = Linen(outputs), np.tile(Y, outputs)
    params = net.init(jax.random.key(0), X)
    with kd.watch("linen", net.apply, X, y, held_out=HELD_OUT, params=params) as watch:
        watch(0, params)
    K = jacobian_kernel(net.apply, params, X)
    np.testing.assert_allclose(of(watch.result).kernel[0], K, atol=1e-12 * K.max())


def test_of_nnx_it_is_that_of_what_trains_and_the_module_is_read_as_it_stands() -> None:
    module = Nnx(2)
    graph, _, rest = nnx.split(module, nnx.Param, ...)

    def apply(params: Any, x: Any) -> Any:
        return nnx.merge(graph, params, rest)(x)

    kernels = []
    with kd.watch("nnx", module, X, np.tile(Y, 2), held_out=HELD_OUT) as watch:
        for step in range(2):
            watch(step)
            kernels.append(jacobian_kernel(apply, nnx.state(module, nnx.Param), X))
            module.readout.kernel[...] = 1.5 * module.readout.kernel[...]
    found = of(watch.result).kernel
    np.testing.assert_allclose(found, kernels, atol=1e-12 * np.max(kernels))
    assert np.abs(found[1] - found[0]).max() > 0.1


def test_running_averages_of_flax_are_no_parameters() -> None:
    class Normed(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            return nn.Dense(1)(nn.BatchNorm(use_running_average=True)(x))

    net = Normed()
    variables = net.init(jax.random.key(0), X)
    with kd.watch("normed", net.apply, X, Y, held_out=HELD_OUT) as watch:
        watch(0, variables)
    still = {"batch_stats": jax.tree.map(lambda leaf: jnp.asarray(leaf, float), variables["batch_stats"])}
    K = jacobian_kernel(lambda params, x: net.apply({"params": params} | still, x), variables["params"], X)
    np.testing.assert_allclose(of(watch.result).kernel[0], K, atol=1e-12 * K.max())


# Classes, and losses in which outputs are no targets.


def test_classes_are_targets_one_hot_and_softmax_is_compared_with_them() -> None:
    classes = np.arange(16) % 3
    params = {"w": jnp.asarray(np.random.default_rng(1).standard_normal((3, 3)))}
    with kd.watch("classes", linear, X, classes, held_out=HELD_OUT, loss="logistic") as watch:
        watch(0, params)
    h = X @ np.asarray(params["w"])
    p = np.exp(h) / np.exp(h).sum(1, keepdims=True)
    y, seed = np.eye(3)[classes], watch.result.seeds[0]
    brier = np.sum((p - y)[10:] ** 2) / np.sum((1 / 3 - y[10:]) ** 2)
    np.testing.assert_allclose(seed["test_error"][0], brier, rtol=1e-12)
    np.testing.assert_allclose(seed["test_loss"][0], -np.mean(np.log(np.sum(p * y, 1))[10:]), rtol=1e-12)
    np.testing.assert_allclose(seed["test_accuracy"][0], np.mean(h[10:].argmax(1) == classes[10:]))


def test_two_classes_of_one_output_are_told_by_its_sign() -> None:
    probes = Probes(np.array([[1.0], [-1], [1], [-1]]), np.array([1, 0, 1, 0]), 2, "logistic")
    h, K = np.array([[2.0], [-1], [3], [0.5]]), np.eye(4)
    found, start = probes.diagnose(K, h, None)
    assert found["test_accuracy"] == 0.5
    own = np.array([1 / (1 + np.exp(-2.0)), 1 / (1 + np.exp(-1.0))])
    np.testing.assert_allclose(start.residual, np.linalg.norm(1 - own), rtol=1e-14)


def test_a_loss_of_classes_needs_classes() -> None:
    with pytest.raises(ConfigError, match="logistic is a loss of classes: give class numbers"):
        watched(linear, y=Y + 0.1, loss="logistic")


def test_of_another_loss_nothing_is_compared_with_targets() -> None:
    with kd.watch("other", linear, X, Y, held_out=HELD_OUT, loss="other") as watch:
        watch(0, {"w": jnp.ones((3, 1))})
    seed = watch.result.seeds[0]
    assert "drift" in seed
    assert "alignment_test" in seed
    assert not [name for name in ("loss", "residual", "train_error", "test_error", "mode_residual") if name in seed]


# When it records.


def test_steps_are_log_spaced_and_the_last_is_there() -> None:
    with kd.watch("steps", linear, X, Y, held_out=HELD_OUT) as watch:
        for step in range(1000):
            watch(step, {"w": jnp.ones((3, 1))})
    steps = of(watch.result).step
    assert steps[:4].tolist() == [0, 1, 2, 3]
    assert steps[-1] == 999
    grown = (steps[1:-1] + 1) / (steps[:-2] + 1)
    assert grown[steps[:-2] > 20].max() < 1.2
    assert len(steps) < 60


def test_steps_that_are_told_are_those() -> None:
    with kd.watch("told", linear, X, Y, held_out=HELD_OUT, steps=[3, 50, 7]) as watch:
        for step in range(100):
            watch(step, {"w": jnp.ones((3, 1))})
    assert of(watch.result).step.tolist() == [0, 3, 7, 50]


def test_too_many_are_thinned_and_both_ends_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.recording.watch.MOST_CHECKPOINTS", 10)
    with kd.watch("thinned", linear, X, Y, held_out=HELD_OUT) as watch:
        for step in range(400):
            watch(step, {"w": jnp.ones((3, 1))})
    steps = of(watch.result).step
    assert len(steps) <= 12
    assert steps[0] == 0
    assert steps[-1] == 399


def test_kernels_of_many_points_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.recording.targets.MOST_VALUES", 12 * 16**2)
    with kd.watch("bounded", linear, X, Y, held_out=HELD_OUT) as watch:
        for step in range(400):
            watch(step, {"w": jnp.ones((3, 1))})
            assert len(watch._rows) <= 13
    assert len(of(watch.result).step) <= 14


# What it refuses.


def mixing(params: Any, x: Any) -> Any:
    return (x - x.mean(0)) @ params["w"]


BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "mixes examples": (lambda: watched(mixing), "other outputs beside other examples than alone"),
    "outputs": (lambda: watched(lambda params, x: (x @ params["w"])[:, 0]), "gives outputs of shape"),
    "narrow": (lambda: watched(lambda params, x: linear(params, x).astype(jnp.float16)), "rounds to float16"),
    "raises": (lambda: watched(lambda params, x: x @ params["v"]), "raised KeyError"),
    "no network": (lambda: watched(3), "apply"),
    "no targets": (lambda: watched(linear, y=Y[:-1]), "y_probe: of shape"),
    "targets": (lambda: watched(linear, y=np.tile(Y, 2)), "y_probe: of shape"),
    "classes": (lambda: watched(linear, y=np.full(16, 5)), "classes from 5 to 5"),
    "not finite": (lambda: watched(linear, x=X * np.nan), "x_probe: has an entry that is not finite"),
    "held out": (lambda: watched(linear, held_out=15), "15 of them held out"),
    "too many": (lambda: watched(linear, x=np.ones((1100, 3)), y=np.ones(1100)), "at most 1024"),
    "name": (lambda: watched(linear, name=""), "name"),
    "loss": (lambda: watched(linear, loss="hinge?"), "loss"),
    "steps": (lambda: watched(linear, steps=[-1]), "steps"),
}


def watched(apply: Any, x: Any = X, y: Any = Y, name: str = "bad", held_out: int = HELD_OUT, **more: Any) -> None:
    with kd.watch(name, apply, x, y, held_out=held_out, **more) as watch:
        watch(0, {"w": jnp.ones((3, 1))})


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_refused_and_nothing_is_left(name: str, folder: Path) -> None:
    act, said = BAD[name]
    with pytest.raises(ConfigError, match=said):
        act()
    assert not folder.exists() or not list(folder.iterdir())


def test_a_network_is_refused_before_its_first_step_where_its_parameters_are_given() -> None:
    with pytest.raises(ConfigError, match="beside other examples than alone"):
        kd.watch("early", mixing, X, Y, held_out=HELD_OUT, params={"w": jnp.ones((3, 1))})


@pytest.mark.parametrize(("second", "said"), [((5, 0.1), "t: 0.1 given after 1"), ((-3, 2.0), "step -3")])
def test_a_loop_that_goes_back_is_told(second: tuple[int, float], said: str) -> None:
    params = {"w": jnp.ones((3, 1))}
    with kd.watch("back", linear, X, Y, held_out=HELD_OUT) as watch:
        watch(0, params, t=1.0)
        watch._due = -10
        with pytest.raises(ConfigError, match=said):
            watch(second[0], params, t=second[1])


def test_parameters_that_were_donated_are_named() -> None:
    params = {"w": jnp.ones((3, 1))}
    params["w"].delete()
    with pytest.raises(ConfigError, match="donated to a later step"):
        watched_of(params)


def watched_of(params: Any) -> None:
    with kd.watch("donated", linear, X, Y, held_out=HELD_OUT) as watch:
        watch(0, params)


def test_the_last_step_is_left_out_where_its_parameters_are_gone() -> None:
    watch = kd.watch("gone", linear, X, Y, held_out=HELD_OUT)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with watch:
            for step in range(40):
                params = {"w": jnp.ones((3, 1))}
                watch(step, params)
            params["w"].delete()
    assert ["the last step is not recorded" in str(one.message) for one in told] == [True]
    assert of(watch.result).step[-1] < 39


# How it ends.


def test_a_loop_that_diverges_is_recorded_up_to_there() -> None:
    params = {"w": jnp.ones((3, 1))}
    with kd.watch("diverges", linear, X, Y, held_out=HELD_OUT) as watch:
        for step in range(30):
            watch(step, params, loss=1.0 if step < 2 else float("inf"))
            params = {"w": params["w"] * 1e40}
    assert of(watch.result).about.ended == "diverged"
    assert watch.result.seeds[0].stop_reason == "diverged"
    assert np.isfinite(of(watch.result).outputs).all()


def failing(watch: Any) -> None:
    with watch:
        watch(0, {"w": jnp.ones((3, 1))})
        raise KeyError


def test_an_error_in_the_loop_keeps_what_was_recorded() -> None:
    watch = kd.watch("raises", linear, X, Y, held_out=HELD_OUT)
    with pytest.raises(KeyError):
        failing(watch)
    assert of(watch.result).about.ended == "raised"


def test_a_loop_that_never_calls_it_is_told() -> None:
    with pytest.warns(UserWarning, match="nothing was recorded"), kd.watch("idle", linear, X, Y, held_out=HELD_OUT):
        pass


def test_two_loops_of_one_name_lose_nothing(folder: Path) -> None:
    one, other = (kd.watch("same", linear, X, Y, held_out=HELD_OUT) for _ in range(2))
    with one, other:
        for step in range(5):
            one(step, {"w": jnp.ones((3, 1))})
            other(step, {"w": jnp.full((3, 1), 2.0)})
        with closing(Store()) as store:
            assert [found.name for found in store.recordings.listed()] == ["same", "same"]
    np.testing.assert_allclose(of(other.result).outputs, 2 * of(one.result).outputs)
    keys = {json.loads(file.read_text())["key"] for file in folder.glob("*.json")}
    assert len(keys) == 2
    assert not list(folder.glob("*.npz"))


def test_what_it_keeps_is_pinned_and_not_computed_again_without_its_file() -> None:
    watched(linear)
    with closing(Store()) as store:
        (record,) = [store.index.get(key) for key in store._folders.run_keys()]
        assert record
        assert record.kind == "recording"
        assert record.status == "finished"
        assert store.pinned(record.key)
        assert contents.has(record.values["source"]["digest"])
    from engine import jobs

    config = jobs.parse("recording", {**record.values, "source": {"file": "a.npz", "digest": "0" * 64}})
    with pytest.raises(ConfigError, match="recorded by your own loop, and its file is no longer here"):
        jobs.compute("recording", config)


LOOP = """
import sys, jax.numpy as jnp, numpy as np, engine as kd
x = np.random.default_rng(0).standard_normal((16, 3))
with kd.watch("killed", lambda params, x: x @ params["w"], x, x[:, :1], held_out=6) as watch:
    for step in range(10**9):
        watch(step, {"w": jnp.ones((3, 1))})
        print(step, flush=True)
"""


@pytest.mark.whole
def test_a_loop_that_is_killed_leaves_a_recording_that_can_be_read(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", LOOP], stdout=subprocess.PIPE, text=True) as loop:
        assert loop.stdout is not None
        while int(loop.stdout.readline()) < 500:
            pass
        loop.send_signal(signal.SIGKILL)
    with closing(Store()) as store:
        (found,) = store.recordings.listed()
        assert found.name == "killed"
        assert not found.alive
        assert not found.key
    left = read(found.path.read_bytes())
    assert left.about.ended == ""
    assert len(left.step) > 10
    assert kd.import_recording(found.path)
    assert found.path.exists()


def test_a_disk_that_does_not_take_it_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from cache.recordings import Loop

    full, save = [True], Loop.save

    def sometimes(self: Loop, arrays: Any) -> None:
        if full[0]:
            raise OSError(28, "No space left on device")
        save(self, arrays)

    monkeypatch.setattr(Loop, "save", sometimes)
    with kd.watch("full", linear, X, Y, held_out=HELD_OUT) as watch:
        with pytest.warns(UserWarning, match="cannot be written yet"):
            watch(0, {"w": jnp.ones((3, 1))})
        full[0] = False
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            watch._due, watch._again = 10, time.monotonic()
            watch(1, {"w": jnp.ones((3, 1))})
    assert of(watch.result).step.tolist() == [0, 1]


# A recording from elsewhere.


def test_import_brings_one_in_and_says_where_it_opens(engine: Callable, tmp_path: Path, folder: Path) -> None:
    watched(linear)
    with closing(Store()) as store:
        (key,) = store._folders.run_keys()
        record = store.index.get(key)
        content = contents.find(record.values["source"]["digest"]) if record else None
    other = tmp_path / "elsewhere" / "run.npz"
    other.parent.mkdir()
    other.write_bytes(content or b"")
    code, said, wrong = engine("import", str(other))
    assert code == 0
    assert "?recording=" in said
    assert not wrong


@pytest.mark.parametrize(
    ("content", "said"), [(b"nothing", "cannot be read as npz"), (b"", "cannot be read as npz"), (None, "No such file")]
)
def test_import_of_a_bad_file_says_one_line(engine: Callable, tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "bad.npz").write_bytes(content)
    code, out, wrong = engine("import", str(tmp_path / "bad.npz"))
    assert code == 2
    assert said in wrong
    assert wrong.count("\n") == 1
    assert not out


def test_who_brings_one_in_may_name_its_owner(tmp_path: Path) -> None:
    with kd.watch("owned", linear, X, Y, held_out=HELD_OUT) as watch:
        watch(0, {"w": jnp.ones((3, 1))})
    with closing(Store()):
        content = contents.find(watch.result.config.source.digest) or b""
    (tmp_path / "owned.npz").write_bytes(content)
    with pytest.raises(ConfigError, match="owner: 'ann' given; an e-mail address is needed"):
        kd.import_recording(tmp_path / "owned.npz", owner="ann")
    key = kd.import_recording(tmp_path / "owned.npz", owner="Ann@Lab.example")  # who signs in has small letters
    with closing(Store()) as store:
        (claim,) = store.claims.of(key)
        assert (claim.person, claim.pinned) == ("ann@lab.example", True)
        store.claims.put(key, replace(claim, name="mine", note="the one with the low rate", tags=("paper",)))
    kd.import_recording(tmp_path / "owned.npz", owner="ann@lab.example")
    with closing(Store()) as store:
        assert store.claims.of(key) == (replace(claim, name="mine", note="the one with the low rate", tags=("paper",)),)


@pytest.mark.parametrize("after", [False, True])
def test_a_module_that_trained_on_is_not_recorded_as_of_its_last_call(after: bool) -> None:
    """It is read as it stands: what it is when the block ends is no state of that step."""
    module, sizes = Nnx(1), {}

    def called(watch: Any, step: int) -> None:
        sizes[step] = float(jnp.abs(module.readout.kernel[...]).sum())
        watch(step)

    with kd.watch("last", module, X, Y, held_out=HELD_OUT) as watch:
        for step in range(22):
            called(watch, step)
            module.readout.kernel[...] = 1.1 * module.readout.kernel[...]
        if after:
            called(watch, 22)
    found = of(watch.result)
    assert (found.step[-1] == 22) == after
    size = np.linalg.norm(found.outputs, axis=(1, 2)) / [sizes[int(step)] for step in found.step]
    np.testing.assert_allclose(size, size[0], rtol=1e-5)
