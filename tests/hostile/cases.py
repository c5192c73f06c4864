"""Thousands of hostile inputs, drawn from a seed, each for one of the doors that lets input in.

Run in a process of its own: `python tests/hostile/cases.py COUNT SEED` prints one JSON object with what went wrong.
"""

import contextlib
import io
import json
import os
import random
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

import cache.batch  # noqa: F401  (what commands import when they need it)
import engine.__main__ as command_line
import engine.device
import engine.regimes.summary
from engine.config import RunConfig
from engine.cost import estimate
from engine.data import DATASETS, TARGETS
from engine.data.csv_table import parse
from engine.initialisation import job
from engine.networks.activations import ACTIVATIONS
from engine.perturbation.config import PerturbationConfig
from engine.regimes.config import SweepConfig
from engine.regimes.grid import names as grid_names
from engine.rkhs.config import RkhsConfig
from engine.schema import ConfigError, Problem
from engine.texts import read
from pages.run.draft_state import from_query, to_query
from pages.run.settings import SETTINGS, config_of, draft_of
from pages.run.yaml_config import read_yaml

NUMBERS = [
    0, 1, 2, 3, 8, 64, -1, 0.5, 1e-3, 1e2, 0.1 + 0.2, 1e308, 5e-324, -0.0, float("nan"), float("inf"), 2**31, 2**63,
    10**20, 10**300, -(10**400), True, False, None,
]  # fmt: skip
WORDS = [
    "", " ", "none", "null", "~", "true", "yes", "critical", "1e2", "0x" + "f" * 4_000, "59:" * 3_000, "9" * 5_000, "#",
    "1_000", "nan", "-inf", "½", "١", "\ud800", "\x00", "\x85", "\u202e", "🦆" * 99, "a" * 10**5, "1," * 50_000, "---",
    "[" * 9_999, "{" * 999, "(1,2)", "[1", '["a", 1]', "*a", "&a", "!!python/object:os.system {}", "<<",
    "../../etc/passwd", "$x$", "%s%n{0}", "<script>alert(1)</script>", "' OR 1=1", "x0+x1x2", "2026-01-01", "12:30",
    "\n", "\r\n", "\t",
    *ACTIVATIONS, *DATASETS, *TARGETS,
]  # fmt: skip
FIELDS = sorted({setting.path.rsplit(".", 1)[-1] for setting in SETTINGS} - {"content"})


def scalar(draw: random.Random) -> Any:
    kind = draw.random()
    if kind < 0.4:
        return draw.choice(NUMBERS)
    if kind < 0.8:
        return draw.choice(WORDS)
    return draw.choice([draw.randint(-(10**6), 10**6), draw.uniform(-10, 10), text(draw, 20)])


def text(draw: random.Random, most: int) -> str:
    return "".join(
        chr(draw.choice([draw.randint(32, 126), draw.randint(0, 0x2FF)])) for _ in range(draw.randint(0, most))
    )


def value(draw: random.Random, depth: int = 0) -> Any:
    kind = draw.random()
    if kind < 0.75 or depth > 25:
        return scalar(draw)
    count = draw.choice([0, 1, 2, 3, 64, 200]) if depth == 0 else draw.randint(0, 2)
    if kind < 0.9:
        return [value(draw, depth + 1) for _ in range(count)]
    return {str(scalar(draw)): value(draw, depth + 1) for _ in range(count)}


def table(draw: random.Random) -> str:
    """A CSV, more or less."""
    separator, columns = draw.choice(",;\t| "), draw.choice([1, 2, 3, 5, 40, 1_500])
    rows = draw.choice([0, 1, 4, 8, 40]) if columns > 100 else draw.choice([0, 1, 4, 8, 40, 400])
    cell: Callable[[], str] = lambda: f"{draw.gauss(0, 1):.4g}"  # noqa: E731
    lines = [[f"c{index}" for index in range(columns)], *([cell() for _ in range(columns)] for _ in range(rows))]
    for _ in range(draw.randint(0, 4)):
        draw.choice(lines)[draw.randrange(columns)] = str(scalar(draw))
    written = draw.choice(["\n", "\r\n", "\r"]).join(separator.join(line) for line in lines)
    return draw.choice([written] * 6 + [written * 3, "\ufeff" + written, written.replace(",", '",'), '"' + written])


def config(draw: random.Random) -> Any:
    """Values of a run, right but for a few of them."""
    data: dict[str, Any] = {"name": draw.choice([*DATASETS])}
    if data["name"] == "csv":
        data["content"] = table(draw)
    values: dict[Any, Any] = {"data": data, "network": {}, "training": {}}
    for _ in range(draw.choice([0, 1, 1, 2, 3, 8])):
        section = draw.choice([*values.values(), values])
        name = draw.choice(FIELDS) if draw.random() < 0.85 else str(scalar(draw))
        if isinstance(section, dict):
            section[name] = value(draw)
    if draw.random() < 0.1:
        values[draw.choice([*values])] = value(draw)
    if draw.random() < 0.03:
        values |= {f"key{index}": index for index in range(draw.choice([50, 4_000]))}
    return values if draw.random() < 0.97 else value(draw)


def sweep(draw: random.Random) -> Any:
    names = [*grid_names(), "network.depth", "network.width", "beta"]
    grid: Any = {}
    for _ in range(draw.randint(0, 4)):
        values = [
            scalar(draw) if draw.random() < 0.3 else draw.randint(1, 40) for _ in range(draw.choice([1, 2, 3, 30]))
        ]
        grid[draw.choice(names) if draw.random() < 0.9 else str(scalar(draw))] = (
            values if draw.random() < 0.9 else scalar(draw)
        )
    found = {"base": config(draw), "grid": grid if draw.random() < 0.95 else value(draw)}
    return found | ({"seeds": value(draw)} if draw.random() < 0.3 else {})


def yaml_text(draw: random.Random) -> str:
    """YAML of a config with something broken in it, or nothing but punctuation."""
    kind = draw.random()
    if kind < 0.15:
        return draw.choice(
            ["[", "{", "- ", "? ", "a: ", "*a ", "&a ", "'", '"', "\n", "#\n", "--- a\n", "!", "%", "[],", "a\n"]
        ) * (draw.choice([1, 30, 5_000, 100_000, 600_000]))
    if kind < 0.3:
        return text(draw, 300)
    with contextlib.suppress(ValueError, yaml.YAMLError):
        written = yaml.dump(
            config(draw),
            Dumper=yaml.CSafeDumper,
            allow_unicode=draw.random() < 0.5,
            default_flow_style=draw.choice([None, True]),
        )
        if draw.random() < 0.5:
            at = draw.randrange(len(written) + 1)
            return (
                written[:at]
                + draw.choice([*"[]{}:,&*!|>'\"%@`#-?\t\n\x00", "\ud800", "<<: ", "59:59:59"])
                + written[at:]
            )
        return written
    return ""


def query(draw: random.Random) -> dict[str, str]:
    names = ["data", "preset", "run", *(setting.name for setting in SETTINGS)]
    count = draw.choice([0, 1, 2, 5, 20, 900])
    found = {draw.choice(names) if draw.random() < 0.8 else text(draw, 12): str(scalar(draw)) for _ in range(count)}
    return found | ({f"x{index}": "1" for index in range(900)} if draw.random() < 0.05 else {})


def arguments(draw: random.Random, folder: Path) -> list[str]:
    """A command line that computes nothing for long, whatever it says."""
    file = folder / "config.yaml"
    file.write_text(yaml_text(draw), encoding="utf-8", errors="replace")
    command = draw.choice(["run", "perturb", "rkhs", "sweep", "show", "moments", "sample", "", text(draw, 8)])
    word = draw.choice([str(scalar(draw)).replace("\x00", "")[:100_000], "8", "1e-9"])
    if command in ("moments", "sample"):
        widths = draw.choice(["3,5,4,1", "3,0,1", "1", ",".join(["1"] * draw.choice([5, 20_000])), word])
        option = draw.choice(["--target", "--readout", "--norm-x-squared", "--seed", "--draws"])
        few = ["--draws", "100"] if command == "sample" else []
        return [command, *few, *["--widths", widths, option, word][: draw.choice([1, 2, 4, 4])]]
    place = draw.choice([str(file)] * 6 + [str(folder), "/dev/zero", "/dev/null", "none", "", "\udcff"])
    out = draw.choice([str(folder / "out"), "/dev/null", "/proc/x", str(file)])
    more = draw.choice([[], [word], ["--max-gb", word], ["--fresh", "--linear"]])
    cheap = [] if command == "show" else ["--max-hours", "1e-9"]
    return [*[command, place, "--out", out][: draw.choice([1, 2, 4, 4, 4])], *cheap, *more]


def _config(draw: random.Random) -> None:
    values = config(draw)
    estimate(RunConfig.from_dict(values))
    PerturbationConfig.from_dict({"run": values})
    RkhsConfig.from_dict({"run": values, "options": value(draw)})


def _sweep(draw: random.Random) -> None:
    found = SweepConfig.from_dict(sweep(draw))
    found.check_cost()
    found.seconds()


def _yaml(draw: random.Random) -> None:
    written = yaml_text(draw)
    with contextlib.suppress(ConfigError):
        SweepConfig.from_dict(read(written))
    config_of(draft_of(read_yaml(written))[0])


def _table(draw: random.Random) -> None:
    try:
        parse(table(draw))
    except ValueError as error:
        raise ConfigError([]) from error


def _query(draw: random.Random) -> None:
    draft, remarks = from_query(query(draw))
    assert len(remarks) < 100
    assert from_query(to_query(draft))[0] == {name: text for name, text in draft.items() if len(text) <= 2_000}
    config_of(draft)


def _command(draw: random.Random, folder: Path) -> None:
    sys.argv = ["engine", *arguments(draw, folder)]
    out, error = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            command_line.main()
    except SystemExit as done:
        code, said = done.code, error.getvalue()
    else:
        return
    assert code == 2, code
    assert said.startswith("error: "), said
    assert said.count("\n") == 1, said
    assert len(said) < 5_000, said


DOORS: dict[str, Callable[..., None]] = {
    "config": _config, "sweep": _sweep, "yaml": _yaml, "csv": _table, "url": _query, "command line": _command,
}  # fmt: skip


def trial(number: int, seed: int, folder: Path) -> tuple[float, str]:
    """Processor seconds of one case, and its traceback where it raises anything but `ConfigError`."""
    draw, door = random.Random(f"{seed} {number}"), [*DOORS][number % len(DOORS)]
    began = time.process_time()
    try:
        DOORS[door](draw, *([folder] if door == "command line" else []))
    except ConfigError:
        pass
    except BaseException:
        return time.process_time() - began, traceback.format_exc()[-2_000:]
    return time.process_time() - began, ""


def _no_computing(*_: object, **__: object) -> None:
    raise ConfigError([Problem("", "would compute")])


def main() -> None:
    engine.device.start = command_line.compute = job.draw_chunks = _no_computing
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    report: dict[str, Any] = {"slowest": 0.0, "slow": [], "raised": []}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for number in range(120):  # what is imported and compiled once
            trial(number, -1, Path(folder))
        idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(count):
            seconds, raised = trial(number, seed, Path(folder))
            report["slowest"] = max(report["slowest"], seconds)
            if seconds > 1:
                report["slow"].append((number, [*DOORS][number % len(DOORS)], seconds))
            if raised:
                report["raised"].append((number, [*DOORS][number % len(DOORS)], raised))
    report["grown_mb"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle) / 1e3
    print(json.dumps(report))


if __name__ == "__main__":
    main()
