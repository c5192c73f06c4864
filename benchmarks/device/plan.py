"""What is measured, at full size and at toy size."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Sizes of every section.

    Attributes:
        products: sizes of the square matrix products whose best rate is the device's.
        kernels: points, width and hidden layers of the kernels that are timed.
        cells: depth and width of the networks of a map's cells.
        together: seeds that one program trains.
        points: of the kernels whose memory is measured, ascending.
        rounds: timed repetitions.
    """

    products: tuple[int, ...]
    kernels: tuple[tuple[int, int, int], ...]
    cells: tuple[tuple[int, int], ...]
    together: tuple[int, ...]
    points: tuple[int, ...]
    rounds: int


FULL = Plan(
    products=(2048, 4096, 8192),
    kernels=((256, 64, 32), (512, 512, 8), (1024, 256, 6), (2048, 2048, 3), (4096, 1024, 4)),
    cells=((4, 64), (8, 256)),
    together=(1, 4, 16, 64),
    points=(512, 1024, 2048, 4096, 8192, 16384),
    rounds=7,
)
ON_CPU = Plan(
    products=(1024, 2048),
    kernels=((256, 64, 32), (512, 512, 8), (1024, 256, 6)),
    cells=((4, 64),),
    together=(1, 4, 16),
    points=(512, 1024, 2048),
    rounds=5,
)
TOY = Plan(products=(64,), kernels=((16, 8, 2),), cells=((1, 4),), together=(1, 2), points=(16, 32), rounds=2)
