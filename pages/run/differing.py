"""In which settings runs differ, by the names that links and files have for them. No Streamlit here."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any

from cache import Run
from cache.listing import settings
from engine.problems import several
from engine.regimes.config import SweepConfig
from engine.regimes.grid import KIND
from engine.schema import ConfigError
from pages.charts.words import cut, listing, number, plain
from pages.run.settings import BY_PATH, SETTINGS

WITHIN = ("run.", "base.", "setting.")
"""What the config of a job has before the settings of its run."""
NO_SETTINGS = ("header", "content")
BETA = "beta"
GRID = "grid"
"""Before the settings of a map that take several values."""
LONGEST = 60
"""Letters of a value."""
MOST_NAMED = 8
"""Settings that a sentence names."""

FEW_TELL = 3
"""Settings by which runs are called beside each other, where so few tell them apart."""

ORDER = {setting.name: place for place, setting in enumerate(SETTINGS)}

Settings = Mapping[str, Any]
"""By name, as `settings_of` gives them."""


def settings_of(run: Run) -> dict[str, Any]:
    """By name, as the config has them; with beta = sum of 1/n where the run has a depth and a width."""
    return settings_in(run.values, run.key)


def settings_in(values: Mapping[str, Any], key: str = "") -> dict[str, Any]:
    """The same of the config of a job, which the key names where it is a map, as plain values."""
    values = values if GRID not in values else _of_map(key, json.dumps(values))
    found = {name: value for path, value in settings(values) if (name := _name(path))}
    if digest := found.pop("digest", ""):
        found["file"] = f"{found.get('file')} ({digest[:8]})"
    if (beta := _beta(found.get("depth"), found.get("width"))) is not None:
        found[BETA] = beta
    return found


@lru_cache(1000)
def _of_map(key: str, values: str) -> dict[str, Any]:
    """What the cells of a map share, defaults included, and the values that the others take."""
    given = json.loads(values)
    one = {**given, GRID: {name: several[:1] for name, several in given[GRID].items()}}
    try:
        shared = SweepConfig.from_dict(one).cells[0].run.to_dict()
    except ConfigError:  # of another version
        return given
    for name in {*given[GRID], *SweepConfig.from_dict(one).cells[0].settings}:
        section, _, field = name.rpartition(".")
        (shared[section] if section else shared).pop(field, None)
    grid = dict(given[GRID])
    kinds = grid.pop(KIND, None) or [shared["network"].get("kind", "mlp")]
    shared["network"]["kind"] = " and ".join(map(str, kinds))
    return {**shared, "seeds": given["seeds"], GRID: grid}


def differing(runs: Sequence[Settings]) -> list[str]:
    """Names of the settings that have more than one value among the runs that have them, in the order of a page."""
    first: dict[str, Any] = {}
    found: set[str] = set()
    for one in runs:
        for name, value in one.items():
            if first.setdefault(name, value) != value:
                found.add(name)
    return sorted(found, key=lambda name: (ORDER.get(name, len(ORDER)), name))


def setting_in_words(name: str, value: Any) -> str:
    """A setting in words: "width 64"."""
    return f"{name} {value_in_words(value)}"


def value_in_words(value: Any) -> str:
    """A value as a person reads it."""
    if isinstance(value, list | tuple):
        value = ", ".join(map(value_in_words, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    text = number(value, 4) if isinstance(value, float) else str(value)
    return cut(text, LONGEST)


def labels(runs: Sequence[Settings], names: Sequence[str], kinds: Sequence[str]) -> list[str]:
    """What to call each run beside the others: its name, else what it differs in, else its place; each only once.

    Args:
        names: given by people; empty where there is none.
        kinds: what each is.
    """
    told = _telling(runs)
    found: list[str] = []
    for place, (one, name, kind) in enumerate(zip(runs, names, kinds, strict=True)):
        parts = [setting_in_words(setting, one[setting]) for setting in told if setting in one]
        text = cut(name or ", ".join(parts) or f"{kind} {place + 1}", LONGEST)
        found.append(text if text not in found else f"{text} ({place + 1})")
    return found


def _telling(runs: Sequence[Settings]) -> list[str]:
    """The fewest settings that tell the runs apart; all that differ where no few do."""
    own = [name for name in differing(runs) if name != BETA]
    for count in range(1, FEW_TELL + 1):
        for some in combinations(own, count):
            if len({repr([one.get(name) for name in some]) for one in runs}) == len(runs):
                return [*some]
    return own


def in_one_line(runs: Sequence[Settings]) -> str:
    """What differs in the settings of runs, with all its values, as Markdown; "" of fewer than two runs."""
    if len(runs) < 2:
        return ""
    own = [name for name in differing(runs) if name != BETA]
    every = dict.fromkeys(name for one in runs for name in one)
    partly = [name for name in every if not all(name in one for one in runs)]
    alone = [name for name in partly if name not in (*own, BETA)]
    parts = [f"**{plain(name)}** ({plain(_values(runs, name))})" for name in own[:MOST_NAMED]]
    more = [several(len(own) - MOST_NAMED, "more setting")] if len(own) > MOST_NAMED else []
    if not parts and not alone:
        return "They have the same settings."
    lines = [f"They differ in {listing([*parts, *more])}."] if parts else []
    if alone:
        named = [plain(name) for name in alone[:MOST_NAMED]]
        more = [f"{len(alone) - MOST_NAMED} more"] if len(alone) > MOST_NAMED else []
        lines.append(f"Only some of them have {listing([*named, *more])}.")
    return " ".join(lines)


def from_to(before: Settings, now: Settings) -> str:
    """What differs between a run and another, as Markdown: "width 128 → 256; seeds the same"."""
    own = [name for name in differing([before, now]) if name != BETA and name in before and name in now]
    alone = [name for name in dict.fromkeys([*before, *now]) if (name in before) != (name in now) and name != BETA]
    parts = [
        f"**{plain(name)}** {plain(value_in_words(before[name]))} → {plain(value_in_words(now[name]))}"
        for name in own[:MOST_NAMED]
    ]
    if len(own) > MOST_NAMED:
        parts.append(several(len(own) - MOST_NAMED, "more setting"))
    parts += [f"only one has {listing([*map(plain, alone[:MOST_NAMED])])}"] if alone else []
    if "seeds" in before and "seeds" not in (*own, *alone):
        parts.append("seeds the same")
    return "; ".join(parts)


def _values(runs: Sequence[Settings], name: str) -> str:
    return " / ".join(value_in_words(one[name]) if name in one else "—" for one in runs)


@lru_cache(1000)
def _name(path: str) -> str:
    """What a setting is called; "" for what is none."""
    for within in WITHIN:
        path = path.removeprefix(within)
    if path.startswith(f"{GRID}."):
        return f"{GRID} {_name(path.removeprefix(f'{GRID}.'))}"
    if (within := path.partition("source."))[1]:  # of a file: its name and what decides its bytes
        return within[2] if within[2] in ("file", "digest") else ""
    name = BY_PATH[path].name if path in BY_PATH else path.rpartition(".")[2]
    return "" if name in NO_SETTINGS else name


def _beta(depth: Any, width: Any) -> float | None:
    widths = width if isinstance(width, list | tuple) else [width] * depth if isinstance(depth, int) else []
    known = all(isinstance(one, int) and one > 0 for one in widths)
    return sum(1 / one for one in widths) if widths and known else None
