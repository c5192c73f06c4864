"""Results read and written: the table of each, what does not fit it, and the way there and back."""

import json
from typing import Any

import numpy as np
import pytest

from engine.config import RunConfig
from engine.initialisation.result import DriftResult, FirstStepResult, GramResult, SampleResult
from engine.perturbation.result import PerturbationResult, SeedPerturbation, StudyResult
from engine.quantities import QUANTITIES
from engine.regimes.result import CellResult
from engine.result import Field, Named, Result, ResultError, Seed, finite
from engine.rkhs.result import RkhsResult, SeedSpaces
from engine.training.result import RunResult, SeedResult

TABLES = (
    SeedResult, RunResult, SeedPerturbation, PerturbationResult, StudyResult, SeedSpaces, RkhsResult, CellResult,
    SampleResult, GramResult, FirstStepResult, DriftResult,
)  # fmt: skip
T, M = 3, 4
CONFIG = RunConfig.from_dict({"data": {"name": "circle", "size": M}, "seeds": [5, 6]})


class OneSeed(Seed):
    FIELDS = {"loss": Field("T"), "eigenvalues": Field("T M", unit="K"), "probe_f": Field("T", optional=True)}  # noqa: RUF012

    def tables(self):
        yield {"seed": self.facts["seed"], "loss": self["loss"]}


class Whole(Result[RunConfig, OneSeed]):
    CONFIG, SEED = RunConfig, OneSeed
    size = Field("")

    def numbers(self) -> dict[str, Any]:
        return {"loss_end": self.per_seed(lambda seed: seed["loss"][-1])}


def entry() -> dict[str, np.ndarray]:
    """Two seeds, the second of which ends in a loss that is not finite."""
    meta = {"config": CONFIG.to_dict(), "config_hash": CONFIG.hash, "versions": {"jax": "1"}, "device": "a CPU"}
    meta |= {"seeds": [{"seed": 5}, {"seed": 6}]}
    arrays = {"size": np.array(7.0), "meta": np.array(json.dumps(meta))}
    for index, end in enumerate((0.25, np.inf)):
        arrays |= {f"seed{index}/loss": np.array([1.0, 0.5, end]), f"seed{index}/eigenvalues": np.ones((T, M))}
    return arrays


def test_there_and_back_is_the_same_entry() -> None:
    before = entry()
    after = Whole.from_arrays(entry()).to_arrays()
    assert after.keys() == before.keys()
    assert json.loads(str(after.pop("meta"))) == json.loads(str(before.pop("meta")))
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array)


def test_what_a_notebook_prints_is_short() -> None:
    said = "Whole(config {}, 2 seeds, the first OneSeed(loss (3,), eigenvalues ({}, {})), size ())"
    assert repr(Whole.from_arrays(entry())) == said.format(CONFIG.hash, T, M)


def test_what_is_read_is_typed_and_cannot_be_written_to() -> None:
    result = Whole.from_arrays(entry())
    assert result.config == CONFIG
    assert result.size == 7.0
    assert [seed.facts["seed"] for seed in result.seeds] == [5, 6]
    assert "probe_f" not in result.seeds[0]
    with pytest.raises(ValueError, match="read-only"):
        result.seeds[1]["loss"][0] = 0.0


def test_the_summary_holds_config_provenance_and_null_for_what_is_not_finite() -> None:
    summary = Whole.from_arrays(entry()).summary
    assert list(summary) == ["config", "config_hash", "versions", "device", "loss_end"]
    assert summary["config"] == CONFIG.to_dict()
    assert summary["loss_end"] == [0.25, None]
    json.dumps(summary, allow_nan=False)


def test_a_frame_has_the_rows_of_every_seed() -> None:
    frame = Whole.from_arrays(entry()).to_frame()
    assert frame["seed"].tolist() == [5] * T + [6] * T
    assert frame["loss"].tolist() == [1.0, 0.5, 0.25, 1.0, 0.5, np.inf]


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        ("seed1/loss", None, r"OneSeed: loss \(T\) is missing"),
        ("seed0/eigenvalues", np.ones(T), r"OneSeed: eigenvalues is \(3,\), not \(T M\)"),
        ("seed0/probe_f", np.ones((T, 2, 1)), r"OneSeed: probe_f is \(3, 2, 1\), not \(T\)"),
        ("size", None, r"Whole: size \(\) is missing"),
        ("size", np.ones(2), r"Whole: size is \(2,\), not \(\)"),
    ],
)
def test_an_entry_that_does_not_fit_its_table_says_so(name: str, array: np.ndarray | None, said: str) -> None:
    arrays = {own: value for own, value in entry().items() if own != name} | ({} if array is None else {name: array})
    with pytest.raises(ResultError, match=f"{said}: if the table is newer .* in engine/versions.py$") as caught:
        Whole.from_arrays(arrays)
    assert "\n" not in str(caught.value)


def test_nothing_is_written_that_no_table_declares() -> None:
    with pytest.raises(ResultError, match="OneSeed: wrong is not declared"):
        Whole({"size": np.array(1.0)}, CONFIG, {}, (OneSeed({**one(), "wrong": np.ones(1)}, {"seed": 5}),)).to_arrays()


def one() -> dict[str, np.ndarray]:
    return {"loss": np.ones(T), "eigenvalues": np.ones((T, M))}


@pytest.mark.parametrize("table", TABLES)
def test_tables_name_quantities_of_the_glossary(table: type[Named]) -> None:
    for name, field in table.FIELDS.items():
        assert not field.quantity or field.quantity in QUANTITIES, name
        assert all(axis.isidentifier() or axis.isdecimal() for axis in field.shape.split()), name


def test_finite() -> None:
    assert finite(np.float64(0.5)) == 0.5
    assert finite(np.nan) is finite(np.inf) is None
