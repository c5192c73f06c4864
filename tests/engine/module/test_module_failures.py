"""Modules that raise, print, never return, write files, or are no network with a kernel: a clear word, or no harm."""

import sys
import threading
import time
from pathlib import Path
from textwrap import dedent

import jax
import numpy as np
import pytest

from engine.networks import model
from engine.networks.kinds import of_kind
from engine.networks.module import limits, loading, network
from engine.problems import ConfigError
from engine.progress import Cancelled

X = np.random.default_rng(0).standard_normal((6, 3))
MANY = np.concatenate([*[X] * 3, [[0.5, 1.0, 1.0], [0.7, 1.0, 1.0]]])
TOGETHER = (
    "not finite at one of many", "other of many examples", "a tuple", "a dict", "an axis too many",
)  # fmt: skip
"""Tried on more points than `engine.networks.traced.checks.MOST`."""

PLAIN = """
    import time, sys, threading
    import jax, jax.numpy as jnp
    from flax import linen as nn, nnx
    net = None
    def init(key, x):
        return {"w": jax.random.normal(key, (3, 4)), "v": jnp.ones((4, 1))}

    def apply(params, x):
        return jnp.tanh(x @ params["w"]) @ params["v"]
"""


@pytest.fixture
def tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Tries the network `net` of a module of this text."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(text: str, before: str = PLAIN, waiting=lambda: None, precision: str = "float64", x=X, **arguments):
        (tmp_path / "trial_nets.py").write_text(dedent(before) + dedent(text))
        network = of_kind({"kind": "module", "name": "trial_nets:net", "arguments": arguments})
        return model.tried(network, x, 1, precision, waiting)

    return run


def message(call, *args, **kwargs) -> str:
    with pytest.raises(ConfigError) as error:
        call(*args, **kwargs)
    (problem,) = error.value.problems
    assert problem.field == "network.name"
    assert problem.message.startswith("trial_nets:net ")
    return problem.message.removeprefix("trial_nets:net ")


RAISING = {
    "at import": ("1 / 0", "raised ZeroDivisionError: division by zero (trial_nets.py, line 11)"),
    "when it is called": ("def net(a):\n    raise KeyError(a)", "raised KeyError: 'b' (trial_nets.py, line 12)"),
    "in init": (
        """
        def wrong(key, x):
            return {"w": jnp.zeros(3) @ jnp.zeros(4)}
        net = wrong, apply
        """,
        "raised TypeError: dot_general requires contracting dimensions to have the same shape, got (3,) and (4,)."
        " (trial_nets.py, line 13)",
    ),
    "in apply": (
        """
        def wrong(params, x):
            assert x.ndim == 3, "images are needed"
            return apply(params, x)
        net = init, wrong
        """,
        "raised AssertionError: images are needed (trial_nets.py, line 13)",
    ),
    "leaves": ("sys.exit(3)", "raised SystemExit: 3 (trial_nets.py, line 11)"),
    "leaves as it is applied": (
        "def gone(params, x):\n    sys.exit(3)\nnet = init, gone",
        "raised SystemExit: 3 (trial_nets.py, line 12)",
    ),
    "without a word": ("raise MemoryError", "raised MemoryError (trial_nets.py, line 11)"),
}


@pytest.mark.parametrize("how", RAISING)
def test_one_that_raises(how: str, tried) -> None:
    text, said = RAISING[how]
    assert message(tried, text, **({"a": "b"} if "(a)" in text else {})) == said


def test_one_that_has_a_kernel_and_no_gradient_to_train_by(tried) -> None:
    text = """
        def settled(params, x):
            return jax.lax.while_loop(lambda h: False, lambda h: h / 2, x @ params["w"]) @ params["v"]
        net = init, settled
    """
    assert message(tried, text).startswith("has no gradient to train by: none goes back through jax.lax.while_loop, ")


def test_one_that_raises_after_it_was_tried_is_told_with_its_line(tried) -> None:
    text = "def late(params, x):\n    1 / (x.shape[0] - 5)\n    return apply(params, x)\nnet = init, late"
    tried(text)
    one = of_kind({"kind": "module", "name": "trial_nets:net"})
    params = network.draw(one, jax.random.key(0), 3, 1)
    assert network.apply(one, params, X).shape == (6, 1)
    said = "raised ZeroDivisionError: division by zero (trial_nets.py, line 12)"
    assert message(jax.jit(network.apply, static_argnums=0), one, params, X[:5]) == said


SETTING = {
    "at import": "jax.config.update('jax_default_matmul_precision', 'bfloat16')\nnet = init, apply",
    "when it is called": """
        def net():
            jax.config.update('jax_default_matmul_precision', 'bfloat16')
            return init, apply
    """,
    "as it is applied": """
        def other(params, x):
            jax.config.update('jax_default_matmul_precision', 'bfloat16')
            return apply(params, x)
        net = init, other
    """,
}


@pytest.mark.parametrize("how", SETTING)
def test_one_that_sets_jax_up_otherwise_for_all_that_is_computed_here(how: str, tried) -> None:
    before = dict(jax.config.values)
    said = "sets jax_default_matmul_precision of JAX, which all that is computed here shares: leave that out"
    assert message(tried, SETTING[how]) == said
    assert jax.config.values == before


def test_arguments_that_it_does_not_take(tried) -> None:
    assert message(tried, "def net(a): return init, apply", b=1) == (
        "raised TypeError: net() got an unexpected keyword argument 'b'"
    )
    assert message(tried, "net = init, apply", b=1) == "takes no arguments, for it is not called: leave b out"


NONE = {
    "a number": ("net = 3", "is or gives 3: a flax linen or nnx module, a pair (init, apply), or a function"),
    "a function of nothing like it": ("net = lambda: [1, 2]", "is or gives [1, 2]: a flax linen or nnx module"),
    "drawn already": (
        "def net():\n    return nnx.Linear(3, 1, rngs=nnx.Rngs(0))",
        "gives an nnx network that is drawn already: take its rngs as a parameter of that name",
    ),
    "nothing to train": ("net = (lambda key, x: {}), lambda params, x: x[:, :1]", "has 0 parameters to train"),
    "whole numbers": (
        'net = (lambda key, x: {"n": jnp.arange(3), "w": jnp.ones(3)}), apply',
        "draws n of type int64: draw arrays of real numbers",
    ),
    "two alike": (
        'net = (lambda key, x: {"a/b": jnp.ones(3), "a": {"b": jnp.ones(2)}}), apply',
        "calls two of its arrays alike",
    ),
    "one within another": (
        'net = (lambda key, x: {"a/b": jnp.ones(3), "a": jnp.ones(2)}), apply',
        "calls two of its arrays alike, or one as a group of others: rename one",
    ),
    "as the store calls its own": ('net = (lambda key, x: {"step": jnp.ones(3)}), apply', "calls an array 'step'"),
    "too many outputs": ('net = init, lambda p, x: apply(p, x) * jnp.ones(2)', "gives 2 outputs, and the data have 1"),
    "no row of outputs": ("net = init, lambda p, x: apply(p, x)[:, 0]", "gives outputs of shape (6,)"),
    "of the batch": (
        "class net(nn.Module):\n    @nn.compact\n    def __call__(self, x):\n"
        "        return nn.Dense(1)(x - x.mean(0))",
        "gives an example other outputs beside other examples than alone",
    ),
    "batch normalisation in training": (
        "class net(nn.Module):\n    @nn.compact\n    def __call__(self, x):\n"
        "        return nn.Dense(1)(nn.BatchNorm(use_running_average=False)(x))",
        "raised ModifyScopeVariableError: Cannot update variable",
    ),
    "random": (
        "class net(nnx.Module):\n    def __init__(self, rngs):\n"
        "        self.a, self.b = nnx.Linear(3, 1, rngs=rngs), nnx.Dropout(0.5, rngs=rngs)\n"
        "    def __call__(self, x):\n        return self.a(self.b(x))",
        "gives an example other outputs beside other examples than alone, as batch normalisation does in training, or"
        " dropout by a fixed key",
    ),
    "narrow": (
        "class net(nn.Module):\n    @nn.compact\n    def __call__(self, x):\n"
        "        return nn.Dense(1, dtype=jnp.bfloat16)(x)",
        "rounds to bfloat16 on the way: a float64 kernel would be that of another function",
    ),
    "not finite": ("net = init, lambda p, x: apply(p, x) / 0", "gives outputs that are not finite for 6 of 6 examples"),
    "not finite at one of many": (
        "def net():\n    return init, lambda p, x: apply(p, x) / jnp.where(x[:, :1] == 0.5, 0, 1)",
        "gives outputs that are not finite for 1 of 20 examples",
    ),
    "other of many examples": (
        "net = init, lambda p, x: apply(p, x) * (1 if x.shape[0] < 20 else 2)",
        "gives an example other outputs beside other examples than alone",
    ),
    "sorted": ("net = init, lambda p, x: jnp.sort(apply(p, x), 0)", "gives an example other outputs beside other"),
    "other derivatives": (
        "net = init, lambda p, x: apply(p, x) + (lambda m: m - jax.lax.stop_gradient(m))(apply(p, x).mean(0))",
        "gives an example other derivatives beside other examples than alone",
    ),
    "batch normalisation of nnx": (
        "class net(nnx.Module):\n    def __init__(self, rngs):\n"
        "        self.a, self.b = nnx.Linear(3, 1, rngs=rngs), nnx.BatchNorm(3, rngs=rngs)\n"
        "    def __call__(self, x):\n        return self.a(self.b(x))",
        "gives an example other outputs beside other examples than alone",
    ),
    "dropout by a fixed key": (
        "class Drop(nn.Module):\n    @nn.compact\n    def __call__(self, x):\n"
        "        return nn.Dense(1)(nn.Dropout(0.5, deterministic=False)(x))\n"
        "d, key = Drop(), jax.random.key(0)\n"
        "net = (lambda k, x: d.init({'params': k, 'dropout': k}, x)['params'], "
        "lambda p, x: d.apply({'params': p}, x, rngs={'dropout': key}))",
        "gives an example other outputs beside other examples than alone",
    ),
    "a tuple": ("net = init, lambda p, x: (apply(p, x), p)", "gives a tuple of 2, and no array, for 8 examples"),
    "a dict": ("net = init, lambda p, x: {'y': apply(p, x)}", "gives a dict of ['y'], and no array, for 8 examples"),
    "an axis too many": ("net = init, lambda p, x: apply(p, x)[..., None]", "gives outputs of shape (8, 1, 1) for 8"),
    "Python's if": ("net = init, lambda p, x: apply(p, x) if x[0, 0] > 0 else x", "raised TracerBoolConversionError"),
    "no array to draw": (
        'net = (lambda key, x: {"w": jnp.ones((3, 1)), "n": 3}), lambda p, x: x @ p["w"]',
        "draws n of type int64: draw arrays of real numbers",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", NONE)
def test_what_has_no_kernel_here(what: str, tried) -> None:
    text, said = NONE[what]
    assert message(tried, text, x=MANY if what in TOGETHER else X).startswith(said)


def test_what_a_module_computes_as_it_is_imported_is_its_own(tried) -> None:
    """Not a part of the program of ours that happens to be traced when it is loaded."""
    text = """
    def net():
        return init, lambda p, x: apply(p, x) + SHIFT

    SHIFT = jax.random.normal(jax.random.key(0), (1, 1))
    """
    tried(text)
    shift = float(jax.random.normal(jax.random.key(0), (1, 1))[0, 0])
    there = outputs() - shift
    tried("net = init, apply")
    np.testing.assert_allclose(there, outputs(), rtol=1e-5, atol=1e-6)


def test_what_is_left_out_of_a_tree_does_no_harm(tried) -> None:
    assert tried("net = (lambda key, x: {**init(key, x), 'bias': None}), apply").parameters == 16


def test_what_nothing_depends_on_is_told(tried) -> None:
    found = tried("net = init, lambda p, x: apply({**p, 'w': jax.lax.stop_gradient(p['w'])}, x)")
    assert found.notes == ["the outputs of trial_nets:net do not depend on w: that part of the kernel is zero"]
    assert tried("net = init, apply").notes == []


def test_one_that_prints_and_writes_does_no_harm(tried, tmp_path: Path, capfd) -> None:
    text = """
    print("here I am")
    with open("mine.txt", "w") as file:
        file.write("done")
    def net():
        print("called", file=sys.stderr)
        return init, apply
    """
    assert tried(text).parameters == 16
    assert (tmp_path / "mine.txt").read_text() == "done"
    assert "here I am" in capfd.readouterr().out


ENDLESS = {
    "at import": "while True:\n    pass",
    "in apply": "def net():\n    return init, wait\ndef wait(params, x):\n    while True:\n        time.sleep(0.01)",
    "asleep": "time.sleep(2)\nnet = init, apply",
    "asleep in a library": "threading.Event().wait(2)\nnet = init, apply",
}


@pytest.mark.parametrize("how", ENDLESS)
def test_one_that_never_returns(how: str, tried, monkeypatch) -> None:
    monkeypatch.setenv("KERNEL_DRIFT_MODULE_SECONDS", "0.7")
    said = message(tried, ENDLESS[how])
    assert said == "did not return within 0.7 s (KERNEL_DRIFT_MODULE_SECONDS allows more)"
    until = time.monotonic() + 20
    while limits.stuck() and time.monotonic() < until:
        assert any(thread.name == "module" for thread in threading.enumerate())
        time.sleep(0.1)
    assert not limits.stuck()


def test_one_that_is_called_off_is_left(tried) -> None:
    def waiting() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        tried("time.sleep(3)\nnet = init, apply", waiting=waiting)


@pytest.mark.parametrize("given", ["", "soon", "-1", "0", "nan"])
def test_a_limit_that_is_none(given: str, monkeypatch) -> None:
    monkeypatch.setenv("KERNEL_DRIFT_MODULE_SECONDS", given)
    assert limits.seconds_allowed() == limits.SECONDS


def outputs(name: str = "trial_nets:net") -> np.ndarray:
    network = of_kind({"kind": "module", "name": name})
    return np.asarray(model.heads(network, model.init(network, 0, 3), X))


def test_a_file_that_changes_is_run_as_it_is(tried, tmp_path: Path) -> None:
    tried("def net():\n    return init, lambda p, x: 1 * apply(p, x)")
    first = outputs()
    tried("def net():\n    return init, lambda p, x: 2 * apply(p, x)")  # of the same length, in the same second
    np.testing.assert_allclose(outputs(), 2 * first)


def test_what_the_program_imports_itself_stays(tried, tmp_path: Path) -> None:
    (tmp_path / "trial_nets.py").write_text("mine = 1")
    sys.modules.pop("trial_nets", None)
    import trial_nets  # pyright: ignore[reportMissingImports]

    tried("def net():\n    return init, apply")
    assert sys.modules["trial_nets"] is trial_nets
    assert trial_nets.mine == 1
    del sys.modules["trial_nets"]


def test_a_file_that_changes_while_it_is_read_is_refused(tried, tmp_path: Path, monkeypatch) -> None:
    def late(module: str):
        here = found(module)
        (tmp_path / "trial_nets.py").write_text("net = 4")
        return here

    found = loading.found
    monkeypatch.setattr(loading, "found", late)
    assert "trial_nets.py changed while it was read: ask again" in message(tried, "net = init, apply  # soon another")


def test_a_config_of_other_files_is_refused(tried, tmp_path: Path) -> None:
    (tmp_path / "trial_nets.py").write_text("net = 5")
    network = of_kind({"kind": "module", "name": "trial_nets:net"})
    (tmp_path / "trial_nets.py").write_text("net = 6")
    with pytest.raises(ConfigError, match=r"is here another than the one asked for \(trial_nets\.py is "):
        model.init(network, 0, 3)
