"""`import engine as kd`: what a notebook or a script calls."""

import doctest
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import jax
import numpy as np
import pytest

import engine as kd
from cache import Store
from engine import jobs, kernels
from engine.config import RunConfig, TrainingConfig
from engine.data import CircleConfig, contents
from engine.networks import model
from engine.networks.mlp_config import MLPConfig
from engine.regimes import table

ROOT = Path(__file__).parents[2]
CIRCLE = {"name": "circle", "size": 8, "test_size": 16, "frequencies": [1]}
SMALL = {"data": CIRCLE, "network": {"depth": 1, "width": 8}, "training": {"max_steps": 6, "checkpoints": 3}}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("KERNEL_DRIFT_CACHE", str(tmp_path))


def test_examples() -> None:
    found = [doctest.testmod(module) for module in (kd, kernels)]
    assert min(one.attempted for one in found) > 10
    assert not any(one.failed for one in found)


def test_importing_it_imports_no_jax() -> None:
    code = "import sys, engine as kd; kd.run; sys.exit('jax' in sys.modules or 'cache' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_a_run_is_the_one_that_the_pages_find() -> None:
    result = kd.run(**SMALL, seeds=[3])
    store = Store()
    assert store.get(jobs.key("run", RunConfig.from_dict({**SMALL, "seeds": [3]}))) is not None
    store.close()
    assert [seed.seed for seed in result.seeds] == [3]


def test_a_file_is_named_by_its_path_and_known_by_its_bytes(tmp_path) -> None:
    """The same result whatever its folder; afterwards the config alone is enough, for the cache has the bytes."""
    draw, results = np.random.default_rng(1), []
    x, y = draw.normal(size=(40, 2, 2)), draw.normal(size=40)
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        np.savez(path := tmp_path / folder / "points.npz", x=x, y=y)
        data = {"name": "file", "path": str(path), "size": 8, "test_size": 16}
        results.append(kd.run(**(SMALL | {"data": data})))
        path.unlink()
    assert results[0].config.hash == results[1].config.hash
    assert results[0].config.data.shape == (2, 2, 1)
    contents._held.clear()
    again = kd.run(results[0].config, seeds=[4])
    assert again.seeds[0]["t"].size
    with closing(Store()) as store:
        assert store.files.volume() > 0
    with pytest.raises(kd.ConfigError, match=r"nowhere.npz: cannot be read"):
        kd.sweep(base={"data": {"name": "file", "path": "nowhere.npz"}}, grid={"network.width": [8]})


def test_a_run_is_given_as_a_config_or_in_parts() -> None:
    config = RunConfig.from_dict({**SMALL, "seeds": [3]})
    asked = []
    kd.run(config, report=asked.append)
    assert asked
    asked.clear()
    kd.run(**{**SMALL, "network": config.network}, seeds=[3], report=asked.append)
    kd.run(RunConfig.from_dict(SMALL), seeds=[3], report=asked.append)
    assert not asked  # all the same run: computed once


def test_spaces_and_orders() -> None:
    assert kd.spaces(**SMALL, options={"draws": 4, "sizes": [4], "times": 2}).summary["seeds"] == [0]
    with pytest.raises(kd.ConfigError, match=r"options: no such setting|options.draw: no such setting"):
        kd.spaces(**SMALL, options={"draw": 4})
    with pytest.raises(kd.ConfigError, match=r"training.momentum: the expansion is of plain descent"):
        kd.perturb(**{**SMALL, "training": {"momentum": 0.5}})


@pytest.mark.long
def test_a_map() -> None:
    base = {**SMALL, "network": {}}
    found = kd.sweep(base=base, grid={"network.depth": [1, 2], "network.width": [4]}, seeds=[0])
    assert list(found.cells["beta"]) == [0.25, 0.5]
    assert len(found.runs) == 2
    assert not found.failures
    assert list(found.to_frame().columns[:5]) == ["kind", "depth", "width", "beta", "depth_per_width"]
    assert found.to_frame()["measured_beta"].isna().all()
    examples = doctest.testmod(table)
    assert examples.attempted > 5
    assert not examples.failed


def test_kernel_in_float64_and_the_precision_before_comes_back(monkeypatch) -> None:
    """The network and its kernel: sum over parameters of the products of derivatives, by autodiff."""
    jax.config.update("jax_enable_x64", False)
    try:
        params = kd.init({"depth": 2, "width": 8}, seed=1, input_dim=3)
        x = np.random.default_rng(0).normal(size=(4, 3))
        K = kd.ntk(MLPConfig.from_dict({"depth": 2, "width": 8}), params, x)
        rows = kd.ntk({"depth": 2, "width": 8}, params, x, x[:2])
        assert not jax.config.read("jax_enable_x64")
    finally:
        jax.config.update("jax_enable_x64", True)
    assert K.dtype == np.float64
    np.testing.assert_allclose(rows, K[:, :2], rtol=1e-14)
    config = MLPConfig.from_dict({"depth": 2, "width": 8})
    wide = jax.tree.map(lambda leaf: leaf.astype(np.float64), params)
    J = jax.jit(jax.jacobian(lambda p: model.apply(config, p, x)[:, 0]))(wide)
    J = np.concatenate([np.asarray(leaf).reshape(4, -1) for leaf in jax.tree.leaves(J)], axis=1)
    np.testing.assert_allclose(K, J @ J.T, rtol=1e-12)
    np.testing.assert_array_equal(K, model.ntk(config, params, x))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RunConfig(), "data: is missing"),  # type: ignore[call-arg]
        (lambda: MLPConfig(depht=3), "Did you mean 'depth'"),  # type: ignore[call-arg]
        (lambda: TrainingConfig(max_steps=-1), "max_steps: -1 given"),
        (lambda: CircleConfig(size="many"), "size: 'many' given; a whole number is needed"),  # type: ignore[arg-type]
        (lambda: kd.run(data={"name": "circel"}), "Did you mean 'circle'"),
        (lambda: kd.run(data={"name": "circle"}, sedes=[0]), "Did you mean 'seeds'"),
        (lambda: kd.ntk({"depth": 0}, {}, np.eye(2)), "depth: 0 given; at least 1 is needed"),
        (lambda: kd.moments([3, 0, 1]), "every width is at least 1"),
        (lambda: kd.sweep(base=SMALL), "grid: is missing"),
    ],
)
def test_a_bad_argument_gets_our_own_error(make, words) -> None:
    with pytest.raises(kd.ConfigError, match=words):
        make()


N = {"depth": 1, "width": 8}
X = np.eye(3)
NOT_A_TABLE = (None, "text", float("nan"), -1, [], [1], X, object())
NOT_A_COUNT = (None, "text", float("nan"), float("inf"), -1, 0, 1.5, True, [], {}, [1], X, object(), 2**40)
NOT_POINTS = (
    "text", float("nan"), 0, [], {}, [1], np.zeros((0, 3)), np.zeros(3), np.zeros((2, 3, 1)), [["a", "b", "c"]],
    X * 1j, object(), np.full((2, 3), np.nan), np.full((2, 3), np.inf), [[1, 2, 3], [1, 2]], [[None] * 3],
    np.zeros((2, 3), "datetime64[s]"),
)  # fmt: skip


def parameters(input_dim: int = 3, **network) -> model.Params:
    return kd.init({**N, **network}, 0, input_dim)


def filled(value) -> dict:
    return {
        block: {leaf: np.full(a.shape, value) for leaf, a in leaves.items()} for block, leaves in parameters().items()
    }


@pytest.mark.parametrize(
    ("argument", "call", "values"),
    [
        ("network", lambda value: kd.init(value, 0, 3), NOT_A_TABLE),
        ("seed", lambda value: kd.init(N, value, 3), (*NOT_A_COUNT[:5], *NOT_A_COUNT[6:])),
        ("input_dim", lambda value: kd.init(N, 0, value), NOT_A_COUNT),
        ("output_dim", lambda value: kd.init(N, 0, 3, value), NOT_A_COUNT),
        ("network", lambda value: kd.init({"width": 65536}, 0, value), (10**6,)),
        ("network", lambda value: kd.ntk(value, parameters(), X), NOT_A_TABLE),
        ("params", lambda value: kd.ntk(N, value, X), (*NOT_A_TABLE, {}, {"readout": parameters()["readout"]})),
        ("params", lambda value: kd.ntk(N, value, X), (parameters(2), parameters(depth=2), parameters(width=4))),
        ("params", lambda value: kd.ntk(N, {**parameters(), "more": value}, X), (parameters()["readout"], 3)),
        ("params", lambda value: kd.ntk(N, filled(value), X), ("a", 1, 1j)),
        ("x", lambda value: kd.ntk(N, filled(value), X), (float("nan"), float("inf"), 1e200)),
        ("x", lambda value: kd.ntk(N, parameters(), value), (None, *NOT_POINTS, X * 1e300)),
        ("other", lambda value: kd.ntk(N, parameters(), X, value), (*NOT_POINTS, X[:, :2])),
        *(
            case
            for kernel in (kd.infinite_ntk, kd.nngp)
            for case in (
                ("network", lambda value, kernel=kernel: kernel(value, X), NOT_A_TABLE),
                ("x", lambda value, kernel=kernel: kernel(N, value), (None, *NOT_POINTS)),
                ("network: the signal overflows", lambda value, kernel=kernel: kernel(N, value), (X * 1e300,)),
                ("other", lambda value, kernel=kernel: kernel(N, X, value), (*NOT_POINTS, X[:, :2])),
            )
        ),
        ("network", lambda value: kd.operator_spectrum(value, CIRCLE), NOT_A_TABLE),
        ("data", lambda value: kd.operator_spectrum(N, value), NOT_A_TABLE),
        ("degrees", lambda value: kd.operator_spectrum(N, CIRCLE, value), (-2, *NOT_A_COUNT)),
        *(
            case
            for function in (kd.run, kd.perturb, kd.spaces)
            for case in (
                ("config", lambda value, function=function: function(value), (SMALL, {}, *NOT_A_TABLE[1:])),
                ("config", lambda value, function=function: function(value, **SMALL), (SMALL, 0, "text", X)),
                ("report", lambda value, function=function: function(**SMALL, report=value), (None, 3)),
            )
        ),
        ("options", lambda value: kd.perturb(**SMALL, options=value), (*NOT_A_TABLE[1:], 0)),
        ("options", lambda value: kd.spaces(**SMALL, options=value), (*NOT_A_TABLE[1:], 0)),
        ("grid", lambda value: kd.sweep(base=SMALL, grid=value), NOT_A_TABLE),
        ("base", lambda value: kd.sweep(base=value, grid={"network.depth": [1]}), NOT_A_TABLE),
        ("report", lambda value: kd.sweep(base=SMALL, grid={"network.depth": [1]}, report=value), (None, 3)),
        ("widths", lambda value: kd.moments(value), (*NOT_A_TABLE, {}, 3.5, X)),
        ("widths", lambda value: kd.sample(value), (*NOT_A_TABLE, {}, 3.5, X)),
        ("target", lambda value: kd.moments([3, 5, 1], target=value), (None, "text", True, [1], X, {}, np.nan, 1e7)),
        ("draws", lambda value: kd.sample([3, 5, 1], value), NOT_A_COUNT),
        ("seed", lambda value: kd.sample([3, 5, 1], 10, value), (None, "text", -1, 1.5, True, [1], X)),
    ],
)  # fmt: skip
def test_whatever_an_argument_is_it_gets_our_own_error(argument, call, values) -> None:
    for value in values:
        with pytest.raises(kd.ConfigError) as caught:
            call(value)
        assert str(caught.value).startswith(argument), value
        assert "\n" not in str(caught.value)


def test_arguments_of_other_types_that_say_the_same() -> None:
    np.testing.assert_array_equal(
        kd.ntk(N, kd.init(N, np.int64(0), np.int64(3)), X), kd.ntk(N, parameters(), X.tolist())
    )
    np.testing.assert_array_equal(kd.infinite_ntk(N, X.astype(int)), kd.infinite_ntk(N, X))
    assert kd.moments(range(3, 0, -1)) == kd.moments([3, 2, 1])
    config = CircleConfig.from_dict(CIRCLE)
    assert kd.operator_spectrum(MLPConfig.from_dict(N), config, 2).trace == kd.operator_spectrum(N, CIRCLE, 2).trace
