"""The example of docs/modules.md, on the command line; and what goes wrong there, in one line."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import engine as kd
from engine.data import DATASETS, generate
from engine.networks.parameters import flattened

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the example, as somebody copies it."""
    for file in EXAMPLES.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_text(file.read_text())
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("KERNEL_DRIFT_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.whole
def test_the_example_runs(here: Path, engine) -> None:
    config = here / "transformer.yaml"
    config.write_text(config.read_text().replace("max_steps: 400, checkpoints: 24", "max_steps: 3, checkpoints: 2"))
    code, said, wrong = engine("run", str(config), "--out", str(here / "out"))
    assert (code, wrong.strip()) == (0, "")
    assert "beta" not in said
    summary = json.loads((here / "out" / "summary.json").read_text())
    assert summary["config"]["network"]["name"] == "my_nets:Transformer"
    assert list(summary["config"]["network"]["sources"]) == ["my_nets.py"]
    assert summary["parameters"] == 3601
    code, said, _ = engine("show", str(config))
    assert code == 0
    assert "what it takes is known when it runs: a network of one's own" in said


@pytest.mark.whole
def test_its_kernel_is_that_of_its_jacobian(here: Path) -> None:
    from my_nets import Transformer  # pyright: ignore[reportMissingImports]

    network = {"kind": "module", "name": "my_nets:Transformer", "arguments": {"width": 8}}
    data = generate(DATASETS["digits"].from_dict({"size": 6, "test_size": 4}))
    x = jnp.asarray(data.x_train.reshape(-1, 8, 8))
    params = kd.init(network, seed=1, input_dim=(8, 8))
    own = Transformer(width=8).init(jax.random.key(1), np.zeros((1, 8, 8), np.float32))["params"]
    for path, leaf in flattened(own).items():
        np.testing.assert_allclose(flattened(params)[path], leaf, rtol=1e-5, atol=1e-7)
    wide = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), params)
    jacobian = jax.jit(jax.jacrev(lambda p: Transformer(width=8).apply({"params": p}, x)[:, 0]))(wide)
    J = np.concatenate([np.asarray(leaf).reshape(6, -1) for leaf in jax.tree.leaves(jacobian)], axis=1)
    K = kd.ntk(network, params, x)
    np.testing.assert_allclose(K, J @ J.T, rtol=0, atol=1e-12 * np.abs(K).max())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("net = 1 / 0", "network.name: broken:net raised ZeroDivisionError: division by zero (broken.py, line 1)"),
        ("import sys\nnet = sys.exit(5)", "network.name: broken:net raised SystemExit: 5 (broken.py, line 2)"),
        ("other = 1", "network.name: no net in broken.py."),
    ],
)
def test_one_that_fails_is_one_line(text: str, said: str, here: Path, engine) -> None:
    (here / "broken.py").write_text(text)
    (here / "broken.yaml").write_text(
        'data: {name: circle, size: 6, test_size: 6}\nnetwork: {kind: module, name: "broken:net"}\n'
    )
    code, _, wrong = engine("run", str(here / "broken.yaml"), "--out", str(here / "out"))
    assert code == 2
    assert wrong.strip().splitlines()[-1].endswith(said)
