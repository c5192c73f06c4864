import os
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from toy_jobs import ToyConfig

from cache import CachedEngine, Store
from cache.run_folders import RunFolders
from engine import jobs
from engine.schema import Config, ConfigError

Make = Callable[..., ToyConfig]
Count = Callable[[], int]


def test_config_in_result_out(engine: CachedEngine, config: Make, computations: Count) -> None:
    toy = config(steps=4)
    assert engine.lookup("steady", toy) is None
    job = engine.request("steady", toy, "me")
    assert job.state == "queued"
    job = engine.wait(job, 60)
    assert (job.state, job.fraction, job.error) == ("finished", 1.0, None)
    assert job.key == jobs.key("steady", toy)
    result = engine.lookup("steady", toy)
    assert result is not None
    np.testing.assert_array_equal(result["squares"], [0, 1, 4, 9])
    parameters = engine.lookup("steady", toy, "parameters")
    assert parameters is not None
    assert parameters["big"].shape == (4,)
    assert engine.request("steady", toy, "me").state == "finished"
    assert computations() == 1


def test_rows_and_fraction_grow_while_it_runs(engine: CachedEngine, config: Make) -> None:
    job = engine.request("steady", config(steps=12, pause=0.1), "me")
    lengths, fractions = [], []
    while not job.done:
        lengths.append(len(job.rows))
        fractions.append(job.fraction)
        time.sleep(0.02)
        job = engine.request("steady", config(steps=12, pause=0.1), "me")
    assert job.state == "finished"
    assert len(set(lengths)) > 4
    assert lengths == sorted(lengths)
    assert fractions == sorted(fractions)
    assert [row["step"] for row in job.rows] == list(range(12))
    assert job.rows[1]["loss"] == 0.5
    assert 1.2 <= job.seconds < 3
    device = engine.device()
    assert device is not None
    assert job.device == device.name != ""
    assert device.platform in ("cpu", "gpu")
    assert device.memory > 1e8


def test_the_same_config_from_many_threads_is_computed_once(
    engine: CachedEngine, config: Make, computations: Count
) -> None:
    toy = config(pause=0.1)
    threads = [threading.Thread(target=engine.request, args=("steady", toy, str(i))) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    job = engine.wait(engine.request("steady", toy, "me"), 60)
    assert job.state == "finished"
    assert computations() == 1


def test_a_damaged_result_is_computed_again(engine: CachedEngine, config: Make, computations: Count) -> None:
    toy = config()
    key = engine.wait(engine.request("steady", toy, "me"), 60).key
    RunFolders(engine.store.directory).write(key, "result", [b"kernel-drift-1\nnot what was written"])
    assert engine.lookup("steady", toy) is None
    job = engine.request("steady", toy, "me")
    assert job.state == "queued"
    job = engine.wait(job, 60)
    assert job.state == "finished"
    assert engine.lookup("steady", toy) is not None
    assert computations() == 2


def test_an_evicted_entry_is_computed_again_though_the_result_is_there(
    engine: CachedEngine, config: Make, computations: Count
) -> None:
    toy = config()
    key = engine.wait(engine.request("steady", toy, "me"), 60).key
    RunFolders(engine.store.directory).remove(key, "parameters")
    assert engine.request("steady", toy, "me").state == "finished"
    engine.wait(engine.request("steady", toy, "me", "parameters"), 60)
    assert engine.lookup("steady", toy, "parameters") is not None
    assert computations() == 2


def test_an_entry_the_run_does_not_make(engine: CachedEngine, config: Make, computations: Count) -> None:
    engine.wait(engine.request("steady", config(), "me"), 60)
    job = engine.request("steady", config(), "me", "spectrum")
    assert job.error is not None
    assert job.error.reason == "missing"
    assert "'result', 'parameters'" in job.error.message
    assert computations() == 1


def test_a_result_that_does_not_fit_on_disk_still_arrives(
    engine: CachedEngine,
    config: Make,
    computations: Count,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(engine.store, "size_limit", 100)
    toy = config()
    job = engine.wait(engine.request("steady", toy, "me"), 60)
    assert job.state == "finished"
    assert "more than the whole cache" in caplog.text
    assert not engine.store.has(job.key)
    assert engine.lookup("steady", toy) is not None
    assert engine.lookup("steady", toy, "parameters") is not None
    assert engine.request("steady", toy, "me").state == "finished"
    assert computations() == 1


@pytest.mark.parametrize(
    ("kind", "reason", "words"),
    [
        ("out_of_memory", "memory", "does not fit into memory: use fewer samples, a smaller width"),
        ("out_of_device_memory", "memory", "does not fit into memory: use fewer samples, a smaller width"),
        ("refuses", "config", "0.8 exceeds the stability limit"),
        ("keeps_objects", "error", "'thing' has dtype object"),
    ],
)
def test_errors_are_typed_and_say_what_to_do(
    engine: CachedEngine, config: Make, kind: str, reason: str, words: str
) -> None:
    job = engine.wait(engine.request(kind, config(), "me"), 60)
    assert job.state == "failed"
    assert job.error is not None
    assert job.error.reason == reason
    assert words in job.error.message
    assert "\n" not in job.error.message
    assert engine.request(kind, config(), "me").state == "failed"  # no storm of retries from a page that polls
    assert engine.recent()[0].error == job.error.message


def test_unknown_kind_and_foreign_config_are_refused_at_once(engine: CachedEngine, config: Make) -> None:
    class Other(Config):
        pass

    with pytest.raises(ConfigError, match="unknown"):
        engine.request("nothing", config(), "me")
    with pytest.raises(ConfigError, match="unknown"):
        engine.lookup("nothing", config())
    with pytest.raises(ConfigError, match="takes a ToyConfig"):
        engine.request("steady", Other(), "me")


def test_recent_lists_runs_with_their_states_and_pins(engine: CachedEngine, config: Make) -> None:
    done = engine.wait(engine.request("steady", config(number=1), "me"), 60).key
    engine.ownership.pin(done, "me")
    job = engine.request("steady", config(number=2, steps=100, pause=0.05), "me")
    running = job.key
    while not job.fraction:
        time.sleep(0.02)
        job = engine.request("steady", job.config, "me")
    runs = {run.key: run for run in engine.recent()}
    assert (runs[done].state, runs[done].stored, runs[done].pinned) == ("finished", True, True)
    assert (runs[running].state, runs[running].stored, runs[running].pinned) == ("running", False, False)
    assert 0 < runs[running].fraction < 1
    assert runs[done].label.startswith("number=1")
    assert jobs.parse(runs[done].kind, dict(runs[done].values)) == config(number=1)
    engine.ownership.unpin(done, "me")
    engine.cancel(running, "me")
    engine.wait(job, 60)
    assert next(run for run in engine.recent() if run.key == running).state == "cancelled"
    assert not any(run.pinned for run in engine.recent())


def test_workers_run_with_the_settings_that_jax_needs(engine: CachedEngine, config: Make) -> None:
    toy = config()
    job = engine.wait(engine.request("uses_jax", toy, "me"), 60)
    assert job.rows[0]["total"] == 14.0
    result = engine.lookup("uses_jax", toy)
    assert result is not None
    nice = min(os.nice(0) + 10, 19)
    assert str(result["settings"]) == f"float64 {nice} false 268435456"
    assert list((engine.store.directory / "compiled").iterdir())


@pytest.mark.usefixtures("cold")
def test_after_a_restart_results_are_there_and_unfinished_runs_are_offered(
    store: Store, config: Make, computations: Count
) -> None:
    done, cut = config(number=1), config(number=2, steps=1000, pause=0.05)
    first = CachedEngine(store)
    first.start()
    first.wait(first.request("steady", done, "me"), 60)
    first.request("steady", cut, "me")
    while computations() < 2:
        time.sleep(0.02)
    first.close()
    with CachedEngine(Store(store.directory, store.size_limit)) as second:
        assert second.request("steady", done, "me").state == "finished"
        assert [run.state for run in second.recent()] == ["unfinished", "finished"]
        (offered,) = (run for run in second.recent() if run.state == "unfinished")
        assert jobs.parse(offered.kind, dict(offered.values)) == cut
        job = second.request("steady", cut, "me")
        while not job.rows:
            time.sleep(0.05)
            job = second.request("steady", cut, "me")
        assert job.state == "running"
    assert computations() == 3
