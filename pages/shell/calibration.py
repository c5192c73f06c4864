"""How fast computing is, measured once by a job of its own and kept by the name of the server; estimates use it."""

import platform

import cache
from engine.cost import Calibration, CalibrationConfig

CONFIG = CalibrationConfig(device=platform.node() or "this machine")


def start() -> None:
    """Has it measured, unless it was."""
    cache.current().request("calibration", CONFIG, "calibration")


def measured() -> Calibration | None:
    """What was measured; None while it was not."""
    arrays = cache.current().lookup("calibration", CONFIG)
    return Calibration(**{name: float(value) for name, value in arrays.items()}) if arrays else None
