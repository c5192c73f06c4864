"""The queue at work: `python -m benchmarks.queue`, three to six minutes.

Prints, of a run of the default settings that is asked for while the default sweep is computed on one worker: seconds
until it starts, until its first row and until its end, beside those of the same run alone. Then the shares of three
users, of whom one asks for 500 jobs before the others come.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from app import rehearsal
from cache import CachedEngine, Job, Store
from cache.batch import Batch
from engine.config import RunConfig
from engine.initialisation.config import SampleConfig
from engine.regimes.config import DEFAULT_MAP
from pages.run.presets import DEFAULT_VALUES

RUNS = 4
EVERY = 15.0
"""Seconds between two runs behind the sweep."""

GREEDY, OTHERS = "greedy", ("ann", "bob")
ASKED = 500
SECONDS = 90.0
"""For which shares are counted."""


def main() -> None:
    for measure in (behind_a_sweep, shares):
        with TemporaryDirectory() as folder, CachedEngine(Store(Path(folder) / "cache"), rehearsal()) as engine:
            time.sleep(20.0)  # compiled
            measure(engine)


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
    """Computed seconds of each user, from when the others come."""
    setting = {"widths": [4, 16, 16, 1]}
    numbers = iter(range(10**6))

    def ask(who: str) -> tuple[str, Job]:
        config = SampleConfig.from_dict({"setting": setting, "draws": 800_000, "seed": next(numbers)})
        return who, engine.request("initial_sample", config, who)

    flying = [ask(GREEDY) for _ in range(ASKED)]
    time.sleep(10.0)
    flying += [ask(who) for who in OTHERS for _ in range(4)]
    computed, began = defaultdict[str, float](float), time.monotonic()
    while time.monotonic() - began < SECONDS:
        time.sleep(0.1)
        for who, job in [*flying]:
            now = engine.job(job.key)
            if now is not None and now.done:
                flying.remove((who, job))
                computed[who] += now.seconds
                if who in OTHERS:
                    flying.append(ask(who))
    total = sum(computed.values())
    print(f"shares of {total:.0f} s: {', '.join(f'{who} {computed[who] / total:.3f}' for who in (GREEDY, *OTHERS))}")


if __name__ == "__main__":
    main()
