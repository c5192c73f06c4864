"""Which kernel a result is of, where it is not the neural tangent kernel. No Streamlit here."""

from typing import Protocol

from engine.config import KernelName

NAMES = {
    "conjugate": "conjugate kernel",
    "infinite_ntk": "neural tangent kernel at infinite width",
    "infinite_nngp": "NNGP kernel at infinite width",
}
OF_THE_NETWORK = (
    "$K_t$ is here the **{name}**, of the last hidden layer's activations: the part that the readout's weights have in "
    "the neural tangent kernel."
)
OF_INFINITE_WIDTH = (
    "$K$ is here the **{name}**: it **does not move**, $K_t = K_0$ throughout, and what changes along the run is the "
    "network alone."
)
NOT_OF_IT = (
    r"Step and stability are those of the network's neural tangent kernel{shown}; what needs $f' = -Kr$, which holds "
    "for it alone, is left out."
)
LARGEST = r", whose $\lambda_{\max}$ is shown"


class Following(Protocol):
    """What says which kernel is followed: a run, or a recording."""

    @property
    def kernel(self) -> KernelName: ...

    @property
    def kernel_moves(self) -> bool: ...


def which_kernel(run: Following, shown: str = "") -> list[str]:
    """What K is in this result, and what is left out for it; nothing where it is the neural tangent kernel.

    Args:
        shown: what the page shows of the neural tangent kernel all the same.
    """
    if run.kernel == "ntk":
        return []
    of = OF_THE_NETWORK if run.kernel_moves else OF_INFINITE_WIDTH
    return [of.format(name=NAMES[run.kernel]), NOT_OF_IT.format(shown=shown)]


def in_short(run: Following) -> str:
    """Its name, to stand among facts; empty for the neural tangent kernel."""
    return "" if run.kernel == "ntk" else f"{NAMES[run.kernel]}; "
