"""The queue at work: `python -m benchmarks.queue`, about six minutes; its halves alone: `sweep` and `shares` behind it.

Prints, of a run of the default settings that is asked for while the default sweep is computed on one worker: seconds
until it starts, until its first row and until its end, beside those of the same run alone. Then what users are given
who always want more, one of whom has asked for 500 jobs before the others come, and when a long run beside them ends.
"""

import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from app import rehearsal
from cache import CachedEngine, Job, Store
from cache.batch import Batch
from engine.config import RunConfig
from engine.initialisation.config import SampleConfig
from engine.regimes.config import DEFAULT_MAP
from engine.schema import Config
from pages.run.presets import DEFAULT_VALUES

RUNS = 4
EVERY = 15.0
"""Seconds between two runs behind the sweep."""

GREEDY, OTHERS, SWEEPER, LONG = "greedy", ("ann", "bob"), "sweeper", "long"
ASKED, AT_ONCE = 500, 4
"""Jobs that the greedy one asks for, and that each of the others has in the queue."""

AHEAD, SECONDS = 10.0, 190.0
"""That the greedy one is alone, and for which shares are counted."""

MODEST = {**DEFAULT_VALUES, "network": {**DEFAULT_VALUES["network"], "width": 64}, "store_parameters": False}
LONG_RUN = RunConfig.from_dict(
    {**MODEST, "training": {**DEFAULT_VALUES["training"], "max_steps": 50_000, "stop_residual": None}, "seeds": [0]}
)


def main() -> None:
    measures = {"sweep": behind_a_sweep, "shares": shares}
    for name in sys.argv[1:] or measures:
        with TemporaryDirectory() as folder, CachedEngine(Store(Path(folder) / "cache"), rehearsal()) as engine:
            time.sleep(20.0)  # compiled
            measures[name](engine)


def behind_a_sweep(engine: CachedEngine) -> None:
    row("alone", asked(engine, 100, "me"))
    batch = Batch(engine, "cell", DEFAULT_MAP.groups, "sweeper")
    began, runs = time.monotonic(), 0
    while not batch.done:
        batch.step()
        if runs < RUNS and time.monotonic() - began > EVERY * (runs + 1):
            who = ("me", "sweeper")[runs % 2]
            row(
                f"behind the sweep of {'another' if who == 'me' else 'their own'}", asked(engine, runs, who, batch.step)
            )
            runs += 1
        time.sleep(0.05)
    seconds = time.monotonic() - began
    print(f"the sweep: {len(batch.results)} of {len(batch.groups)} cells in {seconds:.0f} s", flush=True)


def asked(
    engine: CachedEngine, seed: int, who: str, meanwhile: Callable[[], None] = lambda: None
) -> tuple[float, float, float]:
    """Seconds until a run starts, until its first row, and until it has ended."""
    config, began = RunConfig.from_dict({**DEFAULT_VALUES, "seeds": [seed]}), time.monotonic()

    def until(right: Callable[[Job], bool]) -> float:
        while not right(engine.request("run", config, who)):
            meanwhile()
            time.sleep(0.02)
        return time.monotonic() - began

    return until(lambda job: job.state != "queued"), until(lambda job: bool(job.rows)), until(lambda job: job.done)


def row(what: str, seconds: tuple[float, float, float]) -> None:
    print(
        f"a run {what}: starts after {seconds[0]:.2f} s, first row {seconds[1]:.2f} s, end {seconds[2]:.1f} s",
        flush=True,
    )


def shares(engine: CachedEngine) -> None:
    """What four users are given who always want more, and how long the jobs of the modest ones and a long run take."""
    asked = {who: Asked() for who in (GREEDY, *OTHERS, SWEEPER, LONG)}
    numbers = count()

    def ask(who: str) -> None:
        kind, config = job(next(numbers))
        asked[who].flying[engine.request(kind, config, who).key] = time.monotonic()

    for _ in range(ASKED):
        ask(GREEDY)
    time.sleep(AHEAD)
    asked[GREEDY].take_in(engine)
    lead = asked[GREEDY].computed
    sweep = Batch(engine, "cell", DEFAULT_MAP.groups, SWEEPER)
    long_run = engine.request("run", LONG_RUN, LONG).key
    asked[LONG].flying[long_run] = began = time.monotonic()
    while time.monotonic() - began < SECONDS:
        for who in OTHERS:
            while len(asked[who].flying) < AT_ONCE:
                ask(who)
        sweep.step()
        for flying in sweep.flying:
            asked[SWEEPER].flying.setdefault(flying.key, time.monotonic())
        for of in asked.values():
            of.take_in(engine)
        time.sleep(0.1)
    given = {who: asked[who].computed for who in (GREEDY, *OTHERS, SWEEPER)}
    given[GREEDY] -= lead
    fair = sum(given.values()) / len(given)
    each = ", ".join(f"{who} {seconds / fair:.2f}" for who, seconds in given.items())
    print(f"computed, of a fair share of {fair:.0f} s: {each}")
    took, seconds = max(pair for who in OTHERS for pair in asked[who].took)
    print(f"slowest of theirs, {AT_ONCE} asked for at once: ended after {took:.0f} s, {seconds:.1f} s of computing")
    for took, seconds in asked[LONG].took:
        print(f"a long run beside them: ended after {took:.0f} s, {seconds:.0f} s of computing")


def job(number: int) -> tuple[str, Config]:
    """Half a second to a few: a small run, or draws at initialisation."""
    chance = random.Random(number)
    if chance.random() < 0.5:
        return "run", RunConfig.from_dict({**MODEST, "seeds": [number]})
    draws = chance.randrange(200_000, 1_600_000)
    return "initial_sample", SampleConfig.from_dict(
        {"setting": {"widths": [4, 16, 16, 1]}, "draws": draws, "seed": number}
    )


@dataclass
class Asked:
    """What a user has asked for: since when, by key; of what has ended the seconds until then, and of computing."""

    flying: dict[str, float] = field(default_factory=dict)
    took: list[tuple[float, float]] = field(default_factory=list)

    @property
    def computed(self) -> float:
        return sum(seconds for _, seconds in self.took)

    def take_in(self, engine: CachedEngine) -> None:
        """What has ended."""
        for key, since in [*self.flying.items()]:
            now = engine.job(key)
            if now is None or now.done:
                del self.flying[key]
                record = engine.store.index.get(key)
                self.took.append((time.monotonic() - since, record.seconds if record else 0.0))


if __name__ == "__main__":
    main()
