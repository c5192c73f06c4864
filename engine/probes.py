"""Points other than the data, at which a run is looked at: a circle in the plane of the first two inputs."""

import numpy as np
from jaxtyping import Float

from engine.config import RunConfig


def probe_angles(count: int) -> Float[np.ndarray, " q"]:
    """Equally spaced angles in [0, 2 pi), from 0."""
    return 2 * np.pi * np.arange(count) / count


def probe_points(config: RunConfig) -> Float[np.ndarray, "q n_0"]:
    """The probe points of a run, none (q = 0) where it asks for none; inputs beyond the second are 0."""
    angle = probe_angles(config.probes) if config.probes else np.zeros(0)
    points = np.zeros((len(angle), config.data.input_dim))
    points[:, :2] = config.probe_radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)[:, : points.shape[1]]
    return points
