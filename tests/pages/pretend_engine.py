"""A small config, an engine that only pretends, and what a page says."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from streamlit.testing.v1 import AppTest

from cache import Device, Job, NotAllowed, Run
from cache.batches import Batches
from cache.listing import RunFilter
from cache.logins import EndedLogins
from cache.maps import Whole
from cache.overview import Work
from cache.policy import Everything, Policy
from cache.run_folders import Record
from engine import jobs
from engine.schema import Config
from pages.shell.link import READY

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


TABLE = "a,b,c,d\n" + "\n".join(f"{i},{(7 * i) % 5},{i * i},{-i}" for i in range(20))
TINY = {"training": {"max_steps": 30, "checkpoints": 5}, "store_parameters": False}
KERNEL = {
    "data": {"name": "circle", "size": 8, "test_size": 8, "frequencies": [1]},
    "network": {"depth": 1, "width": 8},
    **TINY,
}
RUNS = {
    "small": SMALL,
    "sphere": {
        "data": {"name": "sphere", "size": 10, "test_size": 12},
        "network": {"depth": 2, "width": [8, 6]},
        **TINY,
    },
    "moons": {"data": {"name": "two_moons", "size": 10, "test_size": 12}, "network": {"depth": 1, "width": 8}, **TINY},
    "digits": {
        "data": {"name": "digits", "size": 12, "test_size": 12, "classes": None},
        "network": {"depth": 1, "width": 8},
        **TINY,
    },
    "table": {
        "data": {"name": "csv", "content": TABLE, "target": ["c", "d"]},
        "network": {"depth": 1, "width": 8},
        **TINY,
    },
    "probes": {
        "data": {"name": "circle", "size": 8, "test_size": 8, "frequencies": [1]},
        "network": {"depth": 1, "width": 8},
        "probes": {"name": "circle", "size": 40, "points": "random"},
        **TINY,
    },
    "probes elsewhere": {
        "data": {"name": "sphere", "dim": 3, "size": 10, "test_size": 12},
        "network": {"depth": 1, "width": 8},
        "probes": {"name": "sphere", "dim": 3, "size": 6, "radius": 0.5},
        **TINY,
    },
    "conjugate": {**KERNEL, "kernel": "conjugate"},
    "infinite width": {**KERNEL, "kernel": "infinite_ntk"},
    "module": {
        "data": {"name": "circle", "size": 8, "test_size": 8, "frequencies": [1]},
        "network": {"kind": "module", "name": "tests.pages.module_net:net", "arguments": {"width": 6}},
        **TINY,
    },
    "diverged": {
        "data": {"name": "circle", "size": 8, "test_size": 8, "frequencies": [1]},
        "network": {"depth": 1, "width": 8, "activation": "linear"},
        "training": {"stability_fraction": 5, "allow_unstable": True, "max_steps": 200, "checkpoints": 5},
        "seeds": [0, 1],
    },
    "dead": {
        "data": {"name": "circle", "size": 8, "test_size": 8, "frequencies": [1]},
        "network": {"depth": 64, "width": 1, "sigma_b": 0, "train_bias": False, "output_bias": False},
        **TINY,
    },
}
"""Runs of every kind that the pages must show, small enough for tests."""


ACTS = ("pin", "unpin", "rename", "tag", "note", "delete", "cancel", "cancel_all", "drain")
ROWS = tuple(
    {"seed": seed, "step": step, "t": 0.1 * step, "loss": 1 / (1 + step), "residual": 1.0, "drift": 0.01 * step,
     "shape_drift": 0.0, "train_error": 1.0, "test_error": 1.0, "cka": 1.0, "alignment_train": 0.5,
     "alignment_test": 0.5, "lambda_max": 3.0}
    for seed in (0, 1)
    for step in range(4)
)  # fmt: skip
"""What a run of two seeds reports."""


class PretendEngine:
    """What pages ask of the cached engine, with jobs that stand where a test puts them."""

    def __init__(self):
        self.jobs: dict[str, Job] = {}
        self.asked: list[tuple[str, str]] = []
        self.results: dict[str, Mapping] = {}
        self.records: dict[str, Any] = {}
        self.olds: dict[str, Record] = {}
        self.runs: list[Run] = []
        index = SimpleNamespace(
            get=self.records.get, find=self._find, how_many=lambda which: len(self._filtered(which)), taken=dict
        )
        claims = SimpleNamespace(listed=lambda key: ())
        recordings = SimpleNamespace(listed=list, find=lambda id: None)
        self.store = SimpleNamespace(index=index, pinned=lambda key: False, claims=claims, recordings=recordings)
        self.noted: list[tuple[str, str]] = []
        self.policy: Policy = Everything()
        self.logins = EndedLogins(Path(os.devnull))
        self.acts: list[tuple[str, ...]] = []
        self.maps: dict[str, str] = {}
        self.actors: list[str] = []
        self.ownership = SimpleNamespace(**{name: partial(self._act, name) for name in ACTS})
        self.fault = ""
        self.going_on = Work((), (), (), {})
        self.refuses: set[str] = set()
        # On no disk: of a folder it would make a private one.
        self.batches = Batches(self, Path(os.devnull))  # pyright: ignore[reportArgumentType]

    def _find(self, beginning: str, limit: int) -> list[str]:
        return [key for key in self.records if key.startswith(beginning)][:limit]

    def work(self) -> Work:
        return self.going_on

    def put(self, config: Config, state: str, **changes: Any) -> str:
        key = jobs.key("run", config)
        self.jobs[key] = Job(key, "run", config, state, **changes)  # pyright: ignore[reportArgumentType]
        return key

    def lookup(self, kind: str, config: Config, entry: str = "result") -> Mapping | None:
        return self.results.get(jobs.key(kind, config))

    def earlier(self, kind: str, config: Config) -> Record | None:
        return self.olds.get(jobs.key(kind, config))

    def request(self, kind: str, config: Config, viewer: str, entry: str = "result", background: bool = False) -> Job:
        key = jobs.key(kind, config)
        self.asked.append((key, viewer))
        if key in self.results:
            return Job(key, kind, config, "finished", 1.0)
        return self.jobs.setdefault(key, Job(key, kind, config, "queued"))

    def retry(self, kind: str, config: Config, viewer: str, entry: str = "result", background: bool = False) -> Job:
        key = jobs.key(kind, config)
        if key in self.jobs and self.jobs[key].state in ("failed", "cancelled"):
            del self.jobs[key]
        return self.request(kind, config, viewer, entry)

    def job(self, key: str, viewer: str = "") -> Job | None:
        return self.jobs.get(key)

    def cancel(self, key: str, viewer: str) -> Job | None:
        self.jobs[key] = replace(self.jobs[key], state="cancelled")
        return self.jobs[key]

    def recent(self, limit: int = 100, kind: str | None = None) -> list[Run]:
        return [run for run in self.runs if kind in (None, run.kind)][:limit]

    def listed(self, which: RunFilter, limit: int, offset: int = 0) -> list[Run]:
        return self._filtered(which)[offset : offset + limit]

    def _filtered(self, which: RunFilter) -> list[Run]:
        """By kind only."""
        return [run for run in self.runs if run.kind in which.kinds and (run.pinned or not which.kept)]

    def note(self, whole: Whole, viewer: str, link: str = "") -> str:
        self.maps[whole.key] = link
        return whole.key

    def audit(self, who: str, action: str, **facts: object) -> None:
        self.noted.append((who, action))

    def policy_now(self) -> Policy:
        return self.policy

    def trouble(self) -> str:
        return self.fault

    def _act(self, name: str, key: str, viewer: str, *rest: Any, **more: Any) -> None:
        self.acts.append((name, key, *rest, *more.values()))
        self.actors.append(viewer)
        if name in self.refuses:
            raise NotAllowed("Not today.")

    def device(self) -> Device | None:
        return Device("Test CPU", "cpu", 8 * 10**9, "here")


def visited(page: str, query: Mapping[str, str], patience: float = 30) -> AppTest:
    """A page opened by its URL, the whole app included."""
    app = AppTest.from_file(str(MAIN), default_timeout=patience)
    app.session_state[READY] = True  # a browser says so by itself
    if page != "home":
        app.switch_page(f"{page}.py")
    for name, text in query.items():
        app.query_params[name] = text
    return app.run()


def look(app: AppTest, **texts: str) -> AppTest:
    """Chooses how the page looks at its result (`pages.shell.view`)."""
    app.session_state[f"link view {app.session_state['page']}"].texts |= texts
    return app.run()


def question(spec: dict) -> str:
    """The title of a chart in one line, which breaks where there is no room (`pages.charts.specification`)."""
    text = spec["title"]["text"]
    return text if isinstance(text, str) else json.loads(text["expr"].rpartition(" : ")[2])


def texts(app: AppTest) -> str:
    """Everything that the page says."""
    kinds = ("markdown", "caption", "error", "warning", "info", "success", "title", "header", "subheader")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind)).replace("\\", "")


def specs(app: AppTest) -> list[str]:
    """What the page draws, as the browser gets it."""
    return [chart.proto.spec for chart in app.get("vega_lite_chart")]


def charts(app: AppTest) -> list[dict]:
    return [json.loads(spec) for spec in specs(app)]


def buttons(app: AppTest) -> list[str]:
    return [button.label.replace("\\", "") for button in app.button]


def press(app: AppTest, label: str) -> AppTest:
    app.button[buttons(app).index(label)].click().run()
    assert not app.exception
    return app


def in_the_address(app: AppTest, name: str) -> str:
    """A page that wrote nothing has a list."""
    value = app.query_params[name]
    return value if isinstance(value, str) else value[0]
