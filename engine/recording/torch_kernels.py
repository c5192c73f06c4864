"""Outputs and kernel of a PyTorch module, by `torch.func`. PyTorch is imported where somebody gives a module of it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.problems import ConfigError, Problem
from engine.recording.kernels import Measured

ROUNDING = 1e-7
"""Outputs further apart than this share of the largest are others."""
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
        """Raises `ConfigError`: outputs that are not (n, k), or depend on the other examples or the call."""
        with _tried(), _evaluating(self.module):
            trained, still, x = self._tensors()
            alone = self._outputs(trained, still, x).cpu().numpy()
            whole, again = (self._called({**trained, **still}, x).cpu().numpy() for _ in range(2))
        if whole.ndim != 2 or len(whole) != len(self.x):
            raise ConfigError(
                [Problem("network", f"gives outputs of shape {whole.shape}; ({len(self.x)}, k) is needed")]
            )
        size = np.abs(whole).max()
        if np.abs(whole - again).max() > ROUNDING * size:
            raise ConfigError([Problem("network", "gives other outputs when it is called again: it draws at random")])
        if np.abs(whole - alone).max() > ROUNDING * size:
            raise ConfigError(
                [Problem("network", "gives an example other outputs beside other examples than alone: its kernel "
                         "example by example would be wrong")]
            )  # fmt: skip
        return []

    def at(self, params: Any = None) -> Measured:
        """J J^T, leaf by leaf; `params` is the module again, or None."""
        from torch.func import jacrev, vmap  # pyright: ignore[reportMissingImports]

        with _tried(), _evaluating(self.module):
            trained, still, x = self._tensors()
            f = self._outputs(trained, still, x)
            p, k = f.shape
            total = f.new_zeros((p, p))
            for name, leaf in trained.items():
                others = {**trained, **still}

                def of_leaf(leaf: Any, x: Any, name: str = name, others: dict = others) -> Any:
                    return self._called({**others, name: leaf}, x[None])[0]

                J = vmap(jacrev(of_leaf), (None, 0), chunk_size=CHUNK)(leaf, x).reshape(p, k, -1)
                total += sum(J[:, head] @ J[:, head].T for head in range(k)) / k
        return Measured(f.cpu().numpy(), total.cpu().numpy())

    def _tensors(self) -> tuple[dict, dict, Any]:
        """Trained parameters, everything else, and the points; in float64, whole numbers as they are."""
        import torch  # pyright: ignore[reportMissingImports]

        def wide(tensor: Any) -> Any:
            tensor = tensor.detach()
            return tensor.double() if tensor.is_floating_point() else tensor

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
        from torch.func import vmap  # pyright: ignore[reportMissingImports]

        return vmap(lambda one: self._called({**trained, **still}, one[None])[0], chunk_size=CHUNK)(x).detach()


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
    except (RuntimeError, TypeError, ValueError, IndexError, StopIteration) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ConfigError([Problem("network", f"raised {type(error).__name__}: {lines[0]}")]) from error
