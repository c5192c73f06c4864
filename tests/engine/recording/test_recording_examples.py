"""The worked examples of docs/recordings: each runs, and says what it is there to show."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.recording.config import RecordedSpacesConfig
from engine.recording.job import spaces

EXAMPLES = Path(__file__).parents[3] / "docs" / "recordings"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("KERNEL_DRIFT_CACHE", str(tmp_path))

    def loaded(name: str) -> Any:
        spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return loaded


@pytest.mark.whole
def test_a_convolutional_network_learns_digits(example) -> None:
    result = example("flax_cnn").main(60)
    seed = result.seeds[0]
    assert seed["test_accuracy"][-1] > seed["test_accuracy"][0] + 0.2
    assert seed["drift"][-1] > 1
    assert seed["loss"][-1] < seed["loss"][0]
    found = spaces(RecordedSpacesConfig.of(result.recording))["result"]
    assert np.isfinite(found["seed0/held_out/target_S"]).all()


def test_a_network_of_torch(example) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed: its example does not run")
    result = example("torch_mlp").main(60)
    assert result.seeds[0]["train_error"][-1] < result.seeds[0]["train_error"][0]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_stored_parameters_give_the_run_that_they_are_of(example) -> None:
    module = example("stored_parameters")
    recording, seed = module.main()
    apart = module.differences(recording, seed)
    assert set(apart) == set(module.SAME)
    assert max(apart.values()) < 1e-10, apart
    own, run = module.expansions(recording)
    assert set(own.arrays) == set(run.arrays)
    for name, array in run.arrays.items():
        if name != "eigenvectors":  # those of eigenvalues that rounding cannot tell apart
            np.testing.assert_allclose(own[name], array, atol=1e-9 * np.abs(array).max(), err_msg=name)
    assert own.facts["looked_at"] == 3
    assert own.facts["off"] < 1e-13
    assert own.at_checkpoints("order_0") == pytest.approx(run.at_checkpoints("order_0"), rel=1e-12)
    assert "lazy_error" not in own.facts  # of every step: a recording knows its checkpoints alone
