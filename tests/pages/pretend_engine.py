"""A small config, an engine that only pretends, and what a page says."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from streamlit.testing.v1 import AppTest

from cache import Device, Job, Run
from engine import jobs
from engine.schema import Config

MAIN = Path(__file__).resolve().parents[2] / "pages" / "main.py"

SMALL = {
    "data": {"name": "circle", "size": 12, "test_size": 16, "frequencies": [1, 2]},
    "network": {"depth": 1, "width": 16},
    "training": {"max_steps": 40, "checkpoints": 6},
    "seeds": [0, 1],
}
SMALL_QUERY = {
    "size": "12", "test_size": "16", "frequencies": "1, 2", "amplitudes": "", "depth": "1", "width": "16",
    "max_steps": "40", "checkpoints": "6", "seeds": "0, 1", "output_bias": "true", "centred": "false",
}  # fmt: skip


class PretendEngine:
    """What pages ask of the cached engine, with jobs that stand where a test puts them."""

    def __init__(self):
        self.jobs: dict[str, Job] = {}
        self.asked: list[tuple[str, str]] = []
        self.results: dict[str, Mapping] = {}
        self.records: dict[str, Any] = {}
        self.runs: list[Run] = []
        self.store = SimpleNamespace(index=SimpleNamespace(get=self.records.get), pinned=frozenset)

    def put(self, config: Config, state: str, **changes: Any) -> str:
        key = jobs.key("run", config)
        self.jobs[key] = Job(key, "run", config, state, **changes)  # pyright: ignore[reportArgumentType]
        return key

    def lookup(self, kind: str, config: Config, entry: str = "result") -> Mapping | None:
        return self.results.get(jobs.key(kind, config))

    def request(self, kind: str, config: Config, viewer: str, entry: str = "result") -> Job:
        key = jobs.key(kind, config)
        self.asked.append((key, viewer))
        return self.jobs.setdefault(key, Job(key, kind, config, "queued"))

    def retry(self, kind: str, config: Config, viewer: str, entry: str = "result") -> Job:
        key = jobs.key(kind, config)
        if key in self.jobs and self.jobs[key].done:
            del self.jobs[key]
        return self.request(kind, config, viewer, entry)

    def job(self, key: str, viewer: str = "") -> Job | None:
        return self.jobs.get(key)

    def cancel(self, key: str, viewer: str) -> Job | None:
        self.jobs[key] = replace(self.jobs[key], state="cancelled")
        return self.jobs[key]

    def recent(self, limit: int = 100) -> list[Run]:
        return self.runs[:limit]

    def pin(self, key: str) -> None: ...

    def unpin(self, key: str) -> None: ...

    def device(self) -> Device | None:
        return Device("Test CPU", "cpu", 8 * 10**9, "here")


def texts(app: AppTest) -> str:
    """Everything that the page says."""
    kinds = ("markdown", "caption", "error", "warning", "info", "success", "title", "header", "subheader")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind)).replace("\\", "")
