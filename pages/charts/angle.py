"""The axis of the angle on the circle, from -π to π."""

import altair as alt
import numpy as np

from pages.theme import AXIS, label_expression

TICKS = {-np.pi: "−π", -np.pi / 2: "−π/2", np.pi / 2: "π/2", np.pi: "π"}


def wrapped(angle: np.ndarray) -> np.ndarray:
    """Angles moved into [-π, π)."""
    return (np.asarray(angle, float) + np.pi) % (2 * np.pi) - np.pi


def angle_x() -> alt.X:
    """The encoding of the column `angle`."""
    labels = f"abs(datum.value) < 1e-6 ? '0' : ({label_expression(TICKS)})"
    axis = alt.Axis(title="angle θ", values=[*TICKS, 0.0], labelExpr=labels, **AXIS)
    return alt.X("angle:Q", scale=alt.Scale(domain=[-np.pi, np.pi], nice=False), axis=axis)
