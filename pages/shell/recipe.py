"""How a result is computed again: its config as files, commands, a Python snippet, and the numbers to compare with.
No Streamlit here."""

import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cache.maps import Whole
from engine.data import contents
from engine.data.contents import name_of
from engine.initialisation.curves import CurvesConfig
from engine.jobs import KINDS, key
from engine.progress import Arrays
from engine.regimes.result import as_defined
from engine.schema import Config

CONFIG = "config.yaml"
CHECKED = ("ratio", "size", "sign")
"""Columns of exact curves, of `engine.initialisation.curves`."""

HEAD = '''"""Computes again what this bundle shows, and says how far that is from the numbers kept in it.

In a checkout of Kernel Drift, with its environment active: python PATH/TO/recompute.py
"""

import sys
from pathlib import Path

sys.path.insert(0, "")

import numpy as np
import pandas as pd

import engine as kd
from engine.data import contents
from engine.texts import read

here = Path(__file__).parent
for file in here.glob("files/*"):  # of points, that a config names by their digest
    contents.give(file.read_bytes())


def settings(name):
    return read((here / name).read_text("utf-8"))


def apart(again, kept):
    """The largest difference, over the largest number kept; infinite where something else is different."""
    again, kept = np.asarray(again), np.asarray(kept)
    if kept.dtype.kind not in "fiub":
        return 0.0 if np.array_equal(again, kept) else np.inf
    again, kept = again.astype(float), kept.astype(float)
    if again.shape != kept.shape or not np.array_equal(np.isfinite(again), np.isfinite(kept)):
        return np.inf
    difference = np.abs(again - kept)[np.isfinite(kept)]
    return float(difference.max(initial=0) / max(np.abs(kept[np.isfinite(kept)]).max(initial=0), 1e-300))


def arrays_apart(result, name):
    with np.load(here / "numbers" / name, allow_pickle=False) as kept:
        again = result.to_arrays()
        return max(apart(again[array], kept[array]) for array in kept.files if array != "meta")


def table_apart(again, kept):
    """Of the numbers in the columns of the table kept, where it has one."""
    numbers = kept.select_dtypes("number")
    return max(apart(again[name][kept[name].notna()], kept[name].dropna()) for name in numbers)


worst = []
'''
FOOT = """
print(f"largest difference from the numbers kept: {max(worst):.1e}")
sys.exit(max(worst) > 1e-6)
"""
SHELL = """#!/bin/sh
# In a checkout of Kernel Drift, with its environment active: sh PATH/TO/command.sh
set -e
here=$(cd "$(dirname "$0")" && pwd)
"""

Bytes = Callable[[], bytes]


@dataclass(frozen=True)
class Recipe:
    """How a result is computed again.

    Attributes:
        identity: hash of the config.
        config: what was asked for, to be read.
        key: of the result in the cache; empty where there are several, or none.
        configs: texts by file name.
        commands: of `python -m engine`, with `{here}` for the folder of the bundle.
        steps: lines of Python that append to `worst` how far each number is from those kept.
        numbers: files that hold those, by name.
        versions: of the packages that computed them, and the device; empty where that is not known.
        also: what was asked for besides `config`.
    """

    identity: str
    config: Config
    key: str
    configs: Mapping[str, str]
    commands: Sequence[str]
    steps: Sequence[str]
    numbers: Mapping[str, Bytes]
    versions: Mapping[str, str] = field(default_factory=dict)
    also: Sequence[Config] = ()

    @property
    def script(self) -> str:
        """For a shell."""
        return SHELL + "".join(f"{command}\n" for command in self.commands)

    @property
    def snippet(self) -> str:
        """For Python."""
        return HEAD + "".join(f"{step}\n" for step in self.steps) + FOOT


CALLS = {
    "run": ("run", "kd.run(**asked)"),
    "perturbation": ("perturb", 'kd.perturb(**asked["run"], options=asked["options"])'),
    "perturbation_study": ("study", "kd.study(**asked)"),
    "rkhs": ("rkhs", 'kd.spaces(**asked["run"], options=asked["options"])'),
}
"""By kind of job, its command and what a script calls."""


RECORDED = ("recording", "recording_spaces", "recording_perturbation")
"""Kinds of what is said of a recording: nobody but its own loop computes one again."""


def as_yaml(config: Config) -> str:
    """The config as a file, which says how to give the files that it names."""
    values = config.to_dict()
    named = {} if "recording" in values else contents.named_in(values)
    lines = [f"# {name_of(name)} is needed beside this config as files/{digest}" for digest, name in named.items()]
    lines += ["# (sha256); or write `path: NAME` in place of `source`, and let NAME be where it is."] if named else []
    return "".join(f"{line}\n" for line in lines) + config.to_yaml()


def of_result(config: Config, arrays: Arrays, before: str = "") -> Recipe | None:
    """Of one result with a page of its own, without commands where it is of a recording; None of other kinds.

    Args:
        before: the names of its files, which tells those of several results apart.
    """
    kind = next((kind for kind in (*CALLS, *RECORDED) if KINDS[kind].config is type(config)), None)
    if kind is None:
        return None
    commands, steps, numbers = [], [], f"{before}result.npz"
    if kind in CALLS:
        command, call = CALLS[kind]
        commands = [_command(command, before)]
        steps = [f'asked = settings("{before}{CONFIG}")', f'worst.append(arrays_apart({call}, "{numbers}"))']
    return Recipe(
        config.hash,
        config,
        key(kind, config),
        {f"{before}{CONFIG}": as_yaml(config)},
        commands,
        steps,
        {numbers: partial(packed, arrays)},
        versions(arrays),
    )


def of_map(sweep: Config, runs: pd.DataFrame, before: str = "") -> Recipe:
    """Of a map, from a row for each of its runs; `before` as of `of_result`."""
    numbers = f"{before}runs.parquet"
    kept = f'pd.read_parquet(here / "numbers" / "{numbers}")'
    return Recipe(
        sweep.hash,
        sweep,
        Whole("sweep", sweep, ()).key,
        {f"{before}{CONFIG}": as_yaml(sweep)},
        [_command("sweep", before)],
        [f'worst.append(table_apart(kd.sweep(**settings("{before}{CONFIG}")).runs, {kept}))'],
        {numbers: lambda: parquet(as_defined(runs))},
    )


def _command(name: str, before: str) -> str:
    out = f"recomputed/{before.rstrip('-')}".rstrip("/")
    return f'python -m engine {name} "$here/{before}{CONFIG}" --out "$here/{out}"'


def of_several(recipes: Sequence[Recipe]) -> Recipe:
    """Of results that stand beside each other, whose files have names of their own. Raises `IndexError` of none."""
    identity = hashlib.sha256(" ".join(one.identity for one in recipes).encode()).hexdigest()
    configs = {name: text for one in recipes for name, text in one.configs.items()}
    numbers = {name: made for one in recipes for name, made in one.numbers.items()}
    commands = [line for one in recipes for line in one.commands]
    steps = [line for one in recipes for line in one.steps]
    alike = recipes[0].versions if all(one.versions == recipes[0].versions for one in recipes) else {}
    also = [one.config for one in recipes[1:]]
    return Recipe(identity, recipes[0].config, "", configs, commands, steps, numbers, alike, also)


def at_initialisation(
    config: Config,
    found: Sequence[tuple[str, Config, Arrays]],
    curves: tuple[CurvesConfig, pd.DataFrame] | None = None,
) -> Recipe:
    """Of jobs at initialisation, by kind and config, and of exact curves as a page shows them.

    Args:
        config: what is read of them all.
    """
    configs: dict[str, str] = {}
    commands, steps, numbers = [], [], {}
    for kind, config, arrays in found:
        name = f"{kind}-{config.hash[:8]}"
        configs[f"{name}.yaml"] = as_yaml(config)
        commands.append(f'python -m engine initial {kind} "$here/{name}.yaml" --out "$here/recomputed/{name}"')
        steps.append(f'worst.append(arrays_apart(kd.initial("{kind}", **settings("{name}.yaml")), "{name}.npz"))')
        numbers[f"{name}.npz"] = partial(packed, arrays)
    if curves is not None:
        asked, shown = curves
        kept = shown[[name for name in ("width", "depth", "beta", *CHECKED) if name in shown]]
        configs["curves.yaml"] = asked.to_yaml()
        commands.append('python -m engine curves "$here/curves.yaml" --out "$here/recomputed"')
        steps.append('kept = pd.read_csv(here / "numbers" / "curves.csv")')
        steps.append('worst.append(table_apart(kd.curves(**settings("curves.yaml")), kept))')
        numbers["curves.csv"] = lambda: kept.to_csv(index=False).encode()
    identity = hashlib.sha256(" ".join(configs.values()).encode()).hexdigest()
    return Recipe(identity, config, "", configs, commands, steps, numbers)


def versions(arrays: Arrays) -> dict[str, str]:
    """Of the packages that computed a result, and the device."""
    meta = json.loads(str(arrays["meta"])) if "meta" in arrays else {}
    return {**meta.get("versions", {}), **({"device": meta["device"]} if "device" in meta else {})}


def packed(arrays: Arrays) -> bytes:
    """The entry as an npz that `numpy.load` reads without pickle."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def parquet(frame: pd.DataFrame) -> bytes:
    """The table as Parquet; a column that holds things of several types as text."""
    buffer = io.BytesIO()
    _of_one_type(frame).to_parquet(buffer, index=False)
    return buffer.getvalue()


def _of_one_type(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns by name, each of numbers, flags or texts."""
    found: dict[str, Any] = {}
    for name, column in frame.items():
        mixed = column.dtype == object and len({type(value) for value in column.dropna()}) > 1
        found[str(name)] = column.map(lambda value: None if value is None else str(value)) if mixed else column
    return pd.DataFrame(found)
