from collections.abc import Callable

import numpy as np
import pytest
from toy_jobs import ToyConfig

from cache import Store, cached_compute
from engine.progress import Cancelled, Progress
from engine.schema import ConfigError

Make = Callable[..., ToyConfig]


def test_computes_once_then_reads(store: Store, config: Make, computations: Callable[[], int]) -> None:
    seen: list[Progress] = []
    first = cached_compute(store, "steady", config(steps=4), seen.append)
    again = cached_compute(store, "steady", config(steps=4))
    parameters = cached_compute(store, "steady", config(steps=4), entry="parameters")
    np.testing.assert_array_equal(first["squares"], [0, 1, 4, 9])
    np.testing.assert_array_equal(again["squares"], first["squares"])
    assert str(again["note"]) == "naïve"
    assert parameters["big"].shape == (4,)
    assert len(seen) == 4
    assert computations() == 1
    (record,) = store.index.recent()
    assert (record.status, record.entries) == ("finished", ("result", "parameters"))


def test_an_entry_that_the_run_does_not_make_is_named(store: Store, config: Make) -> None:
    with pytest.raises(KeyError, match="keeps no 'spectrum', only 'result', 'parameters'"):
        cached_compute(store, "steady", config(), entry="spectrum")


def test_errors_pass_and_are_noted(store: Store, config: Make) -> None:
    with pytest.raises(ConfigError, match="stability limit"):
        cached_compute(store, "refuses", config())
    (record,) = store.index.recent()
    assert record.status == "failed"
    assert "stability limit" in record.error


def test_cancelled_by_its_report(store: Store, config: Make, computations: Callable[[], int]) -> None:
    def refuse(progress: Progress) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        cached_compute(store, "steady", config(), refuse)
    assert store.index.recent()[0].status == "cancelled"
    cached_compute(store, "steady", config())  # the lease was released
    assert computations() == 2


def test_unknown_kinds_and_foreign_configs(store: Store, config: Make) -> None:
    with pytest.raises(ConfigError, match=r"'stedy' is unknown\. Did you mean 'steady'"):
        cached_compute(store, "stedy", config())

    class Other(ToyConfig.__base__):  # type: ignore[name-defined,misc]
        pass

    with pytest.raises(ConfigError, match="takes a ToyConfig, got a Other"):
        cached_compute(store, "steady", Other())
