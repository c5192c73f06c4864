"""`kd.watch` of PyTorch's modules: kernels against autograd, example by example, and JAX's of the same weights; what it
refuses."""

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import engine as kd
from cache import Store
from engine.data import contents
from engine.recording.config import RecordedPerturbationConfig
from engine.recording.file import Recording, read
from engine.recording.job import perturb
from engine.recording.result import RecordedPerturbation
from engine.schema import ConfigError

torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed: nothing of its modules is tried")
nn = torch.nn

HELD_OUT = 5
RANDOM = np.random.default_rng(0)
FLAT = RANDOM.standard_normal((12, 4))
IMAGES = RANDOM.standard_normal((12, 2, 6, 6))
WORDS = RANDOM.integers(0, 7, (12, 3))


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of its own; its recordings."""
    monkeypatch.setenv("KERNEL_DRIFT_CACHE", str(tmp_path))
    torch.manual_seed(0)
    return tmp_path / f"store-{os.getuid()}" / "recordings"


def recorded(module: Any, x: np.ndarray, k: int, **more: Any) -> Recording:
    """At one checkpoint."""
    y = np.tile(np.sin(x.reshape(len(x), -1).sum(1, keepdims=True)), k)
    with kd.watch("torch", module, x, y, held_out=HELD_OUT, **more) as watch:
        watch(0)
    with closing(Store()):
        return read(contents.find(watch.result.config.source.digest) or b"")


def jacobian(module: Any, x: np.ndarray) -> np.ndarray:
    """(p k, parameters), of each example alone: plain backpropagation in float64, evaluation mode, of what trains."""
    import copy

    module = copy.deepcopy(module).double().eval()
    trained = [one for one in module.parameters() if one.requires_grad]
    rows = []
    for one in torch.as_tensor(x):
        for output in module(one[None])[0]:
            slopes = torch.autograd.grad(output, trained, retain_graph=True, allow_unused=True)
            parts = [torch.zeros_like(p) if g is None else g for p, g in zip(trained, slopes, strict=True)]
            rows.append(torch.cat([part.flatten() for part in parts]).numpy())
    return np.stack(rows)


class Tied(nn.Module):
    """One matrix twice: read by name once."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.out = nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        return self.out(torch.tanh(self.second(torch.tanh(self.first(x)))))


class Embedded(nn.Module):
    """The embedding is the readout too."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.mixing = nn.Embedding(7, 5), nn.Linear(5, 5)

    def forward(self, x: Any) -> Any:
        return torch.tanh(self.mixing(self.words(x).mean(1))) @ self.words.weight.T


class Scaled(nn.Module):
    """With a buffer, which does not train."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor([1.0, 3.0, 0.5, 2.0]))
        self.linear = nn.Linear(4, 1)

    def forward(self, x: Any) -> Any:
        return torch.relu(self.linear(x * self.scale)) + x[:, :1]


def convolution() -> Any:
    return nn.Sequential(
        nn.Conv2d(2, 6, 3, padding=1, stride=2), nn.GELU(), nn.Conv2d(6, 4, 3, groups=2), nn.Flatten(), nn.Linear(4, 3)
    )


def normalised() -> Any:
    """In training as elsewhere: a norm of each example."""
    return nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.SiLU(), nn.Linear(8, 2))


def averaged() -> Any:
    """Batch normalisation by running averages, in evaluation mode."""
    module = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 1))
    module(torch.as_tensor(FLAT, dtype=torch.float32))
    return module.eval()


def frozen() -> Any:
    module = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    module[0].requires_grad_(False)
    return module


def attention() -> Any:
    class Attends(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention, self.out = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 1)

        def forward(self, x: Any) -> Any:
            x = x.reshape(len(x), 1, 4) * torch.arange(1, 4).reshape(3, 1)
            return self.out(self.attention(x, x, x)[0].mean(1))

    return Attends()


def recurrent(kind: type[Any], k: int) -> Any:
    """Which PyTorch takes one example after the other."""

    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.out = kind(2, 5, batch_first=True), nn.Linear(5, k)

        def forward(self, x: Any) -> Any:
            return self.out(self.layer(x.reshape(len(x), 2, 2))[0][:, -1])

    return Recurrent()


MODULES: dict[str, tuple[Callable[[], Any], np.ndarray, int]] = {
    "convolution": (convolution, IMAGES, 3),
    "tied": (Tied, FLAT, 2),
    "embedding": (Embedded, WORDS, 7),
    "buffer": (Scaled, FLAT, 1),
    "layer norm": (normalised, FLAT, 2),
    "running averages": (averaged, FLAT, 1),
    "frozen": (frozen, FLAT, 2),
    "attention": (attention, FLAT, 1),
    "lstm": (lambda: recurrent(nn.LSTM, 2), FLAT, 2),
    "gru": (lambda: recurrent(nn.GRU, 1), FLAT, 1),
    "float64": (lambda: nn.Sequential(nn.Linear(4, 6), nn.Softplus(), nn.Linear(6, 2)).double(), FLAT, 2),
    "dropout in evaluation": (lambda: nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.5), nn.Linear(6, 1)).eval(), FLAT, 1),
}


@pytest.mark.filterwarnings("ignore:There is a performance drop")  # attention in evaluation mode has no batching rule
@pytest.mark.parametrize("name", MODULES)
def test_the_kernel_is_that_of_autograd_example_by_example(name: str) -> None:
    make, x, k = MODULES[name]
    module = make()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    modes = [part.training for part in module.modules()]
    asked = {"loss": "half_mean", "learning_rate": 0.1, "full_kernel": True}
    found = recorded(module, x, k, **asked)
    J, M = jacobian(module, x), len(x) - HELD_OUT
    full = J @ J.T
    traced = np.einsum("iojo->ij", full.reshape(len(x), k, len(x), k)) / k
    np.testing.assert_allclose(found.kernel[0], traced, atol=1e-12 * np.abs(full).max())
    if k > 1:
        assert found.full is not None
        np.testing.assert_allclose(found.full[0], full[:, : M * k], atol=1e-12 * np.abs(full).max())
    assert [part.training for part in module.modules()] == modes
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    assert not any(one.grad is not None for one in module.parameters())


def test_of_the_same_weights_it_is_that_of_jax() -> None:
    module = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 3))
    weights = [jnp.asarray(one.detach().numpy().astype(np.float64)) for one in module.parameters()]

    def apply(params: Any, x: Any) -> Any:
        for place in (0, 2):
            x = jnp.tanh(x @ params[place].T + params[place + 1])
        return x @ params[4].T + params[5]

    asked = {"loss": "half_mean", "learning_rate": 0.1, "full_kernel": True}
    own = recorded(module, FLAT, 3, **asked)
    y = own.targets
    with kd.watch("jax", apply, FLAT, y, held_out=HELD_OUT, **asked) as watch:
        watch(0, weights)
    with closing(Store()):
        theirs = read(contents.find(watch.result.config.source.digest) or b"")
    for name in ("kernel", "outputs", "full", "defect"):
        one, other = getattr(own, name), getattr(theirs, name)
        np.testing.assert_allclose(one, other, atol=1e-12 * np.abs(other).max(), err_msg=name)
    assert jax.config.jax_enable_x64


def test_a_loop_of_plain_descent_is_expanded_and_one_with_momentum_is_caught() -> None:
    def loop(momentum: float) -> Any:
        torch.manual_seed(1)
        module = nn.Sequential(nn.Linear(4, 20), nn.Tanh(), nn.Linear(20, 1))
        x, y = (torch.as_tensor(array, dtype=torch.float32) for array in (FLAT, np.sin(FLAT[:, :1])))
        M, optimiser = len(x) - HELD_OUT, torch.optim.SGD(module.parameters(), lr=0.05, momentum=momentum)
        asked = {"held_out": HELD_OUT, "loss": "mean", "learning_rate": 0.05}
        with kd.watch("sgd", module, FLAT, np.sin(FLAT[:, :1]), **asked) as watch:
            for step in range(40):
                watch(step)
                optimiser.zero_grad()
                torch.mean((module(x[:M]) - y[:M]) ** 2).backward()
                optimiser.step()
        return watch.result.recording

    config = loop(0.0)
    assert config.astray is None
    seed = RecordedPerturbation.from_arrays(dict(perturb(RecordedPerturbationConfig.of(config))["result"])).seeds[0]
    assert 0 < seed.facts["off"] < 1e-3
    assert seed.error("order_1").max() < seed.error("order_0").max()
    with pytest.warns(UserWarning, match="after step 1 the outputs are elsewhere"):
        assert loop(0.9).astray == 1


@pytest.mark.parametrize("after", [False, True])
def test_the_last_step_is_that_of_the_parameters_it_was_called_at(after: bool) -> None:
    """A module that is called before its update has trained on when the block ends: that is no state of this step."""
    module, weights = nn.Linear(4, 1, bias=False), {}
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1)

    def called(watch: Any, step: int) -> None:
        weights[step] = module.weight.detach().double().numpy().copy()
        watch(step)

    with kd.watch("last", module, FLAT, np.ones(12), held_out=HELD_OUT) as watch:
        for step in range(41):
            called(watch, step)
            optimiser.zero_grad()
            module(torch.as_tensor(FLAT, dtype=torch.float32)).square().mean().backward()
            optimiser.step()
        if after:
            called(watch, 41)
    with closing(Store()):
        found = read(contents.find(watch.result.config.source.digest) or b"")
    assert (found.step[-1] == 41) == after
    for step, f in zip(found.step, found.outputs, strict=True):
        np.testing.assert_allclose(f, FLAT @ weights[int(step)].T, atol=1e-14)


# What it refuses.


class Returning(nn.Module):
    def __init__(self, what: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self.linear, self.what = nn.Linear(4, 1), what

    def forward(self, x: Any) -> Any:
        return self.what(self.linear, x)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "batch norm in training": (
        lambda: nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 1)),
        "other outputs beside other examples than alone in training mode",
    ),
    "dropout in training": (
        lambda: nn.Sequential(nn.Linear(4, 30), nn.Dropout(0.5), nn.Linear(30, 1)),
        "draws at random in training mode",
    ),
    "mixes": (lambda: Returning(lambda linear, x: linear(x - x.mean(0))), "beside other examples than alone"),
    "draws": (lambda: Returning(lambda linear, x: linear(x) * torch.rand(())), "draws at random"),
    "no column": (
        lambda: Returning(lambda linear, x: linear(x)[:, 0]),
        r"outputs of shape \(12,\); \(12, k\) is needed",
    ),
    "several": (lambda: Returning(lambda linear, x: (linear(x), x)), "raised AttributeError"),
    "narrow": (lambda: Returning(lambda linear, x: linear(x).float()), "rounds to float32"),
    "not finite": (lambda: Returning(lambda linear, x: linear(x) / 0), "not finite"),
    "nothing trains": (lambda: nn.Linear(4, 1).requires_grad_(False), "has no parameter that trains"),
    "other inputs": (lambda: nn.Linear(5, 1), "raised RuntimeError"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_kernel_is_refused_before_the_first_step(name: str, folder: Path) -> None:
    make, said = REFUSED[name]
    module, state = make(), torch.random.get_rng_state()
    buffers = {name: tensor.clone() for name, tensor in module.named_buffers()}
    with pytest.raises(ConfigError, match=said) as refused:
        kd.watch("bad", module, FLAT, np.ones(12), held_out=HELD_OUT)
    assert "\n" not in str(refused.value)
    assert "ConfigError" not in str(refused.value)
    assert torch.equal(torch.random.get_rng_state(), state) or name == "draws"
    assert all(torch.equal(tensor, buffers[name]) for name, tensor in module.named_buffers())
    assert not folder.exists() or not list(folder.iterdir())


def test_a_parameter_without_a_part_is_told() -> None:
    class Lonely(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.lonely = nn.Linear(4, 1), nn.Linear(4, 1)

        def forward(self, x: Any) -> Any:
            return self.linear(x)

    with pytest.warns(UserWarning, match="do not depend on lonely.weight, lonely.bias"):
        recorded(Lonely(), FLAT, 1)


def test_it_is_looked_at_where_gradients_are_off() -> None:
    module = nn.Linear(4, 1)
    with torch.no_grad():
        found = recorded(module, FLAT, 1, loss="half_mean", learning_rate=0.1)
    np.testing.assert_allclose(found.kernel[0], FLAT @ FLAT.T + 1, atol=1e-13)
    step = found.descent.step[0] if found.descent else None
    r = (found.outputs[0] - found.targets)[:7, 0]
    np.testing.assert_allclose(step, -0.1 / 7 * (FLAT @ FLAT[:7].T + 1) @ r, atol=1e-14)
