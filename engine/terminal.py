"""What the command line says: lines, a progress bar, one line for what went wrong, and what a computation found."""

import contextlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from engine.config import RunConfig
from engine.cost import Cost
from engine.metrics import LABELS, OF_EXPANSIONS, measured
from engine.problems import ConfigError, Problem, clipped
from engine.progress import Arrays, Progress, Report, silent
from engine.quantities import QUANTITIES

T = TypeVar("T")

INTERRUPTED = 130
"""Exit code."""
LONGEST_LINE = 4_000
"""Characters of an error."""


def with_bar(ask: Callable[[Report], T]) -> T:
    """`ask` under a progress bar, where there is a terminal to show one."""
    if not sys.stderr.isatty():
        return ask(silent)
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=1.0)

        def shown(progress: Progress) -> None:
            bar.update(task, completed=progress.fraction, description=progress.message or "running")

        return ask(shown)


def say(*lines: str) -> None:
    """Prints. Raises `ConfigError` where nobody reads."""
    try:
        print(*lines, sep="\n", flush=True)
    except (OSError, UnicodeEncodeError) as error:
        with contextlib.suppress(OSError):  # or Python would try once more at its end, and complain
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ConfigError([Problem("standard output", f"cannot be written: {error}")]) from None


def tell(lines: list[str]) -> None:
    """Prints what was found. What is written already does not depend on whether anybody reads it."""
    if lines:
        with contextlib.suppress(ConfigError):
            say(*lines)


def duration(seconds: float) -> str:
    """For a person: 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def fail(message: str, code: int = 2) -> None:
    """Ends the process with the message in one line."""
    line = clipped(" ".join(message.split()), LONGEST_LINE)
    # What a file or an option says is not to steer the terminal.
    print("error:", "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line), file=sys.stderr)
    sys.exit(code)


def interrupted(*_: object) -> None:
    """Ends at once: Python's own end would wait for what JAX still computes, and an exception may be swallowed."""
    show_cursor = b"\x1b[?25h" if sys.stderr.isatty() else b""  # the progress bar hides it
    os.write(2, show_cursor + b"error: interrupted\n")
    os._exit(INTERRUPTED)


# What a computation found, in a few lines for a terminal: the numbers by which results are listed, with their labels.

PER_CENT = ("test_accuracy", "failed")
UNITS = {"t": "over an eigenvalue of K"}
"""Of the numbers that have one; the rest are ratios, squares of f, or counts."""
LAWS = {"error_order_0": "lazy_error", **{name: name for name in OF_EXPANSIONS}}
"""What a study fits a law to, as results are listed by it; the rest by its label in the glossary."""


def of_config(config: RunConfig, cost: Cost) -> list[str]:
    """What a run comes to before it starts, and may cost here."""
    if config.parameter_count is None:
        return ["what it takes is known when it runs: a network of one's own"]
    beta = "" if config.beta is None else f"beta {config.beta:.6g}, "
    return [
        f"{beta}{config.parameter_count:,} trained parameters",
        f"to the step cap: {cost.flops:.3g} floating-point operations, {duration(cost.seconds)} on this machine",
        f"{cost.memory_bytes / 1e9:.3g} GB of memory; parameters of {cost.kept} checkpoints per seed kept",
        f"({cost.stored_bytes / 1e6:.3g} MB on disk)",
    ]


def of_result(kind: str, key: str, arrays: Arrays, summary: Mapping[str, Any]) -> list[str]:
    """What one job found.

    Args:
        key: of its result, where the cache has it: a page opens it by its first digits.
        summary: of the same.
    """
    seeds = summary.get("seeds", ())
    told = [f"result: {key[:12]} (?run={key[:12]} on a page of this cache)"] if key else []
    asked = summary.get("config", {})
    if kernel := asked.get("run", asked).get("kernel"):
        told.append(f"kernel: {kernel}")
    if summary.get("beta") is not None:
        told.append(f"beta: {summary['beta']:.3g}")
    if found := summary.get("measured_beta"):
        told.append("measured beta: {:.3g} (95% interval {:.3g} to {:.3g})".format(*found))
    if reasons := Counter(summary.get("stop_reason", ())):
        told.append(f"stopped by: {counted(reasons)}")
    if len(seeds) > 1:
        told.append(f"medians over {len(seeds)} seeds:")
    if "laws" in summary:
        told.append("medians over all networks and seeds:")
    notes = [f"note: {note}" for note in summary.get("notes", ())]
    return [*told, *written(measured(kind, arrays)), *of_laws(summary.get("laws", {})), *notes]


def of_laws(laws: Mapping[str, Mapping[str, Any] | None]) -> Iterator[str]:
    """A line for each power law of a study: its exponents, each with its 95% interval where it has several seeds."""
    for name, law in laws.items():
        label = LABELS[LAWS[name]].label if name in LAWS else QUANTITIES[name].label
        if law is None:
            yield f"law: {label}: none"
            continue
        intervals = law["intervals"]
        factors = [
            f"{axis}^{power:.3g}" + (f" (95%: {_reach(*intervals[axis])})" if axis in intervals else "")
            for axis, power in law["exponents"].items()
        ]
        yield f"law: {label} ~ {' '.join(factors)}"


def of_map(summary: Mapping[str, Any]) -> list[str]:
    """What a map found: how many cells have each label, and where one label gives way to the next; of several kinds of
    network that of each, and how they stand beside the first."""
    there = summary["cells"] - summary["failed"]
    told = [f"computed: {there} of {summary['cells']} cells, {summary['runs']} runs"]
    kinds = summary.get("architectures", {})
    if not kinds:
        return [*told, *_of_cells(summary)]
    each = [f"{kind}: {line}" for kind, own in kinds.items() for line in _of_cells(own)]
    return [*told, *each, *_ratios(summary), *_growth(summary["growth"])]


def _of_cells(found: Mapping[str, Any]) -> Iterator[str]:
    """Labels and boundaries of the cells of one kind of network."""
    yield f"cells: {counted({label: count for label, count in found['labels'].items() if count})}"
    yield from _edges(found["boundaries"], found["along"])
    known = [row["measured_beta"] for row in found["spread"] or () if row.get("measured_beta") is not None]
    if known:
        yield f"measured beta: {_reach(min(known), max(known))} over {len(known)} of {len(found['spread'])} cells"


def _ratios(summary: Mapping[str, Any]) -> Iterator[str]:
    """A metric of each other kind over that of the first, at equal depth and width."""
    first = next(iter(summary["architectures"]))
    for kind, metrics in summary["ratios"].items():
        for name, found in metrics.items():
            interval = "" if found["low"] is None else f" (95%: {_reach(found['low'], found['high'])})"
            what = QUANTITIES[f"map.{name}"].label
            yield f"{what}, {kind} over {first}: {found['ratio']:.3g}{interval}, {found['shapes']:g} shapes"


def _growth(found: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """By what factor the spread of the kernel grows with depth, of each kind."""
    for kind, own in found.items():
        how = "exactly" if own["low"] == own["high"] else f"95%: {_reach(own['low'], own['high'])}"
        where = f"depth {own['shallow']:g} to {own['deep']:g} at width {own['width']:g}"
        yield f"n CV^2 at initialisation, {kind}: grows {own['factor']:.3g}-fold ({how}), {where}"


def written(values: Mapping[str, float]) -> Iterator[str]:
    """A line for each number."""
    for name, value in values.items():
        unit = f" {UNITS[name]}" if name in UNITS else ""
        digits = f"{100 * value:.3g} %" if name in PER_CENT else f"{value:.4g}"
        yield f"{LABELS[name].label}: {digits}{unit}"


def counted(found: Mapping[str, int]) -> str:
    """How often each: `residual 2, cap 1`."""
    return ", ".join(f"{name} {count}" for name, count in found.items()) or "none"


def _edges(boundaries: Mapping[str, Mapping[str, Any]], along: str) -> Iterator[str]:
    for name, edge in boundaries.items():
        where = f"boundary along {along}, {name.replace('_', ' to ')}"
        if edge["beta"] is None:
            yield f"{where}: none ({edge['reason'].replace('beta', along)})"
        else:
            yield f"{where}: {along} {edge['beta']:.3g} ({_reach(edge['low'], edge['high'])})"


def _reach(low: float | None, high: float | None) -> str:
    """An interval, open where there is no end."""
    ends: Sequence[str] = ["open" if end is None else f"{end:.3g}" for end in (low, high)]
    return " to ".join(ends)
