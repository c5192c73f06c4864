"""This process is no server, whatever pages it has shown."""

import pytest

from engine.networks.module import listed


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "_serving", False)
