"""A loop that says that it is plain gradient descent: what is recorded of its steps, who is caught, the expansion."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import engine as kd
from cache import Store
from engine.data import contents
from engine.perturbation.result import SeedPerturbation
from engine.recording.config import MOST_STEPS, RecordedPerturbationConfig, RecordingConfig
from engine.recording.descent import Descent
from engine.recording.file import Recording, read
from engine.recording.job import perturb
from engine.recording.result import RecordedPerturbation
from engine.schema import ConfigError

M, HELD_OUT = 10, 6
X = np.random.default_rng(0).standard_normal((M + HELD_OUT, 3))
Y = np.stack([X[:, 0] * X[:, 1], np.sin(X[:, 2]), X[:, 0]], axis=1)
RATE = 0.05
FACTOR = {"half_mean": 1 / (2 * M), "mean": 1 / M, "half_sum": 0.5}
"""Of the sum of squares."""


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of its own; its recordings."""
    monkeypatch.setenv("KERNEL_DRIFT_CACHE", str(tmp_path))
    return tmp_path / f"store-{os.getuid()}" / "recordings"


def of(result: Any) -> Recording:
    """What was recorded."""
    Store().close()
    return read(contents.find(result.config.source.digest) or b"")


def network(params: Any, x: Any) -> Any:
    return jnp.tanh(x @ params["w"]) @ params["v"]


def drawn(k: int) -> dict[str, Any]:
    random = np.random.default_rng(3)
    return {"w": jnp.asarray(random.standard_normal((3, 12))), "v": jnp.asarray(random.standard_normal((12, k)) / 4)}


def record(
    k: int = 1, loss: str = "half_mean", count: int = 30, optimiser: Any = None, apply: Any = network, **more: Any
) -> Any:
    """A loop of optax, by default plain descent at `RATE`; float64."""
    params, optimiser = more.pop("params", drawn(k)), optimiser or optax.sgd(RATE)
    start = more.pop("start", 0)
    y, state = jnp.asarray(Y[:, :k]), optimiser.init(params)
    slope = jax.grad(lambda params: FACTOR[loss] * jnp.sum((apply(params, X[:M]) - y[:M]) ** 2))
    asked = {"held_out": HELD_OUT, "loss": loss, "learning_rate": RATE} | more
    with kd.watch("descent", apply, X, Y[:, :k], **asked) as watch:
        for step in range(start, start + count):
            watch(step, params)
            change, state = optimiser.update(slope(params), state, params)
            params = optax.apply_updates(params, change)
    return watch.result


def expanded(result: Any, **options: Any) -> SeedPerturbation:
    asked = RecordedPerturbationConfig.of(result.recording)
    asked = asked.model_copy(update={"options": asked.options.model_copy(update=options)})
    arrays = perturb(asked)["result"]
    return RecordedPerturbation.from_arrays(dict(arrays)).seeds[0]


@pytest.mark.parametrize("loss", FACTOR)
def test_its_own_steps_are_those_that_are_recorded(loss: str) -> None:
    result = record(loss=loss)
    found = of(result)
    descent = found.descent
    assert descent is not None
    assert descent.rate == pytest.approx(RATE * 2 * FACTOR[loss], rel=1e-14)
    looked = np.isfinite(descent.share())
    assert looked[:-1].all()
    assert descent.share()[looked].max() < 1e-12
    assert descent.astray() is None
    assert result.recording.astray is None


def test_the_kernel_between_outputs_is_that_of_jacobians() -> None:
    params = drawn(3)
    found = of(record(3, count=1, params=params, full_kernel=True))
    jacobian = jax.jacrev(network)(params, X)
    J = np.concatenate([leaf.reshape(len(X) * 3, -1) for leaf in jax.tree.leaves(jacobian)], axis=1)
    assert found.full is not None
    np.testing.assert_allclose(found.full[0], J @ J[: 3 * M].T, atol=1e-12 * np.abs(J @ J.T).max())


def test_what_a_step_misses_is_told_as_a_share_of_the_step() -> None:
    """By hand: -0.1 x 2 x 3 and .02 by curvature are -.58; the loop moved by -.57, and stood still where it was to."""
    column = np.array([[3.0], [0.0]])
    found = Descent(0.1, np.full((2, 1, 1), 2.0), 100 + column, column, np.array([[0.02], [0.0]]),
                    np.array([[102.43], [100.0]]))  # fmt: skip
    np.testing.assert_allclose(found.missed(), [0.01, 0.0], atol=1e-12)
    np.testing.assert_allclose(found.share(), [0.01 / 0.58, np.nan], rtol=1e-9)


@pytest.mark.parametrize("first", [0, 1000])
def test_a_linear_network_is_carried_whole_by_its_frozen_kernel(first: int) -> None:
    """f' = -K r with K = X X^T for good: order 0 is the network, and f_t is in closed form from the first checkpoint
    on, of a loop that is taken up again too."""
    result = record(apply=lambda params, x: x @ params["w"], params={"w": jnp.ones((3, 1))}, start=first)
    seed = expanded(result)
    assert seed.error("order_0").max() < 1e-13
    assert np.abs(seed["modes"][1:]).max() < 1e-13
    values, U = np.linalg.eigh(X[:M] @ X[:M].T)
    start = U.T @ (X[:M].sum(1) - Y[:M, 0])
    assert seed.facts["first_step"] == first
    steps = np.array(result.seeds[0]["step"]) - first
    r = (1 - RATE / M * values) ** steps[:, None] * start @ U.T
    np.testing.assert_allclose(seed["residuals"][1], r, atol=1e-12)
    for order in (0, 1, 4):  # the network, order 0 and the whole
        np.testing.assert_allclose(seed["outputs_held_out"][order], of(result).outputs[:, M:, 0], atol=1e-12)
    np.testing.assert_allclose(seed["t"], RATE / M * steps, rtol=1e-14)


@pytest.mark.parametrize("k", [1, 3])
def test_the_whole_propagator_with_its_floor_is_the_network(k: int) -> None:
    """Every step recorded: the path of K is known at each, so that the product of (I - eta K_t) and the defects of the
    steps give the network's own residual to rounding."""
    steps = 12
    result = record(k, count=steps, full_kernel=k > 1, steps=range(steps))
    found, seed = of(result), expanded(result)
    assert found.step.tolist() == list(range(steps))
    kernels = found.kernel[:, :, :M] if found.full is None else found.full
    r = (found.outputs[0] - found.targets)[:M].ravel()
    for K in kernels[:-1]:
        r = r - RATE / M * K[: M * k] @ r
    np.testing.assert_allclose(seed["residuals"][4][-1], r, atol=1e-13)
    assert seed.error("full")[-1] == pytest.approx(float(seed.floor[-1]), rel=1e-9)
    assert seed.error("order_1").max() < seed.error("order_0").max()


# Who is caught.

OTHERS: dict[str, Callable[[], Any]] = {
    "momentum": lambda: record(optimiser=optax.sgd(RATE, momentum=0.9)),
    "adam": lambda: record(optimiser=optax.adam(RATE)),
    "another rate": lambda: record(learning_rate=1.1 * RATE),
    "another loss": lambda: record(optimiser=optax.sgd(2 * RATE)),
    "weight decay": lambda: record(optimiser=optax.chain(optax.add_decayed_weights(0.1), optax.sgd(RATE))),
    "a part that does not train": lambda: record(
        optimiser=optax.multi_transform({"on": optax.sgd(RATE), "off": optax.set_to_zero()}, {"w": "off", "v": "on"})
    ),
    "a rate that falls": lambda: record(optimiser=optax.sgd(lambda step: jnp.where(step < 15, RATE, RATE / 10))),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_loop_that_steps_elsewhere_is_told_and_not_expanded(name: str) -> None:
    with pytest.warns(UserWarning, match="does not make the loop's own steps: after step") as told:
        result = OTHERS[name]()
    assert sum("own steps" in str(one.message) for one in told) == 1
    first = result.recording.astray
    assert first == 0 if name in ("adam", "another rate", "another loss", "weight decay") else first is not None
    with pytest.raises(ConfigError, match=f"after step {first:,} its outputs were elsewhere"):
        RecordedPerturbationConfig.of(result.recording)


def test_rounding_of_a_loop_in_float32_is_no_other_step() -> None:
    """Its noise is the worst miss over a random walk of 199 steps, of ||r(0)||."""
    single = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), drawn(1))
    result = record(params=single, count=200)
    seed, found = expanded(result), of(result)
    assert 0 < seed.facts["off"] < 1e-3
    assert seed.facts["looked_at"] > 20
    assert found.after is not None
    assert found.defect is not None
    r = found.outputs[:, :M] - found.targets[:M]
    missed = found.after - found.outputs - found.defect + RATE / M * found.kernel[:, :, :M] @ r
    worst = np.nanmax(np.linalg.norm(missed, axis=(1, 2)))
    assert seed.facts["noise"] == pytest.approx(worst * 199**0.5 / np.linalg.norm(r[0]), rel=1e-6)


def test_held_out_points_are_those_that_are_asked_for() -> None:
    """Every other one of six, of three outputs: the recorded outputs and targets there."""
    result = record(3, count=5, full_kernel=True)
    found, seed = of(result), expanded(result, held_out=3)
    rows = M + np.array([0, 2, 4])
    np.testing.assert_array_equal(seed["held_out"], [0, 2, 4])
    np.testing.assert_array_equal(seed["outputs_held_out"][0], found.outputs[:, rows].reshape(-1, 9))
    np.testing.assert_array_equal(seed["y_held_out"], Y[rows].ravel())


def test_steps_that_nobody_could_look_at_are_said_to_be_unseen() -> None:
    params = drawn(1)
    with kd.watch(
        "rare", network, X, Y[:, :1], held_out=HELD_OUT, loss="mean", learning_rate=RATE, steps=[0, 5]
    ) as watch:
        for step in (0, 5):
            watch(step, params)
    seed = expanded(watch.result)
    assert (seed.facts["looked_at"], seed.facts["off"]) == (0, None)


# What is not expanded, and what is refused before the first step.

LACKING = {
    "rate": ({"learning_rate": None}, "learning_rate: is not recorded: the expansion is of plain gradient descent"),
    "loss": ({"loss": None}, r"loss: is not recorded: the expansion is of f' = -K \(f - y\)"),
    "loss of classes": ({"loss": "logistic"}, "loss: is logistic: the expansion"),
    "outputs": ({"outputs": 3}, "full_kernel: the kernel between the 3 outputs is not recorded"),
    "rows": ({"outputs": 200, "full": True}, "2000 rows, at most 1024 are expanded"),
    "too long": ({"span": MOST_STEPS + 1}, "at most 1,000,000 are stepped through"),
    "too many": ({"train": 512, "checkpoints": 5000}, "GB are allowed: record fewer points or steps"),
}


@pytest.mark.parametrize("name", LACKING)
def test_what_a_recording_lacks_is_said(name: str) -> None:
    changed, said = LACKING[name]
    values = {"recording": "a", "source": {"file": "a.npz", "digest": "0" * 64}, "train": M, "held_out": HELD_OUT,
              "outputs": 1, "checkpoints": 4, "loss": "mean", "learning_rate": RATE, "span": 30}  # fmt: skip
    assert RecordedPerturbationConfig.of(RecordingConfig.from_dict(values))
    with pytest.raises(ConfigError, match=said):
        RecordedPerturbationConfig.of(RecordingConfig.from_dict(values | changed))


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no rate": ({"learning_rate": None, "full_kernel": True}, "learning_rate: is missing: full_kernel is for"),
    "no loss": ({"loss": None, "full_kernel": True}, "loss: None given: full_kernel is for Perturbation"),
    "a loss of classes": ({"loss": "logistic", "full_kernel": True}, "half_mean, mean or half_sum is needed"),
    "a negative rate": ({"learning_rate": -1.0}, "learning_rate"),
    "no number": ({"learning_rate": "fast"}, "learning_rate"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_refused_before_the_first_step(name: str) -> None:
    more, said = BAD[name]
    with pytest.raises(ConfigError, match=said):
        kd.watch("bad", network, X, Y, **{"held_out": HELD_OUT, "loss": "mean", "learning_rate": RATE} | more)


@pytest.mark.parametrize("early", [True, False])
def test_too_large_a_kernel_between_outputs_is_refused_before_it_is_computed(
    early: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """100 outputs of 10 points: 1000 x 1600 numbers a checkpoint fit, 200 outputs do not."""
    monkeypatch.setattr("engine.recording.kernels.ntk", None)
    params, classes = drawn(200), np.arange(M + HELD_OUT)
    asked = {"held_out": HELD_OUT, "loss": "mean", "learning_rate": RATE, "full_kernel": True}
    said = r"10 \+ 6 points and 200 outputs has 6,400,256 numbers a checkpoint, 2,000 rows"
    with pytest.raises(ConfigError, match=said):
        kd.watch("large", network, X, classes, params=params if early else None, **asked)(0, params)


def test_kernels_between_outputs_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.recording.targets.MOST_VALUES", 12 * (16**2 + 48 * 30))
    found = of(record(3, count=60, full_kernel=True))
    assert len(found.step) <= 14
    assert found.step[-1] == 59
    assert found.full is not None
    assert found.full.shape == (len(found.step), 48, 30)


def test_a_loop_that_overflows_is_recorded_up_to_there() -> None:
    result = record(optimiser=optax.sgd(1e12), learning_rate=1e12, count=60)
    assert of(result).about.ended == "diverged"


# The file.


def whole() -> Recording:
    return of(record(3, count=5, full_kernel=True))


def test_a_file_of_it_is_checked() -> None:
    import io

    def content(found: Recording, **arrays: Any) -> bytes:
        file = io.BytesIO()
        np.savez(file, **{name: a for name, a in (found.to_arrays() | arrays).items() if a is not None})
        return file.getvalue()

    good = whole()
    assert good.full is not None
    full = good.full.copy()
    full[1, 0, 1] += 1
    assert read(content(good)).about == good.about
    cases: list[tuple[dict[str, Any], str]] = [
        ({"full": full}, "full at step 1 is not symmetric"),
        ({"full": 2 * good.full}, "full at step 0 is not of the same network as kernel"),
        ({"full": -good.full}, "full at step 0 is no kernel"),
        ({"full": good.full[:, :, :-1]}, r"full is of shape"),
        ({"full": good.full * np.nan}, "full has an entry that is not finite"),
        ({"defect": None}, "has a learning_rate, but no defect"),
        ({"after": np.full(good.outputs.shape, np.inf)}, "after has an infinite entry"),
    ]
    for changed, said in cases:
        with pytest.raises(ValueError, match=said):
            read(content(good, **changed))
    unsaid = replace(good, about=good.about.model_copy(update={"learning_rate": None}))
    with pytest.raises(ValueError, match="but neither learning_rate nor a squared loss"):
        read(content(unsaid))


def test_recordings_of_before_keep_their_key() -> None:
    """As at 2e3b334."""
    values = {"recording": "a", "source": {"file": "a.npz", "digest": "0" * 64}, "train": 5, "held_out": 4,
              "outputs": 1, "checkpoints": 4, "loss": "mean"}  # fmt: skip
    assert RecordingConfig.from_dict(values).hash == "5a79f8e98019d6d9ce8c0b18ba98eae37415a4fe2ab5b89c9fbf8e1fa35e83ec"
