"""Outputs and kernel of a PyTorch module, by `torch.func`. PyTorch is imported where somebody gives a module of it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from sys import intern
from typing import Any, NoReturn

import numpy as np
from jaxtyping import Float

from engine.problems import ConfigError, Problem
from engine.recording.kernels import Measured

ROUNDING = 1e-7
"""Outputs further apart than this share of the largest are others."""
IN_TRAINING = (
    " in training mode, which is what trains. Its kernel in evaluation mode would be that of another function: give it "
    "as it trains, without batch normalisation and dropout, or in evaluation mode (eval()) where that is what is meant"
)
CHUNK = 64
"""Examples whose Jacobians are held at once."""


def is_torch(network: Any) -> bool:
    """Whether it is a module of PyTorch."""
    return "torch" in sys.modules and isinstance(network, sys.modules["torch"].nn.Module)


@dataclass(frozen=True, eq=False)
class TorchNetwork:
    """A module on probe points: as it stands when it is asked, in evaluation mode and float64."""

    module: Any
    x: np.ndarray
    stands: bool = True

    @property
    def versions(self) -> str:
        return f"torch {sys.modules['torch'].__version__}, numpy {np.__version__}"

    def refuse(self, params: Any) -> list[str]:
        """The parameters that the outputs do not depend on.

        Raises `ConfigError`: outputs that are not (n, k), not finite or of fewer bits, or that depend on the other
        examples or the call, in evaluation mode or in the mode in which it stands, which is what trains.
        """
        trained = [name for name, one in self.module.named_parameters() if one.requires_grad]
        if not trained:
            _refuse("has no parameter that trains")
        with _tried():
            self._check_mode()
        with _tried(), _evaluating(self.module):
            _check(self._whole(), len(self.x))
            whole, again, half = self._whole(), self._whole(), self._whole(halves=True)
            alone = self.outputs()
            dead = self._dead()
        _compare(whole, again, half, "")
        _compare(whole, whole, alone, "")
        return dead

    def _check_mode(self) -> None:
        """Where it trains as another function than that of evaluation mode. What its call changes is then as before."""
        import torch  # pyright: ignore[reportMissingImports]

        if not any(part.training for part in self.module.modules()):
            return
        with torch.random.fork_rng(devices=[*range(torch.cuda.device_count())]):
            whole, again, half = self._whole(), self._whole(), self._whole(halves=True)
        _check(whole, len(self.x))
        _compare(whole, again, half, IN_TRAINING)

    def _whole(self, halves: bool = False) -> np.ndarray:
        """The outputs of all examples together, or of each half of them."""
        import torch  # pyright: ignore[reportMissingImports]

        with torch.no_grad():
            trained, still, x = self._tensors()
            some = [x[: len(x) // 2], x[len(x) // 2 :]] if halves else [x]
            found = [self._called({**trained, **still}, one) for one in some]
            return (torch.cat(found) if halves else found[0]).cpu().numpy()

    def _dead(self) -> list[str]:
        import torch  # pyright: ignore[reportMissingImports]

        trained, still, x = self._tensors()
        leaves = {name: tensor.requires_grad_() for name, tensor in trained.items()}
        with torch.enable_grad():
            f = self._called({**leaves, **still}, x)
            found = torch.autograd.grad(f.sum(), [*leaves.values()], allow_unused=True)
        return [name for name, slope in zip(leaves, found, strict=True) if slope is None]

    def mark(self) -> list[Any]:
        """What each of its tensors has been through, and which that is."""
        return [intern(f"{id(one)} {one._version}") for one in self.module.parameters()]

    def at(self, params: Any = None, full: int = 0) -> Measured:
        """J J^T, leaf by leaf; `params` is the module again, or None. With `full`, some M, also between outputs."""
        with _tried(), _evaluating(self.module):
            trained, still, x = self._tensors()
            f = self._outputs(trained, still, x)
            p, k = f.shape
            total, between = f.new_zeros((p, p)), f.new_zeros((p * k, full * k))
            for name in trained:
                J = self._jacobian(name, {**trained, **still}, x).reshape(p, k, -1)
                total += sum(J[:, head] @ J[:, head].T for head in range(k)) / k
                rows = J.reshape(p * k, -1)
                between += rows @ rows[: full * k].T
        return Measured(f.cpu().numpy(), total.cpu().numpy(), between.cpu().numpy() if full else None)

    def outputs(self, params: Any = None) -> Float[np.ndarray, "p k"]:
        """Each example alone."""
        with _tried(), _evaluating(self.module):
            return self._outputs(*self._tensors()).cpu().numpy()

    def moved(self, params: Any, pull: Float[np.ndarray, "M k"]) -> Float[np.ndarray, "p k"]:
        """The outputs at theta - J^T pull, J being that of the first M points: one step of descent on."""
        import torch  # pyright: ignore[reportMissingImports]

        with _tried(), _evaluating(self.module):
            trained, still, x = self._tensors()
            leaves = {name: tensor.requires_grad_() for name, tensor in trained.items()}
            with torch.enable_grad():
                f = self._called({**leaves, **still}, x[: len(pull)])
                down = torch.autograd.grad(f, [*leaves.values()], torch.as_tensor(pull).to(f), allow_unused=True)
            moved = {
                name: tensor.detach() if slope is None else (tensor - slope).detach()
                for (name, tensor), slope in zip(leaves.items(), down, strict=True)
            }
            return self._outputs(moved, still, x).cpu().numpy()

    def _tensors(self) -> tuple[dict, dict, Any]:
        """Trained parameters, everything else, and the points; in float64, whole numbers as they are."""
        import torch  # pyright: ignore[reportMissingImports]

        def wide(tensor: Any) -> Any:
            tensor = tensor.detach()  # its call must change nothing of the module's own, so that it is a copy
            return tensor.to(torch.float64, copy=True) if tensor.is_floating_point() else tensor.clone()

        own = dict(self.module.named_parameters())
        trained = {name: wide(tensor) for name, tensor in own.items() if tensor.requires_grad}
        still = {name: wide(tensor) for name, tensor in own.items() if name not in trained}
        still |= {name: wide(tensor) for name, tensor in self.module.named_buffers()}
        where = next(iter(trained.values())).device
        return trained, still, torch.as_tensor(self.x).to(where)

    def _called(self, tensors: dict, x: Any) -> Any:
        from torch.func import functional_call  # pyright: ignore[reportMissingImports]

        return functional_call(self.module, tensors, (x,))

    def _outputs(self, trained: dict, still: dict, x: Any) -> Any:
        """Each example alone."""
        return _for_each(lambda one: self._called({**trained, **still}, one[None])[0], x).detach()

    def _jacobian(self, name: str, tensors: dict, x: Any) -> Any:
        """Of the outputs of each example by one parameter."""
        from torch.func import jacrev  # pyright: ignore[reportMissingImports]

        def of_leaf(leaf: Any, one: Any) -> Any:
            return self._called({**tensors, name: leaf}, one[None])[0]

        of = jacrev(of_leaf)
        return _for_each(lambda one: of(tensors[name], one), x, lambda one: _by_rows(of_leaf, tensors[name], one))


def _for_each(of: Callable[[Any], Any], x: Any, alone: Callable[[Any], Any] | None = None) -> Any:
    """Of all examples: together, or one after the other, by `alone`, where PyTorch knows of some operation, such as a
    recurrent layer, no way to take them together."""
    import torch  # pyright: ignore[reportMissingImports]

    try:
        return torch.func.vmap(of, chunk_size=CHUNK)(x)
    except RuntimeError:
        return torch.stack([(alone or of)(one) for one in x])


def _by_rows(of: Callable[[Any, Any], Any], leaf: Any, x: Any) -> Any:
    """The Jacobian of one example by backpropagation from one output after the other."""
    import torch  # pyright: ignore[reportMissingImports]

    with torch.enable_grad():
        leaf = leaf.detach().requires_grad_()
        rows = [torch.autograd.grad(f, leaf, retain_graph=True, allow_unused=True)[0] for f in of(leaf, x)]
    return torch.stack([torch.zeros_like(leaf) if row is None else row for row in rows])


def _refuse(what: str) -> NoReturn:
    raise ConfigError([Problem("network", what)])


def _check(f: np.ndarray, count: int) -> None:
    """Of what shape and kind the outputs are."""
    if f.ndim != 2 or len(f) != count:
        _refuse(f"gives outputs of shape {f.shape}; ({count}, k) is needed")
    if f.dtype != np.float64:
        _refuse(f"rounds to {f.dtype} on the way: let it compute in the precision of its parameters")
    if not np.isfinite(f).all():
        _refuse("gives outputs that are not finite")


def _compare(whole: np.ndarray, again: np.ndarray, others: np.ndarray, where: str) -> None:
    """The outputs against those of another call, and of examples beside fewer others."""
    size = np.abs(whole).max()
    if not np.abs(whole - again).max() <= ROUNDING * size:
        _refuse(f"gives other outputs when it is called again: it draws at random{where}")
    if not np.abs(whole - others).max() <= ROUNDING * size:
        beside = "gives an example other outputs beside other examples than alone"
        _refuse(f"{beside}{where or ': its kernel example by example would be wrong'}")


@contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """Each part of the module in evaluation mode meanwhile, then as it was."""
    before = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in before:
            part.training = training


@contextmanager
def _tried() -> Iterator[None]:
    """An error of the user's module as a `ConfigError`."""
    try:
        yield
    except ConfigError:
        raise
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError, NotImplementedError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ConfigError([Problem("network", f"raised {type(error).__name__}: {lines[0]}")]) from error
