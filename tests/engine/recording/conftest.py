"""A cache for each test."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of its own; its recordings."""
    monkeypatch.setenv("KERNEL_DRIFT_CACHE", str(tmp_path))
    return tmp_path / f"store-{os.getuid()}" / "recordings"
