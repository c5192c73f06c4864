"""What every page says and draws, and every summary, as text files: taken before a change and after, they are compared.

    PYTHONPATH=. python tests/pages/golden.py before CACHE    # computes what is not in CACHE yet: minutes
    PYTHONPATH=. python tests/pages/golden.py after CACHE
    diff -r before after

Numbers have 4 digits. Left out is what no reader sees: identities of widgets, addresses of files.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import perturbation_runs
import pyarrow as pa
import rkhs_runs
import yaml
from google.protobuf.json_format import MessageToDict
from pretend_engine import MAIN, RUNS, visited
from streamlit.testing.v1 import AppTest

import cache
from cache import CachedEngine, Store
from engine.config import RunConfig
from pages.run.draft_state import to_query
from pages.run.presets import shortest
from pages.run.settings import draft_of

PATIENCE = 120
"""Seconds for a page to be drawn."""

HIDDEN = {"id", "url", "formId", "queryParamKey", "fileUploaderId", "deferredFileId", "pageScriptHash"}
NUMBER = re.compile(r"(?<![\w.])\d+\.\d+(?:e[-+]?\d+)?(?![\w.])|(?<![\w.])\d+e[-+]?\d+(?!\w)")
PASSING = {"seconds", "versions", "device"}
AGE = re.compile(r"\d+(\.\d+)? (s|min|h) ago")
MAP = {"map_depths": "1, 2", "map_widths": "8, 16", "map_size": "4"}
POINTS = {"widths": "8, 16", "beta_max": "0.5", "points": "1", "draws": "2000"}
INITIALISATION = {
    "second_moment": POINTS,
    "distribution": {"at_width": "8", "at_depth": "3", "at_draws": "3000"},
    "first_step": {"widths": "8", "brute_draws": "40", "points": "1", "activation": "tanh"},
    "initial_kernel": {"width": "20", "depth": "2", "p": "5", "draws": "6"},
}
ROOT = MAIN.parents[1]
SPACES = ("norms", "function_space", "inductive_bias", "generalisation")


def visits() -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """Name, page and query of everything that is looked at."""
    for name, run in {"default": {"data": {"name": "circle"}}, **RUNS}.items():
        yield f"evolution-{name}", "evolution", query(run)
    for name in perturbation_runs.RUNS:
        yield f"perturbation-{name}", "perturbation", perturbation_runs.query(name)
    for page in SPACES:
        for name in rkhs_runs.RUNS:
            yield f"{page}-{name}", page, rkhs_runs.query(name)
    yield "regimes", "regimes", MAP
    for page, asked in INITIALISATION.items():
        yield page, page, asked
    for page in ("home", "all_runs"):
        yield page, page, {}


def query(run: Mapping[str, Any]) -> dict[str, str]:
    return to_query(shortest(draft_of(RunConfig.from_dict(run).to_dict())[0]))


def opened(page: str, query: Mapping[str, str]) -> AppTest:
    """The page when everything on it has been computed, as one finds it who comes then."""
    app = visited(page, query, PATIENCE)
    for _ in range(600):
        compute = [button for button in app.button if button.proto.icon == ":material/play_arrow:"]
        busy = any(button.proto.icon == ":material/stop:" for button in app.button)
        if not (compute or busy):
            return visited(page, query, PATIENCE)
        if compute and not busy:
            compute[0].click()
        time.sleep(0.5)
        app.run()
    raise TimeoutError(f"{page} {query}: not computed in time")


def told(node: Any, depth: int = 0) -> Iterator[str]:
    """The lines of a part of the page: what each element holds, indented as it is nested."""
    proto = getattr(node, "proto", None)
    values = MessageToDict(proto) if hasattr(proto, "DESCRIPTOR") else {}
    shown = {name: value for name, value in values.items() if name not in HIDDEN}
    indent = "  " * depth
    yield f"{indent}{node.type or 'page'}"
    if node.type == "vega_lite_chart":
        shown = {"spec": json.loads(proto.spec), "rows": {d.name: rows(d.data.data) for d in proto.datasets}}
    yield from (f"{indent}  {line}" for line in rounded(json.dumps(shown, indent=1, ensure_ascii=False)).splitlines())
    for child in getattr(node, "children", {}).values():
        yield from told(child, depth + 1)


def summaries(out: Path) -> Iterator[Path]:
    """What the command line writes for the same configs."""
    circle = RUNS["small"] | {"data": {**RUNS["small"]["data"], "test_size": 32}}
    grid = {"base": circle, "grid": {"network.depth": [1, 2], "network.width": [8]}, "seeds": [0, 1]}
    asked = [("run", name, run) for name, run in RUNS.items()]
    asked += [("perturb", name, run) for name, run in perturbation_runs.RUNS.items()]
    asked += [("rkhs", name, run) for name, run in rkhs_runs.RUNS.items()]
    for command, name, values in [*asked, ("sweep", "grid", grid)]:
        folder = out / f"{command}-{name}"
        folder.mkdir()
        config = folder / "config.yaml"
        config.write_text(yaml.safe_dump(values))
        whole = [sys.executable, "-m", "engine", command, str(config), "--out", str(folder)]
        subprocess.run(whole, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        for file in folder.iterdir():
            if file.name != "summary.json":
                file.unlink()
        yield folder / "summary.json"


def rows(data: bytes) -> list[str]:
    with pa.ipc.open_stream(data) as stream:
        return stream.read_all().to_pandas().to_csv(index=False).splitlines()


def rounded(text: str) -> str:
    return AGE.sub("some time ago", NUMBER.sub(lambda found: f"{float(found[0]):.4g}", text))


def main() -> None:
    out, os.environ["KERNEL_DRIFT_CACHE"] = Path(sys.argv[1]), sys.argv[2]
    out.mkdir(parents=True)
    with CachedEngine(Store()) as engine:
        cache.install(engine)
        for name, page, query in visits():
            app = opened(page, query)
            assert not app.exception, app.exception
            url = json.dumps(dict(app.query_params), indent=1)
            (out / f"{name}.txt").write_text("\n".join([url, *told(app._tree)]) + "\n")
            print(name, flush=True)
        cache.install(None)
    for summary in summaries(out):
        values = {name: value for name, value in json.loads(summary.read_text()).items() if name not in PASSING}
        summary.write_text(rounded(json.dumps(values, indent=1)) + "\n")


if __name__ == "__main__":
    main()
