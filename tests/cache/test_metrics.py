"""What a server counts, as Prometheus' own parser reads it."""

import os
import time
from collections.abc import Callable, Iterator

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families
from toy_jobs import ToyConfig

from cache import CachedEngine, Store

Make = Callable[..., ToyConfig]


@pytest.fixture
def counted(engine: CachedEngine) -> Iterator[Callable[[], dict[str, float]]]:
    """What has been added since the test began, by sample and labels."""

    def read() -> dict[str, float]:
        families = text_string_to_metric_families(engine.metrics.text().decode())
        return {f"{s.name}{sorted(s.labels.items())}": s.value for family in families for s in family.samples}

    before = read()
    return lambda: {name: value - before.get(name, 0.0) for name, value in read().items()}


def test_jobs_are_counted_when_they_end(engine: CachedEngine, config: Make, counted: Callable) -> None:
    for number in range(3):
        engine.wait(engine.request("steady", config(number=number, steps=4, pause=0.1), "me"), 60)
    engine.wait(engine.request("refuses", config(), "me"), 60)
    new = counted()
    assert new["kernel_drift_cache_misses_total[]"] == 4
    assert new["kernel_drift_failures_total[('reason', 'config')]"] == 1
    assert new["kernel_drift_failures_total[('reason', 'memory')]"] == 0
    assert new["kernel_drift_computation_seconds_count[('kind', 'steady')]"] == 3
    assert new["kernel_drift_computation_seconds_sum[('kind', 'steady')]"] >= 1.2
    assert new["kernel_drift_computation_seconds_bucket[('kind', 'steady'), ('le', '0.3')]"] == 0
    assert new["kernel_drift_computation_seconds_bucket[('kind', 'steady'), ('le', '+Inf')]"] == 3


def test_looking_again_while_it_runs_is_no_miss(engine: CachedEngine, config: Make, counted: Callable) -> None:
    toy = config(steps=5, pause=0.1)
    job = engine.request("steady", toy, "me")
    while not job.done:
        engine.lookup("steady", toy)
        job = engine.request("steady", toy, "me")
        time.sleep(0.02)
    before = counted()
    assert before["kernel_drift_cache_misses_total[]"] == 1
    for _ in range(3):
        assert engine.lookup("steady", toy) is not None
    after = counted()
    hits = {
        source: after[name] - before[name]
        for source in ("disk", "memory")
        for name in [f"kernel_drift_cache_hits_total[('source', '{source}')]"]
    }
    assert hits["memory"] >= 2
    assert sum(hits.values()) == 3


def test_what_is_true_now(store: Store, config: Make) -> None:
    with_none = CachedEngine(store)
    text = with_none.metrics.text().decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    values = {sample.name: sample.value for family in families.values() for sample in family.samples}
    assert values["kernel_drift_workers"] == 0
    assert {s.labels["state"]: s.value for s in families["kernel_drift_jobs"].samples} == {"queued": 0, "running": 0}
    assert values["kernel_drift_cache_limit_bytes"] == 100_000_000
    here = psutil.Process()
    assert abs(values["kernel_drift_process_resident_memory_bytes"] / here.memory_info().rss - 1) < 0.5
    assert abs(values["kernel_drift_process_open_fds"] - here.num_fds()) < 10
    assert all(name.startswith("kernel_drift_") for name in families)
    assert os.environ["HOME"] not in text
    with_none.close()


def test_a_running_job_is_seen(engine: CachedEngine, config: Make, counted: Callable) -> None:
    job = engine.request("steady", config(steps=20, pause=0.1), "me")
    while job.state == "queued":
        time.sleep(0.02)
        job = engine.request("steady", config(steps=20, pause=0.1), "me")
    assert '\nkernel_drift_jobs{state="running"} 1.0\n' in engine.metrics.text().decode()
    engine.cancel(job.key, "me")
    engine.wait(job, 60)
