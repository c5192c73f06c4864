"""How a loop that `kd.watch` records ends, what is kept of it, and recordings from elsewhere."""

import json
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

import jax.numpy as jnp
import numpy as np
import pytest
from recorded_loops import HELD_OUT, Nnx, X, Y, linear, of, watched

import engine as kd
from cache import Store
from engine.data import contents
from engine.recording.file import read
from engine.schema import ConfigError

pytestmark = pytest.mark.usefixtures("folder")


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


def steps_in(path: Path) -> int:
    return len(read(path.read_bytes()).step)


@pytest.mark.whole
def test_a_loop_that_is_killed_leaves_a_recording_that_can_be_read(folder: Path) -> None:
    """In the midst of its steps, once its file has more than the first of them: it is written now and then."""
    with (
        closing(Store()) as store,
        subprocess.Popen([sys.executable, "-c", LOOP], stdout=subprocess.PIPE, text=True) as loop,
    ):
        assert loop.stdout is not None
        steps = map(int, loop.stdout)
        while next(steps) % 500 < 499 or [steps_in(one.path) > 10 for one in store.recordings.listed()] != [True]:
            pass
        loop.send_signal(signal.SIGKILL)
    with closing(Store()) as store:
        (found,) = store.recordings.listed()
        assert found.name == "killed"
        assert not found.alive
        assert not found.key
    left = read(found.path.read_bytes())
    assert left.about.ended == ""
    assert steps_in(found.path) > 10
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
        assert (claim.person, claim.pinned, claim.brought) == ("ann@lab.example", True, True)
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
