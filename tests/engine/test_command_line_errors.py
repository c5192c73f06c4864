"""What goes wrong on the command line: one line and exit code 2, and no file that is half written."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import engine.__main__ as command_line
from engine import files

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[2]
SMALL = "data: {name: circle, size: 8, test_size: 16}\nnetwork: {depth: 1, width: 8}\ntraining: {max_steps: 5}\n"
SWEEP = "base: {data: {name: circle}}\ngrid: {network.depth: [1], network.width: [8]}\n"
FILES = {
    "small": SMALL,
    "sweep": SWEEP,
    "empty": "",
    "list": "[1, 2]",
    "brackets": "[" * 32_000,
    "hex": SMALL.replace("depth: 1", "depth: 0x" + "f" * 4_000),
    "base60": SMALL.replace("depth: 1", "depth: " + "59:" * 4_000 + "59"),
    "unknown": SMALL + "".join(f"key{i}: 1\n" for i in range(4_000)),
    "many": SMALL + "".join(f"key{i}: 1\n" for i in range(50_000)),
    "laughs": "a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b]\n",
    "deep": "a: " * 3 + "[" * 21 + "]" * 21,
    "python": "!!python/object/apply:os.system [ls]",
    "twice": SMALL + "data: {name: sphere}\n",
    "typo": "data: {name: circle}\nnetwork: {depht: 3}\n",
    "seed": "data: {name: circle}\nseeds: [-1]\n",
    "huge": "data: {name: circle}\nnetwork: {width: 60000, depth: 8}\n",
    "nowhere": "data: {name: csv, path: nowhere.csv}\n",
    "nul": 'data: {name: csv, path: "a\\0b"}\n',
    "zero": "data: {name: csv, path: /dev/zero}\n",
    "table": "data: {name: csv, path: small}\n",
    "no points": "data: {name: file, path: nowhere.npz}\n",
    "no format": "data: {name: file, path: small}\n",
    "no source": "data: {name: file}\n",
    "axis": SWEEP.replace("network.depth", "network.depht"),
    "beta": "base: {data: {name: circle}}\ngrid: {beta: [0.0001], network.depth: [4]}\n",
    "same": "base: {data: {name: circle}}\ngrid: {network.width: [8, 8.0]}\n",
    "cells": SWEEP.replace("[1]", str([*range(1, 65)])).replace("[8]", str([*range(1, 65)])),
    "few": "data: {name: circle, size: 16, test_size: 8}\n",
    "momentum": SMALL.replace("max_steps: 5", "momentum: 0.5"),
    "points": SMALL.replace("size: 8", "size: 3000"),
    "memory": "data: {name: circle, size: 6, test_size: 8}\nnetwork: {width: 20000, depth: 8}\n",
    "hours": SMALL.replace("max_steps: 5", "max_steps: 10000000"),
    "width": SWEEP.replace("[8]", "[0]"),
    "large": "run:\n  data: {name: circle}\noptions: {large: 10}\n",
}  # fmt: skip
OUT, NEVER = ("--out", "{folder}/out"), ("--out", "{folder}/never")

COMMANDS: list[tuple[tuple[str, ...], str]] = [
    ((), "Missing command"),
    (("rnu",), "No such command 'rnu'"),
    (("run",), "Missing"),
    (("run", "{small}"), "Missing option '--out'"),
    (("run", "{small}", "--out"), "requires an argument"),
    (("run", "{small}", "{small}", *OUT), "unexpected extra argument"),
    (("run", "{small}", *OUT, "--frehs"), "No such option: --frehs"),
    (("run", "{folder}/none.yaml", *OUT), "none.yaml: cannot be read: No such file"),
    (("run", "", *OUT), "is a folder, not a file"),
    (("run", "{folder}", *OUT), "is a folder, not a file"),
    (("run", "{pipe}", *OUT), "is a pipe or device, not a file"),
    (("run", "/dev/zero", *OUT), "is a pipe or device, not a file"),
    (("run", "{folder}/" + "x" * 5_000, *OUT), "File name too long"),
    (("run", "{binary}", *OUT), "not UTF-8 text"),
    (("run", "{long}", *OUT), "holds more than 2,000,000 bytes, at most 2,000,000 are read"),
    (("run", "{empty}", *OUT), "expected a mapping of settings, got None"),
    (("run", "{list}", *OUT), "expected a mapping of settings, got [1, 2]"),
    (("run", "{brackets}", *OUT), "more than 20 deep given, at most 20 are read (line 1)"),
    (("run", "{deep}", *OUT), "not YAML"),
    (("run", "{hex}", *OUT), "network.depth: 4,002 characters given; a number has at most 400"),
    (("run", "{base60}", *OUT), "network.depth: 12,002 characters given; a number has at most 400"),
    (("run", "{unknown}", *OUT), "and 3,980 more problems"),
    (("run", "{many}", *OUT), "more than 10,000 values, keys and brackets given"),
    (("run", "{laughs}", *OUT), "aliases are not read: write the value of *a out (line 2)"),
    (("run", "{python}", *OUT), "tags are not read"),
    (("run", "{twice}", *OUT), "data is given twice: keep one (line 4)"),
    (("run", "{typo}", *OUT), "Did you mean 'depth'?"),
    (("run", "{seed}", *OUT), "error: seeds.0: -1 given; at least 0 is needed"),
    (("run", "{huge}", *OUT), "network.width: "),
    (("run", "{nowhere}", *OUT), "nowhere.csv: cannot be read: No such file"),
    (("run", "{nul}", *OUT), "cannot be read"),
    (("run", "{zero}", *OUT), "/dev/zero: cannot be read: is a pipe or device"),
    (("run", "{table}", *OUT), "1 row below the header"),
    (("run", "{no points}", *OUT), "nowhere.npz: cannot be read: No such file"),
    (("run", "{no format}", *OUT), "small: is of no format that is read: npz"),
    (("run", "{no source}", *OUT), "data.source: is missing"),
    (("run", "{small}", "--out", "{small}"), "is a file, not a folder"),
    (("run", "{small}", "--out", "{small}/out"), "cannot be written: Not a directory"),
    (("run", "{small}", "--out", "/proc/out"), "cannot be written"),
    (("run", "{small}", "--fresh", "--out", "{taken}"), "summary.json is a folder: move it"),
    (("sweep", "{sweep}", "--out", "{taken}"), "summary.json is a folder: move it"),
    (("run", "{small}", *OUT, "--max-gb", "-1"), "'--max-gb': -1 given; a number above 0 is needed"),
    (("run", "{small}", *OUT, "--max-gb", "nan"), "'--max-gb': nan given; a number above 0 is needed"),
    (("run", "{small}", *OUT, "--max-gb", "lots"), "'--max-gb': Input should be a valid number"),
    (("run", "{small}", *OUT, "--max-gb", "1e-9"), "GB of memory needed"),
    (("run", "{small}", *OUT, "--max-hours", "0"), "'--max-hours': 0 given"),
    (("perturb", "{momentum}", *OUT), "training.momentum: the expansion is of plain descent"),
    (("perturb", "{typo}", *OUT), "Did you mean 'depth'?"),
    (("perturb", "{points}", *OUT), "data.size: 3000 points with 1 outputs"),
    (("perturb", "{memory}", *OUT), "GB of memory needed"),
    (("perturb", "{hours}", *OUT, "--max-hours", "0.1"), "training.max_steps"),
    (("perturb", "{small}", *OUT, "--max-hours", "nan"), "'--max-hours': nan given"),
    (("rkhs", "{few}", *OUT), "run.data.test_size: 8 held-out points are too few"),
    (("rkhs", "{large}", *OUT), "options.large: 10 given; more than 2000 is needed"),
    (("rkhs", "{list}", *OUT), "run: [1, 2] given"),
    (("sweep", "{small}", *OUT), "grid: is missing"),
    (("sweep", "{list}", *OUT), "expected a mapping"),
    (("sweep", "{width}", *OUT), "grid.network.width"),
    (("sweep", "{axis}", *OUT), "Did you mean 'network.depth'?"),
    (("sweep", "{beta}", *OUT), "grid.beta: 0.0001 makes network.width 40000 where network.depth is 4"),
    (("sweep", "{same}", *OUT), "grid.network.width: [8, 8.0] repeats a value"),
    (("sweep", "{cells}", *OUT), "4,096 cells, at most 1,024 are accepted"),
    (("sweep", "{sweep}", *OUT, "--max-gb", "1e-9"), "where network.depth is 1, network.width is 8: "),
    (("show", "{typo}"), "Did you mean 'depth'?"),
    (("show", "{folder}"), "is a folder"),
    (("moments", "--widths", "x"), "'x' is not a whole number"),
    (("moments", "--widths", ""), "is not a whole number"),
    (("moments", "--widths", "3,0,1"), "every width is at least 1"),
    (("moments", "--widths", "9" * 5_000), "is not a whole number"),
    (("moments", "--widths", "1," * 20_000 + "1"), "hidden layers given; at most 10000"),
    (("moments", "--widths", "3,5,1", "--readout", "tanh"), "'tanh' is unknown"),
    (("moments", "--widths", "3,5,1", "--norm-x-squared", "nan"), "norm_x_squared"),
    (("moments", "--widths", "3,5,1", "--target", "inf"), "a number between -1e6 and 1e6"),
    (("sample", "--widths", "3,5,1", "--draws", "1" + "0" * 300), "draws"),
    (("sample", "--widths", "3,5,1", "--draws", "9" * 5_000), "'--draws': Unable to parse input string as an integer"),
    (("sample", "--widths", "3,5,1", "--draws", "-1"), "draws: -1 given; at least 2"),
    (("sample", "--widths", "3,5,1", "--seed", "-1"), "seed: -1 given"),
    (("sample", "--widths", "3,5,1", "--draws", "many"), "'--draws': Input should be a valid integer"),
]  # fmt: skip
"""Arguments, and what is said of them."""


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("errors")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (folder / "binary").write_bytes(b"\xff\xfe\x00")
    (folder / "long").write_bytes(b"a" * 3_000_000)
    os.mkfifo(folder / "pipe")
    (folder / "taken" / "summary.json").mkdir(parents=True)
    return {"folder": str(folder)} | {path.name: str(path) for path in folder.iterdir()}


@pytest.mark.parametrize(("arguments", "words"), COMMANDS, ids=lambda value: " ".join(value)[:40])
def test_what_is_wrong_is_said_in_one_line(arguments, words, engine, places) -> None:
    code, out, error = engine(*(argument.format(**places) for argument in arguments))
    assert (code, out) == (2, "")
    assert error.startswith("error: ")
    assert len(error.splitlines()) == 1
    assert len(error) < 5_000
    assert words in error
    assert not (Path(places["folder"]) / "out").exists()


def alone(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "engine", *arguments]
    whole = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=whole, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"KERNEL_DRIFT_CACHE_GB": "abc"}, "KERNEL_DRIFT_CACHE_GB is 'abc'"),
        ({"KERNEL_DRIFT_CACHE_GB": "0"}, "give a positive number of gigabytes"),
        ({"KERNEL_DRIFT_CACHE_GB": "-3"}, "KERNEL_DRIFT_CACHE_GB is '-3'"),
        ({"KERNEL_DRIFT_CACHE": "{small}"}, "is not a folder"),
        ({"KERNEL_DRIFT_CACHE": "/proc/none"}, "the cache"),
    ],
)
def test_a_cache_that_cannot_be_opened_is_said(environment, words, engine, places, monkeypatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(**places))
    for arguments in (("show", "{small}"), ("run", "{small}", *NEVER), ("sweep", "{sweep}", *NEVER)):
        code, out, error = engine(*(argument.format(**places) for argument in arguments))
        assert (code, out, len(error.splitlines())) == (2, "", 1)
        assert error.startswith("error: ")
        assert words in error


def test_an_unknown_device_is_said(places) -> None:
    done = alone("show", places["small"], JAX_PLATFORMS="nope")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert done.stderr.startswith("error: JAX_PLATFORMS: 'nope' gives no device: ")


def test_nobody_reads(places) -> None:
    command = [sys.executable, "-m", "engine", "moments", "--widths", "3,5,1"]
    read, write = os.pipe()
    os.close(read)
    for output, words in ((os.fdopen(write, "w"), "Broken pipe"), (open("/dev/full", "w"), "No space left")):  # noqa: SIM115
        with output:
            done = subprocess.run(command, cwd=ROOT, stdout=output, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith("error: standard output: cannot be written: ")
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1


@pytest.fixture
def listening():
    """What starts here hears an interrupt, also under a shell that makes its background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("listening")
def test_interrupted_it_says_so(places, tmp_path) -> None:
    long = Path(places["folder"]) / "longer"
    long.write_text("data: {name: circle}\ntraining: {max_steps: 1000000, stop_residual: null}\n")
    command = [sys.executable, "-m", "engine", "run", str(long), "--fresh", "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "out").exists():
        time.sleep(0.02)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (130, "error: interrupted\n")
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.usefixtures("listening")
def test_interrupted_while_it_starts_it_is_quiet(places) -> None:
    command = [sys.executable, "-m", "engine", "show", places["small"]]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not _catches_interrupts(process.pid):  # Python's own handler comes first, then ours
        time.sleep(0.001)
    while _catches_interrupts(process.pid):
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == -signal.SIGINT


def _catches_interrupts(pid: int) -> bool:
    (caught,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt")]
    return bool(int(caught.split()[1], 16) & 1 << (signal.SIGINT - 1))


def test_running_out_of_memory_says_what_to_do(engine, places, tmp_path, monkeypatch) -> None:
    def compute(*_: object) -> None:
        raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1099511627776 bytes.")

    monkeypatch.setattr(command_line, "cached_compute", compute)
    code, _, error = engine("run", places["small"], "--out", str(tmp_path))
    assert (code, len(error.splitlines())) == (2, 1)
    assert "does not fit into memory" in error


def test_a_line_about_an_error_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line.fail("\x1b]0;mine\x07: no such setting, \u202e \ud800 β")
    assert capsys.readouterr().err == "error: \\x1b]0;mine\\x07: no such setting, \\u202e \\ud800 β\n"


def test_looking_whether_a_folder_can_be_written_touches_no_file_of_it(tmp_path: Path) -> None:
    (tmp_path / ".writable").write_text("precious")
    files.make_folder(tmp_path, ())
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {".writable": "precious"}
