"""Results made of numbers that are written down here."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from benchmarks.animation import synthetic_result
from engine.config import RunConfig
from engine.training.result import RunResult, SeedResult
from pages.charts.specification import arrow, data_as


@pytest.fixture(autouse=True)
def _tables_of_the_browser() -> Iterator[None]:
    """A chart that is checked has its tables as the browser gets them: their rows as JSON take Altair far longer, and
    only files have them."""
    with data_as(lambda frame: arrow(frame, {})):
        yield


@pytest.fixture(params=["#ffffff", "#171614"], ids=["light", "dark"])
def ground(request: pytest.FixtureRequest) -> str:
    """What a chart is seen on."""
    return request.param


@pytest.fixture
def by_hand() -> Callable[..., RunResult]:
    """A result of seeds given as dicts: `t`, further arrays by name, and `stop_reason`, `rate`."""

    def make(*seeds: dict, **training: object) -> RunResult:
        config = RunConfig.from_dict({"data": {"name": "circle", "size": 4, "test_size": 8}, "training": training})
        found = []
        for number, values in enumerate(seeds):
            arrays = {
                name: np.asarray(value, float) for name, value in values.items() if name not in ("stop_reason", "rate")
            }
            rate, reason = values.get("rate", 0.5), values.get("stop_reason", "residual")
            found.append(
                SeedResult(arrays, number, reason, rate, rate * 4, len(arrays["t"]) - 1, float(arrays["t"][-1]))
            )
        return RunResult({}, config, {"config_hash": "by hand"}, tuple(found))

    return make


@pytest.fixture(scope="session")
def synthetic() -> RunResult:
    """20 checkpoints, 16 points on the circle, three equal seeds."""
    return synthetic_result(20, 16, seeds=(0, 1, 2))
