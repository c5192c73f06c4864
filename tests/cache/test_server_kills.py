"""A server that is killed again and again with runs in flight: what it said was finished stays, the rest is offered."""

import random
import time
from pathlib import Path

import pytest
from test_processes import server

from cache import Store

SCRIPT = """
engine = CachedEngine(Store(Path(directory), 100_000_000))
engine.start()
asked = [ToyConfig(number=number, steps=6, pause=0.02, trace=trace) for number in range({first}, {first} + 60)]
flying = []
while asked or flying:
    while asked and len(flying) < 3:
        config = asked.pop(0)
        flying.append((config, engine.request("steady", config, "me")))
    for config, job in list(flying):
        now = engine.request("steady", config, "me")
        if now.state == "finished":
            flying.remove((config, job))
            print(config.number, now.key, flush=True)
    time.sleep(0.01)
engine.close()
"""


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_twenty_kills_with_three_runs_in_flight_lose_nothing(tmp_path: Path) -> None:
    chance, finished = random.Random(0), {}
    for kill in range(20):
        process = server(SCRIPT.replace("{first}", str(1000 * kill)), tmp_path / "cache", tmp_path / "trace")
        assert process.stdout is not None
        for _ in range(chance.randint(1, 6)):
            number, key = process.stdout.readline().split()
            finished[int(number)] = key
        time.sleep(chance.uniform(0, 0.3))
        process.kill()
        for line in process.communicate()[0].splitlines():
            if len(words := line.split()) == 2:
                finished[int(words[0])] = words[1]
    store = Store(tmp_path / "cache", 100_000_000)
    store.reconcile()
    results = {number: store.get(key) for number, key in finished.items()}
    assert [number for number, found in results.items() if found is None or found["squares"][0] != number] == []
    listed = {record.key: record.status for record in store.index.recent()}
    assert [number for number, key in finished.items() if listed.get(key) != "finished"] == []
    assert "unfinished" in listed.values(), "three were in flight at each kill"
    store.close()
